/* SPDX-License-Identifier: MIT */
/* gait_arena_clone and gait_arena_clone_deep: what is copied, what stays, and what becomes of it
 * when collections come at every allocation, and when memory ends. */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/stats.h>
#include <setjmp.h>
#include <string.h>

#include "api/arenas.h"
#include "api/clones.h"
#include "platform/fault.h"

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs, prefix, bitmap, repeat, conservative, callback;
static gait_arena *arena;

static gait_kind kind_add(const gait_kind_info *info) {
    int kind = gait_kind_register(heap, info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static void visit_all(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)data;
    gait_visit_range(visitor, object, bytes / sizeof(gait_word));
}

static void open_heap(const char *debug, gait_word value_mask, size_t reserve_bytes) {
    gait_config config;
    gait_config_init(&config);
    config.value_mask = value_mask;
    config.reserve_bytes = reserve_bytes;
    config.debug = debug;
    config.gogc = "100";
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    static const uint64_t odd = 0xa; /* words 1 and 3 */
    leaf = kind_add(&(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    refs = kind_add(&(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    prefix = kind_add(&(gait_kind_info){.name = "prefix", .layout = GAIT_PREFIX, .head_words = 2});
    bitmap = kind_add(&(gait_kind_info){
        .name = "bitmap", .layout = GAIT_BITMAP, .head_words = 4, .bitmap = &odd});
    repeat = kind_add(&(gait_kind_info){.name = "repeat",
                                        .layout = GAIT_REPEAT,
                                        .head_words = 2,
                                        .bitmap = &odd,
                                        .element_words = 3,
                                        .element_bitmap = 4});
    conservative = kind_add(&(gait_kind_info){.name = "guess", .layout = GAIT_CONSERVATIVE});
    callback =
        kind_add(&(gait_kind_info){.name = "callback", .layout = GAIT_CALLBACK, .scan = visit_all});
}

static gait_arena *arena_with(uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "source";
    config.flags = flags | GAIT_ARENA_PINNED;
    gait_arena *made = gait_arena_create(mutator, &config);
    cr_assert_not_null(made);
    return made;
}

static void open(uint32_t flags) {
    open_heap(NULL, ~(gait_word)0, 0);
    arena = arena_with(flags);
}

static gait_word *object_of(gait_kind kind, size_t bytes) {
    gait_word *object = gait_arena_new(mutator, arena, kind, bytes);
    cr_assert_not_null(object);
    return object;
}

static void put(gait_word *object, size_t i, const void *value) {
    gait_store(mutator, &object[i], (gait_word)value);
}

static gait_word *deep(const void *object) {
    gait_word *copy = gait_arena_clone_deep(mutator, arena, object);
    cr_assert_not_null(copy);
    return copy;
}

static bool on_heap(gait_word word) { return gait_object_base(heap, (void *)word) == (void *)word; }

/* ---- One object ---- */

Test(arena_clone, one_object_by_its_kind) {
    open(GAIT_ARENA_TRACED);
    for (size_t bytes = 1; bytes < 70; bytes++) {
        unsigned char *source = gait_arena_new(mutator, arena, leaf, bytes);
        for (size_t i = 0; i < bytes; i++)
            source[i] = (unsigned char)(bytes + i);
        for (unsigned k = 0; k < 2; k++) {
            gait_kind kind = k ? callback : leaf;
            unsigned char *copy = gait_arena_clone(mutator, source, kind, bytes);
            cr_assert_not_null(copy);
            cr_assert_eq(gait_object_kind(heap, copy), kind);
            cr_assert_eq(memcmp(copy, source, bytes), 0);
            for (size_t i = bytes; i < gait_object_bytes(heap, copy); i++)
                cr_assert_eq(copy[i], 0);
        }
    }
    gait_word *source = object_of(refs, 4 * sizeof(gait_word));
    void *object = gait_alloc(mutator, leaf, 16);
    put(source, 0, object);
    put(source, 1, source);
    source[2] = 12345;
    gait_word *copy = gait_arena_clone(mutator, source, refs, 4 * sizeof(gait_word));
    cr_assert_eq(copy[0], (gait_word)object);
    cr_assert_eq(copy[1], (gait_word)source); /* it stays one to the arena */
    cr_assert_eq(copy[2], 12345u);
    cr_assert_eq(copy[3], 0u);
    gait_heap_destroy(heap);
}

/* In pieces, with collections in between. */
Test(arena_clone, large_objects) {
    enum { WORDS = 300000 };
    open(GAIT_ARENA_TRACED);
    gait_word *source = object_of(refs, WORDS * sizeof(gait_word));
    gait_handle *kept = gait_handle_new(mutator, (gait_word)source);
    for (size_t i = 0; i < WORDS; i += 1000) {
        gait_word *object = gait_alloc(mutator, leaf, 16);
        *object = i;
        put(source, i, object);
    }
    gait_word copies[2] = {0};
    struct gait_frame frame;
    for (unsigned i = 0; i < 2; i++) {
        gait_kind kind = i ? refs : leaf;
        void *copy = gait_arena_clone(mutator, source, kind, WORDS * sizeof(gait_word) - 3);
        cr_assert_not_null(copy);
        cr_assert_eq(memcmp(copy, source, WORDS * sizeof(gait_word) - 3), 0);
        copies[i] = (gait_word)copy;
    }
    gait_arena_free(mutator, arena);
    gait_handle_set(mutator, kept, 0);
    gait_push_frame(mutator, &frame, copies, 2);
    gait_collect(mutator);
    for (size_t i = 0; i < WORDS; i += 1000)
        cr_assert_eq(**(gait_word **)(copies[1] + i * sizeof(gait_word)), i);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}

/* ---- Graphs ---- */

Test(arena_clone, what_is_shared_stays_shared) {
    open(GAIT_ARENA_DESCRIBED);
    gait_word *a = object_of(refs, 24), *b = object_of(refs, 24), *c = object_of(leaf, 24);
    put(a, 0, b);
    put(a, 1, c);
    put(a, 2, a);
    put(b, 0, c);
    put(b, 1, a);
    put(b, 2, b);
    c[0] = 1;
    c[1] = (gait_word)a; /* a number that looks like one */
    gait_word *copy = deep(a), *copy_b = (gait_word *)copy[0], *copy_c = (gait_word *)copy[1];
    cr_assert(on_heap((gait_word)copy) && on_heap(copy[0]) && on_heap(copy[1]));
    cr_assert_eq(copy[2], (gait_word)copy);
    cr_assert_eq(copy_b[0], (gait_word)copy_c);
    cr_assert_eq(copy_b[1], (gait_word)copy);
    cr_assert_eq(copy_b[2], (gait_word)copy_b);
    cr_assert_eq(copy_c[0], 1u);
    cr_assert_eq(copy_c[1], (gait_word)a);
    cr_assert_eq(gait_object_kind(heap, copy_c), leaf);
    cr_assert_eq(a[0], (gait_word)b); /* the arena is as it was */
    cr_assert_neq((gait_word)deep(a), (gait_word)copy);
    gait_heap_destroy(heap);
}

Test(arena_clone, every_layout) {
    open(GAIT_ARENA_DESCRIBED);
    gait_word *target = object_of(leaf, 16);
    target[0] = 77;
    const struct {
        gait_kind kind;
        size_t words;
        uint64_t followed; /* bit i: word i is a reference */
    } cases[] = {
        {refs, 5, 0x1f},      {prefix, 5, 0x3}, {bitmap, 6, 0xa},
        {repeat, 9, 0x92}, /* head: word 1; elements at 2 and 5: words 4 and 7; 8 is of none */
        {conservative, 5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gait_word *source = object_of(cases[i].kind, cases[i].words * sizeof(gait_word));
        for (size_t k = 0; k < cases[i].words; k++)
            put(source, k, target);
        gait_word *copy = deep(source), seen = 0;
        cr_assert_eq(gait_object_kind(heap, copy), cases[i].kind);
        for (size_t k = 0; k < cases[i].words; k++) {
            if (cases[i].followed >> k & 1) {
                cr_assert(on_heap(copy[k]), "layout %zu, word %zu", i, k);
                cr_assert(!seen || seen == copy[k]);
                seen = copy[k];
                cr_assert_eq(*(gait_word *)seen, 77u);
            } else {
                cr_assert_eq(copy[k], (gait_word)target, "layout %zu, word %zu", i, k);
            }
        }
    }
    gait_heap_destroy(heap);
}

Test(arena_clone, what_is_elsewhere_stays) {
    open(GAIT_ARENA_DESCRIBED | GAIT_ARENA_TRACED);
    gait_arena *other = arena_with(GAIT_ARENA_DESCRIBED);
    gait_word *source = object_of(refs, 64);
    gait_word *object = gait_alloc(mutator, leaf, 16);
    *object = 4711;
    const void *words[8] = {
        object,
        gait_arena_new(mutator, other, leaf, 16),
        gait_arena_alloc(mutator, arena, 40, 0),
        (char *)object_of(leaf, 32) + 8, /* the middle of an object */
        arena,
        &heap,
        (void *)(uintptr_t)12345,
        NULL,
    };
    for (size_t i = 0; i < 8; i++)
        put(source, i, words[i]);
    gait_word *copy = deep(source);
    cr_assert_eq(memcmp(copy, words, sizeof words), 0);
    gait_heap_destroy(heap);
}

Test(arena_clone, tags_stay) {
    open_heap(NULL, ~(gait_word)7 & (((gait_word)1 << 48) - 1), 0);
    arena = arena_with(GAIT_ARENA_DESCRIBED);
    gait_word *source = object_of(refs, 32), *target = object_of(leaf, 16);
    const gait_word tags[4] = {5, (gait_word)0xabcd << 48, 0, (gait_word)0xffff << 48 | 7};
    for (size_t i = 0; i < 4; i++)
        gait_store(mutator, &source[i], (gait_word)target | tags[i]);
    gait_word *copy = deep(source);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(copy[i] & ~(((gait_word)1 << 48) - 8), tags[i]);
        cr_assert_eq(copy[i] & (((gait_word)1 << 48) - 8), copy[2]);
    }
    cr_assert(on_heap(copy[2]));
    gait_heap_destroy(heap);
}

/* A list that no stack would bear, and a tree with all its nodes reachable by several ways. */
Test(arena_clone, a_million_nodes, .timeout = 120) {
    enum { NODES = 1000000 };
    open(GAIT_ARENA_DESCRIBED);
    gait_word *first = NULL;
    for (size_t i = 0; i < NODES; i++) {
        gait_word *node = object_of(prefix, 24);
        put(node, 0, first);
        put(node, 1, i % 3 ? first : NULL);
        node[2] = i;
        first = node;
    }
    gait_word slots[1] = {(gait_word)deep(first)};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 1);
    gait_arena_free(mutator, arena);
    gait_collect(mutator);
    size_t count = 0;
    for (const gait_word *node = (gait_word *)slots[0]; node; node = (gait_word *)node[0]) {
        size_t i = NODES - ++count;
        cr_assert_eq(node[2], i);
        cr_assert_eq(node[1], i % 3 ? node[0] : 0);
    }
    cr_assert_eq(count, (size_t)NODES);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}

/* ---- Collections while it copies ---- */

enum { GRAPH = 400 };

/* Nodes that refer to each other at random; the last one of each leads to a heap object. */
static gait_word *random_graph(void) {
    static gait_word *nodes[GRAPH];
    uint64_t random = 1;
    for (size_t i = 0; i < GRAPH; i++) {
        nodes[i] = object_of(i % 5 ? refs : repeat, 11 * sizeof(gait_word));
        gait_word *object = gait_alloc(mutator, leaf, 16);
        *object = i;
        put(nodes[i], 4, object);
    }
    for (size_t i = 0; i < GRAPH; i++) {
        static const unsigned places[] = {1, 7, 10};
        for (size_t k = 0; k < 3; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            put(nodes[i], places[k], nodes[(random >> 33) % GRAPH]);
        }
        if (i + 1 < GRAPH)
            put(nodes[i], 1, nodes[i + 1]);
    }
    return nodes[0];
}

/* Walk both at once: the same graph. */
static void check_same(const gait_word *source, const gait_word *copy) {
    static const gait_word *sources[GRAPH], *copies[GRAPH];
    size_t count = 1;
    sources[0] = source;
    copies[0] = copy;
    for (size_t at = 0; at < count; at++) {
        cr_assert_eq(copies[at][4], sources[at][4]);
        for (size_t k = 0; k < 11; k++) {
            if (k == 4 || !sources[at][k])
                continue;
            size_t i = 0;
            while (i < count && sources[i] != (gait_word *)sources[at][k])
                i++;
            if (i == count) {
                sources[count] = (gait_word *)sources[at][k];
                copies[count++] = (gait_word *)copies[at][k];
            }
            cr_assert_eq((gait_word)copies[i], copies[at][k]);
            cr_assert(on_heap(copies[at][k]));
        }
    }
    cr_assert_eq(count, (size_t)GRAPH);
}

static void run_stressed(const char *debug, unsigned rounds) {
    open_heap(debug, ~(gait_word)0, 0);
    arena = arena_with(GAIT_ARENA_DESCRIBED | GAIT_ARENA_TRACED);
    gait_word *source = random_graph(), slots[1];
    struct gait_frame frame;
    for (unsigned i = 0; i < rounds; i++) {
        slots[0] = (gait_word)deep(source);
        gait_push_frame(mutator, &frame, slots, 1);
        gait_collect(mutator);
        check_same(source, (gait_word *)slots[0]);
        gait_pop_frame(mutator);
    }
    gait_heap_destroy(heap);
}

Test(arena_clone, a_collection_at_every_allocation, .timeout = 120) {
    run_stressed("gcstress=1,gccheckmark=1,clobberfree=1", 1);
    run_stressed("gcstress=1,gcstoptheworld=1,clobberfree=1", 1);
}

Test(arena_clone, collections_now_and_then, .timeout = 120) {
    run_stressed("gcstress=37,gccheckmark=1,clobberfree=1", 20);
}

/* ---- No memory ---- */

static uint64_t metadata_bytes(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    return stats.metadata_bytes;
}

static __attribute__((noinline)) gait_word *long_list(size_t nodes, size_t bytes) {
    gait_word *first = NULL;
    for (size_t i = 0; i < nodes; i++) {
        gait_word *node = object_of(prefix, bytes);
        put(node, 0, first);
        first = node;
    }
    return first;
}

/* Of a heap with few addresses: NULL, nothing is left behind, and what fits is copied after it. */
Test(arena_clone, no_memory_leaves_nothing, .timeout = 120) {
    open_heap(NULL, ~(gait_word)0, (size_t)64 << 20);
    arena = arena_with(GAIT_ARENA_DESCRIBED);
    gait_word *source = long_list(42000, 1000), *small = object_of(leaf, 16);
    uint64_t before = metadata_bytes();
    for (unsigned i = 0; i < 3; i++)
        cr_assert_null(gait_arena_clone_deep(mutator, arena, source));
    cr_assert_lt(metadata_bytes(), before + ((size_t)1 << 20)); /* queues of marking stay */
    cr_assert_not_null(deep(small));
    gait_collect(mutator);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert_lt(stats.heap_live_bytes, (uint64_t)1 << 20);
    size_t nodes = 0;
    for (const gait_word *node = source; node; node = (gait_word *)node[0])
        nodes++;
    cr_assert_eq(nodes, (size_t)42000);
    gait_heap_destroy(heap);
}

/* Each call of the OS fails in turn. */
Test(arena_clone, the_os_gives_nothing, .timeout = 120) {
    open(GAIT_ARENA_DESCRIBED);
    gait_word *source = long_list(20000, 400);
    unsigned failed = 0;
    for (size_t after = 0;; after++) {
        fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), after, 1);
        gait_word *copy = gait_arena_clone_deep(mutator, arena, source);
        fault_disarm();
        if (copy)
            break;
        failed++;
        cr_assert_lt(after, 10000u);
    }
    cr_assert_gt(failed, 2u);
    gait_heap_destroy(heap);
}

static jmp_buf left;
static bool leave(gait_mutator *asking, size_t bytes, void *data) {
    (void)asking, (void)bytes, (void)data;
    longjmp(left, 1);
}

/* A handler that is left by longjmp loses no memory: the next call finds what was left behind. */
Test(arena_clone, the_handler_leaves, .timeout = 120) {
    open_heap(NULL, ~(gait_word)0, (size_t)64 << 20);
    arena = arena_with(GAIT_ARENA_DESCRIBED);
    gait_word *source = long_list(84000, 500), *small = object_of(leaf, 16);
    struct gait_frames saved = gait_frames_save(mutator);
    gait_set_oom_handler(heap, leave, NULL);
    static volatile unsigned times;
    if (setjmp(left)) {
        gait_frames_restore(mutator, saved);
        times++;
    }
    if (times < 3) {
        gait_arena_clone_deep(mutator, arena, source);
        cr_assert_fail("it was copied");
    }
    cr_assert_not_null(mutator->clones);
    cr_assert_null(mutator->clones->next); /* the two before are gone */
    gait_set_oom_handler(heap, NULL, NULL);
    cr_assert_not_null(deep(small));
    cr_assert_null(mutator->clones);
    gait_heap_destroy(heap);
}
