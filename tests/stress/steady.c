/* SPDX-License-Identifier: MIT */
/*
 * Heaps that must not grow: over a hundred cycles and more of a program whose live memory stays the
 * same, also beside threads that keep the CPUs busy, and at goals of a few MiB. The heap as a cycle
 * ends is compared with what GOGC says by what is live.
 */
#include "stress.h"

#include <stdatomic.h>

#define MIB ((size_t)1 << 20)
#define NODE_BYTES 48
#define CYCLES_MOST 200
/* Until then the growth of the table's making is forgotten. */
#define CYCLES_FIRST 8
#define CYCLES_LEAST 24
/* Nodes that are looked at for each that is replaced: as much time as for the allocations. */
#define LOOKS 16
/* The heap over what GOGC says: in the median, and in nine of ten cycles. */
#define TIMES_MIDDLE 1.15
#define TIMES_MOST 1.3

static atomic_bool over;

static void *spin(void *unused) {
    while (!atomic_load(&over))
        ;
    return unused;
}

struct program {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind node;
    gait_word table;
    struct gait_frame frame;
    uint64_t random;
    size_t count;
    gait_word sum; /* of what it looked at: else nobody would need the looks */
};

struct steady {
    const char *name, *gogc;
    size_t live_mib;
    int spinners;
};

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which so many percent of them are. */
static double percentile(const double *values, size_t count, size_t percent) {
    double sorted[CYCLES_MOST];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, by_size);
    return sorted[count * percent / 100];
}

static void program_begin(struct program *program, const struct steady *steady) {
    *program = (struct program){.heap = heap_new(0, NULL, steady->gogc), .random = run.seed};
    program->mutator = attach(program->heap);
    program->node = kind_new(program->heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_push_frame(program->mutator, &program->frame, &program->table, 1);
    program->count = steady->live_mib * MIB / (NODE_BYTES + sizeof(gait_word));
    program->table =
        (gait_word)allocate(program->mutator, program->node, program->count * sizeof(gait_word));
}

static void replace(struct program *program, size_t at) {
    gait_word node = (gait_word)allocate(program->mutator, program->node, NODE_BYTES);
    gait_store(program->mutator, (gait_word *)program->table + at, node);
}

/* Look at nodes. A program that only allocates takes so much that the CPU gives the goal, not GOGC:
 * that floor has tests of its own (tests/unit/governor_loop_test.c). */
static void look(struct program *program) {
    for (int i = 0; i < LOOKS; i++) {
        const gait_word *node =
            ((const gait_word **)program->table)[pick(&program->random, program->count)];
        program->sum += *node;
    }
}

/* Most of what is allocated dies at once. */
static void work(struct program *program) {
    for (int i = 0; i < 128; i++) {
        look(program);
        replace(program, pick(&program->random, program->count));
        for (int j = 0; j < 3; j++)
            allocate(program->mutator, program->node, NODE_BYTES);
    }
}

static double ideal_bytes(const struct steady *steady) {
    double live = (double)(steady->live_mib * MIB), gogc = atof(steady->gogc) / 100;
    double goal = live * (1 + gogc), least = 4.0 * (double)MIB * gogc;
    return goal > least ? goal : least;
}

/* Work until so many cycles have ended. @return how many. */
static size_t watch(struct program *program, double *peaks, double ideal) {
    size_t cycles = 0;
    uint64_t before = stats_of(program->heap).cycles, first = before + CYCLES_FIRST;
    for (run_for(run.seconds); !time_is_up() && cycles < CYCLES_MOST;) {
        work(program);
        gait_stats stats = stats_of(program->heap);
        if (stats.cycles > before && stats.cycles > first)
            peaks[cycles++] = (double)stats.heap_peak_bytes / ideal;
        before = stats.cycles;
    }
    return cycles;
}

static void judge(const struct steady *steady, const double *peaks, size_t cycles) {
    size_t half = cycles / 2;
    if (cycles < CYCLES_LEAST) {
        printf("%-10s %zu cycles: too few\n", steady->name, cycles);
        return;
    }
    double first = percentile(peaks, half, 50), last = percentile(peaks + half, cycles - half, 50);
    double most = percentile(peaks, cycles, 90);
    printf("%-10s GOGC=%-4s %3zu MiB live, %3zu cycles: median %.2f then %.2f, most %.2f\n",
           steady->name, steady->gogc, steady->live_mib, cycles, first, last, most);
    fflush(stdout);
    CHECK(last <= TIMES_MIDDLE * first, "%s: it grows", steady->name);
/* checks slow marking more than the program: half of the CPU may be too little */
#ifndef GAIT_CHECKS
    CHECK(last <= TIMES_MIDDLE && first <= TIMES_MIDDLE, "%s: median %.2f", steady->name, last);
    CHECK(most <= TIMES_MOST, "%s: most %.2f", steady->name, most);
#endif
}

static void run_steady(const struct steady *steady) {
    struct program program;
    pthread_t spinners[4];
    double peaks[CYCLES_MOST];
    atomic_store(&over, false);
    for (int i = 0; i < steady->spinners; i++)
        spinners[i] = thread_start(spin, NULL);
    program_begin(&program, steady);
    for (size_t i = 0; i < program.count; i++)
        replace(&program, i);
    judge(steady, peaks, watch(&program, peaks, ideal_bytes(steady)));
    atomic_store(&over, true);
    for (int i = 0; i < steady->spinners; i++)
        pthread_join(spinners[i], NULL);
    gait_pop_frame(program.mutator);
    gait_detach(program.mutator);
    gait_heap_destroy(program.heap);
}

int main(int argc, char **argv) {
    static const struct steady cases[] = {
        {"alone", "100", 8, 0},      {"busy", "100", 6, 3}, {"small", "100", 1, 0},
        {"small busy", "100", 2, 3}, {"far", "400", 4, 0},  {"far busy", "400", 3, 3},
    };
    run_begin(argc, argv, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_steady(&cases[i]);
    return 0;
}
