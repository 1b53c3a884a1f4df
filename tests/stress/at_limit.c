/* SPDX-License-Identifier: MIT */
/*
 * Programs at and beyond a memory limit. Each says how much memory it may take, as counted, and how
 * many cycles. A limit that can be held within half of the CPU holds; one that can't is passed by
 * no more than half of the CPU makes necessary, and never by as much as without a limit.
 *
 *   program [SEED [SECONDS [CASE]]]
 */
#include "stress.h"

#include <gait/foreign.h>

#include <stdatomic.h>

#define MIB ((size_t)1 << 20)
#define NODE_BYTES 64

struct program {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind node, leaf;
    gait_word roots[4];
    struct gait_frame frame;
    uint64_t random;
};

static void program_begin(struct program *program, const char *gogc, const char *limit) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = limit;
    memset(program, 0, sizeof *program);
    program->random = run.seed;
    program->heap = heap_of(&config);
    program->mutator = attach(program->heap);
    program->node = kind_new(program->heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    program->leaf = kind_new(program->heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_push_frame(program->mutator, &program->frame, program->roots, 4);
}

/* A table of so many bytes of nodes, each of which is live. */
static size_t table_make(struct program *program, size_t bytes) {
    size_t count = bytes / (NODE_BYTES + sizeof(gait_word));
    program->roots[0] =
        (gait_word)allocate(program->mutator, program->node, count * sizeof(gait_word));
    for (size_t i = 0; i < count; i++) {
        gait_word node = (gait_word)allocate(program->mutator, program->node, NODE_BYTES);
        gait_store(program->mutator, (gait_word *)program->roots[0] + i, node);
    }
    return count;
}

/* Replace entries at random; most of what is allocated dies at once. */
static void churn(struct program *program, size_t count, size_t bytes) {
    for (size_t done = 0; done < bytes; done += 4 * NODE_BYTES) {
        gait_word node = (gait_word)allocate(program->mutator, program->node, NODE_BYTES);
        gait_store(program->mutator, (gait_word *)program->roots[0] + pick(&program->random, count),
                   node);
        for (int i = 0; i < 3; i++)
            allocate(program->mutator, program->node, NODE_BYTES);
    }
}

static void program_end(struct program *program) {
    gait_pop_frame(program->mutator);
    gait_detach(program->mutator);
    gait_heap_destroy(program->heap);
}

static void report(struct program *program, const char *name, size_t most_mib) {
    gait_stats stats = stats_of(program->heap);
    double peak = (double)stats.peak_total_bytes / (double)MIB;
    printf("%-8s %7.1f MiB at most of %zu, now %7.1f; %6.0f MiB allocated, %4" PRIu64
           " cycles, collector %2.0f %%, limiting %.2f s\n",
           name, peak, most_mib, (double)stats.total_bytes / (double)MIB,
           (double)stats.allocated_bytes / (double)MIB, stats.cycles, 100 * stats.gc_cpu_fraction,
           (double)stats.limiter_ns / 1e9);
    fflush(stdout);
    CHECK(MARKS_SLOWLY || peak <= (double)most_mib, "%s: %.1f MiB", name, peak);
}

#define BUFFER_BYTES 20000000

/* Buffers of 20 MB beside 150 MB, each filled four times, and on until the collector has taken no
 * more than this share of the CPU. */
static void fill_buffers(const char *name, double seconds, double share, size_t most_mib) {
    struct program program;
    program_begin(&program, "100", "300MiB");
    table_make(&program, 150000000);
    for (run_for(seconds); !time_is_up();) {
        program.roots[1] = (gait_word)allocate(program.mutator, program.leaf, BUFFER_BYTES);
        for (int i = 1; i <= 4 || (stats_of(program.heap).gc_cpu_fraction > share && !time_is_up());
             i++)
            memset((void *)program.roots[1], i, BUFFER_BYTES);
    }
    report(&program, name, most_mib);
    program_end(&program);
}

/* A program that also computes, so that cycles take less than half on any machine. */
static void buffers(void) { fill_buffers("buffers", run.seconds, 0.4, 315); }

/* One that hardly computes: half of the CPU can just not hold the limit, or just can. What it is
 * passed by is not so many buffers: no more than 15 % of what half of the CPU can hold. It was 363
 * to 382 MiB where a buffer was taken first, and marked for afterwards. Before the limiter's bucket
 * has filled, which takes some two seconds, the limit holds. */
static void quick(void) { fill_buffers("quick", 2 * run.seconds, 1, 345); }

/* What GOGC=100 takes without a limit; GOGC's cycles alone nearly fill the limiter's bucket. */
static void list(void) {
    struct program program;
    program_begin(&program, "100", "400MiB");
    for (size_t i = 0; i < 40 * MIB / NODE_BYTES; i++) {
        gait_word *node = allocate(program.mutator, program.node, NODE_BYTES);
        gait_init(node, program.roots[0]);
        program.roots[0] = (gait_word)node;
    }
    for (run_for(run.seconds); !time_is_up();)
        for (int i = 0; i < 1000; i++)
            allocate(program.mutator, program.node, NODE_BYTES);
    report(&program, "list", 410);
    program_end(&program);
}

/* Live memory grows past the limit, and falls again. Of the spans that held it most have objects
 * that live on; it takes cycles until these lie in few: after 400 MiB of churn, some sixteen
 * cycles, one run in ten was at 106 to 116 MiB still, after 800 none of 32. How far the limit is
 * passed before depends on what a cycle costs: 194 to 263 MiB; without a limit it would be 290. */
static void passing(void) {
    struct program program;
    program_begin(&program, "100", "100MiB");
    for (int round = 0; round < 2; round++) {
        size_t count = table_make(&program, 40 * MIB);
        churn(&program, count, 100 * MIB);
        program.roots[1] = program.roots[0];
        count = table_make(&program, 100 * MIB);
        churn(&program, count, 100 * MIB);
        program.roots[0] = program.roots[1] = 0;
        count = table_make(&program, 30 * MIB);
        churn(&program, count, 800 * MIB);
        gait_stats stats = stats_of(program.heap);
        printf("         fallen to %zu MiB live: %.1f MiB in all, %.1f in spans, %.1f free\n",
               (size_t)stats.heap_marked_bytes / MIB, (double)stats.total_bytes / (double)MIB,
               (double)stats.span_bytes / (double)MIB, (double)stats.free_bytes / (double)MIB);
        CHECK(MARKS_SLOWLY || stats.total_bytes <= 105 * MIB, "%" PRIu64 " bytes",
              stats.total_bytes);
    }
    report(&program, "passing", 280);
    program_end(&program);
}

/* Foreign memory that comes and goes: spans that some objects keep are there when it comes. */
static void foreign(void) {
    struct program program;
    program_begin(&program, "100", "160MiB");
    size_t count = table_make(&program, 50 * MIB);
    for (run_for(run.seconds); !time_is_up();) {
        for (int i = 0; i < 50; i++) {
            gait_foreign_add(program.mutator, MIB);
            churn(&program, count, MIB);
        }
        churn(&program, count, 100 * MIB);
        for (int i = 0; i < 50; i++) {
            gait_foreign_sub(program.mutator, MIB);
            churn(&program, count, MIB);
        }
    }
    report(&program, "foreign", 184);
    program_end(&program);
}

/* One array takes most of what is live. */
static void array(void) {
    struct program program;
    program_begin(&program, "100", "200MiB");
    size_t count = 100 * MIB / sizeof(gait_word), filled = 20 * MIB / NODE_BYTES;
    program.roots[0] = (gait_word)allocate(program.mutator, program.node, 100 * MIB);
    for (run_for(run.seconds); !time_is_up();) {
        for (size_t i = 0; i < 10000; i++) {
            size_t at = pick(&program.random, filled) * (count / filled);
            gait_word node = (gait_word)allocate(program.mutator, program.node, NODE_BYTES);
            gait_store(program.mutator, (gait_word *)program.roots[0] + at, node);
        }
    }
    report(&program, "array", 205);
    program_end(&program);
}

struct sharer {
    struct program *program;
    size_t count;
};

static void *share(void *argument) {
    struct sharer *sharer = argument;
    struct program own = *sharer->program;
    own.mutator = attach(own.heap);
    own.roots[0] = sharer->program->roots[0]; /* a root of the first one, which waits */
    gait_push_frame(own.mutator, &own.frame, own.roots, 4);
    own.random += (uint64_t)(uintptr_t)&own;
    while (!time_is_up())
        churn(&own, sharer->count, MIB);
    gait_pop_frame(own.mutator);
    gait_detach(own.mutator);
    return NULL;
}

/* Four threads, and a limit a quarter above what is live. What the table's making left in spans
 * stays: it was 315 MiB where one cycle after it came by the rates of its making. */
static void threads(void) {
    struct program program;
    program_begin(&program, "100", "128MiB");
    struct sharer sharer = {&program, table_make(&program, 100 * MIB)};
    run_for(run.seconds);
    pthread_t others[4];
    for (int i = 0; i < 4; i++)
        others[i] = thread_start(share, &sharer);
    gait_enter_native(program.mutator);
    for (int i = 0; i < 4; i++)
        pthread_join(others[i], NULL);
    gait_leave_native(program.mutator);
    report(&program, "threads", 220);
    program_end(&program);
}

/* A limit of a MiB or two, less than the tables take: each cycle needs a reason. */
static void tiny(void) {
    struct program program;
    program_begin(&program, "100", "1000KiB");
    size_t count = table_make(&program, MIB), worst = 0;
    gait_stats before = stats_of(program.heap);
    for (run_for(run.seconds / 2); !time_is_up();) {
        churn(&program, count, MIB / 16);
        gait_stats after = stats_of(program.heap);
        size_t cycles = after.cycles - before.cycles;
        /* a sixteenth of what is live between two, and one at each end */
        size_t fit = (after.allocated_bytes - before.allocated_bytes) / (MIB / 16) + 2;
        worst = cycles > worst ? cycles : worst;
        CHECK(cycles <= fit, "%zu cycles in %" PRIu64 " bytes", cycles,
              after.allocated_bytes - before.allocated_bytes);
        before = after;
    }
    report(&program, "tiny", 6);
    program_end(&program);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"buffers", buffers}, {"quick", quick}, {"list", list},       {"passing", passing},
                 {"foreign", foreign}, {"array", array}, {"threads", threads}, {"tiny", tiny}};
    run_begin(argc, argv, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* with ThreadSanitizer it takes a minute, of one thread that the other cases have, too */
        bool left_out = UNDER_TSAN && cases[i].run == passing;
        if (argc < 4 ? !left_out : strcmp(argv[3], cases[i].name) == 0)
            cases[i].run();
    }
    return 0;
}
