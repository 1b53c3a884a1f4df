/* SPDX-License-Identifier: MIT */
/*
 * The heap profile: what samples add up to, whose stacks they have, and what is live of them.
 */
#include <gait/profile.h>

#include "mutator/alloc_sample.h"
#include "profiled.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(profile, .init = open_heap, .fini = close_heap);

struct sums {
    size_t sites;
    double alloc_objects, alloc_bytes, live_objects, live_bytes;
    gait_kind kind; /* what is summed up */
    const char *function;
};

static void sum_up(const gait_profile_site *site, void *data) {
    struct sums *sums = data;
    if (site->kind != sums->kind)
        return;
    if (sums->function && !(site->frames && strcmp(site->frames[0].function, sums->function) == 0))
        return;
    sums->sites++;
    sums->alloc_objects += site->alloc_objects;
    sums->alloc_bytes += site->alloc_bytes;
    sums->live_objects += site->live_objects;
    sums->live_bytes += site->live_bytes;
}

static struct sums sums_of(gait_kind kind, const char *function) {
    struct sums sums = {.kind = kind, .function = function};
    cr_assert_eq(gait_read_profile(heap, sum_up, &sums), 0u);
    return sums;
}

/* Lists of nodes: what `kept` leads to lives. */
/* The most by which samples were stretched: on a busy machine for a while only. */
static double stretch_most;

static void allocate(gait_kind kind, size_t bytes, size_t count, gait_word *kept) {
    for (size_t i = 0; i < count; i++) {
        gait_word *object = gait_alloc(mutator, kind, bytes);
        cr_assert_not_null(object);
        stretch_most = fmax(stretch_most, mutator->sampler.stretch);
        if (kept) {
            gait_init(object, *kept);
            *kept = (gait_word)(uintptr_t)object;
        }
    }
}

static bool within(double value, double expected, double part) {
    return fabs(value - expected) <= part * expected;
}

Test(profile, at_a_rate_of_one_all_is_exact) {
    gait_word kept = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    cr_expect_eq(gait_set_profile_rate(heap, 1), 0u);
    allocate(node, 48, 1000, &kept);
    allocate(leaf, 100, 500, NULL);
    allocate(leaf, 100000, 3, NULL); /* large: 13 pages */
    gait_collect(mutator);
    struct sums nodes = sums_of(node, NULL), leaves = sums_of(leaf, NULL);
    cr_expect(within(nodes.alloc_objects, 1000, 1e-9), "%f", nodes.alloc_objects);
    cr_expect(within(nodes.alloc_bytes, 48000, 1e-9), "%f", nodes.alloc_bytes);
    cr_expect(within(nodes.live_objects, 1000, 1e-9), "%f", nodes.live_objects);
    cr_expect(within(nodes.live_bytes, 48000, 1e-9), "%f", nodes.live_bytes);
    cr_expect(within(leaves.alloc_objects, 503, 1e-9), "%f", leaves.alloc_objects);
    cr_expect(within(leaves.alloc_bytes, 500 * 104 + 3 * 13 * 8192, 1e-9), "%f",
              leaves.alloc_bytes);
    cr_expect_eq(leaves.live_objects, 0.0);
    kept = 0;
    gait_collect(mutator);
    gait_collect(mutator); /* of the first one's marks some may be older */
    nodes = sums_of(node, NULL);
    cr_expect_lt(nodes.live_objects, 1e-6);
    cr_expect(within(nodes.alloc_objects, 1000, 1e-9), "%f", nodes.alloc_objects);
    cr_expect_eq(gait_set_profile_rate(heap, 0), 1u);
    allocate(node, 48, 1000, NULL);
    cr_expect(within(sums_of(node, NULL).alloc_objects, 1000, 1e-9));
    gait_pop_frame(mutator);
}

/* By how much a sum may be off, as part of it: five standard deviations of so many samples. */
static double part_off(double bytes) {
    double mean = (double)mutator->sampler.rate_bytes * stretch_most * 2;
    return 5 / sqrt(bytes / mean);
}

static size_t one_frame(gait_mutator *asked, gait_profile_frame *frames, size_t most, void *data) {
    (void)asked, (void)most, (void)data;
    frames[0] = (gait_profile_frame){"main", NULL, 0};
    return 1;
}

Test(profile, sums_are_right_in_the_mean) {
    gait_set_profile_frames(heap, one_frame, NULL);
    gait_set_profile_rate(heap, 65536);
    size_t count = ((size_t)400 << 20) / 64;
    for (size_t i = 0; i < count; i++) {
        allocate(node, 64, 1, NULL);
        if (i % 32 == 0)
            allocate(leaf, 4096, 1, NULL);
    }
    struct sums nodes = sums_of(node, NULL), leaves = sums_of(leaf, NULL);
    double node_bytes = (double)count * 64, leaf_bytes = (double)count / 32 * 4096;
    cr_expect(within(nodes.alloc_bytes, node_bytes, part_off(node_bytes)), "%f of %f, +-%f",
              nodes.alloc_bytes, node_bytes, part_off(node_bytes));
    cr_expect(within(nodes.alloc_objects, (double)count, part_off(node_bytes)), "%f",
              nodes.alloc_objects);
    cr_expect(within(leaves.alloc_bytes, leaf_bytes, part_off(leaf_bytes)), "%f of %f, +-%f",
              leaves.alloc_bytes, leaf_bytes, part_off(leaf_bytes));
}

static const char *place = "one";

static size_t tell(gait_mutator *asked, gait_profile_frame *frames, size_t most, void *data) {
    cr_assert_eq(asked, mutator);
    cr_assert_eq(data, &place);
    cr_assert_geq(most, 2u);
    static char name[16]; /* copied as this returns */
    strcpy(name, place);
    static char file[] = "program.scm";
    frames[0] = (gait_profile_frame){name, file, 7};
    frames[1] = (gait_profile_frame){"main", NULL, 0};
    return strcmp(place, "none") == 0 ? 0 : (strcmp(place, "deep") == 0 ? most + 5 : 2);
}

static void check_frames(const gait_profile_site *site, void *data) {
    size_t *seen = data;
    if (!site->frames || site->depth > 2)
        return;
    (*seen)++;
    cr_expect_null(site->addresses);
    cr_expect_eq(site->depth, 2u);
    cr_expect_eq(strcmp(site->frames[0].file, "program.scm"), 0);
    cr_expect_eq(site->frames[0].line, 7u);
    cr_expect_eq(strcmp(site->frames[1].function, "main"), 0);
}

Test(profile, stacks_are_the_embedders_where_it_tells_them) {
    gait_set_profile_frames(heap, tell, &place);
    gait_set_profile_rate(heap, 1);
    for (int round = 0; round < 3; round++) {
        place = "one";
        allocate(node, 16, 10, NULL);
        place = "two";
        allocate(node, 16, 20, NULL);
    }
    place = "none";
    allocate(node, 16, 5, NULL);
    cr_expect(within(sums_of(node, "one").alloc_objects, 30, 1e-9));
    cr_expect(within(sums_of(node, "two").alloc_objects, 60, 1e-9));
    cr_expect_eq(sums_of(node, "one").sites, 1u);
    size_t seen = 0;
    gait_read_profile(heap, check_frames, &seen);
    cr_expect_eq(seen, 2u);
}

/* What C functions allocate, one each, so that stacks differ. */
static __attribute__((noinline)) void allocate_here(size_t count) {
    allocate(node, 32, count, NULL);
    __asm__ volatile("");
}

static __attribute__((noinline)) void allocate_there(size_t count) {
    allocate(node, 32, count, NULL);
    __asm__ volatile("" ::: "memory");
}

struct stacks {
    size_t sites, deepest;
};

static void look_at_stack(const gait_profile_site *site, void *data) {
    struct stacks *stacks = data;
    cr_expect_not_null(site->addresses);
    cr_expect_null(site->frames);
    stacks->sites++;
    if (site->depth > stacks->deepest)
        stacks->deepest = site->depth;
}

Test(profile, else_stacks_are_of_c_functions) {
    gait_set_profile_rate(heap, 1);
    allocate_here(10);
    allocate_there(10);
    allocate_here(10);
    struct stacks stacks = {0, 0};
    gait_read_profile(heap, look_at_stack, &stacks);
    cr_expect_geq(stacks.sites, 2u);
    cr_expect_leq(stacks.sites, 3u); /* the two calls of allocate_here differ */
    cr_expect_gt(stacks.deepest, 2u);
}

/* As where nobody has said a rate, at another one than the default. */
static void begin_bounded(size_t rate_bytes) {
    AO_store(&heap->samples.bounded, 1);
    AO_store(&heap->samples.rate_bytes, rate_bytes);
}

Test(profile, samples_are_taken_less_often_where_they_cost_much) {
    begin_bounded(16384);
    allocate(leaf, 4096, 300000, NULL); /* 1.2 GB as fast as it goes */
    cr_expect_gt(mutator->sampler.stretch, 1.0);
    cr_expect(within(sums_of(leaf, NULL).alloc_bytes, 300000.0 * 4096, part_off(300000.0 * 4096)),
              "%f", sums_of(leaf, NULL).alloc_bytes);
}

Test(profile, a_rate_that_was_said_holds_whatever_it_costs) {
    gait_start_profile(heap);
    gait_set_profile_rate(heap, 16384);
    stretch_most = 1;
    allocate(leaf, 4096, 300000, NULL);
    cr_expect_eq(stretch_most, 1.0, "stretched by %f", stretch_most);
    cr_expect(within(sums_of(leaf, NULL).alloc_bytes, 300000.0 * 4096, part_off(300000.0 * 4096)),
              "%f", sums_of(leaf, NULL).alloc_bytes);
}

/* Of sixteen samples of a thread two wait, as those that are preempted do. */
static size_t wait_twice(gait_mutator *asked, gait_profile_frame *frames, size_t most, void *data) {
    int *count = data;
    (void)asked, (void)most;
    frames[0] = (gait_profile_frame){"main", NULL, 0};
    if (++*count == 8 || *count == 12)
        platform_sleep_ns(20000000);
    return 1;
}

Test(profile, samples_that_were_held_up_make_no_other_rarer) {
    int count = 0;
    gait_set_profile_frames(heap, wait_twice, &count);
    begin_bounded(65536);
    stretch_most = 1;
    while (count < 100) {
        allocate(node, 64, 128, NULL);
        for (volatile int i = 0; i < 200000; i++) /* samples are some millionths of the time */
            continue;
    }
    /* 20 ms of some 10: it would be a thousand; a few, if a third one was preempted beside them */
    cr_expect_lt(stretch_most, 64.0, "stretched by %f", stretch_most);
}

Test(profile, what_the_program_frees_is_not_live) {
    gait_set_profile_rate(heap, 1);
    gait_word *freed = gait_alloc(mutator, node, 48);
    gait_word kept = (gait_word)(uintptr_t)gait_alloc(mutator, leaf, 48);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    gait_free(mutator, freed);
    gait_set_profile_rate(heap, 0);
    /* other objects lie where it lay, and live */
    allocate(node, 48, 1000, &kept);
    gait_collect(mutator);
    cr_expect(within(sums_of(node, NULL).alloc_objects, 1, 1e-9));
    cr_expect_eq(sums_of(node, NULL).live_objects, 0.0);
    gait_pop_frame(mutator);
}

Test(profile, sampling_begins_as_somebody_asks) {
    cr_expect_eq(gait_profile_rate(heap), 0u);
    cr_expect_eq(gait_start_profile(heap), GAIT_PROFILE_RATE_BYTES);
    cr_expect_eq(gait_profile_rate(heap), GAIT_PROFILE_RATE_BYTES);
    gait_set_profile_rate(heap, 4096);
    cr_expect_eq(gait_start_profile(heap), 4096u);
}

Test(profile, a_rate_of_0_that_was_said_stays) {
    gait_set_profile_rate(heap, 0);
    cr_expect_eq(gait_start_profile(heap), 0u);
    allocate(node, 48, 100000, NULL);
    cr_expect_eq(sums_of(node, NULL).sites, 0u);
    gait_start_profile(heap);
    gait_set_profile_rate(heap, 0);
    cr_expect_eq(gait_start_profile(heap), 0u);
}
