/* SPDX-License-Identifier: MIT */
/*
 * References that are no plain words: behind an object's start by a displacement, inside an object
 * in words of a bitmap, beside a tag. Full and minor cycles, large objects, checks, weak words.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/gait.h>
#include <string.h>

#include "instance.h"
#include "minor_cycle.h"

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs;
static gait_handle *root; /* an object, from which all is reached */

static gait_kind kind_of(gait_kind_info info) {
    info.name = "kind";
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static void open_with(gait_word value_mask) {
    gait_config config;
    char error[200];
    gait_config_init(&config);
    config.gogc = "off";
    config.memory_limit = "off";
    config.minor = "on";
    config.debug = "gcminor=1000,gccheckmark=1,clobberfree=1";
    config.value_mask = value_mask;
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    leaf = kind_of((gait_kind_info){.layout = GAIT_LEAF});
    refs = kind_of((gait_kind_info){.layout = GAIT_REFS});
    root = gait_handle_new(mutator, 0);
}

static void open_heap(void) { open_with(~(gait_word)0); }
static void close_heap(void) { gait_heap_destroy(heap); }

static gait_word make(gait_kind kind, size_t bytes) {
    void *object = gait_alloc(mutator, kind, bytes);
    cr_assert_not_null(object);
    return (gait_word)object;
}

static bool lives(gait_word object) {
    return gait_object_base(heap, (void *)object) == (void *)object;
}

/* What a store of each sort to a root's object keeps: in a full cycle, then stored to an old object
 * in a minor one. store: word i of it. */
static void keeps(gait_kind kind, size_t words, size_t i, gait_word offset, size_t target_bytes,
                  bool wanted, void (*store)(gait_word *object, size_t i, gait_word value)) {
    for (unsigned minor = 0; minor < 2; minor++) {
        gait_handle_set(mutator, root, make(kind, words * sizeof(gait_word)));
        if (minor)
            gait_collect(mutator);
        gait_word target = make(leaf, target_bytes);
        store((gait_word *)gait_handle_get(root), i, target + offset);
        if (minor)
            minor_cycle(heap, mutator);
        else
            gait_collect(mutator);
        cr_assert_eq(lives(target), wanted, "word %zu of %zu, offset %zu, minor %u", i, words,
                     (size_t)offset, minor);
    }
}

static void plain(gait_word *object, size_t i, gait_word value) {
    gait_store(mutator, &object[i], value);
}

TestSuite(layouts, .init = open_heap, .fini = close_heap);

/* ---- Displacements ---- */

Test(layouts, a_displaced_word_counts_once_it_is_known) {
    cr_assert_eq(gait_displacement_add(heap, 4), GAIT_E_INVALID);
    cr_assert_eq(gait_displacement_add(heap, 4096), GAIT_E_INVALID);
    const size_t sizes[] = {64, 5000, 100000};
    for (unsigned n = 0; n < 3; n++)
        keeps(refs, 4, 1, 16, sizes[n], false, plain);
    cr_assert_eq(gait_displacement_add(heap, 16), 0);
    cr_assert_eq(gait_displacement_add(heap, 4088), 0);
    for (unsigned n = 0; n < 3; n++) {
        keeps(refs, 4, 1, 0, sizes[n], true, plain);
        keeps(refs, 4, 1, 16, sizes[n], true, plain);
        keeps(refs, 4, 1, 24, sizes[n], false, plain);
        keeps(refs, 4, 1, 4088, sizes[n], sizes[n] > 4088, plain);
    }
    keeps(refs, 20000, 15000, 16, 64, true, plain);
}

Test(layouts, lists_are_marked_through_displaced_words) {
    cr_assert_eq(gait_displacement_add(heap, 8), 0);
    gait_word first = 0;
    gait_no_collect_begin(mutator);
    for (unsigned i = 0; i < 10000; i++) {
        gait_word *link = (gait_word *)make(refs, 32);
        gait_init(&link[2], first);
        first = (gait_word)link + 8;
    }
    gait_handle_set(mutator, root, first);
    gait_no_collect_end(mutator);
    gait_collect(mutator);
    unsigned count = 0;
    for (gait_word at = gait_handle_get(root); at; count++) {
        cr_assert(lives(at - 8));
        at = ((gait_word *)(at - 8))[2];
    }
    cr_assert_eq(count, 10000u);
}

Test(layouts, tags_are_dropped_before_displacements) {
    close_heap();
    open_with(~(gait_word)7);
    cr_assert_eq(gait_displacement_add(heap, 16), 0);
    keeps(refs, 4, 1, 16 + 5, 64, true, plain);
    keeps(refs, 4, 1, 8 + 5, 64, false, plain);
}

Test(layouts, weak_words_and_keys_may_be_displaced) {
    cr_assert_eq(gait_displacement_add(heap, 16), 0);
    gait_kind weak = kind_of((gait_kind_info){.layout = GAIT_WEAK});
    gait_kind pairs = kind_of((gait_kind_info){.layout = GAIT_EPHEMERON});
    gait_word *words = (gait_word *)make(weak, 32), *table = (gait_word *)make(pairs, 64);
    gait_word *all = (gait_word *)make(refs, 32);
    gait_handle_set(mutator, root, (gait_word)all);
    gait_word live = make(leaf, 64), dead = make(leaf, 64), value = make(leaf, 64);
    gait_word dead_value = make(leaf, 64);
    gait_store(mutator, &all[0], (gait_word)words);
    gait_store(mutator, &all[1], (gait_word)table);
    gait_store(mutator, &all[2], live + 16);
    gait_weak_set(mutator, &words[0], live + 16);
    gait_weak_set(mutator, &words[1], dead + 16);
    gait_weak_set(mutator, &words[2], dead + 24); /* no reference */
    gait_ephemeron_set(mutator, &table[0], live + 16, value + 16);
    gait_ephemeron_set(mutator, &table[2], dead + 16, dead_value);
    gait_collect(mutator);
    cr_assert_eq(gait_weak_get(mutator, &words[0]), live + 16);
    cr_assert_eq(gait_weak_get(mutator, &words[1]), 0u);
    cr_assert_eq(gait_weak_get(mutator, &words[2]), dead + 24);
    cr_assert_eq(gait_ephemeron_get(mutator, &table[0]), value + 16);
    cr_assert(lives(value) && !lives(dead_value));
    cr_assert_eq(gait_ephemeron_get(mutator, &table[2]), 0u);
}

/* ---- Interior words ---- */

Test(layouts, chosen_words_point_inside) {
    const uint64_t bitmap = 1 << 0 | 1 << 1, interior = 1 << 1;
    gait_kind kind = kind_of((gait_kind_info){
        .layout = GAIT_BITMAP, .head_words = 4, .bitmap = &bitmap, .interior = &interior});
    const size_t sizes[] = {64, 5000, 100000};
    for (unsigned n = 0; n < 3; n++) {
        keeps(kind, 4, 0, 0, sizes[n], true, plain);
        keeps(kind, 4, 0, 24, sizes[n], false, plain);
        keeps(kind, 4, 1, 0, sizes[n], true, plain);
        keeps(kind, 4, 1, 24, sizes[n], true, plain);
        keeps(kind, 4, 1, sizes[n] - 1, sizes[n], true, plain);
        keeps(kind, 4, 2, 24, sizes[n], false, plain);
    }
}

Test(layouts, so_do_words_of_elements) {
    const uint64_t bitmap[2] = {1, 1}, interior[2] = {0, 1};
    gait_kind kind = kind_of((gait_kind_info){.layout = GAIT_REPEAT,
                                              .head_words = 65,
                                              .bitmap = bitmap,
                                              .interior = interior,
                                              .element_words = 3,
                                              .element_bitmap = 1 << 0 | 1 << 1,
                                              .element_interior = 1 << 1});
    for (size_t words = 200; words < 10000; words += 9000) {
        keeps(kind, words, 0, 24, 64, false, plain);
        keeps(kind, words, 64, 24, 64, true, plain);
        for (size_t element = 65; element + 3 < words; element += words / 4 / 3 * 3) {
            keeps(kind, words, element, 24, 64, false, plain);
            keeps(kind, words, element + 1, 24, 64, true, plain);
            keeps(kind, words, element + 2, 24, 64, false, plain);
        }
    }
}

Test(layouts, an_arena_that_holds_such_an_object_is_scanned_for_them) {
    const uint64_t bits = 1;
    gait_kind kind = kind_of((gait_kind_info){
        .layout = GAIT_BITMAP, .head_words = 1, .bitmap = &bits, .interior = &bits});
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    gait_word *object = gait_arena_new(mutator, arena, kind, 16);
    gait_word target = make(leaf, 64);
    gait_store(mutator, object, target + 40);
    gait_handle_set(mutator, root, (gait_word)object);
    gait_collect(mutator);
    cr_assert(lives(target));
}

/* ---- Tags ---- */

/* An element: a value, its tag in byte 8; a second value whose tag is byte 9; a third that always
 * is a reference. */
enum { ELEMENT = 4, SECOND = 2, ALWAYS = 3, HEAD = 1 };
#define IS_REFERENCE(tag) ((tag)&64)

static const gait_tag_rule rules[] = {{0, 8}, {SECOND, 9}};

static gait_kind_info tagged_info(void) {
    gait_kind_info info = {.layout = GAIT_TAGGED,
                           .head_words = HEAD,
                           .element_words = ELEMENT,
                           .element_bitmap = 1 << ALWAYS,
                           .element_interior = 1 << SECOND,
                           .tag_rules = rules,
                           .tag_rule_count = 2};
    for (unsigned tag = 0; tag < 256; tag++)
        if (IS_REFERENCE(tag))
            info.tag_references[tag >> 6] |= (uint64_t)1 << (tag & 63);
    return info;
}

static unsigned char tag_of_all;

/* The tag of a word, in an object of the kind above. */
static unsigned char *tag_at(gait_word *object, size_t i) {
    size_t element = i - (i - HEAD) % ELEMENT;
    return (unsigned char *)&object[element] + (i == element ? 8 : 9);
}

static void tagged(gait_word *object, size_t i, gait_word value) {
    gait_store_tagged(mutator, &object[i], value, tag_at(object, i), tag_of_all);
}

Test(layouts, a_word_is_a_reference_if_its_tag_says_so) {
    gait_kind kind = kind_of(tagged_info());
    for (unsigned tag = 0; tag < 256; tag += 37) {
        tag_of_all = (unsigned char)tag;
        bool is = IS_REFERENCE(tag);
        for (size_t words = 40; words < 9000; words += 8000)
            for (size_t element = HEAD; element + ELEMENT <= words;
                 element += words / 3 / ELEMENT * ELEMENT) {
                keeps(kind, words, element, 0, 64, is, tagged);
                keeps(kind, words, element, 24, 64, false, tagged);
                keeps(kind, words, element + SECOND, 24, 64, is, tagged);
                keeps(kind, words, element + ALWAYS, 0, 64, true, plain);
                keeps(kind, words, element + 1, 0, 64, false, plain);
            }
        keeps(kind, 40, 0, 0, 64, false, plain); /* the head has no bitmap */
    }
}

Test(layouts, what_a_tagged_word_held_is_protected_while_marking) {
    gait_kind kind = kind_of(tagged_info());
    gait_word *object = (gait_word *)make(kind, 100), target = make(leaf, 16);
    gait_init_tagged(&object[HEAD], target, tag_at(object, HEAD), 64);
    mutator->head.barrier |= MUTATOR_BARRIER;
    gait_store_tagged(mutator, &object[HEAD], 1, tag_at(object, HEAD), 0);
    bool shaded = false;
    for (size_t i = 0; i < mutator->barrier_count; i++)
        shaded |= mutator->barrier_words[i] == target;
    mutator->barrier_count = 0;
    mutator->head.barrier &= ~(uint32_t)MUTATOR_BARRIER;
    cr_assert(shaded);
    cr_assert_eq(*tag_at(object, HEAD), 0);
}

Test(layouts, an_element_that_loses_its_tag_by_resizing_is_shaded) {
    gait_kind kind = kind_of(tagged_info());
    gait_word *object = (gait_word *)make(kind, (HEAD + 2 * ELEMENT) * 8), target = make(leaf, 16);
    size_t last = HEAD + ELEMENT;
    gait_init_tagged(&object[last], target, tag_at(object, last), 64);
    mutator->head.barrier |= MUTATOR_BARRIER;
    cr_assert_eq(gait_realloc(mutator, object, (last + 1) * 8), (void *)object);
    bool shaded = false;
    for (size_t i = 0; i < mutator->barrier_count; i++)
        shaded |= mutator->barrier_words[i] == target;
    mutator->barrier_count = 0;
    mutator->head.barrier &= ~(uint32_t)MUTATOR_BARRIER;
    cr_assert(shaded);
    cr_assert_eq(object[last], target);
    cr_assert_eq(*tag_at(object, last), 0);
}

Test(layouts, an_element_that_is_whole_by_resizing_is_new) {
    gait_kind kind =
        kind_of((gait_kind_info){.layout = GAIT_REPEAT, .element_words = 3, .element_bitmap = 1});
    size_t words = 3 * 5000 + 1;
    gait_word *object = (gait_word *)make(kind, words * 8);
    gait_handle_set(mutator, root, (gait_word)object);
    gait_collect(mutator); /* it is old; its last word is no reference yet */
    gait_word target = make(leaf, 16);
    object[words - 1] = target;
    cr_assert_eq(gait_realloc(mutator, object, (words + 2) * 8), (void *)object);
    minor_cycle(heap, mutator);
    cr_assert(lives(target));
}

Test(layouts, contradictions_are_refused) {
    const uint64_t bits = 1;
    gait_kind_info wrong[] = {
        {.layout = GAIT_REFS, .interior = &bits},
        {.layout = GAIT_PREFIX, .head_words = 1, .element_interior = 1},
        {.layout = GAIT_BITMAP, .head_words = 1, .bitmap = &bits, .element_interior = 1},
        {.layout = GAIT_REPEAT, .element_words = 1, .tag_rules = rules, .tag_rule_count = 1},
        {.layout = GAIT_TAGGED, .element_words = 4},
        {.layout = GAIT_TAGGED, .element_words = 0, .tag_rules = rules, .tag_rule_count = 1},
        {.layout = GAIT_TAGGED, .element_words = 1, .tag_rules = rules, .tag_rule_count = 1},
        {.layout = GAIT_TAGGED, .element_words = 2, .tag_rules = rules, .tag_rule_count = 2},
        {.layout = GAIT_TAGGED, .element_words = 4, .tag_rules = rules, .tag_rule_count = 65},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wrong[i].name = "wrong";
        cr_assert_eq(gait_kind_register(heap, &wrong[i]), GAIT_E_INVALID, "%zu", i);
    }
}
