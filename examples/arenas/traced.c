/* SPDX-License-Identifier: MIT */
/* An arena that refers to the heap, held by plain C memory. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <string.h>

struct entry {
    gait_word next, name; /* name: an object of the heap */
    uint64_t line;
};

static struct {
    gait_arena *arena;
    struct entry *newest; /* in the arena */
} names;                  /* no root: the collector does not look here */

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind text = example_kind(heap, &(gait_kind_info){.name = "text", .layout = GAIT_LEAF});
    gait_kind entry = example_kind(
        heap, &(gait_kind_info){.name = "entry", .layout = GAIT_PREFIX, .head_words = 2});

    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "index";
    config.flags = GAIT_ARENA_TRACED    /* what its objects refer to is kept */
                   | GAIT_ARENA_PINNED; /* until it is freed, though no root leads to it */
    names.arena = gait_arena_create(mutator, &config);
    CHECK(names.arena);

    for (uint64_t i = 0; i < 1000; i++) {
        struct entry *fresh = gait_arena_new(mutator, names.arena, entry, sizeof *fresh);
        CHECK(fresh);
        gait_init(&fresh->next, (gait_word)names.newest);
        fresh->line = i;
        names.newest = fresh;
        char *name = gait_alloc(mutator, text, 32);
        CHECK(name);
        snprintf(name, 32, "name %d", (int)i);
        gait_store(mutator, &fresh->name,
                   (gait_word)name); /* with the barrier, as into any object */
    }

    gait_collect(mutator);
    for (struct entry *at = names.newest; at; at = (struct entry *)at->next)
        CHECK(strncmp((const char *)at->name, "name ", 5) == 0);
    gait_arena_free(mutator, names.arena); /* a pinned one that is forgotten stays for ever */
    gait_heap_destroy(heap);
    return 0;
}
