/* SPDX-License-Identifier: MIT */
/*
 * Where in an arena things lie, by the public functions: fields side by side, objects near one
 * another, and the count of references that leave their block.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/arenas.h"
#include "platform/fault.h"

TestSuite(arena_placed, .timeout = 60);

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind refs, leaf, prefix;

static gait_kind kind_of(gait_layout layout, uint32_t head_words) {
    gait_kind_info info = {.name = "kind", .layout = layout, .head_words = head_words};
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static void open_heap(gait_word value_mask) {
    gait_config config;
    gait_config_init(&config);
    config.memory_limit = "off";
    config.value_mask = value_mask;
    heap = gait_heap_create(&config, NULL, 0);
    mutator = gait_attach(heap);
    refs = kind_of(GAIT_REFS, 0);
    leaf = kind_of(GAIT_LEAF, 0);
    prefix = kind_of(GAIT_PREFIX, 4);
}

static gait_arena *arena_of(uint32_t flags, size_t cluster_bytes) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED | flags;
    config.cluster_bytes = cluster_bytes;
    char error[200];
    gait_arena *arena = gait_arena_create_explained(mutator, &config, error, sizeof error);
    cr_assert_not_null(arena, "%s", error);
    return arena;
}

static struct bump *bump_of(gait_arena *arena) { return &arena_find(heap, arena, "test")->bump; }

static struct heap_chunk *block_of(const void *object) {
    const struct arena *arena = arenas_of(&heap->space, (uintptr_t)object);
    return chunk_at(&heap->space, arena->index, (uintptr_t)object);
}

/* ---- Fields ---- */

Test(arena_placed, fields_are_aligned_and_apart) {
    open_heap(~(gait_word)0);
    gait_arena *arena = arena_of(0, 0);
    const size_t bytes[] = {1, 2, 4, 8, 12, 64, 3};
    const size_t counts[] = {0, 1, 7, 64, 1000, 1024, 4096, 100003};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        void *starts[7];
        gait_arena_alloc(mutator, arena, 24, 0); /* so that it doesn't begin aligned */
        void *first = gait_arena_fields(mutator, arena, counts[c], bytes, 7, starts);
        cr_assert_not_null(first);
        cr_assert_eq(first, starts[0]);
        for (size_t i = 0; i < 7; i++) {
            cr_assert_eq((uintptr_t)starts[i] % 64, (uintptr_t)0);
            for (size_t k = 0; k < counts[c] * bytes[i]; k++)
                cr_assert_eq(((char *)starts[i])[k], 0);
        }
        for (size_t i = 0; i < 7; i++)
            memset(starts[i], (int)i + 1, counts[c] * bytes[i]);
        for (size_t i = 0; i < 7; i++)
            for (size_t k = 0; k < counts[c] * bytes[i]; k++)
                cr_assert_eq(((char *)starts[i])[k], (char)(i + 1));
        for (size_t i = 0; i + 1 < 7 && counts[c] >= 1024; i++) /* no two in the same lines */
            cr_assert_neq((uintptr_t)starts[i] % 4096, (uintptr_t)starts[i + 1] % 4096);
    }
    gait_heap_destroy(heap);
}

Test(arena_placed, fields_that_are_too_many_are_refused) {
    open_heap(~(gait_word)0);
    gait_arena *arena = arena_of(0, 0);
    void *starts[2] = {&heap, &heap};
    const size_t cases[][3] = {
        /* count, bytes of one, of the other */
        {SIZE_MAX / 8 + 1, 8, 1}, {1, SIZE_MAX, 1},          {1, SIZE_MAX - 62, 1},
        {SIZE_MAX / 2, 1, 1},     {SIZE_MAX / 2 - 64, 1, 1}, {SIZE_MAX, SIZE_MAX, SIZE_MAX},
        {(size_t)1 << 60, 1, 1},  {3, SIZE_MAX / 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_null(gait_arena_fields(mutator, arena, cases[i][0], &cases[i][1], 2, starts));
        cr_assert(starts[0] == &heap && starts[1] == &heap, "nothing is written");
    }
    fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), 0, 1);
    const size_t two[] = {8, 8};
    void *first = gait_arena_fields(mutator, arena, (size_t)1 << 26, two, 2, starts);
    fault_disarm();
    cr_assert(first || starts[0] == &heap);
    cr_assert_not_null(gait_arena_fields(mutator, arena, 0, two, 0, starts),
                       "no fields: no arrays");
    gait_heap_destroy(heap);
}

/* ---- Near ---- */

Test(arena_placed, near_is_in_the_same_block) {
    open_heap(~(gait_word)0);
    gait_arena *arena = arena_of(GAIT_ARENA_PLACED, 0);
    char *first = gait_arena_new_near(mutator, arena, NULL, refs, 64);
    char *other = gait_arena_alloc_near(mutator, arena, NULL, 64, 0);
    cr_assert_neq(block_of(first), block_of(other), "two clusters");
    for (size_t i = 0; i < 400; i++) {
        cr_assert_eq(block_of(gait_arena_new_near(mutator, arena, first, refs, 64)),
                     block_of(first));
        cr_assert_eq(block_of(gait_arena_new_near(mutator, arena, other, leaf, 64)),
                     block_of(other));
        char *plain = gait_arena_new(mutator, arena, refs, 64);
        cr_assert(block_of(plain) != block_of(first) && block_of(plain) != block_of(other));
        char *aligned = gait_arena_alloc_near(mutator, arena, first, 16, 16);
        cr_assert_eq((uintptr_t)aligned % 16, (uintptr_t)0);
    }
    char *large = gait_arena_alloc_near(mutator, arena, first, 100000, 64);
    cr_assert_neq(block_of(large), block_of(first));
    cr_assert_not_null(gait_arena_new_near(mutator, arena, large, refs, 64));
    cr_assert(bump_check(bump_of(arena)));
    gait_arena_reset(mutator, arena);
    first = gait_arena_new_near(mutator, arena, NULL, refs, 64);
    cr_assert_eq(block_of(gait_arena_new_near(mutator, arena, first, refs, 64)), block_of(first));
    gait_arena_free(mutator, arena);

    gait_arena *bumped = arena_of(0, 0); /* in others the hint is none */
    first = gait_arena_new_near(mutator, bumped, NULL, refs, 64);
    cr_assert_eq((char *)gait_arena_new_near(mutator, bumped, &heap, refs, 64), first + 64);
    gait_heap_destroy(heap);
}

Test(arena_placed, what_is_wrong_is_told) {
    open_heap(~(gait_word)0);
    gait_arena_config config;
    gait_arena_config_init(&config);
    char error[200];
    config.cluster_bytes = 100;
    cr_assert_null(gait_arena_create_explained(mutator, &config, error, sizeof error));
    cr_assert_not_null(strstr(error, "cluster_bytes is 100"), "%s", error);
    config.flags = GAIT_ARENA_PLACED;
    config.cluster_bytes = 65537;
    cr_assert_null(gait_arena_create_explained(mutator, &config, error, sizeof error));
    config.cluster_bytes = 0;
    config.flags |= GAIT_ARENA_CONTIGUOUS;
    config.reserve_bytes = 1 << 20;
    cr_assert_null(gait_arena_create_explained(mutator, &config, error, sizeof error));
    cr_assert_not_null(strstr(error, "GAIT_ARENA_PLACED"), "%s", error);
    config.flags = GAIT_ARENA_PLACED | GAIT_ARENA_CONCURRENT;
    config.reserve_bytes = 0;
    cr_assert_null(gait_arena_create_explained(mutator, &config, error, sizeof error));
    cr_assert_not_null(strstr(error, "placed or concurrent"), "%s", error);
    gait_heap_destroy(heap);
}

/* A bug of the caller's: the process ends with a line. */
Test(arena_placed, near_what_is_not_there_stops, .signal = SIGABRT) {
    open_heap(~(gait_word)0);
    gait_arena *arena = arena_of(GAIT_ARENA_PLACED, 0);
    gait_arena_new_near(mutator, arena, &heap, refs, 64);
}

Test(arena_placed, near_what_was_forgotten_stops, .signal = SIGABRT) {
    open_heap(~(gait_word)0);
    gait_arena *arena = arena_of(GAIT_ARENA_PLACED, 0);
    char *near = gait_arena_new_near(mutator, arena, NULL, refs, 64);
    gait_arena_reset(mutator, arena);
    gait_arena_new_near(mutator, arena, near, refs, 64);
}

/* ---- References that are scanned ---- */

/* Objects of the heap hang from nodes in all blocks, in blocks that were full long ago too; and
 * nothing else holds them. */
static void hold_heap_objects(uint32_t flags, gait_word value_mask) {
    enum { NODES = 20000, CLUSTERS = 40 };
    open_heap(value_mask);
    gait_arena *arena = arena_of(GAIT_ARENA_PLACED | GAIT_ARENA_TRACED | flags, 4000);
    static gait_word *nodes[NODES];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < NODES; i++) {
            nodes[i] = gait_arena_new_near(mutator, arena,
                                           i < CLUSTERS ? NULL : nodes[i % CLUSTERS], refs, 64);
            gait_word *object = gait_alloc(mutator, prefix, 48);
            object[5] = i;
            gait_store(mutator, &nodes[i][3], (gait_word)object);
            if (i % 5000 == 4999)
                gait_collect(mutator);
        }
        for (size_t i = 0; i < 60000; i++) /* what was swept is used again */
            memset(gait_alloc(mutator, leaf, 48), 0xff, 48);
        gait_collect(mutator);
        for (size_t i = 0; i < NODES; i++)
            cr_assert_eq(((gait_word *)nodes[i][3])[5], (gait_word)i);
        cr_assert(bump_check(bump_of(arena)));
        gait_arena_reset(mutator, arena);
    }
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arena_placed, traced_blocks_hold_heap_objects) { hold_heap_objects(0, ~(gait_word)0); }
Test(arena_placed, described_blocks_do_too) {
    hold_heap_objects(GAIT_ARENA_DESCRIBED, ~(gait_word)0);
}
Test(arena_placed, and_wide_ones) { hold_heap_objects(0, ~(gait_word)15); }

/* ---- Edges ---- */

Test(arena_placed, edges_are_counted_one_by_one) {
    open_heap(~(gait_word)7);
    gait_arena *arena = arena_of(GAIT_ARENA_PLACED | GAIT_ARENA_TRACED, 0), *other = arena_of(0, 0);
    uint64_t crossing = 9;
    cr_assert_eq(gait_arena_count_edges(mutator, arena, &crossing), (uint64_t)0);
    cr_assert_eq(crossing, (uint64_t)0);
    gait_word *a = gait_arena_new_near(mutator, arena, NULL, refs, 64);
    gait_word *b = gait_arena_new_near(mutator, arena, a, refs, 64);
    gait_word *c = gait_arena_new_near(mutator, arena, NULL, refs, 64);
    gait_word *plain = gait_arena_alloc_near(mutator, arena, a, 64, 0);
    a[0] = (gait_word)b | 3;                                    /* inside, with a tag */
    a[1] = (gait_word)(b + 2);                                  /* to the middle of one */
    a[2] = (gait_word)c;                                        /* across */
    c[0] = (gait_word)a;                                        /* across */
    c[1] = (gait_word)gait_alloc(mutator, leaf, 16);            /* out of the arena */
    c[2] = (gait_word)gait_arena_new(mutator, other, refs, 16); /* into another one */
    c[3] = 12345;
    plain[0] = (gait_word)c; /* no reference: not looked at */
    cr_assert_eq(gait_arena_count_edges(mutator, arena, &crossing), (uint64_t)4);
    cr_assert_eq(crossing, (uint64_t)2);
    cr_assert_eq(gait_arena_count_edges(mutator, arena, NULL), (uint64_t)4);
    cr_assert_eq(gait_arena_count_edges(mutator, other, &crossing), (uint64_t)0);
    gait_arena_reset(mutator, arena);
    cr_assert_eq(gait_arena_count_edges(mutator, arena, &crossing), (uint64_t)0);
    gait_heap_destroy(heap);
}

/* Have an arena take chunks until it has what is at an address. @return whether it has it soon. */
static bool comes_to_have(gait_arena *arena, void *address) {
    for (size_t i = 0; i < 10000 && gait_arena_of(heap, address) != arena; i++)
        gait_arena_new(mutator, arena, refs, 1024);
    return gait_arena_of(heap, address) == arena;
}

/* An object in a chunk that is not the arena's first. */
static void *far_object(gait_arena *arena) {
    void *object = NULL;
    for (size_t i = 0; i < 1000; i++)
        object = gait_arena_new(mutator, arena, refs, 1024);
    return object;
}

/* What a reset leaves goes to anybody at once, so to one that has a word that leads there; what an
 * end leaves, to nobody as long as the word is there. */
Test(arena_placed, edges_lead_to_what_was_another_arenas) {
    open_heap(~(gait_word)0);
    gait_arena *arena = arena_of(GAIT_ARENA_TRACED, 0), *other = arena_of(GAIT_ARENA_TRACED, 0);
    gait_word *words = gait_arena_new(mutator, arena, refs, 64);
    void *object = far_object(other);
    words[0] = (gait_word)object;
    gait_arena_reset(mutator, other);
    cr_assert_eq(gait_arena_count_edges(mutator, arena, NULL), (uint64_t)0);
    cr_assert_gt(gait_arena_trim(mutator, other), (size_t)0);
    cr_assert(comes_to_have(arena, object));
    cr_assert_eq(gait_arena_count_edges(mutator, arena, NULL), (uint64_t)1);

    object = far_object(other);
    words[0] = (gait_word)object;
    gait_arena_free(mutator, other);
    gait_collect(mutator);
    cr_assert_not(comes_to_have(arena_of(GAIT_ARENA_TRACED, 0), object));
    cr_assert_null(gait_arena_of(heap, object));
    words[0] = 0;
    gait_collect(mutator);
    cr_assert(comes_to_have(arena_of(GAIT_ARENA_TRACED, 0), object));
    gait_heap_destroy(heap);
}

/* In a range and in large chunks, blocks are those of 64 KiB from their start. */
Test(arena_placed, edges_cross_blocks_of_one_chunk) {
    open_heap(~(gait_word)0);
    for (int contiguous = 0; contiguous < 2; contiguous++) {
        gait_arena_config config;
        gait_arena_config_init(&config);
        config.flags = GAIT_ARENA_PINNED | (contiguous ? GAIT_ARENA_CONTIGUOUS : 0);
        config.chunk_bytes = 4 << 20;
        config.reserve_bytes = contiguous ? 4 << 20 : 0;
        gait_arena *arena = gait_arena_create(mutator, &config);
        gait_word *last = NULL;
        uint64_t wanted = 0, crossing;
        for (size_t i = 0; i < 40000; i++) {
            gait_word *node = gait_arena_new(mutator, arena, refs, 64);
            if (last) {
                node[0] = (gait_word)last;
                wanted +=
                    ((char *)node - (char *)arena) >> 16 != ((char *)last - (char *)arena) >> 16;
            }
            last = node;
        }
        cr_assert_eq(gait_arena_count_edges(mutator, arena, &crossing), (uint64_t)39999);
        cr_assert_eq(crossing, wanted);
        cr_assert_eq(wanted, (uint64_t)(40000 * 64 / 65536));
    }
    gait_heap_destroy(heap);
}
