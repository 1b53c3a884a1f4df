/* SPDX-License-Identifier: MIT */
/* The heap, the kinds of objects, the roots. */
#include "tiny.h"

struct tiny tiny;

static void visit(gait_visitor *visitor, void *data) {
    (void)data;
    const value roots[] = {tiny.scope, tiny.names, tiny.failure, tiny.ballast};
    gait_visit_range(visitor, roots, sizeof roots / sizeof *roots);
}

static gait_kind kind(const char *name, gait_layout layout, uint32_t words, uint64_t bitmap) {
    gait_kind_info info = {.name = name, .layout = layout, .head_words = words, .bitmap = &bitmap};
    int made = gait_kind_register(tiny.heap, &info);
    if (made < 0)
        abort();
    return (gait_kind)made;
}

#define WORD(type, field) (UINT64_C(1) << (offsetof(struct type, field) / sizeof(gait_word)))
#define WORDS(type) (sizeof(struct type) / sizeof(gait_word))

void memory_start(const gait_config *config) {
    char why[200];
    tiny.heap = gait_heap_create(config, why, sizeof why);
    if (!tiny.heap) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    tiny.leaf = kind("leaf", GAIT_LEAF, 0, 0);
    tiny.refs = kind("items", GAIT_REFS, 0, 0);
    tiny.weak = kind("weak items", GAIT_WEAK, 0, 0);
    tiny.ephemeron = kind("pairs of a table", GAIT_EPHEMERON, 0, 0);
    tiny.pair = kind("pair", GAIT_BITMAP, WORDS(pair), WORD(pair, head) | WORD(pair, tail));
    tiny.array = kind("array", GAIT_BITMAP, WORDS(array), WORD(array, items));
    tiny.function = kind("function", GAIT_BITMAP, WORDS(function),
                         WORD(function, parameters) | WORD(function, body) | WORD(function, scope));
    tiny.table = kind("table", GAIT_BITMAP, WORDS(table),
                      WORD(table, keys) | WORD(table, values) | WORD(table, states));
    gait_kind_info slots = {.name = "names", .layout = GAIT_WEAK, .cleared = TOMBSTONE};
    tiny.slots = (gait_kind)gait_kind_register(tiny.heap, &slots);
    gait_kind_info generator = {
        .name = "generator", .layout = GAIT_CALLBACK, .scan = scan_generator};
    tiny.generator = (gait_kind)gait_kind_register(tiny.heap, &generator);
    registry_start();
    tiny.mutator = gait_attach(tiny.heap);
    if (!tiny.mutator)
        abort();
    gait_set_roots_callback(tiny.mutator, visit, NULL);
}

void memory_end(void) {
    gait_heap_destroy(tiny.heap);
    generators_end();
}

void *allocate(gait_kind of, size_t bytes, enum type type) {
    gait_word *object = gait_alloc(tiny.mutator, of, bytes);
    if (!object)
        raise_text("no memory", 0);
    if (of != tiny.refs && of != tiny.weak && of != tiny.ephemeron && of != tiny.slots)
        gait_init(&object[0], type);
    return object;
}

value cons(value head, value tail) {
    ROOTS(kept, 2);
    kept[0] = head;
    kept[1] = tail;
    struct pair *pair = allocate(tiny.pair, sizeof *pair, TYPE_PAIR);
    gait_init(&pair->head, kept[0]);
    gait_init(&pair->tail, kept[1]);
    UNROOT();
    return (value)pair;
}

value head_of(value list) {
    if (!is_a(list, TYPE_PAIR))
        raise_text("not a pair", list);
    return ((struct pair *)list)->head;
}

value tail_of(value list) {
    if (!is_a(list, TYPE_PAIR))
        raise_text("not a pair", list);
    return ((struct pair *)list)->tail;
}
