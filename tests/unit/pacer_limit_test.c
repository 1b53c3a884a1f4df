/* SPDX-License-Identifier: MIT */
/*
 * What Gait adds to Go's policy, in tables of cases: where a cycle begins at a
 * limit, when mutators wait, how long marking is held back, when limiting
 * begins and ends, what the scavenger keeps.
 */
#include "gait/pacer.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define MIB (UINT64_C(1) << 20)
#define MS INT64_C(1000000)

/* A pacer with so much marked and such a runway; all memory is heap. */
static struct gait_pacer pacer_at(int32_t gogc, int64_t limit, uint64_t marked, uint64_t runway) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, gogc, limit);
    gait_pacer_set_memory(
        &pacer, &(struct gait_pacer_memory){.mapped_bytes = marked, .allocated_bytes = marked});
    gait_pacer_set_marked(&pacer, marked);
    gait_pacer_commit(&pacer, true);
    pacer.runway_bytes = runway;
    return pacer;
}

Test(pacer_limit, a_cycle_begins_late_where_its_runway_does_not_fit) {
    static const struct {
        int32_t gogc;
        int64_t limit;
        uint64_t runway;
        bool late;
    } rows[] = {
        {100, GAIT_PACER_NO_LIMIT, 200 * MIB, false}, /* no limit */
        {100, 1000 * MIB, 200 * MIB, false},          /* GOGC gives the goal */
        {100, 150 * MIB, 10 * MIB, false},            /* it fits */
        {100, 150 * MIB, 200 * MIB, true},
        {GAIT_PACER_GOGC_OFF, 150 * MIB, 200 * MIB, true},
        {100, 90 * MIB, 200 * MIB, false}, /* no way at all: less than is live */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gait_pacer pacer = pacer_at(rows[i].gogc, rows[i].limit, 100 * MIB, rows[i].runway);
        struct gait_pacer_target go = gait_pacer_target(&pacer);
        struct gait_pacer_target target = gait_pacer_target_at_limit(&pacer);
        cr_expect_eq(target.goal_bytes, go.goal_bytes, "row %zu", i);
        uint64_t way = go.goal_bytes - 100 * MIB;
        uint64_t trigger = rows[i].late ? go.goal_bytes - way / 20 : go.trigger_bytes;
        cr_expect_eq(target.trigger_bytes, trigger, "row %zu: %" PRIu64 ", not %" PRIu64, i,
                     target.trigger_bytes, trigger);
        cr_expect_leq(target.trigger_bytes, target.goal_bytes, "row %zu", i);
    }
}

Test(pacer_limit, mutators_wait_where_a_cycle_gives_room) {
    struct gait_pacer pacer = pacer_at(100, 150 * MIB, 100 * MIB, 0);
    struct gait_pacer_bounds bounds = gait_pacer_bounds(&pacer);
    cr_expect_eq(bounds.limit_bytes, gait_pacer_limit_goal(&pacer));
    cr_expect_eq(bounds.goal_bytes, gait_pacer_goal(&pacer));
    pacer = pacer_at(100, 107 * MIB, 100 * MIB, 0); /* a limit's goal of 103.8 MiB: too near */
    bounds = gait_pacer_bounds(&pacer);
    cr_expect_eq(bounds.limit_bytes, GAIT_PACER_NONE);
    cr_expect_eq(bounds.goal_bytes, GAIT_PACER_NONE);
    pacer = pacer_at(100, GAIT_PACER_NO_LIMIT, 100 * MIB, 0);
    cr_expect_eq(gait_pacer_bounds(&pacer).goal_bytes, 200 * MIB);
    pacer = pacer_at(0, GAIT_PACER_NO_LIMIT, 100 * MIB, 0); /* GOGC=0: a cycle after the other */
    cr_expect_eq(gait_pacer_bounds(&pacer).goal_bytes, GAIT_PACER_NONE);
    pacer = pacer_at(GAIT_PACER_GOGC_OFF, GAIT_PACER_NO_LIMIT, UINT64_MAX - 1, 0); /* no overflow */
    cr_expect_eq(gait_pacer_bounds(&pacer).limit_bytes, GAIT_PACER_NONE);
}

/* 24 MiB are marked, in spans that can hold 50; 64 MiB lie outside the heap. */
Test(pacer_limit, overage_leaves_the_heap_half_of_its_room) {
    static const struct {
        int64_t limit;
        uint64_t goal; /* MiB, rounded down; the marked bytes where mutators don't wait */
    } rows[] = {
        {200, 48}, /* GOGC gives the goal */
        {114, 48}, /* the limit is met */
        {110, 40}, /* 46 less 3 % and 4 of overage */
        {100, 29}, /* 36 less 3 % leave 10.9, half of it; Go's: 21, so 24 */
        {96, 27},  /* 32 less 3 % leave 7 */
        {89, 24},  /* there is no room at all */
        {60, 24},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gait_pacer pacer = pacer_at(100, rows[i].limit * (int64_t)MIB, 24 * MIB, 0);
        gait_pacer_set_memory(&pacer, &(struct gait_pacer_memory){.mapped_bytes = 114 * MIB,
                                                                  .allocated_bytes = 50 * MIB});
        struct gait_pacer_target target = gait_pacer_target_at_limit(&pacer);
        cr_expect_eq(target.goal_bytes / MIB, rows[i].goal, "row %zu: %" PRIu64, i,
                     target.goal_bytes);
        cr_expect_eq(gait_pacer_bounds(&pacer).limit_bytes == GAIT_PACER_NONE, rows[i].goal == 24,
                     "row %zu", i);
        cr_expect_leq(target.trigger_bytes, target.goal_bytes, "row %zu", i);
    }
}

/* All foreign memory is marked until cleanups have run: what they gave back the last time, they may
 * give back again. */
Test(pacer_limit, foreign_memory_is_within_reach_as_far_as_it_went_before) {
    static const struct {
        uint64_t before, left,
            now; /* MiB of foreign memory: marked, left of it; marked the next time */
        bool waits;
    } rows[] = {
        {0, 0, 240, true}, /* none is known to stay */
        {240, 64, 240, true},  {240, 230, 240, true}, {240, 240, 240, false}, /* it stays */
        {100, 100, 240, true}, /* what has come since may go */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gait_pacer pacer = pacer_at(GAIT_PACER_GOGC_OFF, 256 * MIB, rows[i].before * MIB, 0);
        gait_pacer_set_foreign(&pacer, rows[i].before * MIB);
        gait_pacer_take_back(&pacer, rows[i].left * MIB);
        gait_pacer_set_marked(&pacer, rows[i].now * MIB);
        gait_pacer_set_foreign(&pacer, rows[i].now * MIB);
        gait_pacer_set_memory(&pacer,
                              &(struct gait_pacer_memory){.mapped_bytes = rows[i].now * MIB,
                                                          .allocated_bytes = rows[i].now * MIB});
        gait_pacer_commit(&pacer, true);
        cr_expect_eq(gait_pacer_bounds(&pacer).limit_bytes != GAIT_PACER_NONE, rows[i].waits,
                     "row %zu", i);
    }
}

Test(pacer_limit, a_cycle_for_want_of_pages_gives_something_back) {
    struct gait_pacer pacer = pacer_at(GAIT_PACER_GOGC_OFF, 260 * MIB, 100 * MIB, 0);
    cr_expect_eq(gait_pacer_bounds(&pacer).relief_bytes, 110 * MIB);
    struct gait_pacer_memory memory = {.mapped_bytes = 263 * MIB, .allocated_bytes = 100 * MIB};
    gait_pacer_set_memory(&pacer, &memory); /* the limit is passed: a cycle is worth it sooner */
    cr_expect_eq(gait_pacer_bounds(&pacer).relief_bytes, 107 * MIB);
    memory.mapped_bytes = 1000 * MIB;
    gait_pacer_set_memory(&pacer, &memory);
    cr_expect_eq(gait_pacer_bounds(&pacer).relief_bytes, 105 * MIB);
    pacer = pacer_at(GAIT_PACER_GOGC_OFF, 90 * MIB, 100 * MIB, 0);
    cr_expect_eq(gait_pacer_bounds(&pacer).relief_bytes, GAIT_PACER_NONE);
}

Test(pacer_limit, an_early_cycle_does_not_say_what_spans_can_hold) {
    /* 10 MiB in 47 MiB of spans, and none of them was taken of late */
    cr_expect_eq(gait_pacer_fill(1, 10 * MIB, 47 * MIB, 0), 1);
    cr_expect_eq(gait_pacer_fill(0.5, 10 * MIB, 40 * MIB, 0), 0.625, "it goes up");
    cr_expect_eq(gait_pacer_fill(0.5, 30 * MIB, 40 * MIB, 0), 0.75, "or to what is seen");
    cr_expect_eq(gait_pacer_fill(1, 10 * MIB, 40 * MIB, 2 * MIB), 0.25, "pages were needed");
    cr_expect_eq(gait_pacer_fill(0.2, 50 * MIB, 40 * MIB, 2 * MIB), 1);
    cr_expect_eq(gait_pacer_fill(1, 0, 0, 0), 1);
}

Test(pacer_limit, limiting_begins_at_half_and_ends_at_a_quarter) {
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 2); /* room for 2 s */
    static const struct {
        int64_t mutator_ms, gc_ms; /* used since the row before */
        bool limiting;
    } rows[] = {
        {0, 999, false}, {0, 1, true},    {0, 400, true},   {899, 0, true},
        {2, 0, false},   {0, 500, false}, {100, 101, true}, {5000, 0, false},
    };
    bool limiting = false;
    int64_t now_ns = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        now_ns += 1000000000;
        gait_limiter_update_measured(&limiter, now_ns, rows[i].mutator_ms * 1000000,
                                     rows[i].gc_ms * 1000000);
        limiting = gait_limiter_holds(&limiter, limiting);
        cr_expect_eq(limiting, rows[i].limiting, "row %zu", i);
    }
}

Test(pacer_limit, a_late_cycle_does_not_raise_what_is_kept) {
    cr_expect(gait_pacer_in_use_at_goal(110, 90, 100) == 110);
    cr_expect(gait_pacer_in_use_at_goal(110, 200, 100) == 55, "the cycle ended late");
}

Test(pacer_limit, what_was_needed_a_moment_ago_is_kept) {
    struct gait_pacer_retain retain = {0};
    cr_expect(gait_pacer_retain(&retain, 1000 * MS, 30) == 30);
    cr_expect(gait_pacer_retain(&retain, 1900 * MS, 10) == 30);
    cr_expect(gait_pacer_retain(&retain, 2100 * MS, 10) == 30, "the period before counts");
    cr_expect(gait_pacer_retain(&retain, 2200 * MS, 20) == 30);
    cr_expect(gait_pacer_retain(&retain, 3200 * MS, 10) == 20, "and the one before that does not");
    cr_expect(gait_pacer_retain(&retain, 5300 * MS, 10) == 10, "nor does what is older");
}
