/* SPDX-License-Identifier: MIT */
/* Kinds: one object of each layout, kept alive by the one before it. */
#include "example.h"

#include <string.h>

/* Words of this little language: numbers have the low bit set, references have not. */
static gait_word number(intptr_t value) { return (gait_word)value << 1 | 1; }

struct symbol {
    gait_word name; /* the only reference */
    uint64_t hash;
    uint64_t uses;
};

struct closure {
    void (*code)(void);
    gait_word scope;
    uint64_t calls;
    gait_word name;
};

struct table {
    uint64_t count;
    gait_word parent;
    struct {
        uint64_t hash;
        gait_word key, value;
    } rows[];
};

struct vector {
    size_t used; /* words from used on may hold anything */
    gait_word words[];
};

static void scan_vector(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    const struct vector *vector = object;
    size_t room = (object_bytes - sizeof *vector) / sizeof(gait_word);
    size_t used = vector->used; /* the program may change it meanwhile: read it once */
    gait_visit_range(visitor, vector->words, used < room ? used : room);
}

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.value_mask = ~(gait_word)7; /* the low three bits are tags */
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);

    gait_kind text =
        example_kind(heap, &(gait_kind_info){.name = "text", .layout = GAIT_LEAF, .raw = 1});
    gait_kind pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_kind symbol = example_kind(
        heap, &(gait_kind_info){.name = "symbol", .layout = GAIT_PREFIX, .head_words = 1});

    const uint64_t closure_words = 1 << 1 | 1 << 3; /* scope and name */
    gait_kind closure = example_kind(heap, &(gait_kind_info){.name = "closure",
                                                             .layout = GAIT_BITMAP,
                                                             .head_words = 4,
                                                             .bitmap = &closure_words});

    const uint64_t table_head = 1 << 1; /* parent */
    gait_kind table = example_kind(heap, &(gait_kind_info){.name = "table",
                                                           .layout = GAIT_REPEAT,
                                                           .head_words = 2,
                                                           .bitmap = &table_head,
                                                           .element_words = 3,
                                                           .element_bitmap = 1 << 1 | 1 << 2});

    gait_kind vector = example_kind(
        heap, &(gait_kind_info){.name = "vector", .layout = GAIT_CALLBACK, .scan = scan_vector});

    /* text <- symbol <- closure <- table <- vector <- pair */
    gait_word keep = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &keep, 1);

    char *letters = gait_alloc(mutator, text, 6);
    memcpy(letters, "hello", 6);
    keep = (gait_word)letters;

    struct symbol *name = gait_alloc(mutator, symbol, sizeof *name);
    gait_init(&name->name, keep);
    name->hash = 4711;
    keep = (gait_word)name;

    struct closure *function = gait_alloc(mutator, closure, sizeof *function);
    gait_init(&function->name, keep);
    keep = (gait_word)function;

    struct table *scope = gait_alloc(mutator, table, sizeof *scope + 3 * sizeof scope->rows[0]);
    gait_init(&scope->rows[2].key, number(-3));
    gait_init(&scope->rows[2].value, keep);
    keep = (gait_word)scope;

    struct vector *all = gait_alloc(mutator, vector, sizeof *all + 10 * sizeof(gait_word));
    gait_init(&all->words[0], keep | 5); /* tagged: the value mask drops the tag */
    all->used = 1;
    keep = (gait_word)all;

    gait_word *last = gait_alloc(mutator, pair, 2 * sizeof *last);
    gait_init(&last[0], number(42));
    gait_init(&last[1], keep);
    keep = (gait_word)last;

    gait_collect(mutator);
    all = (struct vector *)((gait_word *)keep)[1];
    scope = (struct table *)(all->words[0] & config.value_mask);
    function = (struct closure *)scope->rows[2].value;
    name = (struct symbol *)function->name;
    CHECK(strcmp((char *)name->name, "hello") == 0 && name->hash == 4711);
    CHECK(gait_object_kind(heap, name) == symbol);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
