/* SPDX-License-Identifier: MIT */
/*
 * The trigger: the live bytes at which a cycle starts, so that marking ends as
 * the heap reaches its goal, without assists.
 *
 * Invariant: trigger <= goal.
 */
#include "arith.h"
#include "policy.h"

/* Bounds on the trigger, in 64ths of the way from the marked bytes to the goal. The lower one keeps
 * a program that allocates very fast from marking all the time, with all it allocates born marked
 * (chosen by Go on 48 CPUs, for equal peak RSS); the upper one leaves room to mark in. */
#define TRIGGER_DENOMINATOR 64
#define TRIGGER_MIN_NUMERATOR 45 /* 0.70 */
#define TRIGGER_MAX_NUMERATOR 61 /* 0.95 */

/** Longest time without a cycle: Go's forcegcperiod, proc.go. */
#define TRIGGER_PERIOD_NS (INT64_C(120) * 1000 * 1000 * 1000)

struct gait_pacer_target policy_target(const struct gait_pacer *pacer, struct policy_goal bounds) {
    uint64_t goal = bounds.goal_bytes;
    uint64_t marked = pacer->marked_bytes;
    if (marked >= goal)
        return (struct gait_pacer_target){goal, goal};

    uint64_t step = (goal - marked) / TRIGGER_DENOMINATOR;
    uint64_t min = arith_max_u64(bounds.min_trigger_bytes, marked + step * TRIGGER_MIN_NUMERATOR);
    uint64_t max = marked + step * TRIGGER_MAX_NUMERATOR;
    if (goal > POLICY_HEAP_MINIMUM_BYTES)
        max = arith_max_u64(max, goal - POLICY_HEAP_MINIMUM_BYTES);
    max = arith_max_u64(max, min);

    uint64_t trigger = pacer->runway_bytes > goal ? min : goal - pacer->runway_bytes;
    trigger = arith_min_u64(arith_max_u64(trigger, min), max);
    return (struct gait_pacer_target){arith_min_u64(trigger, goal), goal};
}

struct gait_pacer_target gait_pacer_target(const struct gait_pacer *pacer) {
    return policy_target(pacer, policy_goal(pacer));
}

bool gait_pacer_cycle_due(const struct gait_pacer *pacer) {
    return pacer->live_bytes >= gait_pacer_target(pacer).trigger_bytes;
}

bool gait_pacer_periodic_due(const struct gait_pacer *pacer, int64_t now_ns,
                             int64_t last_cycle_ns) {
    return pacer->gogc_percent >= 0 && last_cycle_ns != 0 &&
           arith_sub_i64(now_ns, last_cycle_ns) > TRIGGER_PERIOD_NS;
}
