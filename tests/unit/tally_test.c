/* SPDX-License-Identifier: MIT */
/*
 * heap/tally: what was allocated is counted in steps, and to the last run whenever its mutator is
 * not RUNNING, a cycle ends, or it goes.
 */
#include <criterion/criterion.h>
#include <gait/gait.h>
#include <gait/stats.h>
#include <unistd.h>

#include "../../runtime/instance.h"

#define BYTES ((size_t)64)
#define STEP GAIT_GOVERNOR_TALLY_BYTES

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind refs, leaf;

static void open_heap(void) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.memory_limit = "off";
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    gait_kind_info info = {.name = "refs", .layout = GAIT_REFS};
    refs = (gait_kind)gait_kind_register(heap, &info);
    info = (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF};
    leaf = (gait_kind)gait_kind_register(heap, &info);
    mutator = gait_attach(heap);
    cr_assert_not_null(mutator);
}

static void close_heap(void) {
    if (mutator)
        gait_detach(mutator);
    gait_heap_destroy(heap);
}

TestSuite(tally, .init = open_heap, .fini = close_heap);

static size_t uncounted(void) { return mutator->tally.scannable_bytes + mutator->tally.leaf_bytes; }

Test(tally, lags_by_less_than_a_step) {
    struct tally *tally = &heap->space.tally;
    size_t most = 0;
    for (size_t i = 0; i < 4 * STEP / BYTES; i++) {
        cr_assert_not_null(gait_alloc(mutator, i % 2 ? refs : leaf, BYTES));
        cr_assert_lt(uncounted(), STEP);
        most = uncounted() > most ? uncounted() : most;
        cr_assert_geq(tally->live_bytes + uncounted(), (i + 1) * BYTES);
    }
    cr_expect_gt(most, 0, "each run is counted at once");
    cr_expect_eq(tally->live_bytes, tally->scannable_bytes + tally->leaf_bytes);
    /* a large object is a step of its own */
    cr_assert_not_null(gait_alloc(mutator, refs, 100000));
    cr_expect_eq(uncounted(), 0);
}

Test(tally, is_exact_in_native_code) {
    cr_assert_not_null(gait_alloc(mutator, refs, BYTES));
    size_t scannable = mutator->tally.scannable_bytes;
    cr_assert_gt(scannable, 0, "a run is less than a step");
    gait_enter_native(mutator);
    cr_expect_eq(uncounted(), 0);
    cr_expect_eq(heap->space.tally.scannable_bytes, scannable);
    cr_expect_eq(heap->space.tally.leaf_bytes, 0);
    gait_leave_native(mutator);
}

Test(tally, is_exact_as_a_cycle_ends) {
    cr_assert_not_null(gait_alloc(mutator, refs, BYTES));
    gait_collect(mutator);
    cr_assert_not_null(gait_alloc(mutator, leaf, BYTES));
    gait_collect(mutator);
    gait_collect(mutator);
    cr_expect_eq(uncounted(), 0);
    cr_expect_eq(heap->space.tally.live_bytes, 0, "nothing lives: %zu",
                 (size_t)heap->space.tally.live_bytes);
}

Test(tally, what_is_given_back_was_counted) {
    cr_assert_not_null(gait_alloc(mutator, refs, BYTES));
    cr_assert_not_null(gait_alloc(mutator, leaf, BYTES));
    gait_detach(mutator);
    mutator = NULL;
    cr_expect_eq(heap->space.tally.scannable_bytes, BYTES);
    cr_expect_eq(heap->space.tally.leaf_bytes, BYTES);
    cr_expect_eq(heap->space.tally.live_bytes, 2 * BYTES);
}

/* Native code adds to the sums what was not there yet: the mutator looks at the trigger all the
 * same. Its patience is used up, so no wait for a cycle asks for one. */
Test(tally, native_code_hides_no_trigger) {
    gait_set_gogc(heap, 100);
    gait_stats stats = {.struct_bytes = sizeof stats};
    for (size_t i = 0; i < 4000; i++) {
        for (size_t allocated = 0; allocated < 8192; allocated += BYTES)
            cr_assert_not_null(gait_alloc(mutator, refs, BYTES));
        mutator->late_ns = INT64_MAX / 2;
        gait_enter_native(mutator);
        gait_leave_native(mutator);
    }
    for (unsigned waits = 0; stats.cycles == 0 && waits < 1000; waits++) {
        gait_enter_native(mutator);
        usleep(10000); /* one was asked for; its thread may be late */
        gait_leave_native(mutator);
        cr_assert_eq(gait_read_stats(heap, &stats), 0);
    }
    cr_assert_gt(stats.cycles, 0, "nobody asked for a cycle");
}

/* What is left of a run as a cycle ends is not live, but objects are made of it and freed. What was
 * taken off for these is not there any more when another run's rest is given back. */
Test(tally, ends_at_nothing) {
    const size_t cells = 8192 / 32;
    void *objects[8192 / 32];
    gait_free(mutator, gait_alloc(mutator, leaf, 32));
    gait_collect(mutator);
    void *other = gait_alloc(mutator, leaf, 64);
    for (size_t i = 0; i < cells - 1; i++)
        objects[i] = gait_alloc(mutator, leaf, 32);
    for (size_t i = 0; i < cells - 1; i++)
        gait_free(mutator, objects[i]);
    gait_free(mutator, other);
    gait_detach(mutator);
    mutator = NULL;
    cr_expect_lt(heap->space.tally.live_bytes, 2 * STEP, "%zu live",
                 (size_t)heap->space.tally.live_bytes);
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
}

/* Objects that are freed are not live, though their pages are no other class's before a cycle: the
 * limit is reached below the trigger. Whoever may wait no more asks for the cycle all the same. */
Test(tally, used_up_patience_asks_for_a_cycle) {
    enum { LIMIT = 16 << 20, PART = 4 << 20 };
    static gait_word objects[PART / 64];
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, objects, PART / 64);
    gait_set_memory_limit(heap, LIMIT);
    gait_stats stats = {.struct_bytes = sizeof stats};
    for (size_t bytes = 64; bytes <= 64 << 4; bytes += 64) {
        size_t count = PART / bytes;
        for (size_t i = 0; i < count; i++) {
            mutator->late_ns = INT64_MAX / 2;
            objects[i] = (gait_word)gait_alloc(mutator, leaf, bytes);
            cr_assert_neq(objects[i], 0);
        }
        for (size_t i = 0; i < count; i++) {
            gait_free(mutator, (void *)objects[i]);
            objects[i] = 0;
        }
        gait_enter_native(mutator);
        usleep(20000); /* the collector's thread may be late */
        gait_leave_native(mutator);
    }
    gait_pop_frame(mutator);
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    cr_expect_gt(stats.cycles, 0, "nobody asked for a cycle, with %zu bytes in all",
                 (size_t)stats.total_bytes);
}
