/* SPDX-License-Identifier: MIT */
/*
 * The goal that GOGC asks for: Go's formula over what is live, not over what is marked, and no
 * lower than the collector's share of the CPU allows.
 *
 * Go computes it from all that is marked. What was allocated while marking ran is part of that, and
 * most of it is garbage: a goal that is computed from it grows with the time that marking takes,
 * and with it the next marking's runway.
 *
 * Invariant: the goal is above what is marked, so that no full cycle follows another at once.
 */
#include "arith.h"
#include "governor_parts.h"
#include "policy.h"

/** The heap grows by this part of what is marked, and so many bytes, before the next cycle ends: at
 * a GOGC so small that the goal would lie below. */
#define GOAL_LEAST_DIVISOR 16
#define GOAL_LEAST_BYTES (UINT64_C(64) << 10)

/** The most of the CPU that GOGC makes the collector take: a little less than the half at which the
 * limiter begins to hold it down, since assists that switch off and on cost more memory than a goal
 * that is higher from the start. */
#define GOAL_SHARE 0.45

/** In a heap that marks with the program stopped, of the room that the floor leaves: for a row of
 * minor cycles that cost nothing, and as much more as the row cost of what full cycles would have.
 * Measured: docs/design/minor.md, By pages. */
#define GOAL_ROW 0.5

/** The same where a memory limit asks for more: while the limiter's bucket is empty; with so much
 * of it full, of what has limiting begin without a limit; and when it begins under one. In between
 * it falls evenly, and the bucket comes to rest where the collector takes one half. A short phase,
 * or the rates of one that has ended, must not have memory pass the limit: spans of what little
 * lives on keep it. Guesses, except for the half.
 */
#define GOAL_LIMIT_SHARE_EMPTY 0.9
#define GOAL_LIMIT_SHARE 0.5
#define GOAL_LIMIT_SHARE_FULL 0.25
#define GOAL_LIMIT_REST 0.75

/* Scan work of a full cycle with so much allocated since the last one ended. */
static double full_work(const struct gait_governor *governor, double allocated_bytes) {
    const struct gait_governor_learnt *learnt = &governor->learnt;
    double base = (double)learnt->base_bytes, live = (double)governor_live_bytes(governor);
    double work = learnt->of[GAIT_GOVERNOR_FULL].work_bytes;
    if (!(base > 0))
        return work;
    return work * ((live + governor_growth_share(governor) * allocated_bytes) / base);
}

/* Of a minor one: as much of what is new as the last ones scanned, be they tries or not, and more
 * where more of it lives than did. Of the first one nobody knows: as much as a full one would.
 * Expected to do less than they do, they would end above their goal; expected to do more, they
 * begin, and end, well before it. */
static double minor_work(const struct gait_governor *governor, double allocated_bytes) {
    const struct gait_governor_lesson *lesson = &governor->learnt.of[GAIT_GOVERNOR_MINOR];
    double roots = lesson->work_bytes - lesson->heap_work_bytes;
    double work = governor_rate(&lesson->young) * allocated_bytes + roots;
    double most = full_work(governor, 0), factor = governor_try_factor(governor);
    if (work >= most || factor == 1)
        return work;
    return factor * work < most ? factor * work : most;
}

double governor_expected_work(const struct gait_governor *governor, enum gait_governor_kind kind,
                              double allocated_bytes) {
    double allocated = allocated_bytes > 0 ? allocated_bytes : 0;
    if (kind == GAIT_GOVERNOR_MINOR)
        return minor_work(governor, allocated);
    return full_work(governor, governor->learnt.since_bytes + allocated);
}

/* What the program allocates while a cycle's cost is this share of the CPU. */
static double room_at(const struct gait_governor *governor, double share) {
    const struct gait_governor_learnt *learnt = &governor->learnt;
    double cost_ns =
        governor_rate(&learnt->of[GAIT_GOVERNOR_FULL].collection) * full_work(governor, 0);
    return governor_steady_allocation(governor) * cost_ns * ((1 - share) / share);
}

/* The least heap at which the collector takes no more than this share of the CPU: what is marked,
 * and what the program allocates in the rest of the time. */
static uint64_t least_heap(const struct gait_governor *governor, double share) {
    return arith_add_u64(governor->learnt.marked_bytes, arith_to_u64(room_at(governor, share)));
}

double governor_least_bytes(const struct gait_governor *governor) {
    return (double)governor_live_bytes(governor) + room_at(governor, GOAL_SHARE);
}

static double between(double from, double to, double way) { return from + way * (to - from); }

static double limit_share(const struct gait_governor *governor) {
    double full = policy_limiter_fullness(&governor->limiter);
    if (full < GOAL_LIMIT_REST)
        return between(GOAL_LIMIT_SHARE_EMPTY, GOAL_LIMIT_SHARE, full / GOAL_LIMIT_REST);
    double way = (full - GOAL_LIMIT_REST) / (GOVERNOR_LIMITED_BEGIN - GOAL_LIMIT_REST);
    return between(GOAL_LIMIT_SHARE, GOAL_LIMIT_SHARE_FULL, way < 1 ? way : 1);
}

static uint64_t least_growth(uint64_t marked_bytes) {
    return arith_max_u64(marked_bytes / GOAL_LEAST_DIVISOR, GOAL_LEAST_BYTES);
}

uint64_t governor_least_growth(const struct gait_pacer *pacer) {
    return least_growth(pacer->marked_bytes);
}

static uint64_t grown(uint64_t marked_bytes) {
    return arith_add_u64(marked_bytes, least_growth(marked_bytes));
}

static uint64_t goal_of_live(const struct gait_governor *governor, uint32_t percent) {
    const struct gait_pacer *pacer = &governor->pacer;
    uint64_t live = governor_live_bytes(governor);
    uint64_t roots = arith_add_u64(pacer->last_stack_work_bytes, pacer->globals_bytes);
    return arith_add_u64(live, arith_percent_u64(arith_add_u64(live, roots), percent));
}

void governor_plan_goal(struct gait_governor *governor) {
    struct gait_pacer *pacer = &governor->pacer;
    governor->ruled_by = GAIT_GOVERNOR_BY_GOGC;
    if (governor->learnt.cycles == 0)
        return; /* nothing is marked: Go's goal is the least one */
    uint64_t floor = least_heap(governor, GOAL_SHARE);
    if (governor->start.stopped && governor->yield.row_share > 0)
        floor = arith_add_u64(governor->learnt.marked_bytes,
                              arith_to_u64(room_at(governor, GOAL_SHARE) *
                                           between(GOAL_ROW, 1, governor->yield.row_share)));
    uint64_t room = governor_least_growth(pacer);
    pacer->floor_goal_bytes = arith_max_u64(
        pacer->gogc_floor_percent > 0 ? goal_of_live(governor, (uint32_t)pacer->gogc_floor_percent)
                                      : 0,
        arith_max_u64(least_heap(governor, limit_share(governor)),
                      arith_add_u64(pacer->marked_bytes, room + room / 4)));
    if (pacer->gogc_percent < 0)
        return;
    uint64_t goal = goal_of_live(governor, (uint32_t)pacer->gogc_percent);
    uint64_t minimum = arith_max_u64(gait_pacer_heap_minimum(pacer), pacer->min_heap_bytes);
    if (goal < minimum) {
        goal = minimum;
        governor->ruled_by = GAIT_GOVERNOR_BY_MINIMUM;
    }
    floor = arith_max_u64(floor, grown(governor->learnt.marked_bytes));
    if (goal < floor) {
        goal = floor;
        governor->ruled_by = GAIT_GOVERNOR_BY_FLOOR;
    }
    governor->full_goal_bytes = goal;
    /* a full cycle may follow a minor one at once: it finds what that one left */
    uint64_t least = arith_add_u64(pacer->marked_bytes, GOAL_LEAST_BYTES);
    pacer->gogc_goal_bytes = arith_max_u64(goal, least);
}
