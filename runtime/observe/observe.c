/* SPDX-License-Identifier: MIT */
/*
 * Which part hears of what. See observe.h.
 */
#include "observe.h"

#include "arena_leaks.h"
#include "arenalog.h"
#include "dump.h"
#include "gctrace.h"
#include "heap_log.h"
#include "pacerlog.h"
#include "recording.h"
#include "served.h"
#include "trace.h"

/* ---- A heap's life ---- */

int observe_start(gait_heap *heap) { return heap_log_start(heap); }

void observe_runs(gait_heap *heap) {
    pacerlog_start(heap);
    arenalog_start(heap);
    arena_leaks_start(heap);
    trace_start(heap);
    dumps_start(heap);
    served_start(heap);
}

void observe_closes(gait_heap *heap) { served_end(heap); }

void observe_stops(gait_heap *heap) {
    dumps_end(heap);
    recordings_end(heap);
}

void observe_end(gait_heap *heap) {
    recordings_free(heap);
    trace_end(heap);
    dumps_free(heap);
    arena_leaks_end(heap);
    heap_log_end(heap);
}

/* ---- A cycle ---- */

void observe_begin(gait_heap *heap, const struct cycle_record *record) {
    gctrace_begin(heap, record);
    pacerlog_begin(heap);
    arenalog_begin(heap, record);
    dumps_go_on(heap);
    trace_sizes(heap);
}

void observe_cycle(gait_heap *heap, const struct cycle_record *record) {
    gctrace_cycle(heap, record);
    pacerlog_cycle(heap, record);
    arenalog_cycle(heap, record);
    trace_sizes(heap);
}

void observe_swept(gait_heap *heap, const struct cycle_record *record) {
    gctrace_swept(heap, record);
}

void observe_unwatched(gait_heap *heap) { gctrace_unwatched(heap); }

void observe_silent(gait_heap *heap, const char *phase, const gait_mutator *mutator,
                    int64_t silent_ns) {
    gctrace_silent(heap, phase, mutator, silent_ns);
}

/* ---- Reports ---- */

void observe_line(gait_heap *heap, struct line *line) { heap_log_line(heap, line); }

void observe_flush(gait_heap *heap) { heap_log_flush(heap); }

/* ---- Fork ---- */

void observe_hold_process(void) { trace_hold(); }

void observe_let_go_process(void) { trace_let_go(); }

void observe_hold(gait_heap *heap) {
    heap_log_hold(heap);
    recordings_hold(heap);
}

void observe_let_go(gait_heap *heap) {
    recordings_let_go(heap);
    heap_log_let_go(heap);
}

void observe_forked(void) {
    pacerlog_forked();
    arenalog_forked();
    trace_forked();
    dumps_forked();
}

void observe_lost(gait_heap *heap) {
    recordings_lost(heap);
    trace_lost(heap);
    dumps_lost(heap);
    served_lost(heap);
    heap_log_lost(heap);
}
