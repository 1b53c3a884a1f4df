/* SPDX-License-Identifier: MIT */
/*
 * The pacer's decisions at the edges: tables of cases, and runs over many
 * cycles. Agreement with Go over whole scenarios is in tests/sim/. It is long as pacer.h is: each
 * part of that contract has its table here.
 */
#include "gait/pacer.h"

#include "../../pacer/arith.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)
#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

#define expect_u64(actual, expected, row)                                                          \
    do {                                                                                           \
        uint64_t actual_ = (actual), expected_ = (expected);                                       \
        cr_expect(actual_ == expected_, "row %zu: %s is %" PRIu64 ", not %" PRIu64, (size_t)(row), \
                  #actual, actual_, expected_);                                                    \
    } while (0)

/** A pacer after a cycle that marked this much, swept. */
static struct gait_pacer pacer_after(int32_t gogc, int64_t limit, uint64_t marked, uint64_t stack,
                                     uint64_t globals) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, gogc, limit);
    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 4,
                                                              .live_bytes = marked,
                                                              .scannable_bytes = marked,
                                                              .stack_bytes = stack,
                                                              .globals_bytes = globals});
    gait_pacer_revise(&pacer,
                      &(struct gait_pacer_progress){.live_bytes = marked,
                                                    .scannable_bytes = marked,
                                                    .work = {(int64_t)(marked & INT64_MAX),
                                                             (int64_t)stack, (int64_t)globals}});
    gait_pacer_set_marked(&pacer, marked);
    gait_pacer_commit(&pacer, true);
    return pacer;
}

Test(pacer, gogc_goal) {
    static const struct {
        int32_t gogc;
        uint64_t marked, stack, globals, goal;
    } rows[] = {
        {100, 0, 0, 0, 4 * MIB},
        {100, 1 * MIB, 0, 0, 4 * MIB}, /* the minimum */
        {100, 2 * MIB, 0, 0, 4 * MIB},
        {100, 10 * MIB, 0, 0, 20 * MIB},
        {100, 10 * MIB, 1 * MIB, 2 * MIB, 23 * MIB}, /* roots are work too */
        {50, 100 * MIB, 0, 0, 150 * MIB},
        {200, 100 * MIB, 0, 0, 300 * MIB},
        {200, 0, 0, 0, 8 * MIB},
        {50, 0, 0, 0, 2 * MIB},
        {0, 10 * MIB, 0, 0, 10 * MIB}, /* collects all the time */
        {0, 0, 0, 0, 0},
        {1, 100, 0, 0, 4 * MIB / 100},
        {INT32_MAX, 1 * GIB, 0, 0, GIB + GIB / 100 * INT32_MAX + GIB % 100 * INT32_MAX / 100},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct gait_pacer pacer = pacer_after(rows[i].gogc, GAIT_PACER_NO_LIMIT, rows[i].marked,
                                              rows[i].stack, rows[i].globals);
        expect_u64(gait_pacer_goal(&pacer), rows[i].goal, i);
        struct gait_pacer_target target = gait_pacer_target(&pacer);
        cr_expect(target.trigger_bytes <= target.goal_bytes, "row %zu", i);
        cr_expect(target.trigger_bytes >= rows[i].marked, "row %zu", i);
    }
}

Test(pacer, heap_minimum_is_a_setting) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, 50, GAIT_PACER_NO_LIMIT);
    expect_u64(gait_pacer_set_heap_minimum(&pacer, 32 * MIB), 4 * MIB, 0);
    gait_pacer_commit(&pacer, true);
    expect_u64(gait_pacer_goal(&pacer), 16 * MIB, 0);
}

Test(pacer, gogc_goal_saturates) {
    /* A product beyond 64 bits must not give a small goal. */
    struct gait_pacer pacer = pacer_after(INT32_MAX, GAIT_PACER_NO_LIMIT, GIB << 20, 0, 0);
    expect_u64(pacer.gogc_goal_bytes, UINT64_MAX, 0);
    cr_expect(gait_pacer_goal(&pacer) > GIB << 20);
    cr_expect(!gait_pacer_cycle_due(&pacer));
}

Test(pacer, off_is_off) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, -7, -1);
    cr_expect(pacer.gogc_percent == GAIT_PACER_GOGC_OFF);
    cr_expect(pacer.memory_limit_bytes == GAIT_PACER_NO_LIMIT);
    expect_u64(pacer.gogc_goal_bytes, GAIT_PACER_NONE, 0);
    gait_pacer_set_live(&pacer, 1 * GIB << 10, 1 * GIB);
    cr_expect(!gait_pacer_cycle_due(&pacer));
    cr_expect(!gait_pacer_periodic_due(&pacer, 1000 * SECOND, SECOND));
    expect_u64(gait_pacer_heap_minimum(&pacer), 0, 0);

    /* A forced cycle at both off: assists must not be felt. */
    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 2,
                                                              .live_bytes = GIB,
                                                              .scannable_bytes = GIB,
                                                              .globals_bytes = 32 * KIB});
    for (int64_t work = 0; work < (int64_t)GIB; work += (int64_t)(64 * MIB)) {
        gait_pacer_revise(&pacer, &(struct gait_pacer_progress){.live_bytes = GIB + 1 * MIB,
                                                                .scannable_bytes = GIB,
                                                                .work = {.heap_bytes = work}});
        cr_expect(pacer.assist_work_per_byte > 0 && pacer.assist_work_per_byte < 1e-6,
                  "%g at %" PRId64, pacer.assist_work_per_byte, work);
    }
}

Test(pacer, settings_return_the_value_before) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, 100, 5);
    cr_expect(gait_pacer_set_gogc(&pacer, -5) == 100);
    cr_expect(gait_pacer_set_gogc(&pacer, 50) == -1);
    cr_expect(gait_pacer_set_memory_limit(&pacer, -1) == 5);
    cr_expect(gait_pacer_set_memory_limit(&pacer, 9) == 5);
    cr_expect(pacer.memory_limit_bytes == 9);
    gait_pacer_commit(&pacer, true);
    expect_u64(pacer.gogc_goal_bytes, 2 * MIB, 0);
}

Test(pacer, limit_goal) {
    static const struct {
        uint64_t limit, mapped, free, allocated, marked, goal;
    } rows[] = {
        /* nothing but heap: 3 % less */
        {512 * MIB, 0, 0, 0, 0, 512 * MIB - 512 * MIB / 100 * 3},
        {512 * MIB, 300 * MIB, 100 * MIB, 200 * MIB, 0, 512 * MIB - 512 * MIB / 100 * 3},
        /* 12 MiB that are no heap */
        {512 * MIB, 312 * MIB, 100 * MIB, 200 * MIB, 0, 500 * MIB - 500 * MIB / 100 * 3},
        /* 12 MiB beyond the limit */
        {300 * MIB, 312 * MIB, 100 * MIB, 212 * MIB, 0, 288 * MIB - 288 * MIB / 100 * 3},
        /* small: at least 1 MiB less, and at least 1 MiB left */
        {10 * MIB, 0, 0, 0, 0, 9 * MIB},
        {2 * MIB, 0, 0, 0, 0, 1 * MIB},
        {1 * MIB, 0, 0, 0, 0, 1 * MIB},
        {1, 0, 0, 0, 0, 1 * MIB},
        {0, 0, 0, 0, 0, 0},
        {0, 0, 0, 0, 77, 77},
        /* the limit is gone for other things: all that is live, and no more */
        {100 * MIB, 100 * MIB, 0, 0, 5 * MIB, 5 * MIB},
        {100 * MIB, 300 * MIB, 0, 50 * MIB, 50 * MIB, 50 * MIB},
        /* never below what is live */
        {100 * MIB, 110 * MIB, 0, 105 * MIB, 105 * MIB, 105 * MIB},
        /* figures taken at different moments */
        {100 * MIB, 10 * MIB, 8 * MIB, 8 * MIB, 0, 97 * MIB},
        {100 * MIB, 10 * MIB, UINT64_MAX, UINT64_MAX, 0, 97 * MIB},
        {100 * MIB, UINT64_MAX, 0, 0, 3, 3},
        /* no limit */
        {INT64_MAX, 0, 0, 0, 0, INT64_MAX - (uint64_t)INT64_MAX / 100 * 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct gait_pacer pacer =
            pacer_after(GAIT_PACER_GOGC_OFF, (int64_t)rows[i].limit, rows[i].marked, 0, 0);
        gait_pacer_set_memory(
            &pacer, &(struct gait_pacer_memory){rows[i].mapped, rows[i].free, rows[i].allocated});
        expect_u64(gait_pacer_limit_goal(&pacer), rows[i].goal, i);
        expect_u64(gait_pacer_goal(&pacer), rows[i].goal, i);
    }
}

Test(pacer, the_lower_goal_counts) {
    struct gait_pacer pacer = pacer_after(100, 512 * (int64_t)MIB, 100 * MIB, 0, 0);
    expect_u64(gait_pacer_goal(&pacer), 200 * MIB, 0);
    pacer = pacer_after(100, 512 * (int64_t)MIB, 300 * MIB, 0, 0);
    expect_u64(gait_pacer_goal(&pacer), gait_pacer_limit_goal(&pacer), 1);
}

Test(pacer, foreign_memory_that_is_taken_back_lowers_the_goal) {
    static const struct {
        uint64_t marked, foreign, now; /* bytes */
        bool fell;
        uint64_t goal;
    } rows[] = {
        {100 * MIB, 0, 0, false, 200 * MIB}, /* none */
        {100 * MIB, 60 * MIB, 60 * MIB, false, 200 * MIB},
        {100 * MIB, 60 * MIB, 90 * MIB, false, 200 * MIB}, /* grown since: not marked */
        {100 * MIB, 60 * MIB, 59 * MIB, true, 198 * MIB},
        {100 * MIB, 60 * MIB, 0, true, 80 * MIB},
        {100 * MIB, 100 * MIB, 0, true, 4 * MIB},          /* the minimum */
        {100 * MIB, 999 * MIB, 50 * MIB, true, 100 * MIB}, /* more than was marked: all of it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, rows[i].marked, 0, 0);
        gait_pacer_set_foreign(&pacer, rows[i].foreign);
        cr_expect_eq(gait_pacer_take_back(&pacer, rows[i].now), rows[i].fell, "row %zu", i);
        gait_pacer_commit(&pacer, true);
        expect_u64(gait_pacer_goal(&pacer), rows[i].goal, i);
        cr_expect_not(gait_pacer_take_back(&pacer, rows[i].now), "row %zu", i);
    }
}

/* It does not come back: what is added after a cycle was not marked by it. */
Test(pacer, foreign_memory_is_marked_once) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    gait_pacer_set_foreign(&pacer, 80 * MIB);
    cr_expect(gait_pacer_take_back(&pacer, 30 * MIB));
    cr_expect_not(gait_pacer_take_back(&pacer, 80 * MIB));
    gait_pacer_commit(&pacer, true);
    expect_u64(gait_pacer_goal(&pacer), 100 * MIB, 0);
    expect_u64(pacer.live_bytes, 50 * MIB, 0);
    gait_pacer_set_marked(&pacer, 100 * MIB); /* a cycle that was told of none */
    cr_expect_not(gait_pacer_take_back(&pacer, 0));
}

Test(pacer, sweeping_gets_room) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 1 * MIB, 0, 0);
    gait_pacer_set_live(&pacer, 3 * MIB + MIB / 2, 0);
    gait_pacer_commit(&pacer, false);
    struct gait_pacer_target target = gait_pacer_target(&pacer);
    expect_u64(target.goal_bytes, 4 * MIB + MIB / 2, 0); /* live + 1 MiB, past the 4 MiB goal */
    expect_u64(target.trigger_bytes, 4 * MIB + MIB / 2, 0);
    cr_expect(!gait_pacer_cycle_due(&pacer));
    gait_pacer_commit(&pacer, true);
    expect_u64(gait_pacer_goal(&pacer), 4 * MIB, 0);

    /* but not from the memory limit */
    pacer = pacer_after(100, 3 * (int64_t)MIB, 1 * MIB, 0, 0);
    gait_pacer_set_live(&pacer, 3 * MIB, 0);
    gait_pacer_commit(&pacer, false);
    expect_u64(gait_pacer_goal(&pacer), 2 * MIB, 1);
    cr_expect(gait_pacer_cycle_due(&pacer));
}

Test(pacer, trigger_bounds) {
    static const struct {
        uint64_t marked, runway, trigger;
    } rows[] = {
        /* no runway: 61/64 of the way, or 4 MiB before the goal */
        {4 * MIB, 0, 4 * MIB + 4 * MIB / 64 * 61},
        {100 * MIB, 0, 196 * MIB},
        {1 * GIB, 0, 2 * GIB - 4 * MIB},
        /* within the bounds: just the runway */
        {100 * MIB, 10 * MIB, 190 * MIB},
        {1 * GIB, 200 * MIB, 2 * GIB - 200 * MIB},
        /* a long one: 45/64 of the way */
        {100 * MIB, 50 * MIB, 100 * MIB + 100 * MIB / 64 * 45},
        {100 * MIB, 10 * GIB, 100 * MIB + 100 * MIB / 64 * 45},
        {100 * MIB, UINT64_MAX, 100 * MIB + 100 * MIB / 64 * 45},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, rows[i].marked, 0, 0);
        pacer.runway_bytes = rows[i].runway;
        expect_u64(gait_pacer_target(&pacer).trigger_bytes, rows[i].trigger, i);
        gait_pacer_set_live(&pacer, rows[i].trigger - 1, 0);
        cr_expect(!gait_pacer_cycle_due(&pacer), "row %zu", i);
        gait_pacer_set_live(&pacer, rows[i].trigger, 0);
        cr_expect(gait_pacer_cycle_due(&pacer), "row %zu", i);
    }
}

Test(pacer, a_goal_below_the_live_heap_collects_at_once) {
    struct gait_pacer pacer = pacer_after(100, 10 * (int64_t)MIB, 50 * MIB, 0, 0);
    struct gait_pacer_target target = gait_pacer_target(&pacer);
    expect_u64(target.goal_bytes, 50 * MIB, 0);
    expect_u64(target.trigger_bytes, 50 * MIB, 0);
    cr_expect(gait_pacer_cycle_due(&pacer));
}

Test(pacer, goal_stays_ahead_of_a_late_trigger) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 10 * MIB, 0, 0);
    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 1, .live_bytes = 30 * MIB});
    expect_u64(gait_pacer_goal(&pacer), 30 * MIB + 64 * KIB, 0);
    gait_pacer_start_cycle(&pacer,
                           &(struct gait_pacer_start){.procs = 1, .live_bytes = UINT64_MAX - 1});
    cr_expect(gait_pacer_goal(&pacer) >= 30 * MIB);
    cr_expect(isfinite(pacer.assist_work_per_byte) && pacer.assist_work_per_byte > 0);
}

Test(pacer, periodic_cycles) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, 100, GAIT_PACER_NO_LIMIT);
    cr_expect(!gait_pacer_periodic_due(&pacer, 1000 * SECOND, 0)); /* none has run */
    cr_expect(!gait_pacer_periodic_due(&pacer, 121 * SECOND, 1 * SECOND));
    cr_expect(gait_pacer_periodic_due(&pacer, 121 * SECOND + 1, 1 * SECOND));
    cr_expect(gait_pacer_periodic_due(&pacer, INT64_MAX, INT64_MIN));
}

Test(pacer, workers_by_procs) {
    static const struct {
        int32_t procs, dedicated, idle_max;
        double fractional;
    } rows[] = {
        {-3, 0, 1, 0.25}, {0, 0, 1, 0.25}, {1, 0, 1, 0.25},    {2, 0, 2, 0.25}, {3, 0, 3, 0.25},
        {4, 1, 3, 0},     {5, 1, 4, 0},    {6, 1, 5, 0.5 / 6}, {7, 2, 5, 0},    {8, 2, 6, 0},
        {9, 2, 7, 0},     {10, 3, 7, 0},   {16, 4, 12, 0},     {64, 16, 48, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct gait_pacer_workers workers = gait_pacer_divide(rows[i].procs, false, false);
        cr_expect(workers.dedicated == rows[i].dedicated, "row %zu: %d", i, workers.dedicated);
        cr_expect(workers.idle_max == rows[i].idle_max, "row %zu: %d", i, workers.idle_max);
        cr_expect(workers.fractional_share == rows[i].fractional, "row %zu: %g", i,
                  workers.fractional_share);
    }
    for (int32_t procs = 1; procs <= 64; procs++) {
        struct gait_pacer_workers workers = gait_pacer_divide(procs, false, false);
        double share = ((double)workers.dedicated + workers.fractional_share * procs) / procs;
        cr_expect(fabs(share - 0.25) <= 0.25 * 0.3 + 1e-12, "%d procs: %g", procs, share);
        cr_expect(workers.dedicated + workers.idle_max == procs, "%d procs", procs);

        workers = gait_pacer_divide(procs, true, false);
        cr_expect(workers.idle_max == (workers.dedicated ? 0 : 1), "%d procs", procs);

        workers = gait_pacer_divide(procs, false, true);
        cr_expect(workers.dedicated == procs && workers.idle_max == 0, "%d procs", procs);
        cr_expect(workers.fractional_share == 0, "%d procs", procs);
    }
}

Test(pacer, fractional_worker_keeps_to_its_share) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 10 * MIB, 0, 0);
    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.now_ns = 5 * SECOND, .procs = 2});
    cr_expect(gait_pacer_fractional_due(&pacer, 5 * SECOND, 0));
    cr_expect(gait_pacer_fractional_due(&pacer, 5 * SECOND + 100 * MS, 25 * MS));
    cr_expect(!gait_pacer_fractional_due(&pacer, 5 * SECOND + 100 * MS, 25 * MS + 1));
    cr_expect(!gait_pacer_fractional_done(&pacer, 5 * SECOND + 100 * MS, 30 * MS - 1));
    cr_expect(gait_pacer_fractional_done(&pacer, 5 * SECOND + 100 * MS, 30 * MS + 1));
    cr_expect(gait_pacer_fractional_done(&pacer, 4 * SECOND, 0)); /* a clock that went back */

    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 4});
    cr_expect(!gait_pacer_fractional_due(&pacer, 100 * MS, 0));
}

Test(pacer, assist_debt) {
    struct gait_pacer_debt debt = gait_pacer_assist(2.0, 0.5, 1000);
    cr_expect(debt.work_bytes == 64 * (int64_t)KIB);
    cr_expect(debt.credit_bytes == 32 * (int64_t)KIB);
    debt = gait_pacer_assist(2.0, 0.5, (int64_t)MIB);
    cr_expect(debt.work_bytes == 2 * (int64_t)MIB);
    cr_expect(debt.credit_bytes == (int64_t)MIB);
}

Test(pacer, assist_ratio_is_work_over_distance) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 4,
                                                              .live_bytes = 180 * MIB,
                                                              .scannable_bytes = 180 * MIB});
    cr_expect(pacer.assist_work_per_byte == 100.0 / 20.0, "%g", pacer.assist_work_per_byte);
    struct gait_pacer_progress progress = {
        .live_bytes = 190 * MIB, .scannable_bytes = 190 * MIB, .work = {50 * (int64_t)MIB, 0, 0}};
    gait_pacer_revise(&pacer, &progress);
    cr_expect(pacer.assist_work_per_byte == 50.0 / 10.0, "%g", pacer.assist_work_per_byte);
    cr_expect(pacer.assist_bytes_per_work == 10.0 / 50.0, "%g", pacer.assist_bytes_per_work);

    /* all expected work done: marking may still find some */
    progress.work.heap_bytes = 100 * (int64_t)MIB;
    gait_pacer_revise(&pacer, &progress);
    cr_expect(pacer.assist_work_per_byte == 1000.0 / (double)(10 * MIB));

    /* and more than that: what was scanned has grown, and so does the goal */
    progress.work.heap_bytes = 150 * (int64_t)MIB;
    gait_pacer_revise(&pacer, &progress);
    double goal = 180.0 + 20.0 / 100.0 * 190.0;
    double expected = (190.0 - 150.0) / (goal - 190.0);
    cr_expect(fabs(pacer.assist_work_per_byte - expected) < 1e-6, "%g not %g",
              pacer.assist_work_per_byte, expected);

    /* past the goal: 10 % of it are left, for the whole scannable heap */
    progress = (struct gait_pacer_progress){
        .live_bytes = 210 * MIB, .scannable_bytes = 210 * MIB, .work = {50 * (int64_t)MIB, 0, 0}};
    gait_pacer_revise(&pacer, &progress);
    expected = (210.0 - 50.0) / (220.0 - 210.0);
    cr_expect(fabs(pacer.assist_work_per_byte - expected) < 1e-6, "%g not %g",
              pacer.assist_work_per_byte, expected);
}

Test(pacer, assists_without_gogc_let_a_heap_grow_within_one_cycle) {
    /* 1 MiB was expected, 100 MiB may be there: the goal moves to a hundred times the runway */
    struct gait_pacer pacer = pacer_after(GAIT_PACER_GOGC_OFF, 512 * (int64_t)MIB, 1 * MIB, 0, 0);
    gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 4,
                                                              .live_bytes = 100 * MIB,
                                                              .scannable_bytes = 100 * MIB});
    gait_pacer_revise(&pacer, &(struct gait_pacer_progress){.live_bytes = 100 * MIB,
                                                            .scannable_bytes = 100 * MIB,
                                                            .work = {2 * (int64_t)MIB, 0, 0}});
    double runway = (double)(gait_pacer_goal(&pacer) - 100 * MIB);
    double expected = 98.0 * (double)MIB / (runway * 100);
    cr_expect(fabs(pacer.assist_work_per_byte / expected - 1) < 1e-9, "%g not %g",
              pacer.assist_work_per_byte, expected);
}

Test(pacer, assist_ratio_is_always_positive) {
    static const uint64_t edges[] = {0, 1, 1000, 4 * MIB, GIB, INT64_MAX, UINT64_MAX};
    static const int32_t gogcs[] = {-1, 0, 1, 100, INT32_MAX};
    const size_t count = sizeof(edges) / sizeof(*edges);
    for (size_t g = 0; g < 5; g++)
        for (size_t i = 0; i < count * count * count * count; i++) {
            uint64_t limit = edges[i % count], live = edges[i / count % count];
            uint64_t scan = edges[i / count / count % count];
            uint64_t work = edges[i / count / count / count];
            struct gait_pacer pacer = pacer_after(gogcs[g], (int64_t)limit, live, scan, scan);
            gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 2,
                                                                      .live_bytes = live,
                                                                      .scannable_bytes = scan,
                                                                      .stack_bytes = scan,
                                                                      .globals_bytes = scan});
            gait_pacer_revise(&pacer,
                              &(struct gait_pacer_progress){live, scan, {(int64_t)work, 0, 0}});
            cr_expect(pacer.assist_work_per_byte > 0 && isfinite(pacer.assist_work_per_byte),
                      "gogc %d limit %" PRIu64 " live %" PRIu64 " scan %" PRIu64 " work %" PRIu64,
                      gogcs[g], limit, live, scan, work);
            cr_expect(pacer.assist_bytes_per_work > 0 && isfinite(pacer.assist_bytes_per_work));
            struct gait_pacer_target target = gait_pacer_target(&pacer);
            cr_expect(target.trigger_bytes <= target.goal_bytes);
        }
}

/** One cycle of marking that scans `work` and allocates `allocated`. */
static void run_marking(struct gait_pacer *pacer, uint64_t live, int64_t work, uint64_t allocated) {
    gait_pacer_start_cycle(
        pacer, &(struct gait_pacer_start){
                   .now_ns = SECOND, .procs = 4, .live_bytes = live, .scannable_bytes = live});
    gait_pacer_revise(pacer, &(struct gait_pacer_progress){.live_bytes = live + allocated,
                                                           .scannable_bytes = live,
                                                           .work = {.heap_bytes = work}});
}

Test(pacer, cons_mark_is_the_largest_of_five) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    static const uint64_t allocated_mib[] = {10, 80, 20, 30, 20, 10, 10, 10, 10, 10, 10, 5};
    static const uint64_t largest_mib[] = {10, 80, 80, 80, 80, 80, 30, 30, 20, 10, 10, 10};
    for (size_t i = 0; i < sizeof(largest_mib) / sizeof(*largest_mib); i++) {
        run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, allocated_mib[i] * MIB);
        /* all 4 CPUs for 100 ms, no assists, no idle help */
        gait_pacer_end_cycle(
            &pacer, &(struct gait_pacer_mark_time){.now_ns = SECOND + 100 * MS, .procs = 4});
        double expected = (double)largest_mib[i] / 100 * 0.25 / 0.75;
        cr_expect(fabs(pacer.cons_mark - expected) < 1e-12, "cycle %zu: %g not %g", i,
                  pacer.cons_mark, expected);
    }
}

Test(pacer, cons_mark_counts_assists_and_idle_help) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, 50 * MIB);
    gait_pacer_end_cycle(&pacer, &(struct gait_pacer_mark_time){.now_ns = SECOND + 100 * MS,
                                                                .procs = 4,
                                                                .assist_cpu_ns = 40 * MS,
                                                                .idle_cpu_ns = 80 * MS});
    double expected = 50.0 * (0.35 + 0.2) / (100.0 * (1 - 0.35));
    cr_expect(fabs(pacer.cons_mark - expected) < 1e-12, "%g not %g", pacer.cons_mark, expected);
}

Test(pacer, cycles_that_teach_nothing) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    struct gait_pacer_mark_time time = {.now_ns = SECOND + 100 * MS, .procs = 4};
    struct gait_pacer_mark_cpu cpu = {.mutator_cpu_ns = MS, .background_cpu_ns = MS};

    run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, 0); /* nothing allocated */
    gait_pacer_end_cycle(&pacer, &time);
    gait_pacer_end_cycle_measured(&pacer, &cpu);
    run_marking(&pacer, 100 * MIB, 0, 10 * MIB); /* nothing scanned */
    gait_pacer_end_cycle(&pacer, &time);
    gait_pacer_end_cycle_measured(&pacer, &cpu);
    run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, 10 * MIB); /* no mutator ran */
    cpu.mutator_cpu_ns = 0;
    gait_pacer_end_cycle_measured(&pacer, &cpu);
    cr_expect(pacer.cons_mark == 0, "%g", pacer.cons_mark);
    expect_u64(pacer.last_goal_bytes, 200 * MIB, 0); /* but the scavenger knows the goal */
}

Test(pacer, measured_cons_mark_gives_the_runway_that_was_seen) {
    /* One mutator and one marker side by side: 20 MiB allocated per 100 MiB scanned. */
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, 20 * MIB);
    gait_pacer_end_cycle_measured(
        &pacer,
        &(struct gait_pacer_mark_cpu){.mutator_cpu_ns = 40 * MS, .background_cpu_ns = 40 * MS});
    gait_pacer_set_marked(&pacer, 100 * MIB);
    gait_pacer_commit(&pacer, true);
    cr_expect(llabs((long long)pacer.runway_bytes - (long long)(20 * MIB)) < 16, "%" PRIu64,
              pacer.runway_bytes);
    expect_u64(gait_pacer_target(&pacer).trigger_bytes, 200 * MIB - pacer.runway_bytes, 0);
}

Test(pacer, measured_cons_mark_gives_the_runway_without_assists) {
    /* 10 of 40 ms of mutators went into assists, which did a fifth of the marking. */
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, 6 * MIB);
    gait_pacer_end_cycle_measured(&pacer,
                                  &(struct gait_pacer_mark_cpu){.mutator_cpu_ns = 30 * MS,
                                                                .assist_cpu_ns = 10 * MS,
                                                                .background_cpu_ns = 40 * MS});
    double expected = 0.06 * (50.0 / 40) * (40.0 / 30) / 3;
    cr_expect(fabs(pacer.cons_mark - expected) < 1e-12, "%g not %g", pacer.cons_mark, expected);

    /* without background markers: Go's division */
    pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    run_marking(&pacer, 100 * MIB, 100 * (int64_t)MIB, 6 * MIB);
    gait_pacer_end_cycle_measured(
        &pacer, &(struct gait_pacer_mark_cpu){.mutator_cpu_ns = 30 * MS, .assist_cpu_ns = 30 * MS});
    expected = 0.06 * (1 + 30.0 / 20) * 2 / 3;
    cr_expect(fabs(pacer.cons_mark - expected) < 1e-12, "%g not %g", pacer.cons_mark, expected);
}

Test(pacer, measured_agrees_with_go_at_its_division) {
    /* 25 % marking, 75 % program, no assists: both ways are the same ratio. */
    struct gait_pacer go = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    struct gait_pacer measured = go;
    run_marking(&go, 100 * MIB, 90 * (int64_t)MIB, 20 * MIB);
    run_marking(&measured, 100 * MIB, 90 * (int64_t)MIB, 20 * MIB);
    gait_pacer_end_cycle(&go,
                         &(struct gait_pacer_mark_time){.now_ns = SECOND + 100 * MS, .procs = 4});
    gait_pacer_end_cycle_measured(
        &measured,
        &(struct gait_pacer_mark_cpu){.mutator_cpu_ns = 300 * MS, .background_cpu_ns = 100 * MS});
    cr_expect(fabs(go.cons_mark - measured.cons_mark) < 1e-12, "%g and %g", go.cons_mark,
              measured.cons_mark);
}

/** Steady program: `a` bytes allocated per CPU-ns, `s` scanned; one mutator CPU, one marker CPU. */
Test(pacer, measured_steady_state_meets_its_goal_without_assists) {
    const double a = 1.0, s = 5.0;
    const uint64_t kept = 64 * MIB;
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, kept, 0, 0);
    double off_goal = 1;
    for (int cycle = 0; cycle < 50; cycle++) {
        uint64_t trigger = gait_pacer_target(&pacer).trigger_bytes;
        gait_pacer_start_cycle(&pacer, &(struct gait_pacer_start){.procs = 2,
                                                                  .live_bytes = trigger,
                                                                  .scannable_bytes = trigger});
        uint64_t goal = gait_pacer_goal(&pacer);
        double scanned = 0, allocated = 0, mutator_ns = 0, assist_ns = 0, background_ns = 0;
        double credit = 0;
        const double step_ns = 100000;
        while (scanned < (double)kept) {
            double need = a * step_ns * pacer.assist_work_per_byte;
            credit += s * step_ns;
            double short_of = need > credit ? need - credit : 0;
            /* of each step the mutator marks as long as it takes to pay */
            double assist = short_of / (s + a * pacer.assist_work_per_byte);
            assist = assist > step_ns ? step_ns : assist;
            double free_ns = step_ns - assist;
            credit -= a * free_ns * pacer.assist_work_per_byte;
            credit = credit < 0 ? 0 : credit;
            scanned += s * (step_ns + assist);
            allocated += a * free_ns;
            mutator_ns += free_ns;
            assist_ns += assist;
            background_ns += step_ns;
            gait_pacer_revise(&pacer,
                              &(struct gait_pacer_progress){
                                  .live_bytes = trigger + (uint64_t)allocated,
                                  .scannable_bytes = trigger,
                                  .work = {.heap_bytes = (int64_t)fmin(scanned, (double)kept)}});
        }
        gait_pacer_end_cycle_measured(
            &pacer, &(struct gait_pacer_mark_cpu){.mutator_cpu_ns = (int64_t)mutator_ns,
                                                  .assist_cpu_ns = (int64_t)assist_ns,
                                                  .background_cpu_ns = (int64_t)background_ns});
        off_goal = fabs((double)pacer.live_bytes / (double)goal - 1);
        if (cycle >= 10) {
            cr_expect(off_goal < 0.03, "cycle %d: off its goal by %g", cycle, off_goal);
            cr_expect(assist_ns < 0.05 * background_ns, "cycle %d: assists %g of %g", cycle,
                      assist_ns, background_ns);
        }
        gait_pacer_set_marked(&pacer, kept);
        gait_pacer_commit(&pacer, true);
    }
}

Test(pacer, sweep_ratio) {
    struct gait_pacer pacer = pacer_after(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0, 0);
    cr_expect(gait_pacer_sweep_ratio(&pacer, 500, 500, 8192) == 0);
    cr_expect(gait_pacer_sweep_ratio(&pacer, 500, 501, 8192) == 0);
    /* trigger 196 MiB, live 100 MiB: 95 MiB to sweep in */
    double ratio = gait_pacer_sweep_ratio(&pacer, 1000, 500, 8192);
    cr_expect(ratio == 500.0 / (double)(95 * MIB), "%g", ratio);
    gait_pacer_set_live(&pacer, 500 * MIB, 0); /* past the trigger: at once */
    ratio = gait_pacer_sweep_ratio(&pacer, 1000, 500, 8192);
    cr_expect(ratio == 500.0 / 8192, "%g", ratio);
}

Test(pacer, scavenge_goals) {
    struct gait_pacer pacer = pacer_after(100, 1000 * (int64_t)MIB, 100 * MIB, 0, 0);
    struct gait_pacer_scavenge_goals goals = gait_pacer_scavenge(&pacer, GIB, 120 * MIB, 4096);
    expect_u64(goals.gogc_bytes, GAIT_PACER_NONE, 0); /* no cycle to go by */
    expect_u64(goals.limit_bytes, GAIT_PACER_NONE, 0);

    pacer.last_goal_bytes = 400 * MIB; /* the heap is half of what it was */
    goals = gait_pacer_scavenge(&pacer, GIB, 480 * MIB, 4096);
    expect_u64(goals.gogc_bytes, 264 * MIB, 1);
    goals = gait_pacer_scavenge(&pacer, 264 * MIB + 4095, 480 * MIB, 4096);
    expect_u64(goals.gogc_bytes, GAIT_PACER_NONE, 1); /* within a page */
    goals = gait_pacer_scavenge(&pacer, GIB, 480 * MIB + 2, 65536);
    expect_u64(goals.gogc_bytes, 264 * MIB + 65536, 1);

    gait_pacer_set_memory(&pacer, &(struct gait_pacer_memory){.mapped_bytes = 950 * MIB});
    expect_u64(gait_pacer_scavenge(&pacer, 0, 0, 4096).limit_bytes, GAIT_PACER_NONE, 2);
    gait_pacer_set_memory(&pacer, &(struct gait_pacer_memory){.mapped_bytes = 950 * MIB + 1});
    expect_u64(gait_pacer_scavenge(&pacer, 0, 0, 4096).limit_bytes, 950 * MIB, 2);
    expect_u64(gait_pacer_limit_excess(&pacer, 50 * MIB - 1), 0, 3);
    expect_u64(gait_pacer_limit_excess(&pacer, 60 * MIB), 10 * MIB + 1, 3);
    cr_expect(gait_pacer_limit_excess(&pacer, UINT64_MAX) > UINT64_MAX / 2);
}

Test(pacer, scavenger_sleeps_to_one_percent) {
    cr_expect(gait_pacer_scavenge_sleep_ns(2 * MS, 1) == 198 * MS);
    cr_expect(gait_pacer_scavenge_sleep_ns(2 * MS, 2) == 98 * MS);
    cr_expect(gait_pacer_scavenge_sleep_ns(0, 1) == 99 * MS);
    cr_expect(gait_pacer_scavenge_sleep_ns(MS, 0) == 99 * MS);
    cr_expect(gait_pacer_scavenge_sleep_ns(MS, 100) == 0);
    cr_expect(gait_pacer_scavenge_sleep_ns(INT64_MAX, 2) >= 0);
}

Test(pacer, doubles_that_do_not_fit_saturate) {
    static const struct {
        double x;
        int64_t i64;
        uint64_t u64;
    } rows[] = {
        {0, 0, 0},
        {1.9, 1, 1},
        {-1.9, -1, 0},
        {0x1p62, INT64_C(1) << 62, UINT64_C(1) << 62},
        {0x1p63, INT64_MAX, UINT64_C(1) << 63},
        {-0x1p63, INT64_MIN, 0},
        {0x1.8p63, INT64_MAX, UINT64_C(3) << 62},
        {0x1p64, INT64_MAX, UINT64_MAX},
        {1e300, INT64_MAX, UINT64_MAX},
        {-1e300, INT64_MIN, 0},
        {INFINITY, INT64_MAX, UINT64_MAX},
        {-INFINITY, INT64_MIN, 0},
        {NAN, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cr_expect(arith_to_i64(rows[i].x) == rows[i].i64, "row %zu", i);
        expect_u64(arith_to_u64(rows[i].x), rows[i].u64, i);
    }
}
