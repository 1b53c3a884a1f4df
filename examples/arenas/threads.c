/* SPDX-License-Identifier: MIT */
/* An arena that is filled by one thread and handed to another; and one that threads share. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <pthread.h>

enum { ITEMS = 10000, THREADS = 4 };

static gait_heap *heap;
static gait_kind item_kind;
static gait_word mailbox[1]; /* a static slot of roots: what is handed over is held meanwhile */
static gait_arena *shared;

static void *consume(void *unused) {
    gait_mutator *mutator = gait_attach(heap);
    gait_arena *arena = (gait_arena *)mailbox[0];
    gait_arena_adopt(mutator, arena); /* from here on this thread uses it, and the giver does not */
    for (int i = 0; i < ITEMS; i++)
        CHECK(gait_arena_new(mutator, arena, item_kind, 24));
    gait_store(mutator, &mailbox[0], 0);
    gait_arena_free(mutator, arena);
    gait_detach(mutator);
    return unused;
}

static void *fill(void *unused) {
    gait_mutator *mutator = gait_attach(heap);
    for (int i = 0; i < ITEMS; i++) {
        uint64_t *item = gait_arena_new(mutator, shared, item_kind, 24);
        CHECK(item && item[0] == 0 && item[2] == 0); /* nobody else's */
        item[0] = item[2] = 1;
    }
    gait_detach(mutator);
    return unused;
}

int main(void) {
    heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    item_kind = example_kind(heap, &(gait_kind_info){.name = "item", .layout = GAIT_LEAF});
    CHECK(gait_roots_add(mutator, mailbox, 1) == 0);

    gait_arena *arena = gait_arena_create(mutator, NULL);
    gait_store(mutator, &mailbox[0], (gait_word)arena);
    for (int i = 0; i < ITEMS; i++)
        CHECK(gait_arena_new(mutator, arena, item_kind, 24));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, consume, NULL) == 0);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);

    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "shared";
    config.flags = GAIT_ARENA_CONCURRENT | GAIT_ARENA_PINNED;
    shared = gait_arena_create(mutator, &config);
    CHECK(shared);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, fill, NULL) == 0);
    gait_enter_native(mutator);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_arena_read_stats(mutator, shared, &stats) == 0);
    CHECK(stats.held_bytes >= (uint64_t)THREADS * ITEMS * 24);
    gait_arena_free(mutator, shared); /* all others have let go of it */
    gait_roots_remove(mutator, mailbox);
    gait_heap_destroy(heap);
    return 0;
}
