/* SPDX-License-Identifier: MIT */
/*
 * What holds of the governor whatever it is told, in whatever order: no infinity, no NaN, no
 * integer that has wrapped round; orders within the bounds that its header states; an advice for
 * every question; goals that grow with GOGC, with the limit and with what is live. A failure names
 * its seed: with GAIT_SEED=SEED in the environment the tests begin with that one.
 */
#include "../../pacer/governor.h"

#include <criterion/criterion.h>

#include "any_input.h"

#define RUNS 3000
#define STEPS 60
#define MIB (UINT64_C(1) << 20)
#define MINUTE_NS INT64_C(60000000000)

static int32_t any_procs(void) {
    return below(2) ? 1 + (int32_t)below(64) : 1 + (any_i32() & 0xffff);
}

static struct gait_governor_clocks any_clocks(void) {
    return (struct gait_governor_clocks){any_i64(), any_i64(), any_i64()};
}

static struct gait_governor_orders any_orders(void) {
    return (struct gait_governor_orders){
        .trigger_bytes = any_u64(),
        .goal_bytes = any_u64(),
        .late_bytes = any_u64(),
        .barrier_bytes = any_u64(),
        .relief_bytes = any_u64(),
        .large_bytes = any_u64(),
        .limit_bytes = any_u64() >> 1,
        .keep_bytes = any_u64(),
        .foreign_marked_bytes = any_u64(),
        .assist_work_per_byte = fabs(any_double()),
        .assist_bytes_per_work = fabs(any_double()),
        .limiting = below(4) == 0,
    };
}

static struct gait_governor_want any_want(void) {
    return (struct gait_governor_want){
        .live_bytes = any_u64(),
        .total_bytes = any_u64(),
        .spare_bytes = any_u64(),
        .page_bytes = any_u64(),
        .credit_bytes = any_i64(),
        .takes_pages = below(2),
        .marks = below(2),
        .helped = below(4) == 0,
        .awaited = below(4) == 0,
        .marking = below(2),
        .sweeping = below(2),
    };
}

/* ---- What holds at any time ---- */

static void advice_expect(const struct gait_governor_orders *orders) {
    struct gait_governor_want want = any_want();
    enum gait_governor_advice advice = gait_governor_advise(orders, &want);
    bool beyond = gait_governor_is_beyond(orders, &want);
    EXPECT(want.marks || advice == GAIT_GOVERNOR_GO ||
           !gait_governor_lets_go_on(want.live_bytes, orders->late_bytes, want.takes_pages));
    struct gait_governor_want unseen = want; /* without pages to take nobody asks for memory */
    unseen.total_bytes = unseen.spare_bytes = 0;
    EXPECT(want.takes_pages || gait_governor_advise(orders, &unseen) == advice);
    switch (advice) {
    case GAIT_GOVERNOR_GO:
        EXPECT(!want.marks || orders->limiting || (gait_governor_debt(&want) <= 0 && !beyond));
        break;
    case GAIT_GOVERNOR_HELP: /* one that may mark is not told to wait for the chance */
        EXPECT(!want.marks && !want.helped && !orders->limiting);
        break;
    case GAIT_GOVERNOR_MARK:
        EXPECT(want.marks && !orders->limiting);
        break;
    case GAIT_GOVERNOR_AWAIT:
        EXPECT(!want.awaited && !want.marks && !orders->limiting && want.takes_pages);
        break;
    default:
        EXPECT(false);
    }
    struct gait_governor_assist assist = gait_governor_assist(orders, &want);
    EXPECT(assist.work_bytes >= 0 && assist.piece_bytes > 0);
    int64_t work = any_i64();
    EXPECT(gait_governor_earn(orders, want.credit_bytes, want.live_bytes, work) >=
           want.credit_bytes);
    EXPECT(gait_governor_revise_at(want.live_bytes) >= want.live_bytes);
}

static void memory_expect(const struct gait_governor_orders *orders) {
    uint64_t total = any_u64(), more = any_u64(), spare = any_u64();
    uint64_t excess = gait_governor_excess(orders, total, more);
    uint64_t room = gait_governor_room(orders, total);
    EXPECT(!orders->limiting || (excess == 0 && room == GAIT_PACER_NONE));
    EXPECT(orders->limiting || (excess > 0) == (more > room) || excess > UINT64_MAX / 2 ||
           room == 0);
    EXPECT(gait_governor_is_tight(orders, total, more, spare) == (excess > spare));
    EXPECT(gait_governor_give_back(orders, total, more) <= total);
    uint64_t due = gait_governor_return_due(orders, total, more);
    EXPECT(orders->keep_bytes < orders->limit_bytes ? due >= excess : due <= excess);
    EXPECT(gait_governor_quarantine_bytes(total) >= total / 2);
}

static void workers_expect(void) {
    int32_t procs = any_procs();
    struct gait_governor_helpers helpers = gait_governor_helpers(procs, below(2));
    EXPECT(helpers.dedicated >= 0 && helpers.idle >= 0);
    EXPECT(helpers.dedicated + helpers.idle < procs);
    struct gait_governor_pace paces[] = {
        gait_governor_mark_pace(procs, below(2), below(2), below(2), any_u64()),
        gait_governor_sweep_pace(below(2), below(2))};
    for (int i = 0; i < 2; i++) {
        EXPECT(paces[i].share > 0 && paces[i].share <= 1 && paces[i].burst_ns > 0);
        int64_t nap_ns = gait_governor_nap_ns(&paces[i], any_i64());
        EXPECT(nap_ns >= 0 && (nap_ns > 0 || paces[i].share >= 1));
    }
    EXPECT(gait_governor_scavenge_nap_ns(procs, any_i64()) >= 0);
    struct gait_governor_orders orders = {.limiting = below(2), .assists_off = below(2)};
    double share = gait_governor_turn_share(&orders, &paces[0], procs);
    EXPECT(share >= 0 && share <= paces[0].share);
    int64_t now_ns = any_i64(), turn_ns = gait_governor_turn_ns(any_i64());
    EXPECT(turn_ns >= 0);
    EXPECT(now_ns < 0 || gait_governor_turn_due_ns(share, any_i64(), now_ns, turn_ns) >= -1000000);
}

static bool is_ratio(double x) { return isfinite(x) && x >= 0; }

static void governor_expect(struct gait_governor *governor) {
    struct gait_governor_orders orders = gait_governor_orders(governor);
    EXPECT(orders.trigger_bytes <= orders.goal_bytes);
    EXPECT(orders.goal_bytes >= governor->pacer.marked_bytes);
    EXPECT(orders.trigger_bytes >= governor->pacer.marked_bytes);
    EXPECT(orders.limit_bytes <= INT64_MAX && orders.keep_bytes >= orders.limit_bytes);
    EXPECT(is_ratio(orders.assist_work_per_byte) && is_ratio(orders.assist_bytes_per_work));
    EXPECT(governor->span_fill >= 0 && governor->span_fill <= 1);
    EXPECT(governor->limiter.fill_ns <= governor->limiter.capacity_ns);
    EXPECT(governor->pacer.work.heap_bytes >= 0 && governor->pacer.work.stack_bytes >= 0 &&
           governor->pacer.work.globals_bytes >= 0);
    uint64_t os_page = UINT64_C(1) << below(20), free = governor->memory.free_bytes;
    uint64_t surplus = gait_governor_surplus(governor, any_i64(), os_page);
    EXPECT(surplus <= free);
    uint64_t due = gait_governor_scavenge_due(governor, any_i64(), os_page);
    EXPECT(due <= free && due <= MIB);
    advice_expect(&orders);
}

/* ---- Steps ---- */

static void step_see(struct gait_governor *governor) {
    gait_governor_see(governor, &(struct gait_governor_memory){any_u64(), any_u64(), any_u64(),
                                                               any_u64(), any_u64(), any_u64()});
}

static void step_begin(struct gait_governor *governor) {
    bool forced = below(2), periodic = below(2);
    uint64_t dirty = any_u64();
    enum gait_governor_kind kind = gait_governor_kind(governor, forced, periodic, dirty);
    enum gait_governor_kind clean = gait_governor_kind(governor, forced, periodic, 0);
    EXPECT(kind == GAIT_GOVERNOR_FULL || clean == GAIT_GOVERNOR_MINOR);
    EXPECT(kind == GAIT_GOVERNOR_FULL || (!forced && !periodic && governor->settings.minors));
    EXPECT(kind == GAIT_GOVERNOR_FULL || governor->learnt.of[GAIT_GOVERNOR_FULL].cycles > 1);
    struct gait_governor_start start = {
        .clocks = any_clocks(),
        .kind = below(8) ? kind : GAIT_GOVERNOR_MINOR, /* one that nobody asked for, too */
        .dirty_bytes = dirty,
        .periodic = periodic,
        .forced = forced,
        .stopped = below(2),
        .live_bytes = any_u64(),
        .scannable_bytes = any_u64(),
        .stack_bytes = any_u64(),
        .globals_bytes = any_u64(),
        .piece_bytes = any_u64(),
    };
    struct gait_governor_cycle told;
    gait_governor_begin(governor, &start, &told);
    EXPECT(governor->marking && is_ratio(told.assist_ratio) && is_ratio(told.cons_mark));
    EXPECT(governor->start.piece_bytes <= governor->start.globals_bytes);
}

static void step_revise(struct gait_governor *governor) {
    gait_governor_revise(governor,
                         &(struct gait_governor_progress){any_u64(), any_u64(), any_u64()});
    EXPECT(governor->pacer.assist_work_per_byte > 0 && governor->pacer.assist_bytes_per_work > 0);
}

static void step_end(struct gait_governor *governor) {
    struct gait_governor_end end = {
        .clocks = any_clocks(),
        .progress = {any_u64(), any_u64(), any_u64()},
        .marked_bytes = any_u64(),
        .black_bytes = any_u64(),
        .kept_work_bytes = any_u64(),
        .stack_bytes = any_u64(),
        .globals_bytes = any_u64(),
        .fresh_bytes = any_u64(),
        .mutator_cpu_ns = any_i64(),
        .assist_cpu_ns = any_i64(),
        .background_cpu_ns = any_i64(),
    };
    struct gait_governor_cycle told;
    gait_governor_end(governor, &end, &told);
    EXPECT(!governor->marking && is_ratio(told.cons_mark));
    const struct gait_governor_yield *yield = &governor->yield;
    EXPECT(is_ratio(yield->cost_ns) && is_ratio(yield->room_bytes));
    EXPECT(is_ratio(yield->full_cost_ns) && is_ratio(yield->full_room_bytes));
    EXPECT(yield->row <= 8 || !yield->minor);
    EXPECT(told.scannable_bytes == governor->scannable_bytes);
    if (below(2))
        gait_governor_swept(governor);
}

static void step_count(struct gait_governor *governor) {
    gait_governor_count_due(governor, any_i64());
    struct gait_governor_clocks clocks = any_clocks();
    bool before = governor->limiting;
    EXPECT(gait_governor_count(governor, &clocks) == (governor->limiting != before));
    if (below(8) == 0)
        gait_governor_process_is_new(governor, any_i64());
    gait_governor_periodic_due(governor, any_i64(), any_i64());
}

static void step_settings(struct gait_governor *governor) {
    bool swept = below(2);
    gait_governor_set(governor, GAIT_SETTING_MINORS, below(4), true);
    gait_governor_set(governor, GAIT_SETTING_GOGC, any_i32(), swept);
    gait_governor_set(governor, GAIT_SETTING_LIMIT, below(3) ? any_i64() : GAIT_PACER_NO_LIMIT,
                      swept);
    gait_governor_set_procs(governor, any_i64(), any_procs());
    if (below(4) == 0)
        gait_governor_set_heap_minimum(governor, any_u64(), swept);
}

static void step_other(struct gait_governor *governor) {
    gait_governor_wakes_helpers(governor, any_u64());
    uint64_t marked = governor->pacer.marked_bytes;
    gait_governor_take_back(governor, any_u64(), below(2));
    EXPECT(governor->pacer.marked_bytes <= marked);
    workers_expect();
}

static void any_step(struct gait_governor *governor) {
    static void (*const steps[])(struct gait_governor *) = {
        step_see, step_begin, step_revise, step_end, step_count, step_settings, step_other};
    steps[below(7)](governor);
    governor_expect(governor);
}

static struct gait_governor any_governor(void) {
    struct gait_governor governor;
    struct gait_governor_settings settings = {
        .gogc_percent = any_i32(),
        .memory_limit_bytes = below(2) ? any_i64() : GAIT_PACER_NO_LIMIT,
        .procs = any_procs(),
        .helped_bytes = any_u64(),
    };
    struct gait_governor_clocks clocks = any_clocks();
    gait_governor_init(&governor, &settings, &clocks);
    if (below(4) == 0)
        gait_governor_assume(&governor, any_u64());
    return governor;
}

Test(governor_property, any_input_in_any_order, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_governor governor = any_governor();
        for (int step = 0; step < STEPS; step++)
            any_step(&governor);
    }
}

Test(governor_property, any_question, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + 20 * RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_governor_orders orders = any_orders();
        advice_expect(&orders);
        memory_expect(&orders);
        workers_expect();
    }
}

/* ---- What grows with what ---- */

/* A cycle of a program, at rates of its own: so much is live, and so much black at most. */
static void some_cycle(struct gait_governor *governor, uint64_t live, uint64_t most_black) {
    int64_t now_ns = governor->start.clocks.now_ns + (int64_t)below(2000000000);
    int64_t gc_ns = governor->start.clocks.gc_cpu_ns + (int64_t)below(500000000);
    int64_t mark_ns = 1000 + (int64_t)below(1000000000);
    uint64_t black = any_bits() % (most_black + 1);
    uint64_t start = most_black + any_bits() % (4 * most_black + MIB);
    start = start > live ? start : live;
    struct gait_governor_cycle told;
    gait_governor_begin(governor,
                        &(struct gait_governor_start){.clocks = {now_ns, now_ns + gc_ns, gc_ns},
                                                      .live_bytes = start,
                                                      .scannable_bytes = start},
                        &told);
    now_ns += mark_ns;
    gc_ns += mark_ns / 2;
    gait_governor_end(governor,
                      &(struct gait_governor_end){
                          .clocks = {now_ns, now_ns + gc_ns, gc_ns},
                          .progress = {start + black, start + black, live},
                          .marked_bytes = live + black,
                          .black_bytes = black,
                          .mutator_cpu_ns = mark_ns,
                          .background_cpu_ns = mark_ns / 2,
                      },
                      &told);
    gait_governor_swept(governor);
}

static void some_cycles(struct gait_governor *governor, uint64_t live, unsigned cycles) {
    for (unsigned i = 0; i < cycles; i++)
        some_cycle(governor, live, live);
}

/* Some bytes, from a page to a TiB. */
static uint64_t any_heap(void) { return any_bits() >> (24 + below(27)); }

static uint64_t goal_with(struct gait_governor governor, int32_t gogc, int64_t limit) {
    gait_governor_set(&governor, GAIT_SETTING_GOGC, gogc, true);
    gait_governor_set(&governor, GAIT_SETTING_LIMIT, limit, true);
    return gait_governor_orders(&governor).goal_bytes;
}

Test(governor_property, goals_grow_with_gogc_and_with_the_limit, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + 5 * RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_governor governor = any_governor();
        uint64_t live = any_heap();
        some_cycles(&governor, live, 1 + below(8));
        gait_governor_see(&governor, &(struct gait_governor_memory){.total_bytes = 2 * live,
                                                                    .span_bytes = 2 * live,
                                                                    .objects_bytes = live});
        int32_t gogc = any_i32() & INT32_MAX, percent = (int32_t)below(1000);
        int64_t limit = below(2) ? (int64_t)any_heap() : any_i64() & INT64_MAX;
        int64_t bytes = (int64_t)any_heap();
        int32_t more = percent > INT32_MAX - gogc ? GAIT_PACER_GOGC_OFF : gogc + percent;
        int64_t higher = bytes > INT64_MAX - limit ? GAIT_PACER_NO_LIMIT : limit + bytes;
        EXPECT(goal_with(governor, gogc, limit) <= goal_with(governor, more, limit));
        EXPECT(goal_with(governor, gogc, limit) <= goal_with(governor, GAIT_PACER_GOGC_OFF, limit));
        /* 3 % are taken by whole hundredths */
        uint64_t low = goal_with(governor, gogc, limit), high = goal_with(governor, gogc, higher);
        EXPECT(low <= high || low - high <= 2);
    }
}

Test(governor_property, goals_grow_with_what_is_live, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + 5 * RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_governor governor = any_governor();
        gait_governor_set(&governor, GAIT_SETTING_GOGC, (int32_t)below(2000), true);
        gait_governor_set(&governor, GAIT_SETTING_LIMIT, GAIT_PACER_NO_LIMIT, true);
        uint64_t live = any_heap();
        some_cycles(&governor, live, below(8));
        struct gait_governor smaller = governor, larger = governor;
        uint64_t rates = any_bits(), more = live + any_heap();
        state = rates; /* the same ones in both */
        some_cycle(&smaller, live, live);
        state = rates;
        some_cycle(&larger, more, live);
        EXPECT(gait_governor_orders(&smaller).goal_bytes <=
               gait_governor_orders(&larger).goal_bytes);
    }
}

/* ---- Limiting ---- */

Test(governor_property, limiting_is_a_part_of_the_time, .timeout = 60) {
    for (uint64_t seed = first_seed(), end = seed + RUNS; seed < end; seed++) {
        seed_set(seed);
        struct gait_governor governor;
        gait_governor_init(
            &governor,
            &(struct gait_governor_settings){.gogc_percent = 100,
                                             .memory_limit_bytes = GAIT_PACER_NO_LIMIT,
                                             .procs = 1 + (int32_t)below(16)},
            &(struct gait_governor_clocks){0});
        struct gait_governor_clocks clocks = {0};
        for (int step = 0; step < STEPS; step++) {
            int64_t ns = (int64_t)below(2000000000), used_ns = ns * governor.settings.procs;
            int64_t gc_ns = (int64_t)((double)used_ns * any_share());
            clocks.now_ns += ns;
            clocks.process_cpu_ns += used_ns;
            clocks.gc_cpu_ns += gc_ns;
            gait_governor_count(&governor, &clocks);
            EXPECT(governor.limiting_ns >= 0 && governor.limiting_ns <= clocks.now_ns);
        }
        /* a program that has the CPU to itself is let go */
        clocks.now_ns += MINUTE_NS;
        clocks.process_cpu_ns += MINUTE_NS;
        gait_governor_count(&governor, &clocks);
        EXPECT(!governor.limiting);
    }
}
