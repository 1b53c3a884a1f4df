/* SPDX-License-Identifier: MIT */
/*
 * How much was allocated: sums that hear of each mutator in steps. A locked instruction for each
 * hole in a span was a quarter of what a mutator took (`bench-gait churn mib=200 threads=1
 * work_ns=0`): it waits for all that was zeroed to leave the CPU.
 *
 *   .inv.lag: the sums lag by less than a step for each mutator that runs, and by nothing for all
 *   others: it is counted before its mutator is not RUNNING any more, before what it gives back is
 *   taken off, and as marking ends.
 *   .inv.uncounted: live_bytes never falls below 0. What is taken off it need not have been added:
 *   what runs have left as marking ends is not counted as live, and objects that are made of it may
 *   be freed. So whoever takes off ends at 0.
 */
#ifndef GAIT_TALLY_H
#define GAIT_TALLY_H

#include "../platform/atomic.h"

/* Figures: unordered. */
struct tally {
    AO_t live_bytes; /* marked by the last cycle and allocated since, of the heap itself;
                        .inv.uncounted */
    /* allocated since the heap was created, less what was given back unused: */
    AO_t scannable_bytes; /* in kinds with references */
    AO_t leaf_bytes;      /* in the others */
};

/* What a mutator was handed and the sums have not heard of: its own. */
struct tally_rest {
    size_t scannable_bytes;
    size_t leaf_bytes;
};

static inline void tally_count(struct tally *tally, struct tally_rest *rest) {
    size_t bytes = rest->scannable_bytes + rest->leaf_bytes;
    if (bytes == 0)
        return;
    counter_add(&tally->live_bytes, bytes);
    if (rest->scannable_bytes > 0)
        counter_add(&tally->scannable_bytes, rest->scannable_bytes);
    if (rest->leaf_bytes > 0)
        counter_add(&tally->leaf_bytes, rest->leaf_bytes);
    *rest = (struct tally_rest){0};
}

/** Allocated since the heap was created, bytes. */
static inline size_t tally_allocated(const struct tally *tally) {
    return AO_load(&tally->scannable_bytes) + AO_load(&tally->leaf_bytes);
}

#endif
