/* SPDX-License-Identifier: MIT */
/*
 * Arenas as bytes: what is saved is loaded as another arena with the same contents, which the model
 * then knows as any other. Only of flat arenas: those that hold no references.
 */
#include <gait/snapshot.h>
#include <unistd.h>

#include "ops.h"

/* The same places in an arena that was made of this one's bytes. */
static void places_copy(struct context *context, const struct arena *from, struct arena *to,
                        gait_word distance) {
    for (const struct node *node = from->nodes->sibling; node; node = node->sibling) {
        void *start = (void *)(node->address + distance);
        struct node *copy =
            arena_place(context, to, start, node->kind, node->word_count * sizeof(gait_word));
        memcpy(copy->words, node->words, node->word_count * sizeof *node->words);
        for (size_t i = 0; i < copy->word_count; i++)
            CHECK(*node_slot(copy, i) == copy->words[i].value,
                  "%p: word %zu was loaded as %#zx, not %#zx", start, i,
                  (size_t)*node_slot(copy, i), (size_t)copy->words[i].value);
    }
}

static void load(struct context *context, const struct arena *from, const char *buffer,
                 size_t bytes, FILE *file) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    bool pinned = one_in(&context->random, 4);
    config.flags = pinned ? GAIT_ARENA_PINNED : 0;
    char error[200] = "";
    gait_arena *handle =
        file ? gait_arena_load(context->mutator, &config, fileno(file), error, sizeof error)
             : gait_arena_load_bytes(context->mutator, &config, buffer, bytes, error, sizeof error);
    if (!handle) {
        CHECK(context->heap->plan->small, "nothing is loaded: %s", error);
        return;
    }
    struct arena *arena = arena_known(context, handle);
    arena->pinned = pinned;
    arena->described = from->described;
    arena->bounded = arena->flat = true;
    arena->name = from->name;
    const char *root = gait_arena_root(context->mutator, handle);
    CHECK((root != NULL) == (from->nodes->sibling != NULL), "the root is lost");
    if (root)
        places_copy(context, from, arena, (gait_word)root - from->nodes->sibling->address);
}

static void check_refused(struct context *context, char *buffer, size_t bytes) {
    char error[200] = "";
    size_t at = pick(&context->random, bytes);
    buffer[at] ^= (char)(1 << pick(&context->random, 8));
    gait_arena *arena =
        gait_arena_load_bytes(context->mutator, NULL, buffer, bytes, error, sizeof error);
    CHECK(!arena && error[0], "byte %zu of %zu was wrong, and it was loaded", at, bytes);
}

void arena_save(struct context *context, const struct arena *arena) {
    gait_mutator *mutator = context->mutator;
    const struct node *first = arena->nodes->sibling;
    void *root = first ? (void *)first->address : NULL;
    size_t bytes = 0, wanted = 0;
    gait_arena_set_root(mutator, arena->handle, root);
    CHECK(gait_arena_root(mutator, arena->handle) == root, "another root");
    int result = gait_arena_save_bytes(mutator, arena->handle, NULL, &bytes);
    CHECK(result == (arena->bounded ? 0 : GAIT_E_INVALID), "gait_arena_save_bytes: %d", result);
    if (!arena->flat)
        return;
    char *buffer = malloc(bytes);
    CHECK(buffer, "malloc");
    wanted = bytes - 1;
    result = gait_arena_save_bytes(mutator, arena->handle, buffer, &wanted);
    CHECK(result == GAIT_E_FULL && wanted == bytes, "saved to less room: %d", result);
    result = gait_arena_save_bytes(mutator, arena->handle, buffer, &wanted);
    CHECK(result == 0 && wanted == bytes, "gait_arena_save_bytes: %d", result);
    FILE *file = one_in(&context->random, 4) ? tmpfile() : NULL;
    if (file) {
        CHECK(gait_arena_save(mutator, arena->handle, fileno(file)) == 0, "gait_arena_save");
        CHECK(lseek(fileno(file), 0, SEEK_END) == (off_t)bytes, "bytes of a file");
        CHECK(lseek(fileno(file), 0, SEEK_SET) == 0, "lseek");
    }
    load(context, arena, buffer, bytes, file);
    if (one_in(&context->random, 4))
        check_refused(context, buffer, bytes);
    if (file)
        fclose(file);
    free(buffer);
}
