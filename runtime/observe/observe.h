/* SPDX-License-Identifier: MIT */
/*
 * What a heap prints about its cycles: gctrace and gcpacertrace, in the format that Go documents.
 *
 * Lines go to a buffer; a thread of the log's own writes them, past the stream's buffer (writer.h).
 * So nobody waits for a log: while it takes nothing, lines that find no room are dropped, and a
 * line says how many when there is room again. A log that can't be written is no error. Heaps that
 * print nothing have neither buffer nor thread.
 *
 * Lines are added by the collector's thread, or while it is not there.
 */
#ifndef GAIT_OBSERVE_H
#define GAIT_OBSERVE_H

#include "../control/control.h"
#include "line.h"

/** Start a heap's log if its options have it print. @return negative: no memory or thread. */
int observe_start(gait_heap *heap);

/** Write what is left, but not to a log that nobody reads, and end. The collector has ended. */
void observe_end(gait_heap *heap);

/** Add a line to the log; the line is empty then. */
void observe_line(gait_heap *heap, struct line *line);

/** Before a report that line_write writes at once: write what was added before, as in observe_end.
 */
void observe_flush(gait_heap *heap);

/** Around fork, with the list of heaps locked; in the child, in place of letting go: what the log
 * holds is the parent's. */
void observe_hold(gait_heap *heap);
void observe_let_go(gait_heap *heap);
void observe_lost(gait_heap *heap);

/** An arena was leaked, and is ended by the collector (option arenaleaks). heap: a gait_heap. */
struct arena;
void observe_leaked(void *heap, const struct arena *arena);

/** A heap begins: have the arenas that were not freed told of (likewise) if the process ends before
 * it. */
void observe_leaks(gait_heap *heap);

/** It ends: tell of them now. */
void observe_unfreed(gait_heap *heap);

/** Marking is about to begin: control_begin has filled its part of the record. */
void observe_begin(gait_heap *heap, const struct cycle_record *record);

/** Marking has ended and the world runs again: the record is complete. */
void observe_cycle(gait_heap *heap, const struct cycle_record *record);

/** The sweeping that follows the cycle has ended. */
void observe_swept(gait_heap *heap, const struct cycle_record *record);

#endif
