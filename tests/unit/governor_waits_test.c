/* SPDX-License-Identifier: MIT */
/*
 * pacer/governor_waits: how long a mutator waits, for what, and that it never does for ever.
 */
#include "../../pacer/governor_waits.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define MIB ((uint64_t)1 << 20)
#define MS INT64_C(1000000)
#define US INT64_C(1000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct gait_governor_patience left(enum gait_governor_wait what, uint64_t want_bytes,
                                          int64_t here_ns, int64_t in_all_ns) {
    return gait_governor_patience(what,
                                  &(struct gait_governor_waited){want_bytes, here_ns, in_all_ns});
}

Test(governor_waits, each_wait_ends) {
    static const struct {
        enum gait_governor_wait what;
        uint64_t want;        /* MiB */
        int64_t here, in_all; /* ms */
        int64_t most;         /* ms */
    } rows[] = {
        {GAIT_GOVERNOR_FOR_START, 0, 0, 0, 8},
        {GAIT_GOVERNOR_FOR_START, 0, 5, 5, 3},
        {GAIT_GOVERNOR_FOR_START, 0, 8, 8, 0},
        {GAIT_GOVERNOR_FOR_START, 0, 0, 496, 4}, /* all of a cycle's together */
        {GAIT_GOVERNOR_FOR_START, 0, 0, 500, 0},
        {GAIT_GOVERNOR_FOR_START, 7, 8, 8, 0},
        {GAIT_GOVERNOR_FOR_START, 8, 8, 8, 92}, /* it would take the heap far past its goal */
        {GAIT_GOVERNOR_FOR_START, 8, 0, 450, 50},
        {GAIT_GOVERNOR_FOR_START_IN_SETTLING, 0, 0, 0, 3},
        {GAIT_GOVERNOR_FOR_START_IN_SETTLING, 100, 0, 0, 3},
        {GAIT_GOVERNOR_FOR_START_IN_SETTLING, 0, 4, 4, 0},
        {GAIT_GOVERNOR_FOR_WORK, 0, 0, 0, 8},
        {GAIT_GOVERNOR_FOR_WORK, 0, 0, 495, 5},
        {GAIT_GOVERNOR_FOR_WORK, 0, 0, 500, 0},
        {GAIT_GOVERNOR_FOR_WORK_AT_LIMIT, 0, 0, 500, 8},
        {GAIT_GOVERNOR_FOR_WORK_AT_LIMIT, 0, 0, 2000, 0},
        {GAIT_GOVERNOR_FOR_DEAD, 0, 0, 0, 8},
        {GAIT_GOVERNOR_FOR_DEAD, 0, 0, 8, 0},
        {GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT, 0, 0, 8, 1992},
        {GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT, 0, 0, 2000, 0},
        {GAIT_GOVERNOR_FOR_END, 0, 0, 500, 1500},
        {GAIT_GOVERNOR_FOR_END, 0, 0, 2000, 0},
        {GAIT_GOVERNOR_FOR_CLEANUPS, 0, 0, 0, 100},
        {GAIT_GOVERNOR_FOR_CLEANUPS, 0, 0, 1999, 1},
        {GAIT_GOVERNOR_FOR_CLEANUPS, 0, 0, 2000, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_patience patience =
            left(rows[i].what, rows[i].want * MIB, rows[i].here * MS, rows[i].in_all * MS);
        cr_expect_eq(patience.most_ns, rows[i].most * MS, "row %zu: %" PRId64 " us", i,
                     patience.most_ns / US);
    }
}

/* A wait is never longer for having waited, and nothing wraps round. */
Test(governor_waits, who_has_waited_waits_less) {
    static const int64_t times[] = {INT64_MIN, -1,       0,        1,         MS,
                                    8 * MS,    100 * MS, 500 * MS, 2000 * MS, INT64_MAX};
    for (int what = 0; what < GAIT_GOVERNOR_WAITS; what++)
        for (size_t here = 0; here < COUNT(times); here++)
            for (size_t in_all = 0; in_all < COUNT(times); in_all++) {
                struct gait_governor_patience patience =
                    left((enum gait_governor_wait)what, 0, times[here], times[in_all]);
                cr_expect_geq(patience.most_ns, 0);
                if (in_all > 0)
                    cr_expect_leq(patience.most_ns, left((enum gait_governor_wait)what, 0,
                                                         times[here], times[in_all - 1])
                                                        .most_ns);
                if (here > 0)
                    cr_expect_leq(patience.most_ns, left((enum gait_governor_wait)what, 0,
                                                         times[here - 1], times[in_all])
                                                        .most_ns);
                if (times[in_all] >= 2000 * MS)
                    cr_expect_eq(patience.most_ns, 0, "the program goes on");
            }
}

/* One that has to look by itself does so many times before its time is up. */
Test(governor_waits, naps_are_short_beside_the_wait) {
    for (int what = 0; what < GAIT_GOVERNOR_WAITS; what++) {
        struct gait_governor_patience patience = left((enum gait_governor_wait)what, 0, 0, 0);
        cr_expect_lt(20 * patience.nap_ns, patience.most_ns, "%d", what);
        cr_expect_lt(patience.idle_ns, patience.most_ns, "%d", what);
        cr_expect(patience.idle_ns == 0 || patience.idle_ns > 20 * patience.nap_ns, "%d", what);
    }
}

Test(governor_waits, a_large_object_is_paid_for_before_it_is_taken) {
    cr_expect_eq(gait_governor_pays_ns(0), 0);
    cr_expect_eq(gait_governor_pays_ns(8 * MIB - 1), 0);
    cr_expect_eq(gait_governor_pays_ns(8 * MIB), 100 * MS);
    cr_expect_eq(gait_governor_pays_ns(UINT64_MAX), 100 * MS);
}

Test(governor_waits, what_is_waited_for_follows_from_what_there_is) {
    cr_expect_eq(gait_governor_for_start(false, true), GAIT_GOVERNOR_FOR_START);
    cr_expect_eq(gait_governor_for_start(true, false), GAIT_GOVERNOR_FOR_START);
    cr_expect_eq(gait_governor_for_start(false, false), GAIT_GOVERNOR_FOR_START_IN_SETTLING);
    /* long only for a cycle that was waited for already, and did not help */
    cr_expect_eq(gait_governor_for_dead(false, false), GAIT_GOVERNOR_FOR_DEAD);
    cr_expect_eq(gait_governor_for_dead(false, true), GAIT_GOVERNOR_FOR_DEAD);
    cr_expect_eq(gait_governor_for_dead(true, false), GAIT_GOVERNOR_FOR_DEAD);
    cr_expect_eq(gait_governor_for_dead(true, true), GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT);
}

/* One that has marked goes on, asks again, or waits: never on with a debt that it could pay while
 * the limit would be passed, and never waits for what it doesn't owe. */
Test(governor_waits, after_marking) {
    static const struct {
        bool at_limit, beyond, starved;
        int64_t credit, pays;
        enum gait_governor_then then;
    } rows[] = {
        {false, false, false, 0, 0, GAIT_GOVERNOR_THEN_TAKE},
        {false, false, false, -1, 0, GAIT_GOVERNOR_THEN_TAKE}, /* a piece is enough */
        {false, false, false, -1, 1, GAIT_GOVERNOR_THEN_ASK},  /* but before a large object */
        {false, false, false, -1, -1, GAIT_GOVERNOR_THEN_TAKE},
        {false, false, false, 0, 1, GAIT_GOVERNOR_THEN_TAKE},
        {false, false, true, 0, 0, GAIT_GOVERNOR_THEN_TAKE},
        {false, false, true, -1, 0, GAIT_GOVERNOR_THEN_WAIT},
        {false, false, true, -1, 1, GAIT_GOVERNOR_THEN_WAIT},
        {true, true, false, 0, 0, GAIT_GOVERNOR_THEN_ASK}, /* paid or not */
        {true, true, false, -1, 0, GAIT_GOVERNOR_THEN_ASK},
        {true, true, true, 0, 0, GAIT_GOVERNOR_THEN_WAIT_AT_LIMIT},
        {true, true, true, -1, 1, GAIT_GOVERNOR_THEN_WAIT_AT_LIMIT},
        {true, false, false, 0, 0, GAIT_GOVERNOR_THEN_TAKE}, /* there is room by now */
        {true, false, true, -1, 0, GAIT_GOVERNOR_THEN_TAKE},
        {true, false, true, -1, 1, GAIT_GOVERNOR_THEN_ASK},
        {false, true, false, 0, 0, GAIT_GOVERNOR_THEN_TAKE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_marked marked = {rows[i].at_limit, rows[i].beyond, rows[i].starved,
                                              -rows[i].credit, rows[i].pays};
        cr_expect_eq(gait_governor_after_marking(&marked), rows[i].then, "row %zu", i);
    }
}

/* Between looks that come late, the one that waits was kept from its CPU. */
Test(governor_waits, a_wait_counts_what_was_waited) {
    static const struct {
        int64_t since, look, counts; /* ms */
    } rows[] = {
        {0, 10, 0},   {3, 10, 3},      {10, 10, 10}, {20, 10, 20},
        {21, 10, 20}, {45000, 10, 20}, {-5, 10, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gait_governor_waited_ns(rows[i].since * MS, rows[i].look * MS),
                     rows[i].counts * MS, "row %zu", i);
    cr_expect_eq(gait_governor_waited_ns(INT64_MAX, INT64_MAX), INT64_MAX);
    cr_expect_eq(gait_governor_waited_ns(INT64_MIN, MS), 0);
}

/* One that is waited for has several looks before nobody waits for it any more, and before it is
 * told of.
 */
Test(governor_waits, looks_are_short_beside_what_follows) {
    struct gait_governor_looks looks = gait_governor_looks();
    cr_expect_lt(5 * gait_governor_waited_ns(INT64_MAX, looks.answer_ns), looks.held_up_ns);
    cr_expect_lt(looks.held_up_ns, looks.tell_ns);
    cr_expect_gt(looks.tell_again, 1);
    cr_expect_leq(looks.cycle_ns, looks.held_up_ns,
                  "one that waits for a cycle sees it is held up");
    cr_expect_lt(20 * looks.cycle_ns, left(GAIT_GOVERNOR_FOR_END, 0, 0, 0).most_ns);
}
