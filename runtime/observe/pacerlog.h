/* SPDX-License-Identifier: MIT */
/*
 * Recordings: GAIT_DEBUG=pacerlog=FILE. The format is <gait/pacerlog.h>.
 *
 * Records go to a buffer, under a lock that only the collector's thread and the recording's own
 * thread take, never a mutator. The recording's thread takes a sample every 100 ms and writes the
 * buffer to the file every second, without the lock: a slow disk keeps nobody waiting. What comes
 * while the buffer is full is dropped and counted. The file is unbuffered, so that the child of a
 * fork, which drops the recording, has nothing left to write.
 *
 * A recording ends when its heap is destroyed or the program exits, or when the file can't be
 * written: then one line on stderr says so, and the program goes on. It is not carried on by the
 * child of a fork.
 */
#ifndef GAIT_RUNTIME_PACERLOG_H
#define GAIT_RUNTIME_PACERLOG_H

#include "../control.h"

struct pacerlog;

/** Start a heap's recording if its options ask for one; the heap's collector runs already. */
void pacerlog_start(gait_heap *heap);

/** End it, with a last sample. The collector's threads are there. */
void pacerlog_end(gait_heap *heap);

/** Forget it. They have ended. */
void pacerlog_free(gait_heap *heap);

/** In the child of a fork: forget the parent's recordings. Once, and per heap. */
void pacerlog_lost_all(void);
void pacerlog_lost(gait_heap *heap);

/** Marking is about to begin; it has ended. Nothing unless there is a recording. The collector. */
void pacerlog_begin(gait_heap *heap);
void pacerlog_cycle(gait_heap *heap, const struct cycle_record *record);

#endif
