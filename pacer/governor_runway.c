/* SPDX-License-Identifier: MIT */
/*
 * The runway: what the program is let allocate while marking runs, and with it where a cycle
 * begins.
 *
 * All of it is born marked, and most of it floats until the next cycle. With W the work, m the
 * bytes scanned per ns of marking and a the bytes allocated per ns of the program, a cycle that
 * gets the share s of the CPU lets a / m x (1 - s) / s x W be allocated: a short runway is a large
 * share. Background marking has a share by itself; the rest are assists, which slow the program
 * down. So the runway is no shorter than what makes a fair heap: a quarter of what is live.
 */
#include "arith.h"
#include "governor_parts.h"
#include "policy.h"

/** What floats, as a part of what is live, if assists are needed to keep it as low. */
#define RUNWAY_LIVE_DIVISOR 4

/** And as a part of the way from what is live to the goal, at small GOGC: it comes twice, once
 * above the trigger and once, floating, below it. */
#define RUNWAY_WAY_DIVISOR 4

/** And, where a memory limit gives the goal, of what that is above the least heap that the CPU can
 * hold: for the same reason half of it. */
#define RUNWAY_ROOM_DIVISOR 2

/** The largest share of the CPU that marking is given with assists. Above that a program all but
 * stands still for little memory. */
#define RUNWAY_SHARE_MOST 0.75

/** The same where a memory limit gives the goal, or the CPU does: what floats comes on top of the
 * least heap there. */
#define RUNWAY_SHARE_TIGHT 0.9

/** How much of the limiter's bucket a cycle may fill: somewhat less than the half at which it
 * begins to limit. */
#define RUNWAY_BUCKET_SHARE 0.3

/** Background marking's share before any was measured, and what it is taken for at least. */
#define RUNWAY_SHARE_BACKGROUND 0.25
#define RUNWAY_SHARE_LEAST 0.05

/** How much of the way from what is marked to the goal is before the trigger at least. */
#define RUNWAY_TRIGGER_DIVISOR 4

/** Go's upper bound on the trigger: 61/64 of the way, or what leaves 4 MiB. */
#define RUNWAY_UPPER_NUMERATOR 61
#define RUNWAY_UPPER_DENOMINATOR 64

/** Below this assists would explode: as in goal.c. */
#define RUNWAY_LEAST_BYTES (UINT64_C(64) << 10)

static double allocated_at(double bytes, double share) { return bytes * (1 - share) / share; }

/* A cycle that is given more than half of the CPU fills the limiter's bucket by what it takes
 * beyond: with mark_ns of work and the share s, mark_ns x (2 s - 1) / s. Of a large heap one cycle
 * would have it limiting, and assists off, though over time the collector takes little. */
static double share_most(const struct gait_governor *governor, double mark_ns, bool is_tight) {
    double most = is_tight ? RUNWAY_SHARE_TIGHT : RUNWAY_SHARE_MOST;
    double room_ns = (double)governor->limiter.capacity_ns * RUNWAY_BUCKET_SHARE;
    double fills = mark_ns > room_ns ? 1 / (2 - room_ns / mark_ns) : 1;
    return fills < most ? fills : most;
}

static uint64_t runway(const struct gait_governor *governor, uint64_t goal_bytes, bool is_tight) {
    const struct gait_governor_learnt *learnt = &governor->learnt;
    enum gait_governor_kind kind = gait_governor_kind(governor, false, false, 0);
    const struct gait_governor_lesson *lesson = governor_lesson(governor, kind);
    const struct gait_pacer *pacer = &governor->pacer;
    double way = (double)goal_bytes - (double)pacer->marked_bytes;
    double work = governor_expected_work(governor, kind, way);
    /* what the program allocates in as much CPU time as marking takes */
    double mark_ns = governor_rate(&lesson->marking) * work;
    double bytes = governor_rate(&learnt->allocation) * mark_ns;
    double background =
        lesson->background.per > 0 ? governor_rate(&lesson->background) : RUNWAY_SHARE_BACKGROUND;
    background = background > RUNWAY_SHARE_LEAST ? background : RUNWAY_SHARE_LEAST;

    double live = (double)governor_live_bytes(governor);
    /* where the CPU gives the goal, what floats comes on top of it */
    bool by_cpu = gait_pacer_floor_rules(pacer) || governor->ruled_by == GAIT_GOVERNOR_BY_FLOOR;
    double wanted = by_cpu ? 0 : live / RUNWAY_LIVE_DIVISOR;
    double most = ((double)goal_bytes - live) / RUNWAY_WAY_DIVISOR;
    wanted = wanted < most ? wanted : most;
    if (goal_bytes < pacer->gogc_goal_bytes) {
        double room = ((double)goal_bytes - governor_least_bytes(governor)) / RUNWAY_ROOM_DIVISOR;
        wanted = wanted < room ? wanted : room;
    }
    double least = allocated_at(bytes, share_most(governor, mark_ns, is_tight));
    wanted = wanted > least ? wanted : least;
    double alone = allocated_at(bytes, background < 1 ? background : 1);
    wanted = wanted < alone && !governor->settings.assists_off ? wanted : alone;
    return arith_to_u64(wanted + governor_rate(&learnt->delay));
}

struct gait_pacer_target governor_target(const struct gait_governor *governor) {
    const struct gait_pacer *pacer = &governor->pacer;
    if (governor->settings.parity || governor->learnt.cycles == 0)
        return gait_pacer_target_at_limit(pacer);
    struct policy_goal bounds = policy_own_goal(pacer);
    uint64_t goal = bounds.goal_bytes, marked = pacer->marked_bytes;
    if (marked >= goal)
        return (struct gait_pacer_target){goal, goal};

    if (governor->start.stopped) /* as the last cycle was: nothing is allocated while it marks */
        return (struct gait_pacer_target){goal, goal};
    uint64_t way = goal - marked;
    uint64_t upper = marked + way / RUNWAY_UPPER_DENOMINATOR * RUNWAY_UPPER_NUMERATOR;
    if (goal > POLICY_HEAP_MINIMUM_BYTES)
        upper = arith_max_u64(upper, goal - POLICY_HEAP_MINIMUM_BYTES);
    uint64_t lower = arith_max_u64(bounds.min_trigger_bytes, marked + way / RUNWAY_TRIGGER_DIVISOR);
    bool by_limit = goal < pacer->gogc_goal_bytes;
    bool by_cpu = governor->ruled_by == GAIT_GOVERNOR_BY_FLOOR;
    uint64_t length = runway(governor, goal, by_limit || by_cpu);
    if (by_limit)
        lower = arith_max_u64(lower, marked + governor_least_growth(pacer));
    uint64_t trigger = length < goal ? goal - length : 0;
    trigger = arith_max_u64(arith_min_u64(trigger, upper), lower);
    return (struct gait_pacer_target){arith_min_u64(trigger, goal), goal};
}

/* At a limit a cycle may begin well before its trigger, since spans are full of what little lives
 * on and pages are wanted. Were it let take all the way to the goal, it would be marked at leisure,
 * all that is allocated meanwhile would float, and what comes next would have to pass the limit. So
 * it is as short as one that begins at its trigger. */
uint64_t governor_early_goal(const struct gait_governor *governor, uint64_t live_bytes) {
    if (governor->settings.parity || governor->learnt.cycles == 0 || !governor_at_limit(governor))
        return 0;
    struct gait_pacer_target target = governor_target(governor);
    if (live_bytes >= target.trigger_bytes)
        return 0;
    uint64_t length = target.goal_bytes - target.trigger_bytes;
    uint64_t from = arith_max_u64(live_bytes, governor->pacer.marked_bytes);
    return arith_add_u64(from, arith_max_u64(length, RUNWAY_LEAST_BYTES));
}
