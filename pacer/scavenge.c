/* SPDX-License-Identifier: MIT */
/*
 * Sweeping and scavenging: how fast pages are swept, and how much memory goes
 * back to the OS.
 *
 * The GOGC goal lets retained memory follow the heap goal: a goal counts bytes
 * of objects, so what spans held as the last cycle ended is scaled by how the
 * goal has changed, which carries fragmentation along. The limit goal lies
 * below the limit, so that the scavenger is at work before the limit is met.
 */
#include "arith.h"
#include "policy.h"

/** A tenth is kept beyond the goal: touching released memory again costs a page fault. */
#define SCAVENGE_RETAIN_DIVISOR 10

/** Part of the limit at which background release begins. */
#define SCAVENGE_LIMIT_FRACTION 0.95

/** Share of the CPUs' time that background release may take: one in this many. */
#define SCAVENGE_CPU_DIVISOR 100

/** A period of what is kept. Guess: some cycles of a small heap. */
#define SCAVENGE_RETAIN_NS INT64_C(1000000000)

/** Sweeping is done this long before the trigger, against rounding and races. */
#define SWEEP_MARGIN_BYTES (INT64_C(1) << 20)

double gait_pacer_sweep_ratio(const struct gait_pacer *pacer, uint64_t pages_in_use,
                              uint64_t pages_swept, uint64_t page_bytes) {
    if (pages_swept >= pages_in_use)
        return 0;
    int64_t trigger = arith_i64_of_u64(gait_pacer_target(pacer).trigger_bytes);
    int64_t least = arith_max_i64(arith_i64_of_u64(page_bytes), 1);
    int64_t distance = arith_sub_i64(trigger, arith_i64_of_u64(pacer->live_bytes));
    distance = arith_max_i64(arith_sub_i64(distance, SWEEP_MARGIN_BYTES), least);
    return (double)(pages_in_use - pages_swept) / (double)distance;
}

static uint64_t scavenge_limit_goal(const struct gait_pacer *pacer) {
    uint64_t goal = arith_to_u64((double)pacer->memory_limit_bytes * SCAVENGE_LIMIT_FRACTION);
    return pacer->memory.mapped_bytes <= goal ? GAIT_PACER_NONE : goal;
}

static uint64_t scavenge_gogc_goal(const struct gait_pacer *pacer, uint64_t retained_bytes,
                                   uint64_t last_in_use_bytes, uint64_t os_page_bytes) {
    if (pacer->last_goal_bytes == 0)
        return GAIT_PACER_NONE; /* before the first cycle there is nothing to go by */
    double ratio = (double)gait_pacer_goal(pacer) / (double)pacer->last_goal_bytes;
    uint64_t goal = arith_to_u64((double)last_in_use_bytes * ratio);
    goal = arith_add_u64(goal, goal / SCAVENGE_RETAIN_DIVISOR);
    os_page_bytes = arith_max_u64(os_page_bytes, 1);
    goal = arith_add_u64(goal, os_page_bytes - 1) & ~(os_page_bytes - 1);
    bool enough = retained_bytes <= goal || retained_bytes - goal < os_page_bytes;
    return enough ? GAIT_PACER_NONE : goal;
}

struct gait_pacer_scavenge_goals gait_pacer_scavenge(const struct gait_pacer *pacer,
                                                     uint64_t retained_bytes,
                                                     uint64_t last_in_use_bytes,
                                                     uint64_t os_page_bytes) {
    return (struct gait_pacer_scavenge_goals){
        .gogc_bytes = scavenge_gogc_goal(pacer, retained_bytes, last_in_use_bytes, os_page_bytes),
        .limit_bytes = scavenge_limit_goal(pacer),
    };
}

uint64_t gait_pacer_limit_excess(const struct gait_pacer *pacer, uint64_t growth_bytes) {
    uint64_t limit = (uint64_t)pacer->memory_limit_bytes;
    uint64_t wanted = arith_add_u64(pacer->memory.mapped_bytes, growth_bytes);
    return wanted > limit ? wanted - limit : 0;
}

uint64_t gait_pacer_in_use_at_goal(uint64_t in_use_bytes, uint64_t peak_bytes,
                                   uint64_t goal_bytes) {
    if (peak_bytes <= goal_bytes)
        return in_use_bytes;
    double share = (double)goal_bytes / (double)peak_bytes;
    return arith_min_u64(arith_to_u64((double)in_use_bytes * share), in_use_bytes);
}

uint64_t gait_pacer_retain(struct gait_pacer_retain *retain, int64_t now_ns, uint64_t bytes) {
    uint64_t *most = retain->most_bytes;
    int64_t age_ns = arith_sub_i64(now_ns, retain->since_ns);
    if (age_ns > SCAVENGE_RETAIN_NS) {
        most[1] = age_ns > 2 * SCAVENGE_RETAIN_NS ? 0 : most[0];
        most[0] = 0;
        retain->since_ns = now_ns;
    }
    if (bytes > most[0])
        most[0] = bytes;
    return most[0] > most[1] ? most[0] : most[1];
}

int64_t gait_pacer_scavenge_sleep_ns(int64_t worked_ns, int32_t procs) {
    worked_ns = arith_max_i64(worked_ns, POLICY_SCAVENGE_WORK_NS);
    procs = procs < 1 ? 1 : procs;
    if (procs >= SCAVENGE_CPU_DIVISOR)
        return 0;
    int64_t period_ns = arith_scale_i64(worked_ns, SCAVENGE_CPU_DIVISOR) / procs;
    return arith_max_i64(period_ns - worked_ns, 0);
}
