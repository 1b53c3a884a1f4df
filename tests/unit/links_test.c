/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/links: which words are cleared when, and which links end.
 */
#include "bare_heap.h"
#include "mark/finalizers.h"
#include "mark/links.h"
#include "mark/weak.h"

#define ALL (~(gait_word)0)
#define HIDDEN(object) (~bare_ref(object))

static struct finalizers finalizers;
static struct links links;
static AO_t pending;

static void open_all(void) {
    bare_open(ALL);
    cr_assert_eq(finalizers_init(&finalizers, &bare.space.metadata_bytes, &pending), 0);
    cr_assert_eq(links_init(&links, &bare.space.metadata_bytes), 0);
}

static void close_all(void) {
    links_destroy(&links);
    finalizers_destroy(&finalizers);
    bare_close();
}

TestSuite(links, .init = open_all, .fini = close_all);

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object, (void)data;
}

static void set_finalizer(void *object, uint32_t flags) {
    struct finalizer_setting setting = {finalize, NULL, flags}, old;
    cr_assert_eq(finalizers_set(&finalizers, object, &setting, &old), 0);
}

/* A cycle up to where sweeping would open. */
static void cycle(const gait_word *roots, size_t count) {
    marker_begin(&bare.marker);
    finalizers_push(&finalizers, &bare.marker);
    marker_end(&bare.marker);
    bare_mark(roots, count);
    bare_flip();
    weak_settle(&bare.space, ALL);
    links_clear_short(&links, &bare.space);
    finalizers_settle(&finalizers, &bare.marker);
    links_clear_long(&links, &bare.space);
}

/* The same as the world is stopped for it, and there are early links. */
static void cycle_stopped(const gait_word *roots, size_t count) {
    marker_begin(&bare.marker);
    finalizers_push_queued(&finalizers, &bare.marker);
    marker_end(&bare.marker);
    bare_mark(roots, count);
    marker_begin(&bare.marker);
    links_clear_early(&links, &bare.space);
    finalizers_push(&finalizers, &bare.marker);
    marker_end(&bare.marker);
    bare_mark(NULL, 0);
    bare_flip();
    links_clear_short(&links, &bare.space);
    finalizers_settle(&finalizers, &bare.marker);
    links_clear_long(&links, &bare.space);
}

static uintptr_t target_of(const gait_word *slot, bool is_long) {
    bool undecided;
    uintptr_t target = links_target(&links, &bare.space, slot, is_long, &undecided);
    cr_assert_not(undecided);
    return target;
}

/* What sweeping does to the bits: another cycle can be made. */
static void sweep(void) {
    size_t pages = AO_load(&bare.space.extent_bytes) >> PAGE_SHIFT;
    unsigned side = ~space_epoch(&bare.space) & 1;
    for (size_t page = 0; page < pages; page++)
        for (unsigned i = 0; i < BITS_WORDS / 2; i++)
            space_bits(&bare.space, page)[2 * i + side] = 0;
}

Test(links, a_word_anywhere_is_cleared_when_its_target_dies) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *live = bare_alloc(leaf, 16), *dead = bare_alloc(leaf, 16);
    gait_word *holder = bare_alloc(leaf, 32), slots[4];
    static gait_word fixed;
    slots[0] = bare_ref(dead);
    slots[1] = bare_ref(live);
    slots[2] = HIDDEN(dead);
    slots[3] = 42; /* what it holds is not looked at */
    fixed = bare_ref(dead);
    holder[1] = HIDDEN(dead);
    holder[2] = HIDDEN(live);
    cr_assert_eq(links_set(&links, &slots[0], false, dead), 0);
    cr_assert_eq(links_set(&links, &slots[1], false, live), 0);
    cr_assert_eq(links_set(&links, &slots[2], true, dead), 0);
    cr_assert_eq(links_set(&links, &slots[3], false, dead), 0);
    cr_assert_eq(links_set(&links, &fixed, false, dead), 0);
    cr_assert_eq(links_set(&links, &holder[1], true, dead), 0);
    cr_assert_eq(links_set(&links, &holder[2], false, live), 0);
    cr_assert_eq(target_of(&slots[3], false), bare_ref(dead));
    gait_word roots[] = {bare_ref(live), bare_ref(holder)};
    cycle(roots, 2);
    gait_word after[] = {0, bare_ref(live), 0, 0};
    cr_assert_arr_eq(slots, after, sizeof after);
    cr_assert(fixed == 0 && holder[1] == 0 && holder[2] == HIDDEN(live));
    cr_assert_eq(AO_load(&links.count), 2u);
    cr_assert(target_of(&slots[1], false) == bare_ref(live) && !target_of(&slots[3], false));
    cr_assert_eq(links_remove(&links, &slots[3], false), GAIT_E_MISSING);
}

Test(links, a_link_ends_with_the_object_that_its_slot_lies_in) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *live = bare_alloc(leaf, 16), *holder = bare_alloc(leaf, 16);
    gait_word *large = bare_alloc(leaf, 100000);
    holder[1] = large[10000] = bare_ref(live);
    links_set(&links, &holder[1], false, live);
    links_set(&links, &holder[0], true, live);
    links_set(&links, &large[10000], true, live);
    gait_word root = bare_ref(live);
    cycle(&root, 1);
    cr_assert_eq(AO_load(&links.count), 0u);
    cr_assert_eq(links.pool.count, 0u);
    /* its memory is nobody's: it is left as it is */
    cr_assert(holder[1] == bare_ref(live) && large[10000] == bare_ref(live));
}

static size_t run_queued(void) {
    struct finalizer_job job;
    size_t ran = 0;
    while (finalizers_take(&finalizers, &job))
        ran++;
    return ran;
}

Test(links, an_early_one_breaks_a_cycle_of_ordered_finalizers) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *one = bare_alloc(refs, 16), *other = bare_alloc(refs, 16), root = 0;
    set_finalizer(one, 0);
    set_finalizer(other, 0);
    one[0] = bare_ref(other);
    other[0] = bare_ref(one);
    links_set(&links, &other[0], false, one); /* a short one does not */
    cycle_stopped(&root, 1);
    sweep();
    cr_assert(other[0] == bare_ref(one) && run_queued() == 0);
    links_set_early(&links, &other[0], one);
    cr_assert_eq(AO_load(&links.early), 1u);
    cycle_stopped(&root, 1);
    sweep();
    cr_assert(other[0] == 0 && AO_load(&links.count) == 0 && AO_load(&links.early) == 0);
    cr_assert_eq(run_queued(), 1u);
    cycle_stopped(&root, 1);
    cr_assert_eq(run_queued(), 1u);
}

Test(links, early_ones_go_with_what_finalizers_alone_keep) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *parent = bare_alloc(refs, 16), *child = bare_alloc(refs, 16), slots[3], root = 0;
    gait_word *queued = bare_alloc(refs, 16), *held = bare_alloc(refs, 16);
    for (int i = 0; i < 3; i++)
        slots[i] = bare_ref(child);
    set_finalizer(parent, 0);
    set_finalizer(queued, 0);
    parent[0] = bare_ref(child);
    queued[0] = bare_ref(held);
    links_set_early(&links, &slots[0], child);
    links_set(&links, &slots[1], false, child);
    links_set_early(&links, &slots[2], child);
    links_set(&links, &slots[2], false, child); /* no longer an early one */
    gait_word kept = bare_ref(parent);
    cycle_stopped(&kept, 1);
    sweep();
    cr_assert(slots[0] && slots[1] && run_queued() == 0 + 1); /* of queued */
    set_finalizer(queued, 0);
    cycle_stopped(&root, 1); /* both are queued now, and roots */
    sweep();
    cr_assert(!slots[0] && slots[1] && slots[2]);
    links_set_early(&links, &slots[0], held);
    cycle_stopped(&root, 1);
    cr_assert(slots[0] == 0 || target_of(&slots[0], false) == bare_ref(held));
    cr_assert_eq(AO_load(&links.early), 1u);
}

Test(links, short_ones_are_cleared_before_a_finalizer_and_long_ones_after) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *ordered = bare_alloc(refs, 16), *unordered = bare_alloc(refs, 16);
    gait_word *child = bare_alloc(refs, 16), slots[3];
    unordered[0] = bare_ref(child);
    child[0] = bare_ref(unordered);
    gait_word *targets[] = {ordered, unordered, child};
    for (size_t i = 0; i < 3; i++) {
        slots[i] = HIDDEN(targets[i]);
        links_set(&links, &slots[i], false, targets[i]);
    }
    set_finalizer(ordered, 0);
    set_finalizer(unordered, GAIT_FINALIZER_UNORDERED);
    gait_word kept[3];
    for (size_t i = 0; i < 3; i++) {
        kept[i] = HIDDEN(targets[i]);
        links_set(&links, &kept[i], true, targets[i]);
        links_set(&links, &slots[i], true, targets[i]); /* of one slot both */
    }
    cycle(NULL, 0);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(slots[i], 0u);
        cr_assert_eq(kept[i], HIDDEN(targets[i]));
        cr_assert_eq(target_of(&kept[i], true), bare_ref(targets[i]));
        cr_assert(!target_of(&slots[i], false) && target_of(&slots[i], true));
    }
    sweep();
    struct finalizer_job job;
    while (finalizers_take(&finalizers, &job))
        ;
    cycle(NULL, 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(kept[i], 0u);
    cr_assert_eq(links.pool.count, 0u);
}

/* A holder that is dead as short links are cleared may come back: its word must be clear then. */
Test(links, slots_of_what_comes_back) {
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *finalized = bare_alloc(refs, 16), *holder = bare_alloc(leaf, 32);
    gait_word *dead = bare_alloc(leaf, 16), *live = bare_alloc(leaf, 16);
    finalized[0] = bare_ref(holder);
    set_finalizer(finalized, GAIT_FINALIZER_UNORDERED);
    holder[0] = holder[2] = bare_ref(dead);
    holder[1] = bare_ref(live);
    links_set(&links, &holder[0], false, dead);
    links_set(&links, &holder[1], false, live);
    links_set(&links, &holder[2], true, dead);
    gait_word root = bare_ref(live);
    cycle(&root, 1);
    cr_assert(bare_is_allocated(holder));
    cr_assert(holder[0] == 0 && holder[1] == bare_ref(live) && holder[2] == 0);
    cr_assert_eq(AO_load(&links.count), 1u);
}

/* Between flip and decision a long link's object may be about to come back: nobody says no. */
Test(links, a_long_link_is_undecided_until_all_has_come_back) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 16), slot = 1, other = 1;
    bool undecided;
    set_finalizer(object, 0);
    links_set(&links, &slot, true, object);
    links_set(&links, &other, false, object);
    bare_mark(NULL, 0);
    bare_flip();
    cr_assert_eq(links_target(&links, &bare.space, &slot, true, &undecided), 0u);
    cr_assert(undecided);
    cr_assert_eq(links_target(&links, &bare.space, &other, false, &undecided), 0u);
    cr_assert_not(undecided);
    links_clear_short(&links, &bare.space);
    finalizers_settle(&finalizers, &bare.marker);
    links_clear_long(&links, &bare.space);
    cr_assert_eq(target_of(&slot, true), bare_ref(object));
    cr_assert_eq(target_of(&other, false), 0u);
}

Test(links, a_cleared_word_is_what_the_kind_of_its_object_says) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_kind_info info = {.name = "table", .layout = GAIT_LEAF, .cleared = 9};
    gait_word *holder = bare_alloc((unsigned)kinds_register(&bare.kinds, &info), 32);
    gait_word *dead = bare_alloc(leaf, 16);
    links_set(&links, &holder[0], false, dead);
    links_set(&links, &holder[1], true, dead);
    gait_word root = bare_ref(holder);
    cycle(&root, 1);
    cr_assert(holder[0] == 9 && holder[1] == 9 && holder[2] == 0);
}

Test(links, are_replaced_moved_and_removed) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *one = bare_alloc(leaf, 16), *other = bare_alloc(leaf, 16), slots[3] = {1, 2, 3};
    links_set(&links, &slots[0], false, one);
    links_set(&links, &slots[0], false, other);
    cr_assert_eq(AO_load(&links.count), 1u);
    cr_assert_eq(links_move(&links, &slots[1], &slots[2], false), GAIT_E_MISSING);
    cr_assert_eq(links_move(&links, &slots[0], &slots[1], true), GAIT_E_MISSING);
    cr_assert_eq(links_move(&links, &slots[0], &slots[1], false), 0);
    links_set(&links, &slots[0], false, one);
    cr_assert_eq(links_move(&links, &slots[0], &slots[1], false), GAIT_E_INVALID);
    links_set(&links, &slots[2], true, one);
    cr_assert_eq(links_remove(&links, &slots[2], false), GAIT_E_MISSING);
    cr_assert_eq(links_remove(&links, &slots[2], true), 0);
    gait_word root = bare_ref(one);
    cycle(&root, 1);
    cr_assert(slots[0] == 1 && slots[1] == 0 && slots[2] == 3);
}

/* The time of a cycle grows with the links, not with their square: else this takes minutes. */
Test(links, many, .timeout = 60) {
    enum { COUNT = 200000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *slots = calloc(COUNT, sizeof *slots), *roots = calloc(COUNT, sizeof *roots);
    size_t count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        slots[i] = bare_ref(bare_alloc(leaf, 16));
        links_set(&links, &slots[i], i % 2, (void *)slots[i]);
        if (i % 3 == 0)
            roots[count++] = slots[i];
    }
    cycle(roots, count);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(slots[i] != 0, i % 3 == 0);
    cr_assert_eq(AO_load(&links.count), count);
    for (size_t i = 0; i < COUNT; i += 3)
        cr_assert_eq(links_remove(&links, &slots[i], i % 2), 0);
    cr_assert(links.pool.count == 0 && links.map.count == 0);
    free(slots);
    free(roots);
}
