/* SPDX-License-Identifier: MIT */
/*
 * Full and minor cycles closed to a loop with model programs (governor_loop.h): do minor cycles
 * pay where the young die, are they left alone where not, and does memory stay what GOGC says? A
 * failure names the program, the survival, GOGC, and its seed.
 */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "governor_loop.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FOR_EACH(i, array) for (size_t i = 0; i < COUNT(array); i += loop_step())
#define GROWN 80
#define GROWN_NS 3e9
#define CYCLES 100
/* "Within ten cycles"; after that rows, so many that a full cycle more or less is a tenth. */
#define SETTLED 10
#define ROWS 90

static const struct {
    const char *name;
    struct loop_program program;
} programs[] = {
    {"tables", {.cpus = 2, .threads = 2, .alloc = 0.6, .mark = 3.2, .live = 64 * LOOP_MIB}},
    {"allocates only", {.cpus = 2, .threads = 1, .alloc = 2.6, .mark = 3.2, .live = 64 * LOOP_MIB}},
    {"trees", {.cpus = 2, .threads = 2, .alloc = 0.8, .mark = 0.5, .live = 12 * LOOP_MIB}},
    {"small", {.cpus = 2, .threads = 1, .alloc = 0.6, .mark = 1, .live = 6 * LOOP_MIB}},
    {"many CPUs", {.cpus = 16, .threads = 12, .alloc = 0.6, .mark = 2, .live = 256 * LOOP_MIB}},
};
static const int32_t gogcs[] = {25, 50, 100, 200, 400};

/* How what is new lives: this share of it for a while, in which `tenure` x live is allocated. With
 * share and tenure 1 and live 0 a table is filled whose entries are replaced at random. */
struct young {
    double survival, tenure, cards;
    bool tables; /* nothing else lives */
};

static struct loop_program aged(size_t i, struct young young, bool minors) {
    struct loop_program program = programs[i].program;
    program.noise = 0.1;
    program.lag_ns = 4e6;
    program.survival = young.survival;
    program.tenure = young.tenure * program.live;
    program.cards = young.cards;
    program.minors = minors;
    if (young.tables)
        program.live = 0;
    return program;
}

/* How some cycles went. */
struct minor_sum {
    double cost, peak, total; /* ns of the collector per ns of the program; most bytes */
    double minors;            /* share of the cycles                              */
    double longest;           /* most minor cycles in a row                       */
};

static struct minor_sum cycles_of(struct loop *loop, unsigned cycles) {
    struct minor_sum sum = {0};
    double gc_ns = loop->gc_ns, own_ns = loop->mutator_ns, row = 0;
    for (unsigned i = 0; i < cycles; i++) {
        const struct loop_cycle *cycle = loop_cycle(loop);
        bool minor = cycle->kind == GAIT_GOVERNOR_MINOR;
        row = minor ? row + 1 : 0;
        sum.longest = loop_max(sum.longest, row);
        sum.minors += minor ? 1.0 / cycles : 0;
        sum.peak = loop_max(sum.peak, cycle->peak);
        sum.total = loop_max(sum.total, cycle->total);
    }
    sum.cost = (loop->gc_ns - gc_ns) / loop_max(loop->mutator_ns - own_ns, 1);
    return sum;
}

static struct loop grown(const struct loop_program *program, int32_t gogc, int64_t limit,
                         uint64_t seed) {
    struct loop loop;
    loop_init(&loop, program, gogc, limit, seed);
    cycles_of(&loop, GROWN);
    while (loop.now_ns < GROWN_NS) /* the scavenger keeps what a second or two ago was in use */
        loop_cycle(&loop);
    return loop;
}

#define EXPECT(condition, with, without, name, young, gogc)                                        \
    cr_expect((condition),                                                                         \
              "%s: %s, survival %.2f, GOGC=%d: cost %.3f, without %.3f, peak %.1f, without %.1f, " \
              "minors %.2f",                                                                       \
              #condition, name, young, gogc, (with).cost, (without).cost, (with).peak / LOOP_MIB,  \
              (without).peak / LOOP_MIB, (with).minors)

struct pair {
    struct minor_sum with, without;
};

static struct pair both(size_t i, struct young young, int32_t gogc, int64_t limit) {
    struct loop_program with = aged(i, young, true), without = aged(i, young, false);
    struct loop minors = grown(&with, gogc, limit, i + 1),
                full = grown(&without, gogc, limit, i + 1);
    return (struct pair){cycles_of(&minors, CYCLES), cycles_of(&full, CYCLES)};
}

/* Where few of the young live on, the collector costs a part of what it did, and memory is what it
 * was. */
Test(governor_minor, where_the_young_die_they_pay, .timeout = 60) {
    static const struct {
        struct young young;
        double cost;
    } rows[] = {{{0, 1, 0.02, false}, 0.35},
                {{0.02, 0.5, 0.02, false}, 0.35},
                {{0.2, 0.5, 0.05, false}, 0.6},
                {{0.5, 0.5, 0.05, false}, 0.75}};
    FOR_EACH(i, programs)
    FOR_EACH(r, rows)
    FOR_EACH(g, gogcs) {
        struct pair pair = both(i, rows[r].young, gogcs[g], GAIT_PACER_NO_LIMIT);
        double survival = rows[r].young.survival;
        EXPECT(pair.with.cost < rows[r].cost * pair.without.cost, pair.with, pair.without,
               programs[i].name, survival, gogcs[g]);
        EXPECT(pair.with.peak < 1.06 * pair.without.peak, pair.with, pair.without, programs[i].name,
               survival, gogcs[g]);
        EXPECT(pair.with.longest <= 8, pair.with, pair.without, programs[i].name, survival,
               gogcs[g]);
    }
}

/* Where most of the young live on, or all that is old is stored into, little is lost to tries: no
 * program takes 2 % more of the CPU. A try finds more work than was expected, and ends a cycle
 * above its goal. */
Test(governor_minor, where_the_young_live_they_are_refused, .timeout = 60) {
    static const struct young rows[] = {{1, 1, 0.5, true}, {0.5, 8, 1, false}, {0.2, 1, 4, false}};
    FOR_EACH(i, programs)
    FOR_EACH(r, rows)
    FOR_EACH(g, gogcs) {
        struct pair pair = both(i, rows[r], gogcs[g], GAIT_PACER_NO_LIMIT);
        EXPECT(1 + pair.with.cost < 1.02 * (1 + pair.without.cost), pair.with, pair.without,
               programs[i].name, rows[r].survival, gogcs[g]);
        EXPECT(pair.with.peak < 1.2 * pair.without.peak, pair.with, pair.without, programs[i].name,
               rows[r].survival, gogcs[g]);
    }
}

/* A try is expected to do what those before it did, so it ends near its goal as others do: one that
 * is expected to do as much as a full cycle begins, and ends, up to a tenth of the goal before it.
 * Nor does it pass its goal where more of the young lives, all of a sudden. */
Test(governor_minor, tries_go_by_those_before, .timeout = 60) {
    static const struct young young = {0.5, 8, 0.05, false};
    double tries = 0, rows = 0;
    FOR_EACH(i, programs)
    FOR_EACH(g, gogcs) {
        rows++;
        struct loop_program program = aged(i, young, true);
        struct loop loop = grown(&program, gogcs[g], GAIT_PACER_NO_LIMIT, i + 1);
        double early = 0, late = 0, before = tries;
        for (int k = 0; k < 1000; k++) {
            loop.program.survival = k % 100 < 50 ? young.survival : 0.8;
            bool is_try = loop.governor.yield.refusals > 0;
            const struct loop_cycle *cycle = loop_cycle(&loop);
            if (cycle->kind != GAIT_GOVERNOR_MINOR || !is_try)
                continue;
            tries++;
            early += 1 - cycle->peak / cycle->goal;
            late = loop_max(late, cycle->peak / cycle->goal - 1);
        }
        cr_expect_leq(early, 0.04 * (tries - before), "%s, GOGC=%d: %.3f of the goal early",
                      programs[i].name, gogcs[g], early / (tries - before));
        cr_expect_leq(late, 0.02, "%s, GOGC=%d: %.3f past the goal", programs[i].name, gogcs[g],
                      late);
    }
    cr_expect_gt(tries, 2 * rows);
}

/* Where all that is old is stored into, nothing is tried: what the collector costs, and memory, is
 * what it is without minor cycles. */
Test(governor_minor, where_the_old_are_stored_into_none_is_begun, .timeout = 60) {
    static const struct young young = {0.1, 1, 4, false};
    FOR_EACH(i, programs)
    FOR_EACH(g, gogcs) {
        struct pair pair = both(i, young, gogcs[g], GAIT_PACER_NO_LIMIT);
        EXPECT(pair.with.minors == 0, pair.with, pair.without, programs[i].name, young.survival,
               gogcs[g]);
        EXPECT(pair.with.cost < 1.01 * pair.without.cost, pair.with, pair.without, programs[i].name,
               young.survival, gogcs[g]);
        EXPECT(pair.with.peak < 1.01 * pair.without.peak, pair.with, pair.without, programs[i].name,
               young.survival, gogcs[g]);
    }
}

/* Young that die and young that live follow each other: ten cycles later the collector costs what
 * it does in such a program. */
Test(governor_minor, a_change_of_phase_is_followed, .timeout = 60) {
    static const struct young kinds[] = {{0.02, 0.5, 0.02, false}, {1, 4, 1, false}};
    FOR_EACH(i, programs)
    FOR_EACH(g, gogcs) {
        struct loop_program first = aged(i, kinds[0], true);
        struct loop loop = grown(&first, gogcs[g], GAIT_PACER_NO_LIMIT, i + 1);
        for (int change = 1; change < 7; change += (int)loop_step()) {
            struct loop_program next = aged(i, kinds[change % 2], true);
            loop.program = next;
            cycles_of(&loop, SETTLED);
            struct minor_sum settled = cycles_of(&loop, ROWS);
            struct loop steady = grown(&next, gogcs[g], GAIT_PACER_NO_LIMIT, i + 1);
            struct minor_sum wanted = cycles_of(&steady, ROWS);
            EXPECT(settled.cost < 1.15 * wanted.cost, settled, wanted, programs[i].name,
                   next.survival, gogcs[g]);
            cycles_of(&loop, 60);
        }
    }
}

/* What is old dies at once: ten cycles later the heap is what GOGC says of the rest. */
Test(governor_minor, old_objects_that_die_are_found, .timeout = 60) {
    static const struct young young = {0.02, 0.5, 0.02, false};
    FOR_EACH(i, programs)
    FOR_EACH(g, gogcs) {
        struct loop_program program = aged(i, young, true);
        struct loop loop = grown(&program, gogcs[g], GAIT_PACER_NO_LIMIT, i + 1);
        loop.program.live /= 4;
        loop.program.tenure /= 4;
        cycles_of(&loop, SETTLED);
        struct minor_sum left = cycles_of(&loop, 20);
        struct loop fresh = grown(&loop.program, gogcs[g], GAIT_PACER_NO_LIMIT, i + 1);
        struct minor_sum wanted = cycles_of(&fresh, 20);
        EXPECT(left.peak < 1.1 * wanted.peak, left, wanted, programs[i].name, young.survival,
               gogcs[g]);
    }
}

/* Old objects die one by one, and others take their place. */
Test(governor_minor, old_objects_that_die_slowly_raise_no_heap, .timeout = 60) {
    static const struct young young = {0.3, 3, 0.1, false};
    FOR_EACH(i, programs)
    FOR_EACH(g, gogcs) {
        struct pair pair = both(i, young, gogcs[g], GAIT_PACER_NO_LIMIT);
        EXPECT(pair.with.peak < 1.06 * pair.without.peak, pair.with, pair.without, programs[i].name,
               young.survival, gogcs[g]);
        EXPECT(pair.with.cost < 1.03 * pair.without.cost, pair.with, pair.without, programs[i].name,
               young.survival, gogcs[g]);
    }
}

/* Under a limit minor cycles take no more memory than full ones. */
Test(governor_minor, limits_hold_as_without, .timeout = 60) {
    static const struct young young = {0.1, 0.5, 0.02, false};
    static const double limits[] = {0.9, 1.3, 1.8, 2.5, 4}; /* times what is live */
    FOR_EACH(i, programs)
    FOR_EACH(k, limits) {
        int64_t limit = (int64_t)(limits[k] * programs[i].program.live + 4 * LOOP_MIB);
        struct pair pair = both(i, young, 100, limit);
        EXPECT(pair.with.total < 1.06 * pair.without.total, pair.with, pair.without,
               programs[i].name, limits[k], 100);
        EXPECT(pair.with.cost < 1.05 * pair.without.cost, pair.with, pair.without, programs[i].name,
               limits[k], 100);
    }
}
