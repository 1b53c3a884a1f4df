/* SPDX-License-Identifier: MIT */
/*
 * Reading counters from where they are kept. See counters.h.
 */
#include "counters.h"

#include <string.h>

#include "../instance.h"

void counters_memory(const gait_heap *heap, struct memory_counters *counters) {
    const struct space *space = &heap->space;
    int64_t foreign_bytes = foreign_read(&space->foreign);
    *counters = (struct memory_counters){
        .span_bytes = AO_load(&space->used_bytes),
        .free_bytes = AO_load(&space->free_bytes),
        .metadata_bytes = AO_load(&space->metadata_bytes),
        .arena_bytes = AO_load(&space->arena_bytes),
        .offheap_bytes = offheap_read(&space->offheap),
        .foreign_bytes = foreign_bytes > 0 ? (uint64_t)foreign_bytes : 0,
        .released_bytes = AO_load(&space->released_bytes),
        .globals_bytes = roots_bytes(&heap->roots),
    };
    counters->total_bytes = counters->span_bytes + counters->free_bytes + counters->metadata_bytes +
                            counters->arena_bytes + counters->offheap_bytes +
                            counters->foreign_bytes;
    counters->peak_total_bytes = AO_load(&heap->control.peak_total_bytes);
    if (counters->peak_total_bytes < counters->total_bytes)
        counters->peak_total_bytes = counters->total_bytes; /* it is noted at pacing points only */
}

void counters_pacing(const gait_heap *heap, struct pacing_counters *counters) {
    const struct control *control = &heap->control;
    *counters = (struct pacing_counters){
        .live_bytes = control_live_bytes(control),
        .goal_bytes = AO_load(&control->goal_bytes),
        .trigger_bytes = AO_load(&control->trigger_bytes),
        .limit_bytes = AO_load(&control->limit_bytes),
        .freed_bytes = AO_load(&heap->sweeper.freed_bytes),
    };
}

void counters_cpu(const gait_heap *heap, struct cpu_counters *counters) {
    const struct control *control = &heap->control;
    counters->gc_ns = 0;
    for (unsigned i = 0; i < CPU_PURPOSES; i++) {
        counters->purpose_ns[i] = (int64_t)AO_load(&control->cpu_ns[i]);
        counters->gc_ns += counters->purpose_ns[i];
    }
    counters->limiter_ns = (int64_t)AO_load(&control->limiter_ns);
    int64_t process_ns = control_process_cpu_ns(control);
    counters->process_ns = process_ns > 0 ? process_ns : 0;
}

void counters_cycles(gait_heap *heap, struct cycle_counters *counters) {
    struct figures *figures = &heap->cycle.figures;
    lock_acquire(&figures->lock);
    *counters = (struct cycle_counters){
        .cycles = figures->cycles,
        .forced_cycles = figures->forced_cycles,
        .minor_cycles = figures->minor_cycles,
        .floor_cycles = figures->floor_cycles,
        .limit_cycles = figures->limit_cycles,
        .marked_bytes = figures->last.marked_bytes,
        .peak_bytes = figures->last.peak_bytes,
        .reachable_bytes = figures->last.live_bytes,
        .stack_bytes = figures->last.stack_bytes,
        .pauses = figures->pauses,
        .pause_total_ns = figures->pause_total_ns,
        .pause_max_ns = figures->pause_max_ns,
    };
    memcpy(counters->pause_histogram, figures->pause_histogram, sizeof figures->pause_histogram);
    lock_release(&figures->lock);
}
