/* SPDX-License-Identifier: MIT */
/*
 * Value masks: which are refused, and that four tag bits leave every object whole.
 */
#include <criterion/criterion.h>
#include <gait/gait.h>
#include <string.h>

static gait_heap *heap_with(gait_word value_mask, char *error, size_t error_bytes) {
    gait_config config;
    gait_config_init(&config);
    config.value_mask = value_mask;
    config.reserve_bytes = (size_t)1 << 30;
    config.gogc = "50";
    config.debug = "clobberfree=1";
    return gait_heap_create(&config, error, error_bytes);
}

Test(tags, a_mask_that_drops_bits_of_addresses_is_refused) {
    const gait_word bad[] = {0, ~(gait_word)31, UINT64_C(0x00003ffffffffff8), UINT64_C(0xffff)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char error[200] = "";
        cr_assert_null(heap_with(bad[i], error, sizeof error));
        cr_assert_not_null(strstr(error, "value_mask"), "%s", error);
    }
    const gait_word good[] = {~(gait_word)15, UINT64_C(0x00007ffffffffff0),
                              UINT64_C(0x0000fffffffffff8)};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char error[200] = "";
        gait_heap *heap = heap_with(good[i], error, sizeof error);
        cr_assert_not_null(heap, "%s", error);
        gait_heap_destroy(heap);
    }
}

/* A list of objects of all small sizes, each referred to by an address with all four bits set. */
Test(tags, four_bits_of_tags_lose_nothing, .timeout = 60) {
    enum { SIZES = 40, ROUNDS = 3000 };
    gait_heap *heap = heap_with(~(gait_word)15, NULL, 0);
    cr_assert_not_null(heap);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    cr_assert_geq(leaf, 0);
    gait_word kept[SIZES] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, SIZES);
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < SIZES; i++) {
            size_t bytes = 8 * i + 1;
            unsigned char *object = gait_alloc(mutator, (gait_kind)leaf, bytes);
            cr_assert_not_null(object);
            cr_assert_eq((uintptr_t)object % 16, 0u, "%zu bytes", bytes);
            cr_assert_geq(gait_object_bytes(heap, object), bytes);
            memset(object, (int)i, bytes);
            if (round % 7 != 0)
                continue; /* garbage */
            const unsigned char *old = (const unsigned char *)(kept[i] & ~(gait_word)15);
            for (size_t at = 0; old && at < bytes; at++)
                cr_assert_eq(old[at], i, "byte %zu of %zu", at, bytes);
            kept[i] = (gait_word)object | 15;
        }
    gait_collect(mutator);
    for (size_t i = 0; i < SIZES; i++)
        cr_assert_eq(*(unsigned char *)(kept[i] & ~(gait_word)15), i);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}
