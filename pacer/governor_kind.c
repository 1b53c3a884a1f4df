/* SPDX-License-Identifier: MIT */
/*
 * Full and minor cycles. A minor one leaves what is marked as it is: it gives back only what died
 * young, and what dies old lies there until the next full one.
 *
 * Invariant: what somebody forces, the clock brings or a limit asks for is full, and so is the
 * first cycle.
 */
#include "arith.h"
#include "governor_parts.h"

enum gait_governor_kind gait_governor_kind(const struct gait_governor *governor, bool forced,
                                           bool periodic) {
    (void)governor, (void)forced, (void)periodic;
    return GAIT_GOVERNOR_FULL;
}

const struct gait_governor_lesson *governor_lesson(const struct gait_governor *governor,
                                                   enum gait_governor_kind kind) {
    const struct gait_governor_lesson *of = governor->learnt.of;
    return &of[of[kind].cycles > 0 ? kind : GAIT_GOVERNOR_FULL];
}

uint64_t governor_scannable(const struct gait_governor *governor, uint64_t scannable_bytes) {
    if (governor->start.kind == GAIT_GOVERNOR_FULL)
        return scannable_bytes;
    /* what is new, and of what was kept no more than what was expected */
    uint64_t kept = arith_min_u64(governor->scannable_bytes, scannable_bytes);
    uint64_t most = arith_add_u64(scannable_bytes - kept, governor->pacer.last_heap_work_bytes);
    return arith_min_u64(most, scannable_bytes);
}

void governor_count_scannable(struct gait_governor *governor, uint64_t kept_work_bytes) {
    uint64_t work = arith_to_u64((double)governor->pacer.work.heap_bytes);
    if (governor->start.kind == GAIT_GOVERNOR_FULL)
        governor->scannable_bytes = work;
    else
        governor->scannable_bytes =
            arith_add_u64(governor->scannable_bytes, work - arith_min_u64(work, kept_work_bytes));
}
