/* SPDX-License-Identifier: MIT */
/*
 * The governor's rules for large objects: a thread that takes one pays for it first, and waits for
 * a cycle where it would pass the goal and the limit.
 */
#include "../../pacer/governor.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define NONE GAIT_PACER_NONE
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is allocated while a cycle marks is born marked, so it comes after the marking for it. */
Test(governor_large, who_takes_one_while_marking_is_on_pays_first) {
    enum { G = GAIT_GOVERNOR_GO, M = GAIT_GOVERNOR_MARK };
    static const struct {
        uint64_t page;  /* MiB; 0: a cell */
        int64_t credit; /* bytes */
        bool marks;
        int advice;
        int64_t debt;
        int64_t work; /* at least, at two bytes scanned per byte; no more than 4 MiB above it */
    } rows[] = {
        {0, 0, true, G, 0, 0},
        {0, -1000, true, M, 1000, 2000},
        {20, 0, true, M, 20 << 20, 40 << 20},
        {20, -1000, true, M, (20 << 20) + 1000, (40 << 20) + 2000},
        {20, 19 << 20, true, M, 1 << 20, 2 << 20},
        {20, 20 << 20, true, G, 0, 0},         /* it has paid */
        {20, 0, false, G, 20 << 20, 40 << 20}, /* no cycle marks */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gait_governor_orders orders = {
            .goal_bytes = 150 * MIB,
            .late_bytes = NONE,
            .barrier_bytes = NONE,
            .limit_bytes = (uint64_t)GAIT_PACER_NO_LIMIT,
            .assist_work_per_byte = 2,
            .assist_bytes_per_work = 0.5,
        };
        struct gait_governor_want want = {
            .live_bytes = 100 * MIB,
            .page_bytes = rows[i].page * MIB,
            .credit_bytes = rows[i].credit,
            .marks = rows[i].marks,
            .marking = rows[i].marks,
        };
        int advice = (int)gait_governor_advise(&orders, &want);
        cr_expect_eq(advice, rows[i].advice, "row %zu: %d", i, advice);
        cr_expect_eq(gait_governor_debt(&want), rows[i].debt, "row %zu", i);
        struct gait_governor_assist assist = gait_governor_assist(&orders, &want);
        cr_expect(assist.work_bytes >= rows[i].work &&
                      assist.work_bytes <= rows[i].work + (4 << 20),
                  "row %zu: %" PRId64, i, assist.work_bytes);
        cr_expect_leq(assist.piece_bytes, 64 * KIB, "row %zu", i);
    }
}

Test(governor_large, one_that_passes_goal_and_limit_waits_for_a_cycle) {
    enum { G = GAIT_GOVERNOR_GO, H = GAIT_GOVERNOR_HELP };
    enum { HELPED = 1, LIMITING = 2, MARKS = 4, CELL = 8 };
    static const struct {
        unsigned bits;
        uint64_t live, total, spare; /* MiB; late at 200, worth it from 110, limit 150 */
        uint64_t page;
        int advice;
    } rows[] = {
        {0, 150, 170, 0, 20, G},  /* below the goal */
        {0, 179, 170, 0, 20, G},  /* so it stays */
        {0, 180, 170, 0, 20, H},  /* it would not */
        {0, 180, 170, 70, 20, G}, /* but the pages for it are there */
        {0, 180, 129, 0, 20, G},  /* the limit leaves room for it */
        {HELPED, 180, 170, 0, 20, G},
        {LIMITING, 180, 170, 0, 20, G},
        {MARKS, 180, 170, 0, 20, GAIT_GOVERNOR_MARK}, /* it can do something */
        {CELL, 199, 170, 0, 0, G},
        {CELL, 200, 170, 0, 0, H},
        {0, 109, 170, 0, 100, G}, /* a cycle would find little */
        {0, 110, 170, 0, 100, H},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned bits = rows[i].bits;
        struct gait_governor_orders orders = {
            .goal_bytes = 200 * MIB,
            .late_bytes = 200 * MIB,
            .large_bytes = 110 * MIB,
            .barrier_bytes = NONE, /* the CPU can't hold the limit */
            .relief_bytes = NONE,
            .limit_bytes = 150 * MIB,
            .limiting = bits & LIMITING,
            .assist_work_per_byte = 1,
            .assist_bytes_per_work = 1,
        };
        struct gait_governor_want want = {
            .live_bytes = rows[i].live * MIB,
            .total_bytes = rows[i].total * MIB,
            .spare_bytes = rows[i].spare * MIB,
            .page_bytes = rows[i].page * MIB,
            .takes_pages = true,
            .helped = bits & HELPED,
            .marks = bits & MARKS,
            .marking = bits & MARKS,
        };
        int advice = (int)gait_governor_advise(&orders, &want);
        cr_expect_eq(advice, rows[i].advice, "row %zu: %d", i, advice);
    }
}
