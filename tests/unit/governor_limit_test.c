/* SPDX-License-Identifier: MIT */
/*
 * The governor at a memory limit, closed to a loop with model programs (governor_loop.h): the limit
 * holds while less than half of the CPU does it, memory is near the least that half of the CPU can
 * hold where it doesn't, and no limit makes memory larger than none.
 */
#include "governor_loop.h"

#include <criterion/criterion.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CYCLES 600
/* Before that it settles: the limiter's bucket fills, or empties. */
#define SETTLED 300
#define SECOND 1e9

/* 200 MiB in small objects, one thread that only allocates (bench/churn.c); one that marks slowly,
 * in little heap (a long list); four threads; one that computes between its allocations. */
static const struct loop_program programs[] = {
    {.cpus = 2, .threads = 1, .alloc = 2.2, .mark = 3.2, .live = 200 * LOOP_MIB},
    {.cpus = 2, .threads = 1, .alloc = 5, .mark = 1, .live = 40 * LOOP_MIB, .noise = 0.1},
    {.cpus = 2, .threads = 4, .alloc = 1, .mark = 2, .live = 100 * LOOP_MIB, .noise = 0.1},
    {.cpus = 2, .threads = 1, .alloc = 0.4, .mark = 2, .live = 150 * LOOP_MIB, .lag_ns = 2e6},
    {.cpus = 4, .threads = 2, .alloc = 1, .mark = 2, .live = 300 * LOOP_MIB, .others = 2},
};

struct outcome {
    double peak, total, share, growth; /* growth: the least from what was marked to a start */
    double given;                      /* back to the OS, of what was allocated             */
    unsigned limiting;
};

static struct outcome run(const struct loop_program *program, int32_t gogc, double limit) {
    struct loop loop;
    loop_init(&loop, program, gogc, limit > 0 ? (int64_t)limit : GAIT_PACER_NO_LIMIT, 1);
    struct outcome outcome = {.growth = 1e9};
    double marked = 0, gc_ns = 0, own_ns = 0;
    for (int i = 0; i < CYCLES; i++) {
        const struct loop_cycle *cycle = loop_cycle(&loop);
        if (i == SETTLED) {
            gc_ns = loop.gc_ns, own_ns = loop.mutator_ns;
            loop.allocated = loop.given = 0;
        }
        if (i > SETTLED) {
            outcome.peak = loop_max(outcome.peak, cycle->peak);
            outcome.total = loop_max(outcome.total, cycle->total);
            outcome.growth = loop_min(outcome.growth, cycle->start / marked - 1);
            outcome.limiting += cycle->limiting;
        }
        marked = cycle->marked;
    }
    gc_ns = loop.gc_ns - gc_ns, own_ns = loop.mutator_ns - own_ns;
    outcome.share = gc_ns / (gc_ns + own_ns);
    outcome.given = loop.given / loop.allocated;
    return outcome;
}

/* The least heap at which half of the CPU is the collector's: what the program allocates while a
 * cycle's CPU time goes by, and what floats if nine tenths of the CPU mark. */
static double least_heap(const struct loop_program *program) {
    return program->live * (1 + program->alloc / program->mark * (1 + 1.0 / 9));
}

static const double limits[] = {0.5, 0.9, 1.1, 1.3, 1.6, 2, 2.5, 4}; /* times live */

Test(governor_limit, memory_is_never_larger_than_without_one, .timeout = 60) {
    for (size_t p = 0; p < COUNT(programs); p += loop_step())
        for (int32_t gogc = 50; gogc <= 400; gogc *= 2) {
            double none = run(&programs[p], gogc, 0).total;
            for (size_t i = 0; i < COUNT(limits); i += loop_step()) {
                double total = run(&programs[p], gogc, limits[i] * programs[p].live).total;
                cr_assert_leq(total, none * 1.03, "program %zu, GOGC=%d, %g: %.1f MiB, none %.1f",
                              p, gogc, limits[i], total / LOOP_MIB, none / LOOP_MIB);
            }
        }
}

/* What the machine does to a program for a second of three: how fast it allocates, and how fast
 * marking is. */
static const struct weather {
    double alloc, mark;
} weathers[] = {{1, 1}, {0.5, 0.5}, {1, 0.5}, {1, 0.25}, {2, 1}, {0.25, 1}};

/* The most in all, from a program's beginning on. */
static double most_from_start(const struct loop_program *program, int32_t gogc, double limit,
                              const struct weather *weather) {
    struct loop loop;
    double most = 0;
    loop_init(&loop, program, gogc, limit > 0 ? (int64_t)limit : GAIT_PACER_NO_LIMIT, 1);
    while (loop.now_ns < 6 * SECOND) {
        bool slow = fmod(loop.now_ns, 3 * SECOND) > 2 * SECOND;
        loop.program.alloc = program->alloc * (slow ? weather->alloc : 1);
        loop.program.mark = program->mark * (slow ? weather->mark : 1);
        most = loop_max(most, loop_cycle(&loop)->total);
    }
    return most;
}

/* Not as it begins either, nor where what cycles cost changes from one moment to the next: except
 * for where in a cycle that happens. A quarter of marking's speed for a second had the limiter
 * switch assists off, and memory came to twice of what it is without a limit. */
Test(governor_limit, memory_is_never_larger_in_any_weather, .timeout = 60) {
    for (size_t p = 0; p < COUNT(programs); p += loop_step())
        for (size_t w = 0; w < COUNT(weathers); w += loop_step()) {
            double none = most_from_start(&programs[p], 100, 0, &weathers[w]);
            for (size_t i = 0; i < COUNT(limits); i += loop_step()) {
                double limit = limits[i] * programs[p].live;
                double total = most_from_start(&programs[p], 100, limit, &weathers[w]);
                cr_expect_leq(total, none * 1.05,
                              "program %zu, weather %zu, %g: %.1f MiB, none %.1f", p, w, limits[i],
                              total / LOOP_MIB, none / LOOP_MIB);
            }
        }
}

Test(governor_limit, what_cannot_be_held_is_passed_by_no_more_than_must_be, .timeout = 60) {
    for (size_t p = 0; p < COUNT(programs); p += loop_step())
        for (size_t i = 0; i < COUNT(limits); i += loop_step()) {
            double limit = limits[i] * programs[p].live, least = least_heap(&programs[p]);
            struct outcome outcome = run(&programs[p], 400, limit);
            cr_assert_leq(outcome.peak, loop_max(limit, least * 1.15),
                          "program %zu, %g: %.1f MiB, least %.1f", p, limits[i],
                          outcome.peak / LOOP_MIB, least / LOOP_MIB);
            cr_assert_leq(outcome.share, 0.52, "program %zu, %g: share %.3f", p, limits[i],
                          outcome.share);
            cr_assert_eq(outcome.limiting, 0, "program %zu, %g: limiting in %u cycles", p,
                         limits[i], outcome.limiting);
        }
}

/* Where the CPU can't hold the limit, what a cycle frees is not given back, to come again before
 * the next one ends: that took half of what a cycle cost, and as much of the program's time in
 * faults.
 */
Test(governor_limit, pages_do_not_go_and_come_in_every_cycle, .timeout = 60) {
    for (size_t p = 0; p < COUNT(programs); p += loop_step())
        for (size_t i = 0; i < COUNT(limits); i += loop_step()) {
            double limit = limits[i] * programs[p].live;
            if (limit > least_heap(&programs[p]))
                continue;
            struct outcome outcome = run(&programs[p], 400, limit);
            cr_expect_leq(outcome.given, 0.05, "program %zu, %g: %.3f of what is allocated", p,
                          limits[i], outcome.given);
        }
}

/* Nor where marking takes a tenth more or less from cycle to cycle, and goals with it: a page that
 * goes costs some 6 us of the collector's time, by which the next goal is higher. */
Test(governor_limit, pages_stay_while_goals_go_up_and_down, .timeout = 60) {
    for (size_t p = 0; p < COUNT(programs); p += loop_step()) {
        struct loop loop;
        double least = least_heap(&programs[p]), allocated = 0, given = 0;
        loop_init(&loop, &programs[p], 400, (int64_t)programs[p].live, 1);
        for (int i = 0; i < CYCLES; i++) {
            loop.program.mark = programs[p].mark * (0.9 + 0.2 * loop_share(&loop));
            loop_cycle(&loop);
            if (i == SETTLED)
                allocated = loop.allocated, given = loop.given;
        }
        given = (loop.given - given) / (loop.allocated - allocated);
        cr_expect_leq(given, 0.005, "program %zu: %.4f of what is allocated, least %.1f MiB", p,
                      given, least / LOOP_MIB);
    }
}

/* When it needs no such heap any more, and when no cycle comes, they do. */
Test(governor_limit, what_was_kept_beyond_the_limit_goes_back) {
    struct loop loop;
    struct loop_program program = programs[0];
    double limit = 1.1 * program.live;
    loop_init(&loop, &program, 400, (int64_t)limit, 1);
    for (int i = 0; i < CYCLES; i++)
        loop_cycle(&loop);
    cr_assert_gt(loop_total(&loop), 1.2 * limit, "the CPU can't hold it");
    uint64_t page = 4096, free = loop.governor.memory.free_bytes;
    cr_expect_eq(gait_governor_surplus(&loop.governor, (int64_t)(loop.now_ns + SECOND), page), 0);
    uint64_t idle =
        gait_governor_surplus(&loop.governor, (int64_t)(loop.now_ns + 9 * SECOND), page);
    cr_expect_eq(idle, free, "%.1f of %.1f MiB", (double)idle / LOOP_MIB, (double)free / LOOP_MIB);

    loop.program.live = 50 * LOOP_MIB;
    for (int i = 0; i < 20; i++)
        loop_cycle(&loop);
    cr_expect_leq(loop_total(&loop), limit, "%.1f MiB", loop_total(&loop) / LOOP_MIB);
}

Test(governor_limit, what_less_than_half_of_the_cpu_holds_holds, .timeout = 60) {
    for (size_t p = 0; p < COUNT(programs); p += loop_step())
        for (size_t i = 0; i < COUNT(limits); i += loop_step()) {
            double limit = limits[i] * programs[p].live, least = least_heap(&programs[p]);
            /* pages that objects leave unused, and what is kept below the limit */
            if (limit / LOOP_FRAGMENTATION < least * 1.2)
                continue;
            struct outcome outcome = run(&programs[p], 400, limit);
            cr_assert_leq(outcome.total, limit * 1.02, "program %zu, %g: %.1f MiB of %.1f", p,
                          limits[i], outcome.total / LOOP_MIB, limit / LOOP_MIB);
        }
}

/* Live heaps of a MiB, limits below what the tables take. */
Test(governor_limit, a_cycle_follows_when_the_heap_has_grown, .timeout = 60) {
    for (double live = 0.1; live < 300; live *= 3)
        for (double times = 0.01; times < 2; times *= 3) {
            struct loop_program program = {
                .cpus = 2, .threads = 1, .alloc = 0.01, .mark = 10, .live = live * LOOP_MIB};
            struct outcome outcome = run(&program, 100, times * program.live);
            cr_assert_geq(outcome.growth, 0.99 / 16, "%g MiB live, limit %g of it: %.3f", live,
                          times, outcome.growth);
        }
}

/* A program builds what it then works on. The rates of the first phase are no reason to pass the
 * limit in the second: spans that a few objects keep stay. */
Test(governor_limit, a_phase_that_has_ended_does_not_pass_the_limit, .timeout = 60) {
    struct loop loop;
    struct loop_program program = {
        .cpus = 2, .threads = 1, .alloc = 2, .mark = 2, .live = LOOP_MIB, .growth = 1};
    double limit = 128 * LOOP_MIB, most = 0;
    loop_init(&loop, &program, 100, (int64_t)limit, 1);
    for (int i = 0; i < 100; i++) {
        if (loop.program.live > 90 * LOOP_MIB) {
            loop.program.growth = 0;
            loop.program.alloc = 0.2;
        }
        most = loop_max(most, loop_cycle(&loop)->total);
    }
    cr_assert_eq(loop.program.growth, 0);
    cr_assert_leq(most, 1.15 * limit, "%.1f MiB", most / LOOP_MIB);
}
