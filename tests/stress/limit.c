/* SPDX-License-Identifier: MIT */
/*
 * A memory limit far above the live heap: a table whose entries are replaced at random, so that
 * each span keeps some live cells, and cycles that come early. None of them may be taken for what
 * the heap can hold: cycles follow each other as the limit has room, and the limit holds.
 */
#include "stress.h"

#define MIB ((size_t)1 << 20)
#define LIMIT_BYTES (48 * MIB)
#define NODE_BYTES 48
#define ENTRIES (6 * MIB / NODE_BYTES)
#define TURN_BYTES (400 * MIB)

struct program {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind kind_node;
    gait_word table; /* a root */
    struct gait_frame frame;
    uint64_t random;
};

static void entry_replace(struct program *program) {
    gait_word node = (gait_word)allocate(program->mutator, program->kind_node, NODE_BYTES);
    gait_store(program->mutator, (gait_word *)program->table + pick(&program->random, ENTRIES),
               node);
}

/* Most of what is allocated dies at once. */
static void work(struct program *program, size_t bytes) {
    for (size_t done = 0; done < bytes; done += 4 * NODE_BYTES) {
        entry_replace(program);
        for (int i = 0; i < 3; i++)
            allocate(program->mutator, program->kind_node, NODE_BYTES);
    }
}

static void program_begin(struct program *program) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.memory_limit = "48MiB";
    program->heap = heap_of(&config);
    program->random = run.seed;
    program->mutator = attach(program->heap);
    program->kind_node =
        kind_new(program->heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_push_frame(program->mutator, &program->frame, &program->table, 1);
    program->table =
        (gait_word)allocate(program->mutator, program->kind_node, ENTRIES * sizeof(gait_word));
}

/* @return cycles that it did not ask for. */
static uint64_t program_run(struct program *program, size_t early_cycles) {
    work(program, LIMIT_BYTES); /* up to the limit, and the table is full */
    gait_stats before = stats_of(program->heap);
    for (size_t i = 0; i <= early_cycles; i++) {
        work(program, TURN_BYTES / (early_cycles + 1));
        if (i < early_cycles)
            gait_collect(program->mutator);
    }
    gait_stats after = stats_of(program->heap);
    uint64_t cycles = after.cycles - before.cycles - (after.forced_cycles - before.forced_cycles);
    uint64_t limited_ns = after.limiter_ns - before.limiter_ns;
    printf("%2zu early cycles, %2" PRIu64
           " others; %2zu MiB live, %.1f MiB in all at most; %" PRIu64 " ms limited\n",
           early_cycles, cycles, (size_t)after.heap_marked_bytes / MIB,
           (double)after.peak_total_bytes / (double)MIB, limited_ns / 1000000);
    fflush(stdout);
    CHECK(after.peak_total_bytes <= LIMIT_BYTES + LIMIT_BYTES / 10, "%zu bytes at most",
          (size_t)after.peak_total_bytes);
    return cycles;
}

static void limit_test(size_t early_cycles) {
    struct program program = {0};
    program_begin(&program);
    uint64_t cycles = program_run(&program, early_cycles);
    /* 400 MiB in cycles of some 30 */
    CHECK(cycles <= 30, "%" PRIu64 " cycles", cycles);
    gait_pop_frame(program.mutator);
    gait_detach(program.mutator);
    gait_heap_destroy(program.heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    limit_test(0);
    limit_test(7);
    limit_test(29);
}
