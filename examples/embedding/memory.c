/* SPDX-License-Identifier: MIT */
/* Running out of memory, limits, figures. */
#include "example.h"

#include <gait/stats.h>

enum { BLOCK_BYTES = 1 << 20 };

struct cache {
    gait_handle *blocks;
    int asked;
    int told;
};

/* Drop what can be made again, and have the allocation tried once more. */
static bool drop_cache(gait_mutator *mutator, size_t bytes, void *data) {
    (void)bytes;
    struct cache *cache = data;
    bool had_some = gait_handle_get(cache->blocks) != 0;
    gait_handle_set(mutator, cache->blocks, 0);
    cache->asked++;
    return had_some;
}

/* The same, before there is no memory: run by gait_run_finalizers. */
static void told(gait_mutator *mutator, gait_notice notice, void *data) {
    struct cache *cache = data;
    if (notice != GAIT_NOTICE_MEMORY_HIGH)
        return;
    gait_handle_set(mutator, cache->blocks, 0);
    cache->told++;
}

/* Link blocks to a list until there is no memory. @return how many. */
static int fill(gait_mutator *mutator, gait_kind kind, gait_handle *list) {
    int count = 0;
    for (gait_word *block; (block = gait_alloc(mutator, kind, BLOCK_BYTES)); count++) {
        gait_init(&block[0], gait_handle_get(list));
        gait_handle_set(mutator, list, (gait_word)block);
    }
    return count;
}

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.reserve_bytes = (size_t)32 << 20; /* a hard bound: no more addresses than these */
    config.memory_limit = "24MiB";           /* a soft one: collects harder from here on */
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(
        heap, &(gait_kind_info){.name = "block", .layout = GAIT_PREFIX, .head_words = 1});

    struct cache cache = {.blocks = gait_handle_new(mutator, 0)};
    gait_handle *list = gait_handle_new(mutator, 0);
    CHECK(cache.blocks && list);
    int cached = fill(mutator, kind, cache.blocks);
    CHECK(cached > 20); /* no handler yet: NULL when 32 MiB are full */

    gait_set_oom_handler(heap, drop_cache, &cache);
    int kept = fill(mutator, kind, list);
    CHECK(cache.asked == 2); /* once it had something to drop, once it had not */
    CHECK(kept > 20);
    CHECK(!gait_alloc(mutator, kind, SIZE_MAX));

    gait_handle_set(mutator, list, 0);
    gait_free_os_memory(mutator); /* collects, and gives free pages back at once */
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0);
    CHECK(stats.heap_marked_bytes < BLOCK_BYTES && stats.total_bytes < 4 * BLOCK_BYTES);
    for (size_t i = 0; i < 3; i++) /* a table of all figures for whoever prints them */
        printf("%s: %s\n", gait_stats_name(i), gait_stats_text(i));

    gait_set_notice(heap, told, &cache);
    gait_set_notice_percent(heap, 80); /* of the memory limit; or gait_set_notice_memory: bytes */
    CHECK(fill(mutator, kind, list) > 20);
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(cache.told == 1);

    CHECK(gait_set_gogc(heap, 50) == 100);
    CHECK(gait_set_gogc(heap, GAIT_KEEP) == 50);
    CHECK(gait_set_memory_limit(heap, GAIT_NO_LIMIT) == 24 << 20);
    CHECK(gait_set_memory_limit(heap, -1) == GAIT_NO_LIMIT);
    gait_heap_destroy(heap);
    return 0;
}
