/* SPDX-License-Identifier: MIT */
/* An arena from its creation to its end. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <gait/stats.h>

struct node {
    gait_word next; /* a reference: first, as the kind says */
    uint64_t number;
};

static uint64_t cycles(gait_heap *heap) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0);
    return stats.cycles;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind node = example_kind(
        heap, &(gait_kind_info){.name = "node", .layout = GAIT_PREFIX, .head_words = 1});

    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "numbers";
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena);

    /* the handle is a reference like any other: in a root, it keeps the arena */
    gait_word slots[1] = {(gait_word)arena};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 1);

    struct node *newest = NULL;
    for (uint64_t i = 0; i < 1000000; i++) {
        struct node *fresh = gait_arena_new(mutator, arena, node, sizeof *fresh);
        CHECK(fresh && fresh->number == 0); /* zeroed, as by gait_alloc */
        gait_init(&fresh->next, (gait_word)newest);
        fresh->number = i;
        newest = fresh;
    }
    uint64_t *squares = gait_arena_alloc(mutator, arena, 1000 * sizeof *squares, 64);
    gait_word *table = gait_arena_array(mutator, arena, node, 100, sizeof(struct node));
    CHECK(squares && table && (uintptr_t)squares % 64 == 0);
    CHECK(!gait_arena_array(mutator, arena, node, SIZE_MAX, 16)); /* more than there can be */

    CHECK(newest->number == 999999 && cycles(heap) == 0); /* and nothing was collected */
    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena); /* all of it, at once */
    gait_heap_destroy(heap);
    return 0;
}
