/* SPDX-License-Identifier: MIT */
/*
 * What the pacer's files share: constants of the policy, and the goal with the
 * trigger bound that comes with it. Values without a source of their own are
 * Go's (src/runtime/mgcpacer.go), which found them by experience.
 */
#ifndef PACER_POLICY_H
#define PACER_POLICY_H

#include "gait/pacer.h"

/** Share of the CPUs that marks in the background; assists come on top. */
#define POLICY_BACKGROUND_SHARE 0.25

/** Least GOGC goal at GOGC=100; also the most room that a large heap leaves above its trigger. */
#define POLICY_HEAP_MINIMUM_BYTES (UINT64_C(4) << 20)

/** The scavenger's shortest stretch of work: a sleep after less would be too short to be exact. */
#define POLICY_SCAVENGE_WORK_NS INT64_C(1000000)

/** Room that a sweep in progress needs: Go's sweepMinHeapDistance, mgcsweep.go. */
#define POLICY_SWEEP_ROOM_BYTES (UINT64_C(1) << 20)

/** A goal and the least trigger under it. */
struct policy_goal {
    uint64_t goal_bytes;
    uint64_t min_trigger_bytes; /* at most goal_bytes */
};

/** The goal as gait_pacer_goal documents it. Defined in goal.c. */
struct policy_goal policy_goal(const struct gait_pacer *pacer);

/** The same where the limit's goal is this one. */
struct policy_goal policy_goal_with(const struct gait_pacer *pacer, uint64_t limit_goal_bytes);

/** The same where what is above the limit takes half of the heap's room at most. Defined in
 * limit.c. */
struct policy_goal policy_own_goal(const struct gait_pacer *pacer);

/** Is the floor's goal above this goal of the limit's, where the limit gives the goal? */
static inline bool policy_floor_rules(const struct gait_pacer *pacer, uint64_t limit_goal_bytes) {
    return limit_goal_bytes < pacer->floor_goal_bytes && limit_goal_bytes < pacer->gogc_goal_bytes;
}

/** The limit's goal with so much less than the limit to share. Defined in goal.c. */
uint64_t policy_limit_goal(const struct gait_pacer *pacer, uint64_t less_bytes);

/** gait_pacer_target under a goal. Defined in trigger.c. */
struct gait_pacer_target policy_target(const struct gait_pacer *pacer, struct policy_goal bounds);

/** Memory beyond the limit. */
static inline uint64_t policy_overage(const struct gait_pacer *pacer) {
    uint64_t limit = (uint64_t)pacer->memory_limit_bytes, mapped = pacer->memory.mapped_bytes;
    return mapped > limit ? mapped - limit : 0;
}

/** Compute the assist ratio from the figures in the pacer. Defined in assist.c. */
void policy_revise(struct gait_pacer *pacer);

/** How full the limiter's bucket is, as a part of what has limiting by measurement begin. Defined
 * in limiter.c. */
double policy_limiter_fullness(const struct gait_limiter *limiter);

#endif
