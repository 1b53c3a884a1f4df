/* SPDX-License-Identifier: MIT */
/*
 * What holds of the pacer whatever it is told, in whatever order: no infinity, no NaN, no integer
 * that has wrapped round; bounds that its header states; goals that grow with GOGC and with the
 * limit. Inputs are drawn at random, edges most of all. A failure names its seed: with
 * GAIT_SEED=SEED in the environment the tests begin with that one.
 */
#include "gait/pacer.h"

#include <criterion/criterion.h>

#include "any_input.h"

#define RUNS 3000
#define STEPS 60
#define MIB (UINT64_C(1) << 20)

/* ---- What holds at any time ---- */

static bool is_ratio(double x) { return isfinite(x) && x >= 0; }

/* Sums of the test's own: in extended precision nothing wraps. */
static long double farthest_goal(const struct gait_pacer *pacer) {
    long double gogc = pacer->gogc_percent < 0 ? 100000 : pacer->gogc_percent;
    long double goal = gait_pacer_goal(pacer);
    return (goal * (1 + gogc / 100) + 1) * 1.1L;
}

static void pacer_expect(const struct gait_pacer *pacer) {
    uint64_t goal = gait_pacer_goal(pacer), limit_goal = gait_pacer_limit_goal(pacer);
    EXPECT(goal >= pacer->marked_bytes && limit_goal >= pacer->marked_bytes);
    EXPECT(limit_goal <= (uint64_t)pacer->memory_limit_bytes || limit_goal == pacer->marked_bytes ||
           limit_goal == MIB);
    EXPECT(pacer->memory_limit_bytes >= 0 && pacer->gogc_percent >= -1);
    struct gait_pacer_target go = gait_pacer_target(pacer);
    struct gait_pacer_target own = gait_pacer_target_at_limit(pacer);
    /* what is above the limit weighs less in ours, so that the floor of GOGC may rule in Go's
     * alone; then the latter leaves sweeping its room */
    bool differ = gait_pacer_floor_rules(pacer) !=
                  (limit_goal < pacer->floor_goal_bytes && limit_goal < pacer->gogc_goal_bytes);
    EXPECT(go.goal_bytes == goal && (own.goal_bytes >= goal || differ));
    EXPECT(own.goal_bytes == goal ||
           pacer->memory.mapped_bytes > (uint64_t)pacer->memory_limit_bytes);
    EXPECT(go.trigger_bytes >= pacer->marked_bytes && go.trigger_bytes <= goal);
    EXPECT(own.trigger_bytes >= go.trigger_bytes || differ);
    EXPECT(own.trigger_bytes <= own.goal_bytes && own.trigger_bytes >= pacer->marked_bytes);
    struct gait_pacer_bounds bounds = gait_pacer_bounds(pacer);
    bool foreign = pacer->foreign_marked_bytes > pacer->foreign_kept_bytes;
    uint64_t least = pacer->marked_bytes + (foreign || pacer->marked_bytes == UINT64_MAX ? 0 : 1);
    EXPECT(bounds.goal_bytes >= least && bounds.limit_bytes >= least);
    EXPECT(bounds.relief_bytes >= pacer->marked_bytes);
    EXPECT(is_ratio(pacer->cons_mark));
    for (int i = 0; i < GAIT_PACER_HISTORY; i++)
        EXPECT(is_ratio(pacer->recent_cons_mark[i]));
}

/* After a start or a revision. */
static void ratios_expect(const struct gait_pacer *pacer) {
    double work = pacer->assist_work_per_byte, bytes = pacer->assist_bytes_per_work;
    EXPECT(is_ratio(work) && is_ratio(bytes) && work > 0 && bytes > 0);
    EXPECT(fabs(work * bytes - 1) < 1e-9);
    /* 1000 bytes of work at least, and no more than the way to the farthest goal */
    EXPECT(bytes * 1000 <= (double)farthest_goal(pacer) * (1 + 1e-9) || bytes * 1000 <= 1);
    EXPECT(pacer->work.heap_bytes >= 0 && pacer->work.stack_bytes >= 0 &&
           pacer->work.globals_bytes >= 0);
}

/* ---- Steps ---- */

static void step_settings(struct gait_pacer *pacer) {
    gait_pacer_set_gogc(pacer, any_i32());
    gait_pacer_set_memory_limit(pacer, below(3) ? any_i64() : GAIT_PACER_NO_LIMIT);
    if (below(4) == 0)
        gait_pacer_set_heap_minimum(pacer, any_u64());
    gait_pacer_set_min_heap(pacer, below(4) ? 0 : any_u64());
    gait_pacer_set_gogc_floor(pacer, below(2) ? 0 : any_i32());
    gait_pacer_commit(pacer, below(2));
    EXPECT(pacer->gogc_percent < 0 || gait_pacer_limit_goal(pacer) < pacer->min_heap_bytes ||
           gait_pacer_goal(pacer) >= pacer->min_heap_bytes);
    EXPECT(gait_pacer_goal(pacer) >= pacer->floor_goal_bytes ||
           gait_pacer_goal(pacer) >= pacer->gogc_goal_bytes);
}

static void step_memory(struct gait_pacer *pacer) {
    struct gait_pacer_memory memory = {any_u64(), any_u64(), any_u64()};
    gait_pacer_set_memory(pacer, &memory);
    gait_pacer_set_live(pacer, any_u64(), any_u64());
    gait_pacer_set_roots(pacer, any_u64(), any_u64());
}

static void step_start(struct gait_pacer *pacer) {
    struct gait_pacer_start start = {
        .now_ns = any_i64(),
        .procs = any_i32(),
        .periodic = below(2),
        .stop_the_world = below(2),
        .live_bytes = any_u64(),
        .scannable_bytes = any_u64(),
        .stack_bytes = any_u64(),
        .globals_bytes = any_u64(),
    };
    gait_pacer_start_cycle(pacer, &start);
    struct gait_pacer_workers workers = pacer->workers;
    EXPECT(workers.dedicated >= 0 && workers.idle_max >= 0);
    EXPECT(workers.fractional_share >= 0 && workers.fractional_share <= 1);
    ratios_expect(pacer);
    gait_pacer_fractional_due(pacer, any_i64(), any_i64());
    gait_pacer_fractional_done(pacer, any_i64(), any_i64());
    gait_pacer_periodic_due(pacer, any_i64(), any_i64());
}

static void step_revise(struct gait_pacer *pacer) {
    struct gait_pacer_progress progress = {
        .live_bytes = any_u64(),
        .scannable_bytes = any_u64(),
        .work = {any_i64(), any_i64(), any_i64()},
    };
    gait_pacer_revise(pacer, &progress);
    ratios_expect(pacer);
}

static void step_end(struct gait_pacer *pacer) {
    if (below(2)) {
        struct gait_pacer_mark_time time = {any_i64(), any_i32(), any_i64(), any_i64()};
        gait_pacer_end_cycle(pacer, &time);
    } else {
        struct gait_pacer_mark_cpu cpu = {any_i64(), any_i64(), any_i64()};
        gait_pacer_end_cycle_measured(pacer, &cpu);
    }
    if (below(4))
        gait_pacer_set_marked(pacer, any_u64());
    if (below(4))
        gait_pacer_set_foreign(pacer, any_u64());
    gait_pacer_commit(pacer, below(2));
}

static void step_take_back(struct gait_pacer *pacer) {
    uint64_t marked = pacer->marked_bytes, foreign = pacer->foreign_marked_bytes, now = any_u64();
    bool fell = gait_pacer_take_back(pacer, now);
    EXPECT(fell == (now < foreign));
    EXPECT(pacer->foreign_marked_bytes == (fell ? now : foreign));
    EXPECT(pacer->foreign_marked_bytes <= pacer->marked_bytes);
    EXPECT(marked - pacer->marked_bytes == foreign - pacer->foreign_marked_bytes);
    if (fell)
        gait_pacer_commit(pacer, below(2));
}

static void step_sweep(const struct gait_pacer *pacer) {
    uint64_t in_use = any_u64(), os_page = UINT64_C(1) << below(20);
    EXPECT(is_ratio(gait_pacer_sweep_ratio(pacer, any_u64(), any_u64(), any_u64())));
    struct gait_pacer_scavenge_goals goals = gait_pacer_scavenge(pacer, in_use, any_u64(), os_page);
    EXPECT(goals.gogc_bytes == GAIT_PACER_NONE || goals.gogc_bytes < in_use);
    EXPECT(goals.limit_bytes == GAIT_PACER_NONE || goals.limit_bytes < pacer->memory.mapped_bytes);
    uint64_t growth = any_u64(), excess = gait_pacer_limit_excess(pacer, growth);
    EXPECT(excess == 0 || growth >= excess ||
           pacer->memory.mapped_bytes > (uint64_t)pacer->memory_limit_bytes);
    EXPECT(growth == UINT64_MAX || gait_pacer_limit_excess(pacer, growth + 1) >= excess);
    EXPECT(gait_pacer_in_use_at_goal(in_use, any_u64(), any_u64()) <= in_use);
    EXPECT(gait_pacer_scavenge_sleep_ns(any_i64(), any_i32()) >= 0);
}

static void any_step(struct gait_pacer *pacer) {
    static void (*const steps[])(struct gait_pacer *) = {
        step_settings, step_memory, step_start, step_revise, step_end, step_take_back};
    steps[below(6)](pacer);
    step_sweep(pacer);
    pacer_expect(pacer);
}

Test(pacer_property, any_input_in_any_order, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_pacer pacer;
        gait_pacer_init(&pacer, any_i32(), any_i64());
        pacer_expect(&pacer);
        for (int step = 0; step < STEPS; step++)
            any_step(&pacer);
    }
}

/* ---- Cycles as they come, with any sizes ---- */

static void any_cycle(struct gait_pacer *pacer, int64_t *now_ns) {
    uint64_t live = pacer->live_bytes + any_size(), stack = any_size() >> 20, globals = stack / 3;
    /* an array of zeros: all of it is work, and none of it was last time */
    uint64_t scannable = below(2) ? live : live / (1 + below(8));
    bool nothing = below(3) == 0;
    struct gait_pacer_start start = {.now_ns = *now_ns,
                                     .procs = 1 + (int32_t)below(64),
                                     .live_bytes = live,
                                     .scannable_bytes = scannable,
                                     .stack_bytes = nothing ? 0 : stack,
                                     .globals_bytes = nothing ? 0 : globals};
    gait_pacer_start_cycle(pacer, &start);
    struct gait_pacer_progress progress = {.live_bytes = live, .scannable_bytes = scannable};
    progress.work.stack_bytes = (int64_t)start.stack_bytes;
    progress.work.globals_bytes = (int64_t)start.globals_bytes;
    for (unsigned part = 0; part <= 8; part++) {
        progress.live_bytes += any_size() >> 4;
        progress.work.heap_bytes = nothing ? 0 : (int64_t)(scannable / 8 * part);
        gait_pacer_revise(pacer, &progress);
        ratios_expect(pacer);
        /* one that pays for 64 KiB does not earn more than a share of the way that is left */
        uint64_t goal = (uint64_t)fminl(farthest_goal(pacer), 0x1p62L);
        uint64_t way = goal > progress.live_bytes ? goal - progress.live_bytes : 0;
        int64_t debt = 1 + (int64_t)below(100000);
        struct gait_pacer_debt due = gait_pacer_assist_ahead(
            pacer->assist_work_per_byte, pacer->assist_bytes_per_work, debt, way);
        EXPECT(due.work_bytes > 0 && due.credit_bytes <= debt + (int64_t)(way / 64 + MIB));
        int64_t credit = gait_pacer_earn(-debt, due.work_bytes, pacer->assist_bytes_per_work, way);
        EXPECT(credit >= -debt && credit <= (int64_t)(way / 64 + MIB));
    }
    *now_ns += 1 + (int64_t)any_size();
    struct gait_pacer_mark_cpu cpu = {.mutator_cpu_ns = (int64_t)any_size(),
                                      .assist_cpu_ns = (int64_t)any_size(),
                                      .background_cpu_ns = (int64_t)any_size()};
    gait_pacer_end_cycle_measured(pacer, &cpu);
    gait_pacer_set_marked(pacer, below(8) ? progress.live_bytes / (1 + below(6)) : 0);
    gait_pacer_commit(pacer, false);
    pacer_expect(pacer);
    gait_pacer_commit(pacer, true);
    pacer_expect(pacer);
    EXPECT(!gait_pacer_cycle_due(pacer) || gait_pacer_goal(pacer) == pacer->marked_bytes);
}

Test(pacer_property, cycles_of_any_size, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_pacer pacer;
        gait_pacer_init(&pacer, below(4) ? (int32_t)below(1000) : -1, GAIT_PACER_NO_LIMIT);
        int64_t now_ns = 1;
        for (int cycle = 0; cycle < 12; cycle++)
            any_cycle(&pacer, &now_ns);
    }
}

/* ---- What grows with what ---- */

static uint64_t goal_with(struct gait_pacer pacer, int32_t gogc, int64_t limit) {
    gait_pacer_set_gogc(&pacer, gogc);
    gait_pacer_set_memory_limit(&pacer, limit);
    gait_pacer_commit(&pacer, true);
    return gait_pacer_goal(&pacer);
}

Test(pacer_property, goals_grow_with_gogc_and_with_the_limit, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + 20 * RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_pacer pacer;
        gait_pacer_init(&pacer, 100, GAIT_PACER_NO_LIMIT);
        step_memory(&pacer);
        gait_pacer_set_marked(&pacer, below(2) ? any_u64() : any_size());
        int32_t gogc = any_i32() & INT32_MAX, percent = (int32_t)below(1000);
        int64_t limit = any_i64() & INT64_MAX, bytes = (int64_t)(any_size() & INT64_MAX);
        int32_t more = percent > INT32_MAX - gogc ? GAIT_PACER_GOGC_OFF : gogc + percent;
        int64_t higher = bytes > INT64_MAX - limit ? GAIT_PACER_NO_LIMIT : limit + bytes;
        EXPECT(goal_with(pacer, gogc, limit) <= goal_with(pacer, more, limit));
        EXPECT(goal_with(pacer, gogc, limit) <= goal_with(pacer, GAIT_PACER_GOGC_OFF, limit));
        /* Go takes 3 % as goal / 100 * 3: from one hundred to the next the rest loses 2 bytes */
        uint64_t low = goal_with(pacer, gogc, limit), high = goal_with(pacer, gogc, higher);
        EXPECT(low <= high || low - high <= 2);
    }
}

/* ---- Functions of their arguments alone ---- */

Test(pacer_property, functions_alone, .timeout = 60) {
    struct gait_pacer_retain retain = {0};
    for (uint64_t seed = first_seed(), end = seed + 20 * RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_pacer_debt debt = gait_pacer_assist(any_double(), any_double(), any_i64());
        EXPECT(debt.work_bytes >= 65536);
        debt = gait_pacer_assist_ahead(any_double(), any_double(), any_i64(), any_u64());
        EXPECT(debt.work_bytes >= 1);
        int64_t credit = any_i64(), work = any_i64();
        double bytes_per_work = fabs(any_double());
        uint64_t way = any_u64();
        int64_t more = gait_pacer_earn(credit, work, bytes_per_work, way);
        EXPECT(more >= credit);
        EXPECT(more <= credit || (uint64_t)(more > 0 ? more : 0) <= way / 64 + MIB);
        struct gait_pacer_workers workers = gait_pacer_divide(any_i32(), below(2), below(2));
        EXPECT(workers.dedicated >= 0 && workers.idle_max >= 0);
        EXPECT(workers.fractional_share >= 0 && workers.fractional_share <= 1);
        double fill = gait_pacer_fill(any_double(), any_u64(), any_u64(), any_u64());
        EXPECT(fill >= 0 && fill <= 1);
        uint64_t bytes = any_u64();
        EXPECT(gait_pacer_retain(&retain, any_i64(), bytes) >= bytes);
    }
}

/* ---- The limiter ---- */

static void limiter_step(struct gait_limiter *limiter) {
    switch (below(7)) {
    case 0:
        gait_limiter_reset_capacity(limiter, any_i64(), any_i32());
        break;
    case 1:
        gait_limiter_add_gc(limiter, any_i64());
        break;
    case 2:
        gait_limiter_add_idle(limiter, any_i64());
        break;
    case 3:
        if (!limiter->transitioning)
            gait_limiter_update(limiter, any_i64());
        break;
    case 4:
        if (!limiter->transitioning)
            gait_limiter_update_measured(limiter, any_i64(), any_i64(), any_i64());
        break;
    case 5:
        if (!limiter->transitioning)
            gait_limiter_start_transition(limiter, !limiter->marking, any_i64());
        break;
    default:
        if (limiter->transitioning)
            gait_limiter_finish_transition(limiter, any_i64());
    }
}

Test(pacer_property, limiter_in_any_order, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_limiter limiter;
        gait_limiter_init(&limiter, any_i64(), any_i32());
        uint64_t overflow_ns = 0;
        for (int step = 0; step < STEPS; step++) {
            limiter_step(&limiter);
            EXPECT(limiter.procs >= 1);
            EXPECT(limiter.capacity_ns == (uint64_t)limiter.procs * 1000000000);
            EXPECT(limiter.fill_ns <= limiter.capacity_ns);
            EXPECT(!limiter.limiting || limiter.fill_ns == limiter.capacity_ns);
            EXPECT(limiter.gc_pool_ns >= 0 && limiter.idle_pool_ns >= 0);
            EXPECT(limiter.overflow_ns >= overflow_ns);
            overflow_ns = limiter.overflow_ns;
            EXPECT(!gait_limiter_holds(&limiter, false) || gait_limiter_holds(&limiter, true));
            gait_limiter_need_update(&limiter, any_i64());
        }
    }
}
