/* SPDX-License-Identifier: MIT */
/*
 * What a program may ask of the pacing beside GOGC and the limit, on heaps that run:
 *
 *   min_heap    1 MiB live: with a least heap of 64 MiB a fraction of the cycles; a limit of 32 MiB
 *               rules above it; set while the heap lives, as from the configuration
 *   gogc_floor  a limit just above what is live: without a floor cycle after cycle, or waits; with
 *               one as many cycles as that GOGC has, and the limit is passed
 *   assists     off: no CPU time in assists, the program's live data is whole; under a limit memory
 *               stays near it
 */
#include "stress.h"

#define MIB ((size_t)1 << 20)
#define NODE_BYTES 64

struct program {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind kind;
    gait_word table; /* a root: a node each */
    size_t entries;
    struct gait_frame frame;
    uint64_t random;
};

static void program_begin(struct program *program, const gait_config *config, size_t live_bytes) {
    *program = (struct program){.heap = heap_of(config), .random = run.seed};
    program->mutator = attach(program->heap);
    program->kind = kind_new(program->heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_push_frame(program->mutator, &program->frame, &program->table, 1);
    program->entries = live_bytes / (NODE_BYTES + sizeof(gait_word));
    program->table =
        (gait_word)allocate(program->mutator, program->kind, program->entries * sizeof(gait_word));
    for (size_t i = 0; i < program->entries; i++) {
        gait_word *node = allocate(program->mutator, program->kind, NODE_BYTES);
        node[1] = i << 1 | 1; /* no address */
        gait_store(program->mutator, (gait_word *)program->table + i, (gait_word)node);
    }
    gait_collect(program->mutator);
}

static void program_end(struct program *program) {
    for (size_t i = 0; i < program->entries; i++)
        CHECK(((gait_word **)program->table)[i][1] == (i << 1 | 1), "entry %zu", i);
    gait_pop_frame(program->mutator);
    gait_detach(program->mutator);
    gait_heap_destroy(program->heap);
}

/* Allocate so much, most of which dies at once. @return cycles meanwhile. */
static uint64_t work(struct program *program, size_t bytes) {
    uint64_t before = stats_of(program->heap).cycles;
    for (size_t done = 0; done < bytes; done += 4 * NODE_BYTES) {
        size_t entry = pick(&program->random, program->entries);
        gait_word *node = allocate(program->mutator, program->kind, NODE_BYTES);
        node[1] = entry << 1 | 1;
        gait_store(program->mutator, (gait_word *)program->table + entry, (gait_word)node);
        for (int i = 0; i < 3; i++)
            allocate(program->mutator, program->kind, NODE_BYTES);
    }
    return stats_of(program->heap).cycles - before;
}

static gait_config config_of(const char *gogc, const char *limit) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = limit;
    return config;
}

/* ---- A least heap ---- */

#define SMALL_WORK_BYTES (600 * MIB / (UNDER_TSAN ? 4 : 1))

static void min_heap_test(const char *gogc) {
    struct program program;
    gait_config config = config_of(gogc, NULL);
    program_begin(&program, &config, MIB);
    uint64_t without = work(&program, SMALL_WORK_BYTES);

    CHECK(gait_set_min_heap(program.heap, (int64_t)(64 * MIB)) == 0, "it was off");
    CHECK(gait_set_min_heap(program.heap, -1) == (int64_t)(64 * MIB), "read");
    gait_stats stats = stats_of(program.heap);
    CHECK(stats.min_heap_bytes == 64 * MIB && stats.heap_goal_bytes == 64 * MIB, "goal of %zu",
          (size_t)stats.heap_goal_bytes);
    uint64_t with = work(&program, SMALL_WORK_BYTES);

    gait_set_memory_limit(program.heap, (int64_t)(32 * MIB));
    stats = stats_of(program.heap);
    CHECK(stats.heap_goal_bytes < 32 * MIB, "the limit rules: goal of %zu",
          (size_t)stats.heap_goal_bytes);
    work(&program, SMALL_WORK_BYTES / 4);
    size_t total = stats_of(program.heap).total_bytes;
    printf("min_heap, GOGC=%s: %" PRIu64 " cycles without, %" PRIu64 " with 64 MiB; %zu MiB in all "
           "under 32\n",
           gogc, without, with, total / MIB);
    fflush(stdout);
    CHECK(total <= 35 * MIB, "%zu bytes", total);
    CHECK(with * 6 < without, "%" PRIu64 " cycles, %" PRIu64 " without", with, without);
    program_end(&program);

    config = config_of(gogc, NULL);
    config.min_heap = "64MiB";
    program_begin(&program, &config, MIB);
    CHECK(stats_of(program.heap).heap_goal_bytes == 64 * MIB, "from the configuration");
    program_end(&program);
}

/* ---- A floor of GOGC ---- */

#define LARGE_WORK_BYTES (300 * MIB / (UNDER_TSAN ? 4 : 1))

/* @return cycles of a heap of 16 MiB live. */
static uint64_t floor_run(const char *gogc, const char *limit, const char *floor,
                          gait_stats *stats) {
    struct program program;
    gait_config config = config_of(gogc, limit);
    config.gogc_floor = floor;
    program_begin(&program, &config, 16 * MIB);
    uint64_t cycles = work(&program, LARGE_WORK_BYTES);
    *stats = stats_of(program.heap);
    program_end(&program);
    return cycles;
}

static void gogc_floor_test(void) {
    gait_stats stats;
    uint64_t gogc = floor_run("100", NULL, NULL, &stats);
    uint64_t limited = floor_run("100", "20MiB", NULL, &stats);
    uint64_t floored = floor_run("off", "20MiB", "100", &stats);
    printf("gogc_floor: %" PRIu64 " cycles at GOGC=100, %" PRIu64 " under 20 MiB, %" PRIu64
           " there with a floor of 100, %zu MiB in all at most\n",
           gogc, limited, floored, (size_t)stats.peak_total_bytes / MIB);
    fflush(stdout);
    CHECK(stats.gogc_floor_percent == 100, "%d", (int)stats.gogc_floor_percent);
    CHECK(floored <= gogc + gogc / 4 + 1, "%" PRIu64 " cycles", floored);
    CHECK(limited >= 2 * floored, "%" PRIu64 " cycles without the floor", limited);
    CHECK(stats.peak_total_bytes > 25 * MIB, "the limit is passed: %zu bytes at most",
          (size_t)stats.peak_total_bytes);
}

/* ---- No assists ---- */

static void assists_test(const char *limit) {
    struct program program;
    gait_stats stats;
    gait_config config = config_of(limit ? "off" : "50", limit);
    config.assists = "off";
    program_begin(&program, &config, 16 * MIB);
    CHECK(stats_of(program.heap).assists_off == 1, "off");
    uint64_t cycles = work(&program, LARGE_WORK_BYTES);
    stats = stats_of(program.heap);
    printf("assists off, limit %s: %" PRIu64 " cycles, %zu MiB in all at most\n",
           limit ? limit : "off", cycles, (size_t)stats.peak_total_bytes / MIB);
    fflush(stdout);
    CHECK(stats.cpu_assist_ns == 0, "%zu ns in assists", (size_t)stats.cpu_assist_ns);
    CHECK(cycles > 0, "no cycles");
    if (limit) /* nobody waits for ever: on a busy machine it may be passed for a moment */
        CHECK(stats.peak_total_bytes <= 80 * MIB, "%zu bytes at most",
              (size_t)stats.peak_total_bytes);
    CHECK(gait_set_assists(program.heap, 7) == 0, "read");
    CHECK(gait_set_assists(program.heap, 1) == 0 && gait_set_assists(program.heap, -1) == 1, "on");
    work(&program, MIB);
    program_end(&program);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 0);
    min_heap_test("100");
    min_heap_test("25");
    gogc_floor_test();
    assists_test(NULL);
    assists_test("64MiB");
    return 0;
}
