/* SPDX-License-Identifier: MIT */
/*
 * Recordings: GAIT_DEBUG=pacerlog=FILE. The format is <gait/pacerlog.h>.
 *
 * Records go to a writer (writer.h), under locks that only the collector's thread and the
 * recording's own thread take, never a mutator. That thread opens the file, takes a sample every
 * 100 ms and writes every second: a slow disk keeps nobody waiting. What comes while the buffer is
 * full is dropped and counted.
 *
 * A recording ends when its heap is destroyed or the program exits, or when the file can't be made
 * or written: then one line on stderr says so, and the program goes on. It is not carried on by the
 * child of a fork.
 */
#ifndef GAIT_RUNTIME_PACERLOG_H
#define GAIT_RUNTIME_PACERLOG_H

#include "../control/control.h"

struct pacerlog;

/** Start a heap's recording if its options ask for one; the heap's collector runs already. It is
 * one of the heap's recordings (recording.h), and ends with them, while the collector's threads are
 * there. */
void pacerlog_start(gait_heap *heap);

/** In the child of a fork, once: what it records has files of its own. */
void pacerlog_forked(void);

/** Marking is about to begin; it has ended. Nothing unless there is a recording. The collector. */
void pacerlog_begin(gait_heap *heap);
void pacerlog_cycle(gait_heap *heap, const struct cycle_record *record);

#endif
