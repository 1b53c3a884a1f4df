/* SPDX-License-Identifier: MIT */
/*
 * Traces: GAIT_DEBUG=trace=FILE. What the collector, its helpers and the mutators did (see
 * platform/timeline.h), as JSON that Perfetto and chrome://tracing open: a process for each heap,
 * in it one row a thread, and heap, goal and memory as curves.
 *
 * A trace is the process's: it begins with the first heap that asks for one, and has all that ask
 * for one while it is written, whenever they are created or destroyed. It ends with the last of
 * them, or as the program exits. A heap that asks after that begins another file.
 */
#ifndef GAIT_TRACE_H
#define GAIT_TRACE_H

#include "../control/control.h"

struct traced;

/** A heap begins, and ends: the collector runs, or its threads have ended. No lock is held. */
void trace_start(gait_heap *heap);
void trace_end(gait_heap *heap);

/** Around fork, once for the process; locks of rank LOG may be held, none above. In the child, in
 * place of letting go, and before trace_lost for each heap: nothing is traced. */
void trace_hold(void);
void trace_let_go(void);
void trace_forked(void);
void trace_lost(gait_heap *heap);

/** Marking is about to begin, or has ended: tell how large the heap is. The collector. */
void trace_sizes(gait_heap *heap);

#endif
