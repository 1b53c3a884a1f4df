/* SPDX-License-Identifier: MIT */
/* Figures of arenas: one, all, as text; and those of one that another thread fills. */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/stats.h>
#include <stdlib.h>
#include <string.h>

#include "api/arenas.h"

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf;

static void open_heap(void) {
    heap = gait_heap_create(NULL, NULL, 0);
    mutator = gait_attach(heap);
    leaf =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
}

static gait_arena *arena_of(const char *name, uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = name;
    config.flags = flags | GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    return arena;
}

static gait_arena_stats read_stats(gait_arena *arena) {
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_arena_read_stats(mutator, arena, &stats), 0);
    return stats;
}

Test(arena_stats, of_one) {
    open_heap();
    gait_arena *arena = arena_of("one", GAIT_ARENA_TRACED);
    gait_arena_stats stats = read_stats(arena);
    cr_assert_eq(stats.id, 1u);
    cr_assert_eq(stats.flags, (uint64_t)(GAIT_ARENA_PINNED | GAIT_ARENA_TRACED));
    cr_assert_eq(stats.used_bytes, 0u);
    cr_assert_eq(stats.chunks, 1u);
    cr_assert_eq(stats.held_bytes, 65536u);
    cr_assert_eq(stats.resets, 0u);
    cr_assert_eq(strcmp(stats.name, "one"), 0);
    cr_assert_not_null(strstr(stats.created, "arena_stats_test.c:"));

    for (unsigned i = 0; i < 10; i++)
        gait_arena_alloc(mutator, arena, 24, 0);
    cr_assert_eq(read_stats(arena).used_bytes, 240u); /* its own thread's are exact */
    gait_arena_alloc(mutator, arena, 100000, 0);
    stats = read_stats(arena);
    cr_assert_eq(stats.used_bytes, 100240u);
    cr_assert_eq(stats.chunks, 2u);
    cr_assert_geq(stats.held_bytes, 65536u + 100000u);
    cr_assert_eq(stats.high_water_bytes, 100240u);
    gait_arena_reset(mutator, arena);
    stats = read_stats(arena);
    cr_assert_eq(stats.used_bytes, 0u);
    cr_assert_eq(stats.high_water_bytes, 100240u);
    cr_assert_eq(stats.resets, 1u);
    size_t held = stats.held_bytes, given = gait_arena_trim(mutator, arena);
    stats = read_stats(arena);
    cr_assert_eq(stats.held_bytes, held - given);
    cr_assert_eq(stats.chunks, 1u);
    gait_heap_destroy(heap);
}

Test(arena_stats, waste_is_what_was_too_small) {
    open_heap();
    gait_arena *arena = arena_of("wasteful", 0);
    size_t used = 0;
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_not_null(gait_arena_alloc(mutator, arena, 20000, 0));
        used += 20000;
    }
    gait_arena_stats stats = read_stats(arena);
    cr_assert_eq(stats.used_bytes, used);
    cr_assert_gt(stats.waste_bytes, 0u);
    cr_assert_leq(stats.used_bytes + stats.waste_bytes, stats.held_bytes);
    gait_arena_reset(mutator, arena);
    cr_assert_eq(read_stats(arena).waste_bytes, 0u);
    gait_heap_destroy(heap);
}

/* A program built with fewer fields gets those, one with more gets zeros. */
Test(arena_stats, of_other_sizes) {
    open_heap();
    gait_arena *arena = arena_of("sizes", 0);
    struct {
        gait_arena_stats stats;
        uint64_t more;
    } larger = {.more = 1};
    gait_arena_stats small = {.struct_bytes = 8};
    cr_assert_eq(gait_arena_read_stats(mutator, arena, &small), GAIT_E_INVALID);
    small.struct_bytes = 0;
    cr_assert_eq(gait_arena_read_stats(mutator, arena, &small), GAIT_E_INVALID);
    larger.stats.struct_bytes = sizeof larger;
    cr_assert_eq(gait_arena_read_stats(mutator, arena, &larger.stats), 0);
    cr_assert_eq(larger.more, 0u);
    cr_assert_eq(larger.stats.struct_bytes, sizeof larger);
    cr_assert_eq(larger.stats.id, 1u);
    gait_heap_destroy(heap);
}

struct seen {
    unsigned count, order_wrong;
    uint64_t last, held_bytes;
    gait_arena *to_free;
};

static void see(const gait_arena_stats *stats, void *data) {
    struct seen *seen = data;
    seen->count++;
    seen->order_wrong += stats->id <= seen->last;
    seen->last = stats->id;
    seen->held_bytes += stats->held_bytes;
    if (seen->to_free)
        gait_arena_free(mutator, seen->to_free); /* it may call anything */
    seen->to_free = NULL;
}

Test(arena_stats, list) {
    open_heap();
    gait_arena *arenas[300];
    for (unsigned i = 0; i < 300; i++)
        arenas[i] = arena_of("many", 0);
    struct seen seen = {0};
    cr_assert_eq(gait_arena_list(heap, see, &seen), 300u);
    cr_assert_eq(seen.count, 300u);
    cr_assert_eq(seen.order_wrong, 0u);
    cr_assert_eq(seen.held_bytes, 300u * 65536);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.arena_bytes, seen.held_bytes);
    for (unsigned i = 0; i < 300; i += 2)
        gait_arena_free(mutator, arenas[i]);
    cr_assert_eq(gait_arena_list(heap, NULL, NULL), 150u);
    seen = (struct seen){.to_free = arenas[299]};
    cr_assert_eq(gait_arena_list(heap, see, &seen), 149u);
    gait_heap_destroy(heap);
}

static gait_stats heap_stats(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    return stats;
}

Test(arena_stats, in_sum) {
    open_heap();
    gait_arena *arenas[20];
    size_t used = 0;
    for (unsigned i = 0; i < 20; i++) {
        arenas[i] = arena_of("sum", 0);
        for (unsigned k = 0; k <= i; k++)
            gait_arena_alloc(mutator, arenas[i], 20000, 0);
        used += read_stats(arenas[i]).used_bytes;
        if (i % 5 == 4) {
            used -= read_stats(arenas[i]).used_bytes;
            gait_arena_reset(mutator, arenas[i]);
        }
    }
    size_t held = 0, waste = 0, chunks = 0;
    for (unsigned i = 0; i < 20; i++) {
        gait_arena_stats one = read_stats(arenas[i]);
        held += one.held_bytes;
        waste += one.waste_bytes;
        chunks += one.chunks;
    }
    gait_stats stats = heap_stats();
    cr_assert_eq(stats.arenas, 20u);
    cr_assert_eq(stats.arena_used_bytes, used);
    cr_assert_eq(stats.arena_waste_bytes, waste);
    cr_assert_gt(waste, 0u);
    cr_assert_eq(stats.arena_chunks, chunks);
    cr_assert_eq(stats.arena_resets, 4u);
    cr_assert_eq(stats.arena_bytes, held);
    cr_assert_eq(stats.arena_peak_bytes, held);
    cr_assert_eq(stats.arenas_leaked + stats.quarantine_bytes, 0u);
    for (unsigned i = 0; i < 19; i++)
        gait_arena_free(mutator, arenas[i]);
    stats = heap_stats();
    cr_assert_eq(stats.arenas, 1u);
    cr_assert_eq(stats.arena_chunks, read_stats(arenas[19]).chunks);
    cr_assert_eq(stats.quarantine_bytes, held - read_stats(arenas[19]).held_bytes);
    cr_assert_eq(stats.arena_peak_bytes, held);

    gait_arena *lost = gait_arena_create(mutator, NULL);
    cr_assert_not_null(lost);
    gait_collect(mutator);
    gait_collect(mutator);
    stats = heap_stats();
    cr_assert_eq(stats.arenas_leaked, 1u);
    cr_assert_eq(stats.arenas, 1u);
    gait_heap_destroy(heap);
}

Test(arena_stats, as_text) {
    char *text = NULL;
    size_t length = 0;
    open_heap();
    gait_arena *first = arena_of("first", GAIT_ARENA_TRACED), *second = arena_of("\x1b[2J", 0);
    gait_arena_alloc(mutator, first, 1000, 0);
    gait_arena_alloc(mutator, second, 5000, 0);
    gait_arena_reset(mutator, second);
    gait_arena_alloc(mutator, second, 500000, 0); /* others see what slow paths have told */
    FILE *out = open_memstream(&text, &length);
    gait_write_arenas(heap, out);
    fclose(out);
    char *line = strtok(text, "\n");
    cr_assert_eq(strcmp(line, "      id           held           used          waste     high water"
                              "   chunks   resets flags  name, created"),
                 0);
    line = strtok(NULL, "\n");
    cr_assert_not_null(strstr(line, " TP     first "));
    cr_assert_not_null(strstr(line, "arena_stats_test.c:"));
    line = strtok(NULL, "\n");
    unsigned long long id, held, used, waste, high, chunks, resets;
    cr_assert_eq(sscanf(line, "%llu %llu %llu %llu %llu %llu %llu", &id, &held, &used, &waste,
                        &high, &chunks, &resets),
                 7);
    cr_assert_eq(id, 2u);
    cr_assert_eq(used, 500000u);
    cr_assert_eq(high, 500000u);
    cr_assert_eq(chunks, 2u);
    cr_assert_eq(resets, 1u);
    cr_assert_not_null(strstr(line, " P      \\x1b[2J ")); /* a terminal does not obey it */
    line = strtok(NULL, "\n");
    cr_assert_not_null(strstr(line, "     sum "));
    cr_assert_not_null(strstr(line, " 2 arenas"));
    cr_assert_null(strtok(NULL, "\n"));
    free(text);
    gait_heap_destroy(heap);
}
