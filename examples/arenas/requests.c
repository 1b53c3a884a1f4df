/* SPDX-License-Identifier: MIT */
/* An arena that is reset for each request, and a cache that outlives them. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <gait/stats.h>
#include <string.h>

enum { CACHE = 64, REQUESTS = 20000, WORDS = 50 };

struct text {
    size_t length;
    char bytes[];
};

struct word { /* of a request: a list */
    gait_word next, text;
};

static gait_kind text_kind, word_kind, table_kind;

/* Split a request at its spaces. Nothing of it needs a root: the arena holds it. */
static struct word *parse(gait_mutator *mutator, gait_arena *arena, const char *request) {
    struct word *first = NULL;
    while (*request) {
        size_t length = strcspn(request, " ");
        struct word *word = gait_arena_new(mutator, arena, word_kind, sizeof *word);
        struct text *text = gait_arena_new(mutator, arena, text_kind, sizeof *text + length);
        CHECK(word && text);
        text->length = length;
        memcpy(text->bytes, request, length);
        gait_store(mutator, &word->text, (gait_word)text);
        gait_store(mutator, &word->next, (gait_word)first);
        first = word;
        request += length + (request[length] == ' ');
    }
    return first;
}

/* Keep one text of a request. */
static void remember(gait_mutator *mutator, gait_word *cache, unsigned slot, struct text *text) {
    struct text *copy = gait_arena_clone(mutator, text, text_kind, sizeof *text + text->length);
    CHECK(copy);
    gait_store(mutator, &cache[slot], (gait_word)copy); /* an object of the heap's */
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    text_kind = example_kind(heap, &(gait_kind_info){.name = "text", .layout = GAIT_LEAF});
    word_kind = example_kind(heap, &(gait_kind_info){.name = "word", .layout = GAIT_REFS});
    table_kind = example_kind(heap, &(gait_kind_info){.name = "cache", .layout = GAIT_REFS});

    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "request";
    gait_arena *arena = gait_arena_create(mutator, &config);
    gait_word slots[2] = {(gait_word)arena, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);
    gait_word *cache = gait_alloc(mutator, table_kind, CACHE * sizeof(gait_word));
    slots[1] = (gait_word)cache;

    size_t held_bytes = 0;
    for (unsigned i = 0; i < REQUESTS; i++) {
        char request[WORDS * 12 + 1];
        size_t length = 0;
        for (unsigned word = 0; word < WORDS; word++)
            length +=
                (size_t)snprintf(request + length, sizeof request - length, "word%u ", i + word);
        request[length - 1] = 0;
        struct word *last = parse(mutator, arena, request);
        if (i % 50 == 0)
            remember(mutator, cache, i / 50 % CACHE, (struct text *)last->text);
        gait_arena_reset(mutator, arena); /* constant time; the memory stays */

        gait_arena_stats stats = {.struct_bytes = sizeof stats};
        CHECK(gait_arena_read_stats(mutator, arena, &stats) == 0);
        CHECK(stats.used_bytes == 0 && (held_bytes == 0 || stats.held_bytes == held_bytes));
        held_bytes = stats.held_bytes;
    }

    gait_collect(mutator); /* what was cloned is an object of the heap like any other */
    for (unsigned i = 0; i < CACHE; i++) {
        struct text *text = (struct text *)cache[i];
        CHECK(text && text->length > 4 && memcmp(text->bytes, "word", 4) == 0);
        CHECK(!gait_arena_of(heap, text));
    }
    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
    return 0;
}
