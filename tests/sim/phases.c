/* SPDX-License-Identifier: MIT */
/*
 * A program in phases of known size: a live table, garbage, and beside them more memory of one sort
 * at a time, for gait-sim to predict from its recording.
 *
 *   phases SORT MEGABYTES      SORT: none, arena, offheap, foreign
 */
#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/library.h>
#include <gait/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)
#define NODE_BYTES 64
#define NODES (16 * MIB / NODE_BYTES)
#define PHASES 6
#define PHASE_BYTES (150 * MIB)

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind node;
static gait_word roots[2]; /* a table; an arena */
static uint64_t random_state = 1;

static size_t random_below(size_t end) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % end;
}

static void work(void) {
    for (size_t done = 0; done < PHASE_BYTES; done += NODE_BYTES) {
        gait_word object = (gait_word)gait_alloc(mutator, node, NODE_BYTES);
        if (done % (4 * NODE_BYTES) == 0)
            gait_store(mutator, (gait_word *)roots[0] + random_below(NODES), object);
    }
}

static void change_arena(size_t bytes, size_t phase) {
    if (phase % 2) {
        gait_arena *arena = gait_arena_create(mutator, NULL);
        roots[1] = (gait_word)arena;
        for (size_t done = 0; done < bytes; done += 4096)
            gait_arena_alloc(mutator, arena, 4096, 8);
    } else {
        gait_arena_free(mutator, (gait_arena *)roots[1]);
        roots[1] = 0;
    }
}

/* Every second phase has the other memory. */
static void change(const char *sort, size_t bytes, size_t phase) {
    if (strcmp(sort, "arena") == 0)
        change_arena(bytes, phase);
    else if (strcmp(sort, "offheap") == 0)
        gait_library_count(heap, phase % 2 ? (ptrdiff_t)bytes : -(ptrdiff_t)bytes);
    else if (strcmp(sort, "foreign") == 0 && phase % 2)
        gait_foreign_add(mutator, bytes);
    else if (strcmp(sort, "foreign") == 0)
        gait_foreign_sub(mutator, bytes);
}

int main(int argc, char **argv) {
    const char *sort = argc > 1 ? argv[1] : "none";
    size_t bytes = (argc > 2 ? strtoul(argv[2], NULL, 10) : 0) * MIB;
    char error[256];
    heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    gait_kind_info info = {.name = "node", .layout = GAIT_REFS};
    node = (gait_kind)gait_kind_register(heap, &info);
    mutator = gait_attach(heap);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 2);
    roots[0] = (gait_word)gait_alloc(mutator, node, NODES * sizeof(gait_word));
    for (size_t phase = 0; phase < PHASES; phase++) {
        if (phase > 0)
            change(sort, bytes, phase);
        work();
    }
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    printf("%llu cycles, %llu bytes in all at most\n", (unsigned long long)stats.cycles,
           (unsigned long long)stats.peak_total_bytes);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
