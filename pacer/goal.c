/* SPDX-License-Identifier: MIT */
/*
 * The heap goal: how large the heap may be when marking ends.
 *
 * Two goals compete. GOGC's follows the marked bytes and is computed once, by
 * commit. The memory limit's follows what the heap holds now, and is computed
 * at every question, since non-heap memory changes while the program runs. The
 * lower one counts.
 *
 * Gait adds two bounds from below: a least heap to GOGC's goal, and to the limit's
 * the goal of a floor of GOGC. Both are 0 in Go's policy.
 *
 * Invariants: the goal is never below the marked bytes through the limit; the
 * least trigger never above the goal.
 */
#include "arith.h"
#include "policy.h"

/** Distance from the trigger under which assists would explode. */
#define GOAL_MIN_RUNWAY_BYTES (UINT64_C(64) << 10)

/** What the limit-based goal leaves for inaccuracy, and so that allocation seldom releases. */
#define GOAL_HEADROOM_PERCENT 3
#define GOAL_HEADROOM_MIN_BYTES (UINT64_C(1) << 20)

uint64_t gait_pacer_heap_minimum(const struct gait_pacer *pacer) {
    if (pacer->gogc_percent < 0)
        return 0;
    return arith_percent_u64(pacer->heap_minimum_bytes, (uint32_t)pacer->gogc_percent);
}

static uint64_t goal_of_percent(const struct gait_pacer *pacer, int32_t percent) {
    uint64_t work = arith_add_u64(pacer->marked_bytes, pacer->last_stack_work_bytes);
    work = arith_add_u64(work, pacer->globals_bytes);
    uint64_t growth = arith_percent_u64(work, (uint32_t)percent);
    uint64_t goal = arith_add_u64(pacer->marked_bytes, growth);
    uint64_t least = arith_percent_u64(pacer->heap_minimum_bytes, (uint32_t)percent);
    return arith_max_u64(goal, least);
}

static uint64_t goal_of_gogc(const struct gait_pacer *pacer) {
    if (pacer->gogc_percent < 0)
        return GAIT_PACER_NONE;
    return arith_max_u64(goal_of_percent(pacer, pacer->gogc_percent), pacer->min_heap_bytes);
}

void gait_pacer_commit(struct gait_pacer *pacer, bool sweep_done) {
    pacer->sweep_min_trigger_bytes =
        sweep_done ? 0 : arith_add_u64(pacer->live_bytes, POLICY_SWEEP_ROOM_BYTES);
    pacer->gogc_goal_bytes = goal_of_gogc(pacer);
    pacer->floor_goal_bytes =
        pacer->gogc_floor_percent > 0 ? goal_of_percent(pacer, pacer->gogc_floor_percent) : 0;

    /* cons/mark compares rates per CPU: weigh it by the CPUs that each side has. */
    uint64_t work = arith_add_u64(pacer->last_heap_work_bytes, pacer->last_stack_work_bytes);
    work = arith_add_u64(work, pacer->globals_bytes);
    double bytes_per_work =
        pacer->cons_mark * (1 - POLICY_BACKGROUND_SHARE) / POLICY_BACKGROUND_SHARE;
    pacer->runway_bytes = arith_to_u64(bytes_per_work * (double)work);
}

uint64_t policy_limit_goal(const struct gait_pacer *pacer, uint64_t less_bytes) {
    const struct gait_pacer_memory *memory = &pacer->memory;
    uint64_t limit = (uint64_t)pacer->memory_limit_bytes;

    uint64_t heap = arith_add_u64(memory->free_bytes, memory->allocated_bytes);
    uint64_t non_heap = heap < memory->mapped_bytes ? memory->mapped_bytes - heap : 0;
    uint64_t taken = arith_add_u64(non_heap, less_bytes);
    if (taken >= limit)
        return pacer->marked_bytes; /* collect all the time; the limiter sees to progress */

    uint64_t goal = limit - taken;
    uint64_t headroom = arith_max_u64(goal / 100 * GOAL_HEADROOM_PERCENT, GOAL_HEADROOM_MIN_BYTES);
    goal = goal < 2 * headroom ? headroom : goal - headroom;
    return arith_max_u64(goal, pacer->marked_bytes);
}

uint64_t gait_pacer_limit_goal(const struct gait_pacer *pacer) {
    return policy_limit_goal(pacer, policy_overage(pacer));
}

struct policy_goal policy_goal_with(const struct gait_pacer *pacer, uint64_t limit_goal) {
    uint64_t goal = pacer->gogc_goal_bytes;
    if (policy_floor_rules(pacer, limit_goal))
        goal = arith_min_u64(goal, pacer->floor_goal_bytes); /* as GOGC's, from here on */
    else if (limit_goal < goal)
        return (struct policy_goal){.goal_bytes = limit_goal}; /* pushed out by nothing */

    goal = arith_max_u64(goal, pacer->sweep_min_trigger_bytes);
    if (pacer->triggered_bytes != GAIT_PACER_NONE)
        goal = arith_max_u64(goal, arith_add_u64(pacer->triggered_bytes, GOAL_MIN_RUNWAY_BYTES));
    return (struct policy_goal){goal, pacer->sweep_min_trigger_bytes};
}

struct policy_goal policy_goal(const struct gait_pacer *pacer) {
    return policy_goal_with(pacer, gait_pacer_limit_goal(pacer));
}

uint64_t gait_pacer_goal(const struct gait_pacer *pacer) { return policy_goal(pacer).goal_bytes; }
