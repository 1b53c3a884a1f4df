/* SPDX-License-Identifier: MIT */
/*
 * Holding marking back: Gait's own, beside Go's policy. Go marks with whatever
 * idle CPU there is and lets a cycle end where it ends, often 5 to 15 % short
 * of its goal, since the runway is that of the worst of five cycles.
 */
#include "policy.h"

/** How far marking stays ahead of allocation, as a share of its work: to be early. Guess. */
#define HOLD_LEAD 0.02

/** Assists live on what the background did ahead: so much is left to them, bytes scanned. Without
 * it mutators would mark in the background's place. */
#define HOLD_CREDIT_BYTES 65536.0

/** Longest wait without another look: some 1 % of a long cycle. Guess. */
#define HOLD_MOST_NS 4000000.0

int64_t gait_pacer_hold_ns(const struct gait_pacer_lead *lead) {
    if (lead->expected_bytes == 0 || lead->done_bytes >= lead->expected_bytes ||
        lead->live_bytes >= lead->goal_bytes || lead->live_bytes < lead->start_bytes)
        return 0;
    double expected = (double)lead->expected_bytes;
    if ((double)lead->credit_bytes < HOLD_CREDIT_BYTES + HOLD_LEAD * expected)
        return 0;
    double start = (double)lead->start_bytes, live = (double)lead->live_bytes;
    double progress = (double)lead->done_bytes / expected - HOLD_LEAD;
    double due = start + progress * ((double)lead->goal_bytes - start);
    if (!(live < due) || !(lead->alloc_bytes_per_ns > 0))
        return 0;
    double wait_ns = (due - live) / lead->alloc_bytes_per_ns;
    return (int64_t)(wait_ns < HOLD_MOST_NS ? wait_ns : HOLD_MOST_NS);
}
