/* SPDX-License-Identifier: MIT */
/*
 * What a program may ask of the pacing beside GOGC and the limit, in tables of
 * cases: a least heap, a floor of GOGC under a limit, the threshold of notices.
 */
#include "../../pacer/notice.h"
#include "gait/pacer.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#define MIB (UINT64_C(1) << 20)
#define OFF GAIT_PACER_GOGC_OFF
#define NO_LIMIT GAIT_PACER_NO_LIMIT

/* A pacer with so much marked, all memory being heap, and with its settings. */
static struct gait_pacer pacer_at(int32_t gogc, int64_t limit, uint64_t marked, uint64_t min_heap,
                                  int32_t floor) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, gogc, limit);
    gait_pacer_set_min_heap(&pacer, min_heap);
    gait_pacer_set_gogc_floor(&pacer, floor);
    gait_pacer_set_memory(
        &pacer, &(struct gait_pacer_memory){.mapped_bytes = marked, .allocated_bytes = marked});
    gait_pacer_set_marked(&pacer, marked);
    gait_pacer_commit(&pacer, true);
    return pacer;
}

Test(pacer_knobs, a_least_heap_lifts_the_goal_of_gogc) {
    static const struct {
        int32_t gogc;
        int64_t limit;
        uint64_t marked, min_heap, goal; /* MiB; goals of the limit are rounded down */
    } rows[] = {
        {100, NO_LIMIT, 1, 0, 4},
        {100, NO_LIMIT, 1, 64, 64},
        {25, NO_LIMIT, 1, 64, 64},
        {0, NO_LIMIT, 1, 64, 64}, /* whatever GOGC says */
        {400, NO_LIMIT, 1, 64, 64},
        {100, NO_LIMIT, 32, 64, 64},
        {100, NO_LIMIT, 33, 64, 66}, /* GOGC asks for more */
        {100, NO_LIMIT, 200, 64, 400},
        {100, 32 * MIB, 1, 64, 31}, /* the limit rules above it: 32 less 1 */
        {0, 32 * MIB, 1, 64, 31},
        {OFF, 32 * MIB, 1, 64, 31},
        {100, 80 * MIB, 1, 64, 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gait_pacer pacer =
            pacer_at(rows[i].gogc, rows[i].limit, rows[i].marked * MIB, rows[i].min_heap * MIB, 0);
        struct gait_pacer_target target = gait_pacer_target_at_limit(&pacer);
        cr_expect_eq(target.goal_bytes / MIB, rows[i].goal, "row %zu: %" PRIu64, i,
                     target.goal_bytes / MIB);
        cr_expect_eq(gait_pacer_goal(&pacer), target.goal_bytes, "row %zu", i);
        cr_expect(target.trigger_bytes > rows[i].marked * MIB, "row %zu", i);
    }
    /* off: nothing asks for a cycle but the limit, as without it */
    struct gait_pacer pacer = pacer_at(OFF, NO_LIMIT, MIB, 64 * MIB, 0);
    cr_expect_eq(gait_pacer_goal(&pacer), gait_pacer_limit_goal(&pacer));
    cr_expect(gait_pacer_goal(&pacer) > UINT64_C(1) << 62);
}

Test(pacer_knobs, a_floor_of_gogc_passes_the_limit) {
    static const struct {
        int32_t gogc, floor;
        int64_t limit;
        uint64_t marked, goal; /* MiB, rounded down */
        bool rules;
    } rows[] = {
        {100, 0, 110 * MIB, 100, 106, false}, /* off */
        {100, 5, 110 * MIB, 100, 106, false}, /* the limit leaves more */
        {100, 25, 110 * MIB, 100, 125, true},
        {100, 100, 110 * MIB, 100, 200, true},
        {100, 400, 110 * MIB, 100, 200, true}, /* above GOGC: GOGC's */
        {OFF, 25, 110 * MIB, 100, 125, true},
        {OFF, 25, NO_LIMIT, 100, 8000000000000, false}, /* no limit to pass */
        {100, 25, 90 * MIB, 100, 125, true},            /* less than is live */
        {10, 25, 110 * MIB, 100, 110, true},            /* above GOGC: GOGC's */
        {0, 25, 110 * MIB, 100, 100, false},
        {100, 25, 400 * MIB, 100, 200, false}, /* GOGC gives the goal */
        {100, 25, 2 * MIB, 0, 1, false},       /* the least heap of GOGC=25 is 1 MiB */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gait_pacer pacer =
            pacer_at(rows[i].gogc, rows[i].limit, rows[i].marked * MIB, 0, rows[i].floor);
        struct gait_pacer_target target = gait_pacer_target_at_limit(&pacer);
        if (rows[i].goal < 1000)
            cr_expect_eq(target.goal_bytes / MIB, rows[i].goal, "row %zu: %" PRIu64, i,
                         target.goal_bytes / MIB);
        else
            cr_expect(target.goal_bytes / MIB > rows[i].goal, "row %zu", i);
        cr_expect_eq(gait_pacer_floor_rules(&pacer), rows[i].rules, "row %zu", i);
    }
}

Test(pacer_knobs, nobody_waits_at_a_limit_that_the_floor_passes) {
    /* 100 MiB marked, and so much off the heap: the limit's goal comes down to what is marked */
    struct gait_pacer pacer = pacer_at(100, 150 * MIB, 100 * MIB, 0, 50);
    gait_pacer_set_memory(&pacer, &(struct gait_pacer_memory){.mapped_bytes = 100 * MIB,
                                                              .allocated_bytes = 100 * MIB});
    struct gait_pacer_bounds bounds = gait_pacer_bounds(&pacer);
    cr_expect_eq(gait_pacer_floor_rules(&pacer), true); /* 150 less 4.5, against 150 */
    cr_expect_eq(bounds.goal_bytes, 150 * MIB);
    cr_expect_eq(bounds.limit_bytes, GAIT_PACER_NONE);
    cr_expect_eq(bounds.relief_bytes, GAIT_PACER_NONE);

    gait_pacer_set_gogc_floor(&pacer, 30);
    gait_pacer_commit(&pacer, true);
    bounds = gait_pacer_bounds(&pacer);
    cr_expect_not(gait_pacer_floor_rules(&pacer));
    cr_expect_eq(bounds.limit_bytes, gait_pacer_limit_goal(&pacer));
    cr_expect_eq(bounds.relief_bytes, 130 * MIB); /* no cycle for want of pages before */

    gait_pacer_set_memory(&pacer, &(struct gait_pacer_memory){.mapped_bytes = 140 * MIB,
                                                              .allocated_bytes = 100 * MIB});
    cr_expect(gait_pacer_floor_rules(&pacer)); /* 40 MiB off the heap */
    cr_expect_eq(gait_pacer_goal(&pacer), 130 * MIB);
}

Test(pacer_knobs, a_floor_has_the_cycles_of_that_gogc) {
    for (int32_t floor = 1; floor <= 300; floor += 7) {
        struct gait_pacer gogc = pacer_at(floor, NO_LIMIT, 100 * MIB, 0, 0);
        struct gait_pacer under = pacer_at(400, 100 * MIB, 100 * MIB, 0, floor);
        gogc.runway_bytes = under.runway_bytes = 10 * MIB;
        struct gait_pacer_target wanted = gait_pacer_target_at_limit(&gogc);
        struct gait_pacer_target target = gait_pacer_target_at_limit(&under);
        cr_expect_eq(target.goal_bytes, wanted.goal_bytes, "%d", floor);
        cr_expect_eq(target.trigger_bytes, wanted.trigger_bytes, "%d", floor);
    }
}

Test(pacer_knobs, settings_are_read_back) {
    struct gait_pacer pacer = pacer_at(100, NO_LIMIT, MIB, 7, 8);
    cr_expect_eq(gait_pacer_set_min_heap(&pacer, 9), 7u);
    cr_expect_eq(gait_pacer_set_min_heap(&pacer, 0), 9u);
    cr_expect_eq(gait_pacer_set_gogc_floor(&pacer, -5), 8);
    cr_expect_eq(gait_pacer_set_gogc_floor(&pacer, 1), 0);
}

Test(pacer_knobs, a_notice_comes_at_the_lower_threshold) {
    static const struct {
        int64_t bytes;
        double percent;
        int64_t limit, at;
    } rows[] = {
        {NO_LIMIT, 0, NO_LIMIT, NO_LIMIT},
        {1000, 0, NO_LIMIT, 1000},
        {1000, 50, NO_LIMIT, 1000}, /* no limit to have a share of */
        {NO_LIMIT, 50, NO_LIMIT, NO_LIMIT},
        {NO_LIMIT, 50, 3000, 1500},
        {1000, 50, 3000, 1000},
        {2000, 50, 3000, 1500},
        {NO_LIMIT, 110, 3000, 3300}, /* that the limit is passed by so much */
        {NO_LIMIT, -1, 3000, NO_LIMIT},
        {NO_LIMIT, (double)NAN, 3000, NO_LIMIT},
        {NO_LIMIT, 1e300, 3000, NO_LIMIT},
        {NO_LIMIT, 50, 0, 0},
        {0, 0, 3000, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t at = gait_governor_notice_at(rows[i].bytes, rows[i].percent, rows[i].limit);
        cr_expect_eq(at, rows[i].at, "row %zu: %" PRId64, i, at);
    }
}

Test(pacer_knobs, a_notice_comes_again_after_memory_has_fallen_an_eighth) {
    static const struct {
        uint64_t total;
        bool high;
    } steps[] = {{0, false},   {799, false}, {800, true},  {799, true},       {1000, true},
                 {700, true},  {699, false}, {799, false}, {800, true},       {699, false},
                 {700, false}, {799, false}, {801, true},  {UINT64_MAX, true}};
    bool high = false;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        high = gait_governor_is_high(high, steps[i].total, 800);
        cr_expect_eq(high, steps[i].high, "step %zu", i);
    }
    cr_expect_not(gait_governor_is_high(true, UINT64_MAX, NO_LIMIT)); /* turned off meanwhile */
    cr_expect(gait_governor_is_high(false, 0, 0));
    cr_expect(gait_governor_is_high(true, 0, 0));
    cr_expect_eq(gait_governor_notice_low(-1), 0u);
}
