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

/** How much of the way from the marked bytes to a limit's goal is left as a late cycle begins: as
 * much as the trigger leaves at least, one in so many. */
#define LIMIT_LATE_DIVISOR 20

struct gait_pacer_target gait_pacer_target_at_limit(const struct gait_pacer *pacer) {
    struct gait_pacer_target target = gait_pacer_target(pacer);
    bool by_limit = gait_pacer_limit_goal(pacer) < pacer->gogc_goal_bytes;
    if (!by_limit || target.goal_bytes <= pacer->marked_bytes)
        return target;
    uint64_t way = target.goal_bytes - pacer->marked_bytes;
    if (pacer->runway_bytes >= way)
        target.trigger_bytes =
            arith_max_u64(target.trigger_bytes, target.goal_bytes - way / LIMIT_LATE_DIVISOR);
    return target;
}

static uint64_t within_reach(const struct gait_pacer *pacer, uint64_t bytes) {
    uint64_t marked = pacer->marked_bytes;
    return bytes > arith_add_u64(marked, marked / LIMIT_ROOM_DIVISOR) ? bytes : GAIT_PACER_NONE;
}

struct gait_pacer_bounds gait_pacer_bounds(const struct gait_pacer *pacer) {
    return (struct gait_pacer_bounds){
        .goal_bytes = within_reach(pacer, gait_pacer_goal(pacer)),
        .limit_bytes = within_reach(pacer, gait_pacer_limit_goal(pacer)),
    };
}
