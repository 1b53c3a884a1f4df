/* SPDX-License-Identifier: MIT */
/*
 * gait/frozen.h: what inline functions have compiled into programs. Each value here is one that
 * programs have: a change makes a new soversion (docs/versions.md).
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/gait.h>
#include <stddef.h>
#include <string.h>

#include "heap/space.h"

#define PLACE(type, field) offsetof(struct type, field)

Test(frozen, mutator_head) {
    cr_expect_eq(PLACE(gait_mutator_head, poll), 0);
    cr_expect_eq(PLACE(gait_mutator_head, barrier), 4);
    cr_expect_eq(PLACE(gait_mutator_head, frames), 8);
    cr_expect_eq(PLACE(gait_mutator_head, runs), 16);
    cr_expect_eq(GAIT_KINDS_MAX, 256);
    cr_expect_eq(PLACE(gait_mutator_head, cards), 16 + 256 * 8);
    cr_expect_eq(PLACE(gait_mutator_head, card_mask), 24 + 256 * 8);
    cr_expect_eq(GAIT_BARRIER_CARDS, 4);
    cr_expect_eq(GAIT_CARD_SHIFT, 9);
}

Test(frozen, runs_and_frames) {
    cr_expect_eq(PLACE(gait_run, cursor), 0);
    cr_expect_eq(PLACE(gait_run, end), 8);
    cr_expect_eq(sizeof(struct gait_run), 16);
    cr_expect_eq(PLACE(gait_frame, previous), 0);
    cr_expect_eq(PLACE(gait_frame, slots), 8);
    cr_expect_eq(PLACE(gait_frame, count), 16);
}

Test(frozen, arena_head) {
    cr_expect_eq(PLACE(gait_arena_head, low), 0);
    cr_expect_eq(PLACE(gait_arena_head, low_end), 8);
    cr_expect_eq(PLACE(gait_arena_head, high), 16);
    cr_expect_eq(PLACE(gait_arena_head, high_end), 24);
    cr_expect_eq(PLACE(gait_arena_head, kinds), 32);
    cr_expect_eq(PLACE(gait_arena_head, mask), 40);
    cr_expect_eq(GAIT_ARENA_KIND_SLOW, 0);
    cr_expect_eq(GAIT_ARENA_KIND_REFS, 1);
    cr_expect_eq(GAIT_ARENA_KIND_LEAF, 2);
}

Test(frozen, size_classes) {
    static const unsigned sizes[][3] = {
        {1, 2, 16},       {16, 2, 16},      {17, 3, 24},        {128, 16, 128},
        {129, 17, 144},   {256, 24, 256},   {257, 25, 288},     {1000, 40, 1024},
        {4097, 57, 4608}, {8192, 64, 8192}, {20000, 74, 20480}, {32768, 80, 32768},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cr_expect_eq(gait_size_class(sizes[i][0]), sizes[i][1], "of %u bytes", sizes[i][0]);
        cr_expect_eq(gait_class_bytes(sizes[i][1]), sizes[i][2], "of class %u", sizes[i][1]);
    }
    cr_expect_eq(GAIT_SMALL_MAX_BYTES, 32768);
    cr_expect_eq(GAIT_SIZE_CLASSES, 81);
    for (unsigned i = 2; i < GAIT_SIZE_CLASSES; i++)
        cr_expect_eq(gait_class_bytes(i), class_table[i].cell_bytes, "the heap's class %u", i);
}

Test(frozen, the_number_stays) {
    cr_expect_eq(gait_frozen(), 2182790553u, "it is %u", (unsigned)gait_frozen());
}

Test(frozen, headers_of_another_layout_get_no_heap) {
    char error[300] = "";
    cr_expect_null(gait_heap_create_built(NULL, gait_frozen() + 1, "7.8.9", error, sizeof error));
    cr_expect_not_null(strstr(error, "headers of Gait 7.8.9"), "%s", error);
    cr_expect_not_null(strstr(error, gait_version()), "%s", error);
    cr_expect_null(gait_heap_create_built(NULL, gait_frozen() + 1, "7.8.9", NULL, 0));
    gait_heap *heap = gait_heap_create_built(NULL, gait_frozen(), "7.8.9", error, sizeof error);
    cr_assert_not_null(heap, "another release of the same layout: %s", error);
    gait_heap_destroy(heap);
}
