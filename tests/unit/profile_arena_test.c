/* SPDX-License-Identifier: MIT */
/*
 * The heap profile of memory that is no object: arenas by all ways of allocation, and what
 * libraries take; and of objects, which of them are short-lived.
 */
#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/library.h>
#include <gait/profile.h>

#include "instance.h"
#include "mutator/alloc_sample.h"
#include "profiled.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

TestSuite(profile_arena, .init = open_heap, .fini = close_heap);

struct sums {
    const char *tag, *function; /* what is summed up; NULL: all */
    unsigned memory;
    gait_profile_site all;
    size_t with_kind;
};

static void sum_up(const gait_profile_site *site, void *data) {
    struct sums *sums = data;
    if (site->memory != sums->memory)
        return;
    cr_expect_eq(site->tag == NULL, site->memory == GAIT_PROFILE_OBJECTS);
    if (sums->tag && strcmp(site->tag, sums->tag) != 0)
        return;
    if (sums->function && !(site->frames && strcmp(site->frames[0].function, sums->function) == 0))
        return;
    sums->all.alloc_objects += site->alloc_objects;
    sums->all.alloc_bytes += site->alloc_bytes;
    sums->all.live_objects += site->live_objects;
    sums->all.live_bytes += site->live_bytes;
    sums->all.short_objects += site->short_objects;
    sums->all.short_bytes += site->short_bytes;
    sums->all.long_objects += site->long_objects;
    sums->all.long_bytes += site->long_bytes;
    sums->with_kind += site->has_kind;
}

static struct sums sums_of(unsigned memory, const char *tag, const char *function) {
    struct sums sums = {.memory = memory, .tag = tag, .function = function};
    cr_assert_eq(gait_read_profile(heap, sum_up, &sums), 0u);
    return sums;
}

static bool within(double value, double expected, double part) {
    return fabs(value - expected) <= part * expected;
}

static gait_arena *arena_new(const char *name, uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = name;
    config.flags = flags;
    if (flags & GAIT_ARENA_CONTIGUOUS)
        config.reserve_bytes = 1 << 20;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    return arena;
}

static const char *place = "main";

static size_t tell(gait_mutator *asked, gait_profile_frame *frames, size_t most, void *data) {
    (void)asked, (void)most, (void)data;
    frames[0] = (gait_profile_frame){place, "program.scm", 1};
    return 1;
}

/* ---- Arenas ---- */

static void each_is_sampled(uint32_t flags, double more_bytes) {
    gait_arena *arena = arena_new("request", flags);
    gait_word root = (gait_word)(uintptr_t)arena;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    for (int i = 0; i < 1000; i++) {
        cr_assert_not_null(gait_arena_alloc(mutator, arena, 24, 8));
        cr_assert_not_null(gait_arena_new(mutator, arena, node, 40));
        cr_assert_not_null(gait_arena_new(mutator, arena, leaf, 16));
    }
    struct sums sums = sums_of(GAIT_PROFILE_ARENA, "request", NULL);
    double bytes = 1000 * (24 + 40 + 16 + 3 * more_bytes);
    cr_expect(within(sums.all.alloc_objects, 3000, 1e-9), "%f", sums.all.alloc_objects);
    cr_expect(within(sums.all.alloc_bytes, bytes, 1e-9), "%f of %f", sums.all.alloc_bytes, bytes);
    cr_expect(within(sums.all.live_bytes, bytes, 1e-9), "%f", sums.all.live_bytes);
    cr_expect_eq(sums.with_kind, 2u, "%zu", sums.with_kind);
    gait_collect(mutator); /* what is in an arena no cycle judges */
    sums = sums_of(GAIT_PROFILE_ARENA, "request", NULL);
    cr_expect(within(sums.all.live_bytes, bytes, 1e-9), "%f", sums.all.live_bytes);
    cr_expect_eq(sums.all.short_bytes + sums.all.long_bytes, 0.0);
    gait_arena_reset(mutator, arena);
    sums = sums_of(GAIT_PROFILE_ARENA, "request", NULL);
    cr_expect(fabs(sums.all.live_bytes) < 1e-6, "%f", sums.all.live_bytes);
    cr_assert_not_null(gait_arena_alloc(mutator, arena, 1000, 8));
    sums = sums_of(GAIT_PROFILE_ARENA, "request", NULL);
    cr_expect(within(sums.all.live_bytes, 1000 + more_bytes, 1e-9), "%f", sums.all.live_bytes);
    gait_arena_free(mutator, arena);
    sums = sums_of(GAIT_PROFILE_ARENA, "request", NULL);
    cr_expect(fabs(sums.all.live_bytes) < 1e-6, "%f", sums.all.live_bytes);
    cr_expect(within(sums.all.alloc_bytes, bytes + 1000 + more_bytes, 1e-9));
    gait_pop_frame(mutator);
}

Test(profile_arena, at_a_rate_of_one_each_allocation_is_sampled) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    each_is_sampled(0, 0);
}
Test(profile_arena, so_is_each_in_a_traced_one) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    each_is_sampled(GAIT_ARENA_TRACED, 0);
}
Test(profile_arena, so_is_each_with_a_word_before_it) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    each_is_sampled(GAIT_ARENA_DESCRIBED, 8);
}
Test(profile_arena, so_is_each_in_one_range) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    each_is_sampled(GAIT_ARENA_CONTIGUOUS, 0);
}
Test(profile_arena, so_is_each_in_blocks) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    each_is_sampled(GAIT_ARENA_PLACED, 0);
}

Test(profile_arena, a_leaked_arena_is_not_live) {
    gait_set_profile_rate(heap, 1);
    gait_arena *arena = arena_new("leaked", 0);
    cr_assert_not_null(gait_arena_alloc(mutator, arena, 5000, 8));
    cr_expect_gt(sums_of(GAIT_PROFILE_ARENA, "leaked", NULL).all.live_bytes, 4999.0);
    gait_collect(mutator);
    gait_collect(mutator);
    cr_expect(fabs(sums_of(GAIT_PROFILE_ARENA, "leaked", NULL).all.live_bytes) < 1e-6);
}

/* Of this rate samples are taken however much they cost: else it would depend on the machine how
 * many there are, and how far off a sum may be. */
#define RATE (ALLOC_SAMPLES_EACH_BYTES - 1)

/* By how much a sum may be off, as part of it: five standard deviations of so many samples, of
 * objects that are small against the rate. */
static double part_off(double bytes) { return 5 / sqrt(bytes / RATE); }

/* Small arenas that are filled and freed, in which each function has its part of the bytes: at
 * the first place of an arena as at the last. */
Test(profile_arena, sums_are_right_in_the_mean_though_arenas_are_small) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, RATE);
    double first = 0, rest = 0;
    for (int round = 0; round < 30000; round++) {
        gait_arena *arena = arena_new("small", 0);
        place = "first";
        cr_assert_not_null(gait_arena_alloc(mutator, arena, 64, 8));
        first += 64;
        place = "rest";
        for (int i = 0; i < 60; i++)
            cr_assert_not_null(gait_arena_new(mutator, arena, i % 2 ? node : leaf, 48));
        rest += 60 * 48;
        if (round % 2) /* the second life of an arena is like the first */
            gait_arena_reset(mutator, arena);
        gait_arena_free(mutator, arena);
        if (round % 1000 == 0)
            gait_collect(mutator);
    }
    struct sums all = sums_of(GAIT_PROFILE_ARENA, "small", "rest");
    cr_expect(within(all.all.alloc_bytes, rest, part_off(rest)), "%f of %f, +-%f",
              all.all.alloc_bytes, rest, part_off(rest));
    cr_expect(within(all.all.alloc_objects, 60.0 * 30000, part_off(rest)), "%f",
              all.all.alloc_objects);
    all = sums_of(GAIT_PROFILE_ARENA, "small", "first");
    cr_expect(within(all.all.alloc_bytes, first, part_off(first)), "%f of %f, +-%f",
              all.all.alloc_bytes, first, part_off(first));
    all = sums_of(GAIT_PROFILE_ARENA, NULL, NULL);
    cr_expect(fabs(all.all.live_bytes) < 1, "%f", all.all.live_bytes);
    place = "main";
}

#define THREADS 3
#define EACH 2000

static void *fill(void *arena) {
    gait_mutator *own = gait_attach(heap);
    for (int i = 0; i < EACH; i++)
        cr_assert_not_null(gait_arena_alloc(own, arena, 32, 8));
    gait_detach(own);
    return NULL;
}

Test(profile_arena, so_is_each_of_several_threads_in_one_arena) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_arena *arena = arena_new("shared", GAIT_ARENA_CONCURRENT | GAIT_ARENA_PINNED);
    cr_assert_not_null(gait_arena_alloc(mutator, arena, 32, 8)); /* windows from before */
    gait_set_profile_rate(heap, 65536);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, fill, arena), 0);
    gait_enter_native(mutator);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    /* some samples or none: that all is right in the mean the test above says */
    cr_expect_lt(sums_of(GAIT_PROFILE_ARENA, "shared", NULL).all.alloc_bytes, 40.0 * 65536);
    gait_arena_free(mutator, arena);
    cr_expect(fabs(sums_of(GAIT_PROFILE_ARENA, "shared", NULL).all.live_bytes) < 1e-6);
}

/* ---- Memory beside the heap ---- */

Test(profile_arena, what_a_library_takes_is_live_until_it_says_so) {
    static char blocks[3][16];
    cr_expect(!gait_library_sample(heap, blocks[0], 16, "cache", NULL), "nothing is sampled");
    gait_set_profile_rate(heap, 1);
    for (int i = 0; i < 3; i++)
        cr_expect(gait_library_sample(heap, blocks[i], 1000, "cache", __builtin_return_address(0)));
    struct sums sums = sums_of(GAIT_PROFILE_OFFHEAP, "cache", NULL);
    cr_expect(within(sums.all.live_bytes, 3000, 1e-9), "%f", sums.all.live_bytes);
    cr_expect_eq(sums.with_kind, 0u);
    gait_library_unsample(heap, blocks[1]);
    gait_collect(mutator);
    sums = sums_of(GAIT_PROFILE_OFFHEAP, "cache", NULL);
    cr_expect(within(sums.all.live_bytes, 2000, 1e-9), "%f", sums.all.live_bytes);
    cr_expect(within(sums.all.alloc_bytes, 3000, 1e-9), "%f", sums.all.alloc_bytes);
    gait_library_unsample(heap, blocks[0]);
    gait_library_unsample(heap, blocks[2]);
}

static void *take_some(void *bytes) {
    double *taken = bytes;
    for (uintptr_t i = 1; i <= 100000; i++) {
        gait_library_sample(heap, (void *)(i * 4096), 640, "buffers", __builtin_return_address(0));
        *taken += 640;
    }
    return NULL;
}

Test(profile_arena, so_it_is_by_threads_that_are_not_attached) {
    double bytes = 0;
    pthread_t thread;
    gait_set_profile_rate(heap, RATE);
    cr_assert_eq(pthread_create(&thread, NULL, take_some, &bytes), 0);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    double sum = sums_of(GAIT_PROFILE_OFFHEAP, "buffers", NULL).all.alloc_bytes;
    cr_expect(within(sum, bytes, part_off(bytes)), "%f of %f", sum, bytes);
}

/* ---- Foreign memory ---- */

Test(profile_arena, foreign_memory_with_a_name_is_live_until_it_is_taken_back) {
    static char buffers[3];
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    for (int i = 0; i < 3; i++)
        gait_foreign_add_named(mutator, &buffers[i], 1000, "pixels");
    gait_foreign_sub_named(mutator, &buffers[1], 1000);
    gait_enter_native(mutator);
    gait_heap_foreign_add_named(heap, &buffers[1], 500, NULL);
    gait_heap_foreign_sub_named(heap, &buffers[0], 1000); /* whoever added it */
    gait_leave_native(mutator);
    gait_collect(mutator);
    struct sums sums = sums_of(GAIT_PROFILE_FOREIGN, "pixels", "main");
    cr_expect(within(sums.all.alloc_bytes, 3000, 1e-9), "%f", sums.all.alloc_bytes);
    cr_expect(within(sums.all.live_bytes, 1000, 1e-9), "%f", sums.all.live_bytes);
    cr_expect(within(sums.all.live_objects, 1, 1e-9), "%f", sums.all.live_objects);
    sums = sums_of(GAIT_PROFILE_FOREIGN, "", NULL);
    cr_expect(within(sums.all.live_bytes, 500, 1e-9), "%f", sums.all.live_bytes);
    gait_heap_foreign_sub_named(heap, &buffers[2], 1000);
    gait_heap_foreign_sub_named(heap, &buffers[1], 500);
    cr_expect(fabs(sums_of(GAIT_PROFILE_FOREIGN, NULL, NULL).all.live_bytes) < 1e-6);
}

Test(profile_arena, of_foreign_memory_without_a_name_it_is_known_what_there_is) {
    gait_set_profile_frames(heap, tell, NULL);
    gait_foreign_add(mutator, 100); /* nothing is sampled yet */
    gait_set_profile_rate(heap, 1);
    place = "one";
    gait_foreign_add(mutator, 3000);
    place = "other";
    gait_heap_foreign_add(heap, 5000);
    gait_foreign_sub(mutator, 4000);
    gait_foreign_add_named(mutator, NULL, 700, NULL); /* left out */
    cr_expect(within(sums_of(GAIT_PROFILE_FOREIGN, "", "one").all.alloc_bytes, 3000, 1e-9));
    cr_expect(within(sums_of(GAIT_PROFILE_FOREIGN, "", "other").all.alloc_bytes, 5000, 1e-9));
    cr_expect_eq(sums_of(GAIT_PROFILE_FOREIGN, "", "other").all.live_bytes, 0.0);
    struct sums sums = sums_of(GAIT_PROFILE_FOREIGN, NULL, NULL);
    cr_expect(within(sums.all.alloc_bytes, 8000, 1e-9), "%f", sums.all.alloc_bytes);
    cr_expect_eq(sums.all.live_bytes, 4100.0, "%f", sums.all.live_bytes);
    gait_foreign_sub_named(mutator, NULL, 700);
    gait_foreign_sub(mutator, 4100);
    cr_expect_eq(sums_of(GAIT_PROFILE_FOREIGN, NULL, NULL).all.live_bytes, 0.0);
}

Test(profile_arena, an_object_may_stand_for_foreign_memory) {
    gait_set_profile_rate(heap, 1);
    void *object = gait_alloc(mutator, leaf, 32);
    gait_foreign_add_named(mutator, object, 10000, "texture");
    gait_free(mutator, object);
    cr_expect(fabs(sums_of(GAIT_PROFILE_OBJECTS, NULL, NULL).all.live_bytes) < 1e-6);
    cr_expect(within(sums_of(GAIT_PROFILE_FOREIGN, "texture", NULL).all.live_bytes, 10000, 1e-9));
    gait_foreign_sub_named(mutator, object, 10000);
    cr_expect(fabs(sums_of(GAIT_PROFILE_FOREIGN, "texture", NULL).all.live_bytes) < 1e-6);
}

/* ---- Short lives ---- */

Test(profile_arena, the_first_cycle_says_what_is_short_lived) {
    gait_word kept = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    gait_set_profile_frames(heap, tell, NULL);
    gait_set_profile_rate(heap, 1);
    for (int i = 0; i < 500; i++) {
        place = "short";
        cr_assert_not_null(gait_alloc(mutator, leaf, 32));
        place = "long";
        gait_word *object = gait_alloc(mutator, node, 48);
        gait_init(object, kept);
        kept = (gait_word)(uintptr_t)object;
    }
    struct sums before = sums_of(GAIT_PROFILE_OBJECTS, NULL, NULL);
    cr_expect_eq(before.all.short_objects + before.all.long_objects, 0.0);
    gait_collect(mutator);
    struct sums of_short = sums_of(GAIT_PROFILE_OBJECTS, NULL, "short");
    struct sums of_long = sums_of(GAIT_PROFILE_OBJECTS, NULL, "long");
    cr_expect(within(of_short.all.short_objects, 500, 1e-9), "%f", of_short.all.short_objects);
    cr_expect_eq(of_short.all.long_objects, 0.0);
    cr_expect(within(of_long.all.long_bytes, 500 * 48, 1e-9), "%f", of_long.all.long_bytes);
    cr_expect_eq(of_long.all.short_bytes, 0.0);
    kept = 0; /* what outlived its first cycle was not short-lived, whenever it dies */
    gait_collect(mutator);
    gait_collect(mutator);
    of_long = sums_of(GAIT_PROFILE_OBJECTS, NULL, "long");
    cr_expect(of_long.all.live_bytes < 1e-6);
    cr_expect(within(of_long.all.long_bytes, 500 * 48, 1e-9));
    cr_expect_eq(of_long.all.short_bytes, 0.0);
    gait_pop_frame(mutator);
    place = "main";
}

static void add_sample(const void *object, unsigned cycles) {
    const struct sample_stack stack = {.depth = 1, .at.addresses = {1}};
    const struct sample_of of = {.memory = GAIT_PROFILE_OBJECTS,
                                 .has_kind = true,
                                 .kind = node,
                                 .start = object,
                                 .judged_epoch = space_epoch(&heap->space) + cycles,
                                 .objects = 1,
                                 .bytes = 48};
    cr_assert(samples_add(&heap->samples, &of, &stack, NULL));
}

/* One that is born while a cycle marks outlives that, whatever becomes of it. */
Test(profile_arena, a_cycle_says_nothing_of_what_was_born_in_it) {
    gait_word kept = (gait_word)(uintptr_t)gait_alloc(mutator, node, 48);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    add_sample((void *)kept, 2);
    gait_collect(mutator);
    struct sums sums = sums_of(GAIT_PROFILE_OBJECTS, NULL, NULL);
    cr_expect_eq(sums.all.live_objects, 1.0);
    cr_expect_eq(sums.all.short_objects + sums.all.long_objects, 0.0);
    kept = 0;
    gait_collect(mutator);
    sums = sums_of(GAIT_PROFILE_OBJECTS, NULL, NULL);
    cr_expect_eq(sums.all.live_objects, 0.0);
    cr_expect_eq(sums.all.short_objects, 1.0);
    gait_pop_frame(mutator);
}
