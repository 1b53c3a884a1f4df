/* SPDX-License-Identifier: MIT */
/*
 * Counts of cycles and pauses. See figures.h.
 */
#include "figures.h"

void figures_init(struct figures *figures) { lock_init(&figures->lock, LOCK_LOG, "figures"); }

void figures_destroy(struct figures *figures) { lock_destroy(&figures->lock); }

void figures_pause(struct figures *figures, int64_t ns) {
    unsigned bucket = 63u - (unsigned)__builtin_clzll((unsigned long long)ns | 1);
    lock_acquire(&figures->lock);
    figures->pauses++;
    figures->pause_total_ns += (uint64_t)ns;
    if ((uint64_t)ns > figures->pause_max_ns)
        figures->pause_max_ns = (uint64_t)ns;
    figures->pause_histogram[bucket < GAIT_PAUSE_BUCKETS ? bucket : GAIT_PAUSE_BUCKETS - 1]++;
    lock_release(&figures->lock);
}

void figures_cycle(struct figures *figures, const struct cycle_record *record) {
    lock_acquire(&figures->lock);
    figures->cycles++;
    figures->forced_cycles += record->forced;
    figures->minor_cycles += record->minor;
    figures->floor_cycles += record->by_floor;
    figures->limit_cycles += record->by_limit && !record->by_floor;
    figures->last = *record;
    lock_release(&figures->lock);
}
