/* SPDX-License-Identifier: MIT */
/*
 * Traces: GAIT_DEBUG=trace=FILE. What the collector, its helpers and the mutators did (see
 * platform/timeline.h), as JSON that Perfetto and chrome://tracing open: one row a thread, and
 * heap, goal and memory as curves.
 *
 * A trace is the process's: the first heap that asks for one has it, and it ends with that heap.
 * The rest is as with recordings (pacerlog.h).
 */
#ifndef GAIT_TRACE_H
#define GAIT_TRACE_H

#include "../control/control.h"

struct trace;

/** As pacerlog_start and pacerlog_forked. */
void trace_start(gait_heap *heap);
void trace_forked(void);

/** Marking is about to begin, or has ended: tell how large the heap is. The collector. */
void trace_sizes(gait_heap *heap);

#endif
