/* SPDX-License-Identifier: MIT */
/*
 * The governor closed to a loop with model programs (governor_loop.h): does the heap settle where
 * GOGC and the limit say, from any state, and stay there? Thousands of cycles of each.
 *
 * By model: where a program's collector would take 45 % of the CPU and more, the floor of the goal
 * rules in GOGC's place. A failure names the program, GOGC, and its seed.
 */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "governor_loop.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CYCLES 1000
/* After so many cycles, and so much of the program's time, a heap is where it stays: the clock of a
 * process is coarse, so that rates are learnt by time. */
#define SETTLED 12
#define SETTLED_NS 400e6
#define TICK_NS 4e6

/* Rates as measured: 64-byte objects in a table (churn), 16-byte trees, vectors without references;
 * by 500 ns or nothing of other work between two allocations. */
static const struct {
    const char *name;
    struct loop_program program;
} programs[] = {
    {"churn", {.cpus = 2, .threads = 2, .alloc = 0.6, .mark = 3.2, .live = 64 * LOOP_MIB}},
    {"churn of 1 GiB", {.cpus = 2, .threads = 2, .alloc = 0.6, .mark = 3.2, .live = 1 << 30}},
    {"one that churns",
     {.cpus = 2, .threads = 1, .alloc = 0.6, .mark = 3.2, .live = 64 * LOOP_MIB}},
    {"allocates only", {.cpus = 2, .threads = 1, .alloc = 2.6, .mark = 3.2, .live = 64 * LOOP_MIB}},
    {"trees", {.cpus = 2, .threads = 1, .alloc = 0.8, .mark = 0.5, .live = 12 * LOOP_MIB}},
    {"trees in two threads",
     {.cpus = 2, .threads = 2, .alloc = 0.8, .mark = 0.5, .live = 12 * LOOP_MIB}},
    {"beside others",
     {.cpus = 2, .threads = 2, .others = 3, .alloc = 0.6, .mark = 3.2, .live = 64 * LOOP_MIB}},
    {"strings",
     {.cpus = 2, .threads = 1, .alloc = 1, .mark = 3, .live = 40 * LOOP_MIB, .leaf = 0.95}},
    {"deep stacks",
     {.cpus = 2,
      .threads = 1,
      .alloc = 0.6,
      .mark = 3.2,
      .live = 32 * LOOP_MIB,
      .stack = 8 * LOOP_MIB,
      .globals = 4 * LOOP_MIB}},
    {"small", {.cpus = 2, .threads = 1, .alloc = 0.6, .mark = 1, .live = 6 * LOOP_MIB}},
    {"many CPUs", {.cpus = 16, .threads = 12, .alloc = 0.6, .mark = 2, .live = 256 * LOOP_MIB}},
    {"requests",
     {.cpus = 4,
      .threads = 2,
      .alloc = 0.3,
      .mark = 1,
      .live = 100 * LOOP_MIB,
      .young = 8 * LOOP_MIB}},
};
static const int32_t gogcs[] = {0, 10, 25, 50, 100, 200, 400, 1600, 100000};

#define EACH(i, array) (size_t i = 0; i < COUNT(array); i += loop_step())

static struct loop_program noisy(struct loop_program program) {
    program.noise = 0.1;
    program.lag_ns = TICK_NS;
    return program;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How some cycles went. */
struct loop_sum {
    double median, least, most; /* heap as a cycle ended, over what GOGC says */
    double floated;             /* most of marked / live                     */
    double peak, total;         /* most bytes                                */
    double median_peak;
    double cpu_ns, gc_share; /* of all of them: CPU time, the collector's share of it */
    double first, second;    /* most bytes in each half       */
    unsigned limited, floor; /* cycles in which the limiter limited; the floor gave the goal */
};

static struct loop_sum loop_cycles(struct loop *loop, unsigned cycles) {
    static double heaps[CYCLES], peaks[CYCLES];
    struct loop_sum sum = {0};
    double gc_ns = loop->gc_ns, own_ns = loop->mutator_ns;
    for (unsigned i = 0; i < cycles; i++) {
        const struct loop_cycle *cycle = loop_cycle(loop);
        heaps[i] = cycle->peak / loop_ideal(loop);
        peaks[i] = cycle->peak;
        sum.floated = loop_max(sum.floated, cycle->marked / cycle->live);
        sum.total = loop_max(sum.total, cycle->total);
        double *half = i < cycles / 2 ? &sum.first : &sum.second;
        *half = loop_max(*half, cycle->peak);
        sum.limited += cycle->limiting;
        sum.floor += cycle->floor;
    }
    qsort(heaps, cycles, sizeof *heaps, by_value);
    qsort(peaks, cycles, sizeof *peaks, by_value);
    gc_ns = loop->gc_ns - gc_ns;
    own_ns = loop->mutator_ns - own_ns;
    sum.cpu_ns = gc_ns + own_ns;
    sum.gc_share = gc_ns / sum.cpu_ns;
    sum.median = heaps[cycles / 2];
    sum.least = heaps[0];
    sum.most = heaps[cycles - 1];
    sum.peak = peaks[cycles - 1];
    sum.median_peak = peaks[cycles / 2];
    return sum;
}

#define EXPECT(condition, sum, name, gogc, seed)                                                   \
    cr_expect((condition),                                                                         \
              "%s: %s, GOGC=%d, seed %" PRIu64 ": heap %.2f to %.2f, median %.2f, float %.2f, "    \
              "collector %.2f, %.0f MiB",                                                          \
              #condition, name, gogc, (uint64_t)(seed), (sum).least, (sum).most, (sum).median,     \
              (sum).floated, (sum).gc_share, (sum).peak / LOOP_MIB)

/* Is the heap where GOGC says, or, where that would take too much of the CPU, at the floor? */
static void settled_expect(const struct loop *loop, const struct loop_sum *sum, const char *name,
                           uint64_t seed) {
    int32_t gogc = loop->governor.settings.gogc_percent;
    bool floor = sum->floor > 0;
    EXPECT(sum->gc_share < 0.5, *sum, name, gogc, seed);
    EXPECT(sum->limited == 0, *sum, name, gogc, seed);
    EXPECT(floor || (sum->median > 0.9 && sum->median < 1.1), *sum, name, gogc, seed);
    EXPECT(floor || sum->most < 1.2, *sum, name, gogc, seed);
    EXPECT(sum->second < 1.1 * sum->first, *sum, name, gogc, seed); /* nothing grows */
}

/* It grows into what is to live, by a sixteenth a cycle at the least. */
static void grow_in(struct loop *loop) {
    for (int i = 0; i < 200 && loop->last.live < 0.99 * loop->program.live; i++)
        loop_cycle(loop);
    double until_ns = loop->mutator_ns + SETTLED_NS;
    for (int i = 0; i < SETTLED || loop->mutator_ns < until_ns || loop->governor.limiting; i++)
        loop_cycle(loop);
}

static struct loop steady(size_t program, int32_t gogc, uint64_t seed) {
    struct loop loop;
    struct loop_program noise = noisy(programs[program].program);
    loop_init(&loop, &noise, gogc, GAIT_PACER_NO_LIMIT, seed);
    grow_in(&loop);
    return loop;
}

Test(governor_loop, heaps_are_what_gogc_says, .timeout = 60) {
    for
        EACH(i, programs) {
        for
            EACH(g, gogcs) {
                struct loop loop = steady(i, gogcs[g], i + 1);
                struct loop_sum sum = loop_cycles(&loop, gogcs[g] > 1600 ? 50 : CYCLES);
                settled_expect(&loop, &sum, programs[i].name, i + 1);
            }
        }
}

Test(governor_loop, a_smaller_gogc_never_gives_a_larger_heap, .timeout = 60) {
    for
        EACH(i, programs) {
            double before = 0;
        for
            EACH(g, gogcs) {
                struct loop loop = steady(i, gogcs[g], i + 1);
                struct loop_sum sum = loop_cycles(&loop, 50);
                EXPECT(sum.median_peak > 0.9 * before, sum, programs[i].name, gogcs[g], i + 1);
                before = loop_max(before, sum.median_peak);
            }
        }
}

Test(governor_loop, little_floats, .timeout = 60) {
    static const struct {
        size_t program;
        double most;
    } rows[] = {{0, 1.3}, {1, 1.3}, {2, 1.3}, {3, 1.5}, {4, 1.8}, {5, 1.8}, {6, 1.3}};
    for
        EACH(row, rows) {
        for
            EACH(g, gogcs) {
                struct loop loop = steady(rows[row].program, gogcs[g], 1);
                struct loop_sum sum = loop_cycles(&loop, 50);
                EXPECT(sum.floated < rows[row].most, sum, programs[rows[row].program].name,
                       gogcs[g], 1);
            }
        }
}

/* The heap comes to where it would be without what was before. */
Test(governor_loop, any_state_is_left_behind, .timeout = 60) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct loop loop = {.random = seed};
        size_t i = loop_bits(&loop) % COUNT(programs), g = loop_bits(&loop) % (COUNT(gogcs) - 1);
        struct loop_program program = noisy(programs[i].program), wild = program;
        wild.alloc *= pow(10, 2 * loop_share(&loop) - 1);
        wild.mark *= pow(4, 2 * loop_share(&loop) - 1);
        wild.live *= pow(10, 2 * loop_share(&loop) - 1);
        wild.growth = loop_share(&loop) < 0.3 ? 0.1 * loop_share(&loop) : 0;
        int32_t gogc = gogcs[loop_bits(&loop) % (COUNT(gogcs) - 1)];
        loop_init(&loop, &wild, gogc, GAIT_PACER_NO_LIMIT, seed);
        loop_cycles(&loop, 1 + loop_bits(&loop) % 20);
        loop.program = program;
        gait_governor_set(&loop.governor, GAIT_SETTING_GOGC, gogcs[g], loop.swept);
        grow_in(&loop);
        struct loop_sum sum = loop_cycles(&loop, 50);
        settled_expect(&loop, &sum, programs[i].name, seed);
        struct loop fresh = steady(i, gogcs[g], seed);
        double peak = loop_cycles(&fresh, 50).median_peak;
        EXPECT(fabs(sum.median_peak / peak - 1) < 0.1, sum, programs[i].name, gogcs[g], seed);
    }
}

/* A cycle that begins at a tenth of the way, or that comes late by as much again, does no harm to
 * those that follow. */
Test(governor_loop, one_cycle_out_of_time_is_forgotten, .timeout = 60) {
    static const double starts[] = {0.0, 0.1, 0.5, 1.5, 3};
    for
        EACH(i, programs) {
        for
            EACH(g, gogcs) {
            for
                EACH(s, starts) {
                    if (gogcs[g] > 1600)
                        continue;
                    struct loop loop = steady(i, gogcs[g], i + 1);
                    double before = loop_cycles(&loop, 20).median_peak;
                    loop.start_at = starts[s];
                    loop_cycles(&loop, 4);
                    struct loop_sum sum = loop_cycles(&loop, 20);
                    EXPECT(fabs(sum.median_peak / before - 1) < 0.1, sum, programs[i].name,
                           gogcs[g], i + 1);
                    settled_expect(&loop, &sum, programs[i].name, i + 1);
                }
            }
        }
}

/* What lives, or how fast a program allocates, changes from one moment to the next. */
Test(governor_loop, a_change_of_phase_is_followed, .timeout = 60) {
    static const struct {
        double live, alloc;
    } changes[] = {{8, 1}, {0.125, 1}, {1, 4}, {1, 0.125}, {4, 2}, {0.25, 0.25}};
    for
        EACH(i, programs) {
        for
            EACH(g, gogcs) {
            for
                EACH(c, changes) {
                    if (gogcs[g] > 1600)
                        continue;
                    struct loop loop = steady(i, gogcs[g], i + 1);
                    loop.program.live *= changes[c].live;
                    loop.program.alloc *= changes[c].alloc;
                    grow_in(&loop);
                    struct loop_sum sum = loop_cycles(&loop, 20);
                    settled_expect(&loop, &sum, programs[i].name, i + 1);
                }
            }
        }
}

/* A heap that grows all the time: each cycle ends where GOGC says of what was live then. */
Test(governor_loop, a_heap_that_grows_is_followed, .timeout = 60) {
    static const double growths[] = {0.02, 0.1, 0.3};
    for
        EACH(i, programs) {
        for
            EACH(g, gogcs) {
            for
                EACH(k, growths) {
                    if (gogcs[g] < 50 || gogcs[g] > 400)
                        continue;
                    struct loop loop = steady(i, gogcs[g], i + 1);
                    loop.program.growth = growths[k];
                    loop_cycles(&loop, 3);
                    struct loop_sum sum = loop_cycles(&loop, 6);
                    bool floor = sum.floor > 0;
                    EXPECT(floor || sum.most < 1.2, sum, programs[i].name, gogcs[g], i + 1);
                }
            }
        }
}

/* ---- Limits ---- */

/* Did the collector take half of the CPU time at most, beside what the limiter's bucket holds? */
static bool within_bucket(const struct loop *loop, const struct loop_sum *sum) {
    double beyond_ns = (2 * sum->gc_share - 1) * sum->cpu_ns;
    return beyond_ns < (double)loop->governor.limiter.capacity_ns + 0.05 * sum->cpu_ns;
}

static struct loop under_limit(const struct loop_program *program, int32_t gogc, double limit,
                               uint64_t seed) {
    struct loop loop;
    int64_t bytes = limit > 0 ? (int64_t)limit : GAIT_PACER_NO_LIMIT;
    struct loop_program noise = noisy(*program);
    loop_init(&loop, &noise, gogc, bytes, seed);
    grow_in(&loop);
    return loop;
}

/* Where the collector can hold it with less than half of the CPU, the limit holds. */
Test(governor_loop, a_limit_that_can_be_held_is, .timeout = 60) {
    static const double limits[] = {2.5, 3, 4, 8}; /* times what is live */
    static const int32_t under[] = {GAIT_PACER_GOGC_OFF, 50, 100, 400, 100000};
    for
        EACH(i, programs) {
        for
            EACH(g, under) {
            for
                EACH(k, limits) {
                    const struct loop_program *program = &programs[i].program;
                    double limit = limits[k] * program->live + 8 * LOOP_MIB;
                    struct loop loop = under_limit(program, under[g], limit, i + 1);
                    struct loop_sum sum = loop_cycles(&loop, 100);
                    EXPECT(within_bucket(&loop, &sum), sum, programs[i].name, under[g], i + 1);
                    EXPECT(sum.gc_share > 0.4 || sum.total < 1.02 * limit, sum, programs[i].name,
                           under[g], i + 1);
                }
            }
        }
}

Test(governor_loop, a_limit_never_makes_memory_larger, .timeout = 60) {
    static const double limits[] = {0.5, 0.9, 1.1, 1.3, 1.6, 2, 3}; /* times what is live */
    static const int32_t under[] = {50, 100, 400};
    for
        EACH(i, programs) {
        for
            EACH(g, under) {
                const struct loop_program *program = &programs[i].program;
                struct loop without = under_limit(program, under[g], 0, i + 1);
                double most = loop_cycles(&without, 100).total;
            for
                EACH(k, limits) {
                    struct loop loop =
                        under_limit(program, under[g], limits[k] * program->live, i + 1);
                    struct loop_sum sum = loop_cycles(&loop, 100);
                    EXPECT(sum.total < 1.1 * most, sum, programs[i].name, under[g], i + 1);
                    EXPECT(within_bucket(&loop, &sum), sum, programs[i].name, under[g], i + 1);
                }
            }
        }
}
