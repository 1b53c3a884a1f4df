/* SPDX-License-Identifier: MIT */
/*
 * At the memory limit: Gait's own, beside Go's limit goal (goal.c). The reasons
 * are in docs/design/control.md.
 */
#include "arith.h"
#include "policy.h"

/** The limit, or the goal, stops mutators only where the last cycle left a sixteenth of what it
 * marked below it. With less a cycle would give back too little to wait for. Guess. */
#define LIMIT_ROOM_DIVISOR 16

/** A cycle that begins for want of pages gives back this part of the way to the limit at least.
 * Less is passed, and the cycles stay this many to a heap. Guess. */
#define LIMIT_RELIEF_DIVISOR 16

/** Part of the spans that must have been taken since the sweep, to say that the rest is of no use;
 * and how fast a share that was low is forgotten. Guesses. */
#define LIMIT_FRESH_DIVISOR 64
#define LIMIT_FILL_GAIN 0.25

/** How much of the way from the marked bytes to a limit's goal is left as a late cycle begins: as
 * much as the trigger leaves at least, one in so many. */
#define LIMIT_LATE_DIVISOR 20

/* What is above the limit takes no more than this part of the room that the limit leaves to the
 * heap. Guess. */
#define LIMIT_OVERAGE_DIVISOR 2

/* The limit's goal: above the limit, not for that reason at what is marked. */
static uint64_t own_limit_goal(const struct gait_pacer *pacer) {
    uint64_t goal = gait_pacer_limit_goal(pacer), overage = policy_overage(pacer);
    if (overage == 0)
        return goal;
    uint64_t room = policy_limit_goal(pacer, 0) - pacer->marked_bytes;
    uint64_t less = arith_min_u64(overage, room / LIMIT_OVERAGE_DIVISOR);
    return arith_max_u64(goal, pacer->marked_bytes + room - less);
}

struct policy_goal policy_own_goal(const struct gait_pacer *pacer) {
    return policy_goal_with(pacer, own_limit_goal(pacer));
}

bool gait_pacer_floor_rules(const struct gait_pacer *pacer) {
    return policy_floor_rules(pacer, own_limit_goal(pacer));
}

struct gait_pacer_target gait_pacer_target_at_limit(const struct gait_pacer *pacer) {
    struct gait_pacer_target target = policy_target(pacer, policy_own_goal(pacer));
    bool by_limit =
        own_limit_goal(pacer) < pacer->gogc_goal_bytes && !gait_pacer_floor_rules(pacer);
    if (!by_limit || target.goal_bytes <= pacer->marked_bytes)
        return target;
    uint64_t way = target.goal_bytes - pacer->marked_bytes;
    if (pacer->runway_bytes >= way)
        target.trigger_bytes =
            arith_max_u64(target.trigger_bytes, target.goal_bytes - way / LIMIT_LATE_DIVISOR);
    return target;
}

static uint64_t within_reach(const struct gait_pacer *pacer, uint64_t bytes) {
    uint64_t foreign = pacer->foreign_marked_bytes;
    uint64_t marked =
        pacer->marked_bytes - foreign + arith_min_u64(foreign, pacer->foreign_kept_bytes);
    return bytes > arith_add_u64(marked, marked / LIMIT_ROOM_DIVISOR) ? bytes : GAIT_PACER_NONE;
}

static uint64_t relief(const struct gait_pacer *pacer) {
    uint64_t limit = (uint64_t)pacer->memory_limit_bytes, marked = pacer->marked_bytes;
    if (limit <= marked)
        return GAIT_PACER_NONE;
    uint64_t overage = policy_overage(pacer);
    uint64_t worth = (limit - marked) / LIMIT_RELIEF_DIVISOR;
    uint64_t relief = marked + arith_max_u64(worth - arith_min_u64(overage, worth), worth / 2);
    return arith_max_u64(relief, pacer->floor_goal_bytes);
}

struct gait_pacer_bounds gait_pacer_bounds(const struct gait_pacer *pacer) {
    uint64_t goal = within_reach(pacer, policy_own_goal(pacer).goal_bytes);
    if (gait_pacer_floor_rules(pacer))
        return (struct gait_pacer_bounds){goal, GAIT_PACER_NONE, GAIT_PACER_NONE};
    return (struct gait_pacer_bounds){
        .goal_bytes = goal,
        .limit_bytes = within_reach(pacer, own_limit_goal(pacer)),
        .relief_bytes = relief(pacer),
    };
}

double gait_pacer_fill(double fill, uint64_t live_bytes, uint64_t in_use_bytes,
                       uint64_t fresh_bytes) {
    double seen = live_bytes < in_use_bytes ? (double)live_bytes / (double)in_use_bytes : 1;
    if (fresh_bytes > in_use_bytes / LIMIT_FRESH_DIVISOR)
        return seen;
    double known = fill > 0 ? (fill < 1 ? fill : 1) : 0;
    known += (1 - known) * LIMIT_FILL_GAIN;
    return seen > known ? seen : known;
}
