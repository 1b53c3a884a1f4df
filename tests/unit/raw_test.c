/* SPDX-License-Identifier: MIT */
/*
 * Kinds whose objects are not zeroed (gait_kind_info.raw): what they hold, and that objects of
 * other kinds which come to lie there are zero.
 */
#include <criterion/criterion.h>
#include <gait/gait.h>
#include <string.h>

#include "instance.h"

#define SMALL_BYTES 64
#define LARGE_BYTES ((size_t)20 * PAGE_BYTES)
#define COUNT 1000

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind raw, zeroed;

static gait_kind kind_of(uint32_t is_raw) {
    int kind = gait_kind_register(
        heap, &(gait_kind_info){.name = "kind", .layout = GAIT_LEAF, .raw = is_raw});
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

/* No cycle but those that are asked for. */
static void open_heap(void) {
    gait_config config;
    char error[200];
    gait_config_init(&config);
    config.gogc = "off";
    config.memory_limit = "off";
    config.reserve_bytes = (size_t)64 << 20;
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    raw = kind_of(1);
    zeroed = kind_of(0);
}

static void close_heap(void) {
    space_check(&heap->space);
    gait_heap_destroy(heap);
}

TestSuite(raw, .init = open_heap, .fini = close_heap);

static size_t count_of(const char *bytes, size_t size, char byte) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += bytes[i] == byte;
    return count;
}

static char *make(gait_kind kind, size_t bytes) {
    char *object = gait_alloc(mutator, kind, bytes);
    cr_assert_not_null(object);
    return object;
}

Test(raw, other_layouts_are_refused) {
    for (int layout = GAIT_LEAF; layout <= GAIT_TAGGED; layout++) {
        gait_tag_rule rule = {0, 8};
        uint64_t bitmap = 1;
        gait_kind_info info = {.name = "kind", .layout = (gait_layout)layout, .raw = 1};
        info.head_words = 1;
        info.bitmap = layout == GAIT_BITMAP ? &bitmap : NULL;
        info.element_words = 2;
        if (layout == GAIT_TAGGED)
            info.tag_rules = &rule, info.tag_rule_count = 1;
        if (layout == GAIT_CALLBACK)
            continue; /* refused as it is, without a function */
        int kind = gait_kind_register(heap, &info);
        if (layout == GAIT_LEAF)
            cr_assert_geq(kind, 0);
        else
            cr_assert_eq(kind, GAIT_E_INVALID, "layout %d", layout);
    }
}

/* So much of dead cells that those who come next can't but lie there. */
static void leave_dirty(void) {
    for (size_t i = 0; i < COUNT; i++)
        memset(make(raw, SMALL_BYTES), 7, SMALL_BYTES);
    gait_collect(mutator);
}

Test(raw, small_ones_hold_what_lay_there) {
    leave_dirty();
    size_t found = 0;
    for (size_t i = 0; i < COUNT; i++)
        found += count_of(make(raw, SMALL_BYTES), SMALL_BYTES, 7);
    cr_assert_gt(found, (size_t)0);
}

Test(raw, small_ones_of_other_kinds_are_zero_there) {
    leave_dirty();
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(count_of(make(zeroed, SMALL_BYTES), SMALL_BYTES, 0), (size_t)SMALL_BYTES);
}

Test(raw, large_ones_hold_what_lay_there_and_others_are_zero) {
    char *object = make(raw, LARGE_BYTES);
    memset(object, 7, LARGE_BYTES);
    gait_free(mutator, object);
    char *again = make(raw, LARGE_BYTES);
    cr_assert_eq(again, object);
    cr_assert_eq(count_of(again, LARGE_BYTES, 7), LARGE_BYTES);
    gait_free(mutator, again);
    char *other = make(zeroed, LARGE_BYTES);
    cr_assert_eq(other, object);
    cr_assert_eq(count_of(other, LARGE_BYTES, 0), LARGE_BYTES);
}

/* What a larger size adds is as it was, whether the object stays or moves; what it held is kept. */
Test(raw, resized_ones_keep_what_they_held) {
    char *object = make(raw, 40);
    memset(object, 7, 40);
    for (size_t bytes = 41; bytes < 20 * LARGE_BYTES; bytes = bytes * 3 / 2) {
        object = gait_realloc(mutator, object, bytes);
        cr_assert_not_null(object);
        cr_assert_eq(count_of(object, 40, 7), (size_t)40);
    }
    object = gait_realloc(mutator, object, 30);
    cr_assert_eq(count_of(object, 30, 7), (size_t)30);
}
