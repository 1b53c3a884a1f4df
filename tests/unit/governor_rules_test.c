/* SPDX-License-Identifier: MIT */
/*
 * The governor's rules, each in a table of cases: what it is told, what it orders. One file of some
 * 680 lines, since a rule is a table or two, and all are of one kind.
 */
#include "../../pacer/governor.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define MS INT64_C(1000000)
#define OFF GAIT_PACER_GOGC_OFF
#define NO_LIMIT GAIT_PACER_NO_LIMIT
#define NONE GAIT_PACER_NONE
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct gait_governor governor_at(int32_t gogc, int64_t limit, int32_t procs) {
    struct gait_governor governor;
    gait_governor_init(&governor,
                       &(struct gait_governor_settings){
                           .gogc_percent = gogc, .memory_limit_bytes = limit, .procs = procs},
                       &(struct gait_governor_clocks){0});
    return governor;
}

/* Memory that is all heap, so much of it in spans. */
static struct gait_governor_memory memory_of(uint64_t span_bytes, uint64_t free_bytes) {
    return (struct gait_governor_memory){.total_bytes = span_bytes + free_bytes,
                                         .span_bytes = span_bytes,
                                         .free_bytes = free_bytes,
                                         .spare_bytes = free_bytes,
                                         .objects_bytes = span_bytes};
}

/* Where in the clocks the CPU time of a mutator and of the collector is. */
static struct gait_governor_clocks clocks_at(int64_t now_ns, int64_t mutator_ns, int64_t gc_ns) {
    return (struct gait_governor_clocks){now_ns, mutator_ns + gc_ns, gc_ns};
}

/* ---- Memory ---- */

Test(governor_rules, spans_count_as_far_as_allocation_can_fill_them) {
    static const struct {
        double fill;
        uint64_t span, objects, foreign, allocated; /* MiB */
    } rows[] = {
        {1.0, 100, 10, 0, 100}, /* all that is free in them is room */
        {0.5, 100, 10, 0, 50},  /* half of it never is */
        {0.5, 100, 80, 0, 80},  /* no less than there is */
        {0.5, 100, 10, 30, 80}, /* foreign memory is heap */
        {0.0, 100, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor governor = governor_at(100, 1000 * MIB, 2);
        governor.span_fill = rows[i].fill;
        gait_governor_see(&governor, &(struct gait_governor_memory){
                                         .total_bytes = 200 * MIB,
                                         .span_bytes = rows[i].span * MIB,
                                         .free_bytes = 20 * MIB,
                                         .objects_bytes = rows[i].objects * MIB,
                                         .foreign_bytes = rows[i].foreign * MIB,
                                     });
        const struct gait_pacer_memory *seen = &governor.pacer.memory;
        cr_expect_eq(seen->mapped_bytes, 200 * MIB, "row %zu", i);
        cr_expect_eq(seen->free_bytes, 20 * MIB, "row %zu", i);
        cr_expect_eq(seen->allocated_bytes, rows[i].allocated * MIB, "row %zu: %" PRIu64, i,
                     seen->allocated_bytes / MIB);
    }
}

Test(governor_rules, half_a_mebibyte_is_kept_below_the_limit) {
    static const struct {
        uint64_t limit, total, more, spare; /* KiB */
        bool limiting;
        uint64_t excess, room; /* KiB */
        bool tight;
    } rows[] = {
        {10240, 9000, 0, 0, false, 0, 728, false},
        {10240, 9728, 0, 0, false, 0, 0, false},
        {10240, 9729, 0, 0, false, 1, 0, true},
        {10240, 9729, 0, 1, false, 1, 0, false}, /* can be given back */
        {10240, 9729, 8, 8, false, 9, 0, true},
        {10240, 9000, 729, 0, false, 1, 728, true},
        {10240, 99999, 0, 0, true, 0, UINT64_MAX, false}, /* progress comes first */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_orders orders = {.limit_bytes = rows[i].limit * KIB,
                                              .keep_bytes = rows[i].limit * KIB + 1 * MIB,
                                              .limiting = rows[i].limiting};
        uint64_t total = rows[i].total * KIB, more = rows[i].more * KIB;
        uint64_t room = rows[i].room == UINT64_MAX ? NONE : rows[i].room * KIB;
        cr_expect_eq(gait_governor_excess(&orders, total, more), rows[i].excess * KIB, "row %zu",
                     i);
        cr_expect_eq(gait_governor_return_due(&orders, total + 1 * MIB, more), rows[i].excess * KIB,
                     "row %zu", i);
        cr_expect_eq(gait_governor_room(&orders, total), room, "row %zu", i);
        cr_expect_eq(gait_governor_is_tight(&orders, total, more, rows[i].spare * KIB),
                     rows[i].tight, "row %zu", i);
    }
    struct gait_governor_orders none = {.limit_bytes = (uint64_t)NO_LIMIT};
    cr_expect_eq(gait_governor_excess(&none, 1000000 * MIB, 0), 0);
    cr_expect_not(gait_governor_is_tight(&none, 1000000 * MIB, 0, 0));
}

Test(governor_rules, what_passes_the_limit_is_given_back_by_the_mebibyte) {
    static const struct {
        uint64_t total, taken; /* KiB; kept: 10 MiB */
        bool limiting;
        uint64_t given;
    } rows[] = {
        {10240, 8, false, 0},       {10241, 8, false, 1},         {20480, 8, false, 1024},
        {20480, 4096, false, 4096}, {20480, 99999, false, 10240}, {20480, 4096, true, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_orders orders = {
            .limit_bytes = 5 * MIB, .keep_bytes = 10 * MIB, .limiting = rows[i].limiting};
        cr_expect_eq(gait_governor_give_back(&orders, rows[i].total * KIB, rows[i].taken * KIB),
                     rows[i].given * KIB, "row %zu", i);
    }
}

Test(governor_rules, what_takes_long_is_given_back_in_native_code) {
    cr_expect_not(gait_governor_gives_back_aside(0));
    cr_expect_not(gait_governor_gives_back_aside(MIB));
    cr_expect(gait_governor_gives_back_aside(MIB + 1));
}

Test(governor_rules, an_ended_arena_may_wait_for_half_of_what_is_live) {
    cr_expect_eq(gait_governor_quarantine_bytes(0), 64 * MIB);
    cr_expect_eq(gait_governor_quarantine_bytes(128 * MIB), 64 * MIB);
    cr_expect_eq(gait_governor_quarantine_bytes(1024 * MIB), 512 * MIB);
}

/* A cycle without work for the CPU clocks: so much live, marked of it, at that time. */
static void cycle(struct gait_governor *governor, uint64_t live, uint64_t marked, int64_t now_ns) {
    struct gait_governor_clocks clocks = clocks_at(now_ns, now_ns, now_ns / 4);
    struct gait_governor_cycle told;
    gait_governor_begin(governor,
                        &(struct gait_governor_start){
                            .clocks = clocks, .live_bytes = live, .scannable_bytes = live},
                        &told);
    gait_governor_end(governor,
                      &(struct gait_governor_end){
                          .clocks = clocks,
                          .progress = {live, live, marked},
                          .marked_bytes = marked,
                          .mutator_cpu_ns = MS,
                          .background_cpu_ns = MS,
                      },
                      &told);
}

Test(governor_rules, the_scavenger_gives_back_what_is_above_the_goals) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    struct gait_governor_memory memory = memory_of(100 * MIB, 100 * MIB);
    gait_governor_see(&governor, &memory);
    cr_expect_eq(gait_governor_surplus(&governor, MS, 4096), 0, "nothing before a cycle");
    cycle(&governor, 100 * MIB, 50 * MIB, MS);
    gait_governor_see(&governor, &memory);
    uint64_t surplus = gait_governor_surplus(&governor, 2 * MS, 4096);
    cr_expect_eq(surplus, 0, "what was there a moment ago is kept: %" PRIu64, surplus);
    for (int64_t s = 1; s <= 4; s++) /* a heap that is so small for some seconds */
        cycle(&governor, 20 * MIB, 10 * MIB, s * 1000 * MS);
    memory = memory_of(20 * MIB, 180 * MIB);
    gait_governor_see(&governor, &memory);
    cycle(&governor, 20 * MIB, 10 * MIB, 5000 * MS);
    surplus = gait_governor_surplus(&governor, 8000 * MS, 4096);
    cr_expect(surplus > 170 * MIB && surplus <= 180 * MIB, "%" PRIu64, surplus / MIB);
    cr_expect_eq(gait_governor_scavenge_due(&governor, 8000 * MS, 4096), MIB, "a piece at a time");
    memory.free_bytes = 0;
    gait_governor_see(&governor, &memory);
    cr_expect_eq(gait_governor_surplus(&governor, 8000 * MS, 4096), 0, "nothing is free");
}

Test(governor_rules, the_scavenger_keeps_five_percent_below_the_limit) {
    struct gait_governor governor = governor_at(OFF, 200 * MIB, 2);
    struct gait_governor_memory memory = memory_of(100 * MIB, 80 * MIB);
    gait_governor_see(&governor, &memory);
    cr_expect_eq(gait_governor_surplus(&governor, MS, 4096), 0);
    memory = memory_of(100 * MIB, 100 * MIB);
    gait_governor_see(&governor, &memory);
    cr_expect_eq(gait_governor_surplus(&governor, MS, 4096), 10 * MIB);
}

/* ---- Who marks ---- */

Test(governor_rules, a_quarter_of_the_cpus_marks_and_idle_ones_help) {
    static const struct {
        int32_t procs, dedicated, idle;
        double busy; /* share of a CPU that the collector's thread takes where none is idle */
    } rows[] = {
        {1, 0, 0, 0.25}, {2, 0, 1, 0.5}, {3, 0, 2, 0.75}, {4, 0, 3, 1},
        {6, 0, 5, 1},    {8, 1, 6, 1},   {16, 3, 12, 1},  {64, 15, 48, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t procs = rows[i].procs;
        struct gait_governor_helpers helpers = gait_governor_helpers(procs, false);
        cr_expect_eq(helpers.dedicated, rows[i].dedicated, "%d CPUs: %d", procs, helpers.dedicated);
        cr_expect_eq(helpers.idle, rows[i].idle, "%d CPUs: %d", procs, helpers.idle);
        struct gait_governor_pace pace = gait_governor_mark_pace(procs, false, false, false, 0);
        cr_expect(fabs(pace.share - rows[i].busy) < 1e-9, "%d CPUs: %g", procs, pace.share);
        cr_expect_eq(pace.burst_ns, 100000);
    }
    cr_expect_eq(gait_governor_helpers(4, true).dedicated, 3, "all, with the world stopped");
    cr_expect_eq(gait_governor_helpers(4, true).idle, 0);
}

/* A thread that waits for work naps often while it may come at once, and seldom while it can't; and
 * mutators give way before a tick of the scheduler is over, but not for each nap. */
Test(governor_rules, times_of_markers_stand_in_order) {
    struct gait_governor_rhythm rhythm = gait_governor_rhythm();
    cr_expect_eq(rhythm.burst_ns, gait_governor_mark_pace(2, false, false, false, 0).burst_ns,
                 "a helper disturbs mutators no longer than the collector's thread");
    cr_expect(rhythm.look_bytes > 0 && rhythm.look_bytes <= 64 * KIB, "several looks in a burst");
    cr_expect(rhythm.hungry_looks > 0 && rhythm.hungry_nap_ns > 0);
    cr_expect_gt(rhythm.burst_ns, rhythm.hungry_nap_ns);
    cr_expect_gt(rhythm.starved_ns, 10 * rhythm.hungry_nap_ns);
    cr_expect_gt(rhythm.busy_nap_ns, rhythm.starved_ns);
}

Test(governor_rules, the_collectors_thread_takes_an_idle_cpu) {
    static const struct {
        bool idle, limiting, stopped;
        uint64_t work_bytes;
        double share;
        int64_t burst_ns;
    } rows[] = {
        {false, false, false, 0, 0.5, 100000},       {true, false, false, 0, 1, 500000},
        {true, true, false, 0, 0.9, 500000},         {false, true, false, 0, 0.5, 100000},
        {false, false, true, 0, 1, 100000},          {true, true, true, 0, 1, 500000},
        {false, false, false, 8 * MIB, 0.5, 100000}, {false, false, false, 50000000, 0.5, 250000},
        {false, false, false, GIB, 0.5, 500000},     {false, false, false, UINT64_MAX, 0.5, 500000},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_pace pace = gait_governor_mark_pace(
            2, rows[i].idle, rows[i].limiting, rows[i].stopped, rows[i].work_bytes);
        cr_expect(fabs(pace.share - rows[i].share) < 1e-9, "row %zu: %g", i, pace.share);
        cr_expect_eq(pace.burst_ns, rows[i].burst_ns, "row %zu", i);
    }
}

/* Mutators mark in turns where the collector's thread would have to take one's CPU, and nowhere
 * else. */
Test(governor_rules, mutators_take_turns_while_cpus_are_busy) {
    static const struct {
        int32_t procs;
        bool idle, stopped, limiting, assists_off;
        double share;
    } rows[] = {
        {2, false, false, false, false, 0.25}, {1, false, false, false, false, 0.25},
        {3, false, false, false, false, 0.25}, {4, false, false, false, false, 0},
        {2, true, false, false, false, 0},     {2, false, true, false, false, 0},
        {2, false, false, true, false, 0},     {2, true, false, true, false, 0},
        {2, false, false, false, true, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_orders orders = {.limiting = rows[i].limiting,
                                              .assists_off = rows[i].assists_off};
        struct gait_governor_pace pace = gait_governor_mark_pace(
            rows[i].procs, rows[i].idle, rows[i].limiting, rows[i].stopped, GIB);
        double share = gait_governor_turn_share(&orders, &pace, rows[i].procs);
        cr_expect(fabs(share - rows[i].share) < 1e-9, "row %zu: %g", i, share);
    }
}

/* A mutator that looks often spends its share of the time on turns, whatever one takes; one that
 * was away does not make up for all of it. */
Test(governor_rules, turns_come_to_their_share) {
    const int64_t take_ns[] = {2000, 12000, 60000};
    for (size_t i = 0; i < COUNT(take_ns); i++) {
        int64_t now_ns = 1000 * MS, due_ns = 0, spent_ns = 0;
        for (; now_ns < 1100 * MS; now_ns += 5000)
            if (now_ns >= due_ns) {
                now_ns += take_ns[i];
                spent_ns += take_ns[i];
                due_ns = gait_governor_turn_due_ns(0.25, due_ns, now_ns, take_ns[i]);
            }
        double share = (double)spent_ns / (100 * MS);
        cr_expect(fabs(share - 0.25) < 0.01, "%" PRId64 " ns: %g", take_ns[i], share);
        int64_t later_ns = gait_governor_turn_due_ns(0.25, due_ns, now_ns + 1000 * MS, take_ns[i]);
        cr_expect_gt(later_ns, now_ns + 999 * MS);
    }
    cr_expect_eq(gait_governor_turn_ns(12000), 12000);
    cr_expect_lt(gait_governor_turn_ns(4 * MS), MS, "it was preempted");
    struct gait_governor_pace pace = gait_governor_mark_pace(2, false, false, false, GIB);
    cr_expect(gait_governor_turns_suffice(&pace, MS, MS / 2), "two CPUs, a quarter of each");
    cr_expect(gait_governor_turns_suffice(&pace, MS, MS / 4), "a quarter of one");
    cr_expect_not(gait_governor_turns_suffice(&pace, MS, MS / 16), "nobody allocates");
}

Test(governor_rules, naps_leave_a_thread_its_share) {
    static const struct {
        double share;
        int64_t spent_ns, nap_ns;
    } rows[] = {
        {1, 100000, 0},          {0.5, 100000, 100000}, {0.5, 1000, 60000}, /* the least one */
        {0.25, 400000, 1200000}, {0.9, 900000, 100000}, {0.9, 90000, 60000},
        {0.5, 50 * MS, 50 * MS},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_pace pace = {.share = rows[i].share};
        int64_t nap_ns = gait_governor_nap_ns(&pace, rows[i].spent_ns);
        cr_expect(llabs(nap_ns - rows[i].nap_ns) <= 1, "row %zu: %" PRId64, i, nap_ns);
    }
    cr_expect_eq(gait_governor_sweep_pace(true, false).share, 1);
    cr_expect_eq(gait_governor_sweep_pace(false, true).share, 1, "a cycle waits for it");
    cr_expect(fabs(gait_governor_sweep_pace(false, false).share - 0.625) < 1e-9);
    cr_expect_eq(gait_governor_sweep_pace(false, false).burst_ns, 100000, "however large the heap");
    cr_expect_eq(gait_governor_scavenge_nap_ns(2, MS), 49 * MS, "1 %% of two CPUs");
    cr_expect_eq(gait_governor_scavenge_nap_ns(200, MS), 0);
}

Test(governor_rules, small_heaps_wake_no_helper) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    cr_expect_not(gait_governor_wakes_helpers(&governor, 4 * MIB - 1));
    cr_expect(gait_governor_wakes_helpers(&governor, 4 * MIB));
    governor.settings.helped_bytes = 1;
    cr_expect(gait_governor_wakes_helpers(&governor, 1));
}

/* ---- The limiter ---- */

/* Under a limit the goal's floor empties the bucket from half on: limiting is what is left if that
 * does not. */
Test(governor_rules, limiting_begins_with_half_of_the_bucket_or_nearly_all_of_it_under_a_limit) {
    static const struct {
        int64_t now_ms, mutator_ms, gc_ms; /* since the row before */
        bool limiting, limited;            /* limited: under a limit */
    } rows[] = {
        {500, 500, 500, false, false}, /* one half: nothing is in the bucket */
        {1000, 0, 900, false, false},  /* 0.9 of 2 s */
        {100, 0, 100, true, false},    /* 1.0 */
        {400, 400, 0, true, false},    /* 0.6 */
        {110, 110, 0, false, false},   /* 0.49 */
        {400, 0, 400, false, false},   /* 0.9 */
        {200, 0, 200, true, false},    /* 1.1 */
        {700, 0, 670, true, true},     /* 1.76 */
        {700, 700, 0, true, true},     /* 1.06 */
        {100, 100, 0, true, false},    /* 0.96 */
        {9000, 9000, 0, false, false},
    };
    for (int limited = 0; limited < 2; limited++) {
        struct gait_governor governor = governor_at(100, limited ? 64 * (int64_t)MIB : NO_LIMIT, 2);
        int64_t now_ms = 0, mutator_ms = 0, gc_ms = 0, limiting_ms = 0;
        bool before = false;
        for (size_t i = 0; i < COUNT(rows); i++) {
            bool now = limited ? rows[i].limited : rows[i].limiting;
            now_ms += rows[i].now_ms;
            mutator_ms += rows[i].mutator_ms;
            gc_ms += rows[i].gc_ms;
            limiting_ms += before ? rows[i].now_ms : 0;
            struct gait_governor_clocks clocks =
                clocks_at(now_ms * MS, mutator_ms * MS, gc_ms * MS);
            cr_expect(gait_governor_count_due(&governor, clocks.now_ns), "row %zu", i);
            cr_expect_eq(gait_governor_count(&governor, &clocks), now != before, "row %zu", i);
            cr_expect_eq(gait_governor_orders(&governor).limiting, now, "row %zu", i);
            cr_expect_not(gait_governor_count_due(&governor, clocks.now_ns + 10 * MS), "row %zu",
                          i);
            before = now;
        }
        cr_expect_eq(governor.limiting_ns, limiting_ms * MS, "%" PRId64, governor.limiting_ns);
    }
}

/* What a cycle takes that somebody forces is no more the collector's than the program's: the bucket
 * neither fills nor drains by it, wherever the looks fall. Go counts it. */
Test(governor_rules, forced_cycles_do_not_fill_the_bucket) {
    static const struct {
        bool forced, parity, in_the_middle;
        int64_t fill_ms;
    } rows[] = {
        {false, false, false, 300}, {false, false, true, 300}, {true, false, false, 0},
        {true, false, true, 0},     {true, true, false, 300},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
        governor.settings.parity = rows[i].parity;
        struct gait_governor_cycle cycle;
        gait_governor_begin(&governor,
                            &(struct gait_governor_start){.clocks = clocks_at(10 * MS, 0, 0),
                                                          .forced = rows[i].forced,
                                                          .live_bytes = MIB},
                            &cycle);
        struct gait_governor_clocks clocks = clocks_at(110 * MS, 0, 100 * MS);
        if (rows[i].in_the_middle)
            gait_governor_count(&governor, &clocks);
        struct gait_governor_end end = {.clocks = clocks_at(310 * MS, 0, 300 * MS),
                                        .progress = {.live_bytes = MIB},
                                        .marked_bytes = MIB};
        gait_governor_end(&governor, &end, &cycle);
        gait_governor_count(&governor, &end.clocks);
        cr_expect_eq((int64_t)governor.limiter.fill_ns, rows[i].fill_ms * MS, "row %zu: %" PRIu64,
                     i, governor.limiter.fill_ns);
        /* what comes after it counts again */
        clocks = clocks_at(410 * MS, 0, 400 * MS);
        gait_governor_count(&governor, &clocks);
        cr_expect_eq((int64_t)governor.limiter.fill_ns, (rows[i].fill_ms + 100) * MS, "row %zu", i);
    }
}

Test(governor_rules, a_forked_process_has_not_given_cpu_time_back) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    struct gait_governor_clocks clocks = clocks_at(1000 * MS, 900 * MS, 900 * MS);
    gait_governor_count(&governor, &clocks);
    uint64_t fill_ns = governor.limiter.fill_ns;
    gait_governor_process_is_new(&governor, 1800 * MS); /* the child's clock begins anew */
    clocks = clocks_at(1020 * MS, -900 * MS, 900 * MS);
    gait_governor_count(&governor, &clocks);
    cr_expect_eq(governor.limiter.fill_ns, fill_ns, "%" PRIu64, governor.limiter.fill_ns);
}

Test(governor_rules, a_cycle_comes_after_two_minutes_without_one) {
    struct gait_governor on = governor_at(100, NO_LIMIT, 2), off = governor_at(OFF, NO_LIMIT, 2);
    const int64_t minute_ns = 60000 * MS;
    cr_expect_not(gait_governor_periodic_due(&on, 3 * minute_ns, 0), "none has run");
    cr_expect_not(gait_governor_periodic_due(&on, 3 * minute_ns, minute_ns));
    cr_expect(gait_governor_periodic_due(&on, 3 * minute_ns + 1, minute_ns));
    cr_expect_not(gait_governor_periodic_due(&off, 9 * minute_ns, minute_ns));
}

/* ---- A cycle ---- */

Test(governor_rules, pieces_of_globals_are_heap_work_until_the_end) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    struct gait_governor_cycle told;
    gait_governor_begin(&governor,
                        &(struct gait_governor_start){.live_bytes = 8 * MIB,
                                                      .scannable_bytes = 8 * MIB,
                                                      .stack_bytes = MIB,
                                                      .globals_bytes = 10 * MIB,
                                                      .piece_bytes = 6 * MIB},
                        &told);
    cr_expect_eq(governor.pacer.work.stack_bytes, (int64_t)MIB);
    cr_expect_eq(governor.pacer.work.globals_bytes, (int64_t)(4 * MIB));
    gait_governor_revise(&governor, &(struct gait_governor_progress){9 * MIB, 9 * MIB, 3 * MIB});
    cr_expect_eq(governor.pacer.work.heap_bytes, (int64_t)(3 * MIB));
    cr_expect_eq(governor.pacer.work.globals_bytes, (int64_t)(4 * MIB));
    struct gait_governor_end end = {
        .progress = {9 * MIB, 9 * MIB, 11 * MIB}, /* 5 of them the heap's */
        .marked_bytes = 6 * MIB,
        .stack_bytes = 2 * MIB,
        .globals_bytes = 10 * MIB,
    };
    gait_governor_end(&governor, &end, &told);
    cr_expect_eq(told.scanned_bytes, 5 * MIB);
    cr_expect_eq(governor.pacer.last_heap_work_bytes, 5 * MIB);
    cr_expect_eq(governor.pacer.last_stack_work_bytes, 2 * MIB);
    cr_expect_not(governor.marking);
}

Test(governor_rules, pieces_that_went_away_are_no_negative_work) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    struct gait_governor_cycle told;
    gait_governor_begin(&governor,
                        &(struct gait_governor_start){.globals_bytes = 4 * MIB,
                                                      .piece_bytes = 9 * MIB}, /* more than all */
                        &told);
    cr_expect_eq(governor.start.piece_bytes, 4 * MIB);
    gait_governor_end(&governor,
                      &(struct gait_governor_end){.progress = {MIB, MIB, MIB}, .marked_bytes = MIB},
                      &told);
    cr_expect_eq(told.scanned_bytes, 0);
}

Test(governor_rules, foreign_memory_that_is_given_back_lowers_the_goal) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    struct gait_governor_memory memory = memory_of(20 * MIB, 0);
    memory.foreign_bytes = 30 * MIB;
    gait_governor_see(&governor, &memory);
    cycle(&governor, 50 * MIB, 50 * MIB, MS);
    gait_governor_swept(&governor);
    uint64_t before = gait_governor_orders(&governor).goal_bytes;
    cr_expect_eq(gait_governor_orders(&governor).foreign_marked_bytes, 30 * MIB);
    cr_expect_not(gait_governor_take_back(&governor, 31 * MIB, true));
    cr_expect(gait_governor_take_back(&governor, 10 * MIB, true));
    cr_expect(gait_governor_orders(&governor).goal_bytes < before);
    cr_expect_eq(gait_governor_orders(&governor).foreign_marked_bytes, 10 * MIB);
    cr_expect_not(gait_governor_take_back(&governor, 10 * MIB, true));
}

/* ---- What allocation is told ---- */

Test(governor_rules, a_mutator_is_told_one_thing) {
    enum { G = GAIT_GOVERNOR_GO, H = GAIT_GOVERNOR_HELP, M = GAIT_GOVERNOR_MARK };
    enum { A = GAIT_GOVERNOR_AWAIT };
    enum { TAKES = 1, MARKS = 2, MARKING = 4, SWEEPING = 8, LIMITING = 16, HELPED = 32 };
    enum { AWAITED = 64, NO_BOUNDS = 128, NO_ASSISTS = 256 };
    static const struct {
        unsigned bits;
        uint64_t live, total; /* MiB; late at 100, barrier 120, relief 90, limit 200 */
        int64_t credit;
        int advice;
    } rows[] = {
        {0, 50, 50, 0, G},
        {0, 99, 99, -1, G},       /* it owes nothing before a cycle marks */
        {0, 100, 100, 0, H},      /* the cycle that is due has not come */
        {HELPED, 100, 100, 0, G}, /* for a bounded time */
        {LIMITING, 100, 100, 0, G},
        {MARKING, 100, 100, 0, H}, /* it marks, but this one may not yet */
        {MARKS | MARKING, 100, 100, 0, G},
        {MARKS | MARKING, 50, 50, -1, M},
        {MARKS | MARKING | LIMITING, 50, 50, -1, G},
        {MARKS | MARKING, 120, 120, 5, G},
        {MARKS | MARKING, 121, 121, 5, M}, /* above what the limit allows: paid or not */
        {MARKS | MARKING | LIMITING, 121, 121, 5, G},
        {TAKES, 50, 199, 0, G},           /* below the limit less the reserve */
        {TAKES, 50, 200, 0, A},           /* nothing is left to sweep */
        {0, 50, 200, 0, G},               /* it takes no page */
        {TAKES | AWAITED, 50, 200, 0, G}, /* for a bounded time */
        {TAKES | LIMITING, 50, 200, 0, G},
        {TAKES | NO_BOUNDS, 50, 200, 0, G}, /* a cycle gives too little back */
        {TAKES | SWEEPING, 50, 200, 0, G},  /* one has just been */
        {TAKES | SWEEPING, 90, 200, 0, A},  /* enough was allocated since */
        {TAKES | MARKING | SWEEPING, 50, 200, 0, A},
        {TAKES | MARKS | MARKING, 50, 200, 5, M},
        {TAKES, 100, 200, 0, H}, /* first things first */
        /* without assists it never marks, and waits for others to at the limit alone */
        {NO_ASSISTS | MARKS | MARKING, 50, 50, -1, G},
        {NO_ASSISTS | MARKS | MARKING, 119, 119, -1000000, G},
        {NO_ASSISTS | MARKS | MARKING, 121, 121, -1, A},
        {NO_ASSISTS | MARKS | MARKING | TAKES, 50, 200, -1, A},
        {NO_ASSISTS | MARKS | MARKING | AWAITED, 121, 121, -1, G}, /* for a bounded time */
        {NO_ASSISTS | MARKS | MARKING | LIMITING, 121, 121, -1, G},
        {NO_ASSISTS | MARKS | MARKING | NO_BOUNDS, 121, 300, -1, G},
        {NO_ASSISTS | TAKES, 50, 200, 0, A},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned bits = rows[i].bits;
        struct gait_governor_orders orders = {
            .late_bytes = bits & NO_BOUNDS ? NONE : 100 * MIB,
            .barrier_bytes = bits & NO_BOUNDS ? NONE : 120 * MIB,
            .relief_bytes = bits & NO_BOUNDS ? NONE : 90 * MIB,
            .limit_bytes = 200 * MIB,
            .limiting = bits & LIMITING,
            .assists_off = bits & NO_ASSISTS,
        };
        struct gait_governor_want want = {
            .live_bytes = rows[i].live * MIB,
            .total_bytes = rows[i].total * MIB,
            .credit_bytes = rows[i].credit,
            .takes_pages = bits & TAKES,
            .marks = bits & MARKS,
            .helped = bits & HELPED,
            .awaited = bits & AWAITED,
            .marking = bits & MARKING,
            .sweeping = bits & SWEEPING,
        };
        int advice = (int)gait_governor_advise(&orders, &want);
        cr_expect_eq(advice, rows[i].advice, "row %zu: %d", i, advice);
    }
}

Test(governor_rules, an_assist_is_a_bounded_piece_of_work) {
    static const struct {
        double ratio;
        int64_t credit; /* bytes */
        uint64_t live;  /* MiB; goal 110, late at 100, barrier 120 */
        int64_t work;   /* at least, bytes; no more than twice that */
        uint64_t piece; /* KiB */
        bool at_limit;
    } rows[] = {
        {1, -4096, 50, 65536, 16, false},  /* the least that is worth it, in four pieces */
        {3, -16384, 50, 65536, 48, false}, /* all that it owes */
        {1, -1000000, 50, 1000000, 64, false},  {2, -1000000, 50, 2000000, 64, false},
        {1, -1000000, 105, 1000000, 64, false}, /* late: it owes the same */
        {1, 5, 121, 65536, 64, true},           /* at the limit it marks, paid or not */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_orders orders = {
            .goal_bytes = 110 * MIB,
            .late_bytes = 100 * MIB,
            .barrier_bytes = 120 * MIB,
            .limit_bytes = 200 * MIB,
            .assist_work_per_byte = rows[i].ratio,
            .assist_bytes_per_work = 1 / rows[i].ratio,
        };
        struct gait_governor_want want = {
            .live_bytes = rows[i].live * MIB,
            .credit_bytes = rows[i].credit,
            .marks = true,
            .marking = true,
        };
        struct gait_governor_assist assist = gait_governor_assist(&orders, &want);
        cr_expect(assist.work_bytes >= rows[i].work && assist.work_bytes <= 2 * rows[i].work,
                  "row %zu: %" PRId64, i, assist.work_bytes);
        cr_expect_eq(assist.piece_bytes, rows[i].piece * KIB, "row %zu", i);
        cr_expect_eq(assist.at_limit, rows[i].at_limit, "row %zu", i);
    }
}

/* One that is woken for less than the least assist would wait again at once. */
Test(governor_rules, credit_wakes_once_it_pays_an_assist) {
    static const struct {
        int64_t credit;
        bool pays;
    } rows[] = {{INT64_MIN, false}, {-1, false},   {0, false},
                {65535, false},     {65536, true}, {INT64_MAX, true}};
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gait_governor_credit_pays(rows[i].credit), rows[i].pays, "row %zu", i);
}

Test(governor_rules, who_paid_ahead_stays_within_a_64th_of_the_way) {
    struct gait_governor_orders orders = {.goal_bytes = 1000 * MIB, .assist_bytes_per_work = 1000};
    int64_t credit = gait_governor_earn(&orders, -(int64_t)MIB, 360 * MIB, (int64_t)MIB);
    cr_expect_eq(credit, (int64_t)(10 * MIB), "%" PRId64, credit);
    credit = gait_governor_earn(&orders, 0, 2000 * MIB, (int64_t)MIB);
    cr_expect_eq(credit, (int64_t)MIB, "past the goal: a mebibyte");
    orders.assist_bytes_per_work = 0.5;
    credit = gait_governor_earn(&orders, -100, 360 * MIB, 100);
    cr_expect(credit >= -50 && credit <= -49, "%" PRId64, credit);
    cr_expect_eq(gait_governor_revise_at(MIB), MIB + 64 * KIB);
}

/* ---- Settings ---- */

Test(governor_rules, settings_move_the_goal_at_once) {
    struct gait_governor governor = governor_at(100, NO_LIMIT, 2);
    gait_governor_assume(&governor, 64 * MIB);
    cr_expect_eq(gait_governor_orders(&governor).goal_bytes, 128 * MIB);
    gait_governor_set(&governor, GAIT_SETTING_GOGC, 50, true);
    cr_expect_eq(gait_governor_orders(&governor).goal_bytes, 96 * MIB);
    gait_governor_set(&governor, GAIT_SETTING_GOGC, OFF, true);
    cr_expect_eq(gait_governor_orders(&governor).goal_bytes / MIB > 1000000, true);
    struct gait_governor_memory memory = memory_of(64 * MIB, 0);
    gait_governor_see(&governor, &memory);
    gait_governor_set(&governor, GAIT_SETTING_LIMIT, 200 * MIB, true);
    uint64_t goal = gait_governor_orders(&governor).goal_bytes;
    cr_expect(goal > 190 * MIB && goal < 195 * MIB, "less 3 %%: %" PRIu64, goal / MIB);
    gait_governor_set(&governor, GAIT_SETTING_GOGC, 1, true);
    gait_governor_set_heap_minimum(&governor, 100 * 100 * MIB, true);
    cr_expect_eq(gait_governor_orders(&governor).goal_bytes, 100 * MIB);
}

/* What is written beside a cycle is looked at again while that becomes less, and is worth it. */
Test(governor_rules, what_is_written_is_looked_at_again_while_it_shrinks) {
    static const struct {
        uint32_t rounds;
        uint64_t bytes, last_bytes;
        bool by_pages, again;
    } rows[] = {
        {1, MIB, UINT64_MAX, false, true},    {1, 64 * KIB, UINT64_MAX, false, false},
        {2, MIB, 2 * MIB, false, true},       {2, 3 * MIB, 4 * MIB, false, false},
        {9, MIB, 2 * MIB, false, true},       {10, MIB, 2 * MIB, false, false},
        {1, 2 * MIB, UINT64_MAX, true, true}, {1, MIB, UINT64_MAX, true, false},
        {5, 64 * MIB, 2 * MIB, true, true},   {6, 64 * MIB, 2 * MIB, true, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_round round = {rows[i].rounds, rows[i].bytes, rows[i].last_bytes,
                                            rows[i].by_pages};
        cr_expect_eq(gait_governor_looks_again(&round), rows[i].again, "row %zu", i);
    }
}

/* A stretch of the scavenger's is long enough for its nap to be exact, and takes 1 % of the CPUs.
 */
Test(governor_rules, the_scavenger_takes_a_hundredth) {
    struct gait_governor_stretch stretch = gait_governor_scavenge_stretch();
    for (int32_t procs = 1; procs <= 64; procs *= 2) {
        int64_t nap_ns = gait_governor_scavenge_nap_ns(procs, stretch.work_ns);
        double share = (double)stretch.work_ns / (double)(stretch.work_ns + nap_ns) / procs;
        cr_expect(fabs(share - 0.01) < 1e-6, "%d CPUs: %g", procs, share);
        cr_expect_eq(gait_governor_scavenge_nap_ns(procs, stretch.work_ns / 2), nap_ns);
    }
    cr_expect_gt(stretch.piece_bytes, 0);
}

/* Of ended arenas more than twice what has a cycle asked for is not left until it ends. */
Test(governor_rules, quarantine_is_bounded) {
    static const uint64_t live[] = {0, MIB, 128 * MIB, GIB, UINT64_MAX};
    for (size_t i = 0; i < COUNT(live); i++) {
        uint64_t waits = gait_governor_quarantine_bytes(live[i]);
        uint64_t most = gait_governor_quarantine_most_bytes(live[i]);
        cr_expect_geq(waits, live[i] / 2);
        cr_expect(most == 2 * waits || (waits > UINT64_MAX / 2 && most == UINT64_MAX), "row %zu",
                  i);
    }
}
