/* SPDX-License-Identifier: MIT */
/* What arenas say of themselves. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <string.h>

static void show(const gait_arena_stats *stats, void *data) {
    unsigned *arenas = data;
    printf("%s, created at %s: %llu bytes used of %llu in %llu chunks, %llu at most, %llu resets\n",
           stats->name, stats->created, (unsigned long long)stats->used_bytes,
           (unsigned long long)stats->held_bytes, (unsigned long long)stats->chunks,
           (unsigned long long)stats->high_water_bytes, (unsigned long long)stats->resets);
    ++*arenas;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "frame";
    config.flags = GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena);

    for (int frame = 0; frame < 10; frame++) {
        CHECK(gait_arena_alloc(mutator, arena, frame == 5 ? 10 << 20 : 100 << 10, 16));
        gait_arena_reset(mutator, arena);
    }
    CHECK(gait_arena_alloc(mutator, arena, 1000, 16));

    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_arena_read_stats(mutator, arena, &stats) == 0);
    CHECK(strcmp(stats.name, "frame") == 0 && stats.resets == 10);
    CHECK(stats.high_water_bytes >= 10 << 20 && stats.used_bytes < 64 << 10);
    size_t before = stats.held_bytes, given = gait_arena_trim(mutator, arena);
    CHECK(gait_arena_read_stats(mutator, arena, &stats) == 0);
    CHECK(given > 0 && stats.held_bytes == before - given); /* a large frame long ago: no more */

    unsigned arenas = 0;
    CHECK(gait_arena_list(heap, show, &arenas) == 1 && arenas == 1);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
    return 0;
}
