/* SPDX-License-Identifier: MIT */
/*
 * pacer/governor_helpers: how many help at which priority, and how long they rest.
 */
#include <criterion/criterion.h>

#include "../../pacer/governor_helpers.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

/* ---- How many ---- */

Test(governor_helpers, cpus_that_nobody_uses_are_used) {
    static const struct {
        const char *what;
        struct gait_governor_crew crew;
        int32_t normal, idle;
    } cases[] = {
        {"a mutator on each CPU", {.procs = 2, .running = 2}, 0, 0},
        {"one CPU free: for the collector", {.procs = 2, .running = 1}, 0, 0},
        {"two free", {.procs = 4, .running = 2}, 0, 1},
        {"with dedicated ones", {.procs = 16, .dedicated = 3, .running = 4}, 3, 8},
        {"more mutators than CPUs", {.procs = 4, .dedicated = 1, .running = 9}, 1, 0},
        {"other processes", {.procs = 16, .dedicated = 3, .running = 4, .busy = true}, 3, 0},
        {"nobody runs", {.procs = 2}, 1, 0},
        {"nobody runs, beside other processes", {.procs = 4, .busy = true}, 3, 0},
        {"somebody waits", {.procs = 4, .running = 1, .awaited = true}, 2, 0},
        {"somebody waits, and all CPUs are used",
         {.procs = 2, .running = 2, .awaited = true},
         0,
         0},
        {"limited", {.procs = 4, .running = 1, .limited = true}, 0, 0},
        {"limited, and nobody runs", {.procs = 8, .dedicated = 1, .limited = true}, 1, 0},
        {"stopped", {.procs = 4, .running = 3, .stopped = true}, 3, 0},
        {"one CPU", {.procs = 1}, 0, 0},
        {"one CPU, stopped", {.procs = 1, .stopped = true}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gait_governor_marking marking = gait_governor_marking(&cases[i].crew);
        cr_expect_eq(marking.normal, cases[i].normal, "%s: %d normal", cases[i].what,
                     marking.normal);
        cr_expect_eq(marking.idle, cases[i].idle, "%s: %d idle", cases[i].what, marking.idle);
    }
}

/* Whoever is there, no more mark than there are CPUs beside those who run, except for those that
 * every cycle has. */
Test(governor_helpers, markers_never_outnumber_the_cpus) {
    for (int32_t procs = 1; procs <= 20; procs++)
        for (int32_t running = 0; running <= 24; running++)
            for (unsigned flags = 0; flags < 8; flags++) {
                struct gait_governor_crew crew = {
                    .procs = procs,
                    .dedicated = procs / 4 > 1 ? procs / 4 - 1 : 0,
                    .running = running,
                    .awaited = flags & 1,
                    .limited = flags & 2,
                    .busy = flags & 4,
                };
                struct gait_governor_marking marking = gait_governor_marking(&crew);
                int32_t free = procs - 1 - running;
                int32_t most = free > crew.dedicated ? free : crew.dedicated;
                cr_assert(marking.normal >= crew.dedicated && marking.idle >= 0);
                cr_assert(marking.normal + marking.idle <= most, "%d of %d CPUs beside %d", most,
                          procs, running);
            }
}

Test(governor_helpers, a_cpu_is_idle_beside_those_who_run) {
    struct gait_governor_crew crew = {.procs = 2, .running = 1};
    cr_expect(gait_governor_has_cpu(&crew, 1));
    cr_expect_not(gait_governor_has_cpu(&crew, 2));
    crew.busy = true;
    cr_expect_not(gait_governor_has_cpu(&crew, 1));
    crew.running = 0; /* nobody is disturbed */
    cr_expect(gait_governor_has_cpu(&crew, 2));
    cr_expect_not(gait_governor_has_cpu(&crew, 3));
}

/* ---- What a preempted burst says ---- */

static bool lose(struct gait_governor_contention *contention, int64_t now_ns, int64_t lost_ns,
                 bool idle) {
    struct gait_governor_burst burst = {.now_ns = now_ns, .lost_ns = lost_ns, .idle = idle};
    return gait_governor_preempted(contention, &burst);
}

Test(governor_helpers, one_preempted_burst_is_chance_and_two_are_others) {
    struct gait_governor_contention contention = {0};
    int64_t now_ns = SECOND / 100; /* the clock may just have begun */
    cr_expect(lose(&contention, now_ns, 4 * MS, false), "the first");
    cr_expect_eq(contention.busy_until_ns, 0);
    now_ns += SECOND;
    cr_expect(lose(&contention, now_ns, 4 * MS, false), "a second later");
    cr_expect_eq(contention.busy_until_ns, 0);
    now_ns += 50 * MS;
    cr_expect_not(lose(&contention, now_ns, 4 * MS, false), "soon after");
    cr_expect_eq(contention.busy_until_ns, now_ns + 100 * MS);
    cr_expect_not(lose(&contention, now_ns + MS, MS, false));
    cr_expect_eq(contention.busy_until_ns, now_ns + 100 * MS, "a short loss takes nothing back");
    cr_expect_not(lose(&contention, now_ns + SECOND, 900 * MS, false));
    cr_expect_eq(contention.busy_until_ns, now_ns + 2 * SECOND, "a second at most");
    cr_expect_eq(contention.rest_until_ns, 0);
}

Test(governor_helpers, what_the_os_does_by_itself_says_nothing) {
    struct gait_governor_contention contention = {0};
    for (int64_t now_ns = SECOND; now_ns < 2 * SECOND; now_ns += MS) {
        cr_expect_not(lose(&contention, now_ns, MS / 2, false));
        cr_expect_not(lose(&contention, now_ns, 5 * MS, true));
    }
    cr_expect_eq(contention.busy_until_ns, 0);
    cr_expect_eq(contention.rest_until_ns, 0);
}

/* Helpers that do their work lose a 25th of the time at most; there are 10 ms to lose each 0.4 s.
 */
Test(governor_helpers, a_cpu_that_is_taken_now_and_then_costs_short_rests) {
    struct gait_governor_contention contention = {0};
    int64_t now_ns = SECOND;
    for (int i = 0; i < 100; i++, now_ns += 400 * MS) {
        lose(&contention, now_ns, 10 * MS, true);
        cr_assert_eq(contention.rest_until_ns, now_ns + 250 * MS, "rest %d", i);
        contention.idle_ns += 100 * MS;
    }
}

/* Other processes run all the time: each attempt is stranded before it has marked anything. */
Test(governor_helpers, a_machine_that_stays_busy_is_left_alone) {
    struct gait_governor_contention contention = {0};
    int64_t now_ns = SECOND, rests_ns[6];
    for (int i = 0; i < 6; i++) {
        lose(&contention, now_ns, 8 * MS, true);
        rests_ns[i] = contention.rest_until_ns - now_ns;
        now_ns = contention.rest_until_ns + 8 * MS;
        contention.idle_ns += MS / 10;
    }
    cr_expect_eq(rests_ns[0], 200 * MS);
    cr_expect_eq(rests_ns[1], 800 * MS);
    cr_expect_eq(rests_ns[2], 3200 * MS);
    cr_expect_eq(rests_ns[3], 10 * SECOND);
    cr_expect_eq(rests_ns[5], 10 * SECOND);
    contention.idle_ns = 20 * MS; /* it came to work again: as at first */
    lose(&contention, now_ns, 8 * MS, true);
    cr_expect_eq(contention.rest_until_ns, now_ns + 200 * MS);
    struct gait_governor_contention at_once = {0};
    lose(&at_once, now_ns, 700 * MS, true);
    cr_expect_eq(at_once.rest_until_ns, now_ns + 10 * SECOND);
}

Test(governor_helpers, no_figure_overflows) {
    struct gait_governor_contention contention = {.rest_ns = INT64_MAX, .preempted_ns = 1};
    lose(&contention, INT64_MAX, INT64_MAX, true);
    cr_expect_eq(contention.rest_until_ns, INT64_MAX);
    cr_expect_eq(contention.rest_ns, 10 * SECOND);
    lose(&contention, INT64_MAX, INT64_MAX, false);
    cr_expect_eq(contention.busy_until_ns, INT64_MAX);
}
