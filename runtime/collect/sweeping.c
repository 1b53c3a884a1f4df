/* SPDX-License-Identifier: MIT */
/*
 * Bursts of sweeping, with naps where CPUs are busy. See sweeping.h.
 */
#include "sweeping.h"

#include "../instance.h"
#include "../platform/timeline.h"

void sweeping_finish(gait_heap *heap) {
    struct sweeper *sweeper = &heap->sweeper;
    for (bool more = true; more && !workers_are_ending(&heap->workers);) {
        struct gait_governor_pace pace = control_sweep_pace(&heap->control, workers_have_cpu(heap));
        int64_t begin_ns = platform_now_ns(), begin_cpu_ns = platform_thread_cpu_ns();
        while ((more = sweep_step(sweeper)) && platform_now_ns() - begin_ns < pace.burst_ns)
            ;
        int64_t spent_ns = platform_thread_cpu_ns() - begin_cpu_ns;
        TIMELINE_END(sweep, heap->space.heap_number, begin_ns, spent_ns);
        control_add_cpu(&heap->control, CPU_SWEEP, spent_ns);
        int64_t nap_ns = control_nap_ns(&pace, spent_ns);
        if (more && nap_ns > 0)
            timeline_nap(heap->space.heap_number, nap_ns);
    }
    sweep_finish(sweeper);
    size_t due = control_return_due(&heap->control, 0);
    if (due > 0)
        scavenger_give_back(heap, due);
    control_swept(&heap->control);
}
