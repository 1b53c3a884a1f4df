/* SPDX-License-Identifier: MIT */
/*
 * What becomes of memory that freed arenas had, while their addresses wait: when it is out of
 * reach, when it asks for a cycle, when the OS gets it back. And arenas in heaps that mark with the
 * program stopped. docs/design/arenas.md.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <string.h>
#include <unistd.h>

#include "api/arenas.h"
#include "cells.h"
#include "platform/platform.h"

#define MIB ((size_t)1 << 20)

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs, weak, pairs;
static gait_word held[4]; /* this thread's roots */
static struct gait_frame frame;

static gait_kind kind_of(gait_layout layout) {
    gait_kind_info info = {.name = "kind", .layout = layout};
    return (gait_kind)gait_kind_register(heap, &info);
}

static void open_heap(uint32_t flags, const char *gogc, const char *limit, const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.gogc = gogc;
    config.memory_limit = limit;
    config.debug = debug;
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF);
    refs = kind_of(GAIT_REFS);
    weak = kind_of(GAIT_WEAK);
    pairs = kind_of(GAIT_EPHEMERON);
    memset(held, 0, sizeof held);
    gait_push_frame(mutator, &frame, held, 4);
}

static void close_heap(void) {
    gait_pop_frame(mutator);
    gait_detach(mutator);
    space_check(&heap->space);
    gait_heap_destroy(heap);
}

TestSuite(arena_quarantine, .timeout = 60);

static gait_arena *arena_new(uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = flags;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    return arena;
}

static struct arena *record_of(const void *address) {
    return arenas_of(&heap->space, (uintptr_t)address);
}

static size_t quarantined(void) { return AO_load(&heap->arenas.quarantined_bytes); }
static bool is_asked(void) { return AO_int_load_acquire(&heap->collector.due); }

/* Would a read of this address fault? */
static bool is_inaccessible(const void *address) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool faults = write(ends[1], address, 1) < 0;
    close(ends[0]);
    close(ends[1]);
    return faults;
}

/* An arena with pieces of 1 MiB each, which nobody has touched. */
enum { PIECES_MOST = 160 };
static char *pieces[PIECES_MOST];
static gait_arena *arena_of_pieces(size_t count) {
    gait_arena *arena = arena_new(GAIT_ARENA_PINNED);
    for (size_t i = 0; i < count; i++) {
        pieces[i] = gait_arena_alloc(mutator, arena, MIB, 8);
        cr_assert_not_null(pieces[i]);
    }
    return arena;
}

static size_t accessible(size_t count) {
    size_t open = 0;
    for (size_t i = 0; i < count; i++)
        open += !is_inaccessible(pieces[i]);
    return open;
}

/* ---- Out of reach ---- */

/* Keep the scavenger from an arena, as if some other thread were at its chunks. */
static void arena_keep(struct arena *record, bool busy) {
    lock_acquire(&heap->arenas.lock);
    record->busy = busy;
    lock_release(&heap->arenas.lock);
}

Test(arena_quarantine, the_first_part_is_shut_at_once_and_the_rest_by_the_scavenger) {
    open_heap(0, "off", "off", NULL);
    gait_arena *arena = arena_of_pieces(48);
    struct arena *record = record_of(arena);
    cr_assert(arenas_end(&heap->arenas, record, false, "here"));
    arena_keep(record, true);
    cr_assert(arenas_retire(&heap->arenas, record, heap->arenas.hooks.close(record)));
    cr_assert(is_inaccessible(arena));
    size_t open = AO_load(&heap->arenas.open_bytes), all = quarantined();
    cr_assert_leq(all - open, 32 * MIB);
    cr_assert_gt(all - open, 30 * MIB);
    cr_assert_eq(accessible(48) * MIB / (4 * MIB), open / (4 * MIB));
    arena_keep(record, false);
    collector_quarantined(heap, true);
    while (AO_load(&heap->arenas.open_bytes) > 0)
        platform_yield();
    cr_assert_eq(accessible(48), 0);
    cr_assert_eq(quarantined(), all);
    close_heap();
}

/* Also in a heap that has had no cycle, and asks for none. */
Test(arena_quarantine, all_is_shut_soon) {
    open_heap(0, "100", "off", NULL);
    gait_arena_free(mutator, arena_of_pieces(48));
    while (AO_load(&heap->arenas.open_bytes) > 0)
        platform_yield();
    cr_assert_eq(accessible(48), 0);
    cr_assert_not(is_asked());
    close_heap();
}

/* ---- How much waits ---- */

Test(arena_quarantine, much_of_it_asks_for_a_cycle) {
    open_heap(0, "100", "off", NULL);
    gait_arena_free(mutator, arena_of_pieces(30));
    gait_arena_free(mutator, arena_of_pieces(30));
    cr_assert_leq(quarantined(), 64 * MIB);
    cr_assert_not(is_asked());
    gait_arena_free(mutator, arena_of_pieces(8));
    while (AO_load(&heap->arenas.quarantined) > 0) { /* a cycle comes, and ends them */
        gait_poll(mutator);
        platform_yield();
    }
    cr_assert_eq(quarantined(), 0);
    close_heap();
}

Test(arena_quarantine, more_may_wait_beside_a_large_heap) {
    open_heap(0, "off", "off", NULL);
    cr_assert_eq(control_quarantine_bytes(&heap->control), 64 * MIB);
    held[0] = (gait_word)gait_alloc(mutator, leaf, 180 * MIB);
    cr_assert_neq(held[0], 0);
    gait_collect(mutator);
    size_t budget = control_quarantine_bytes(&heap->control);
    cr_assert_geq(budget, 90 * MIB);
    cr_assert_leq(budget, 91 * MIB);
    unsigned ended = AO_int_load_acquire(&heap->collector.ended);
    gait_arena_free(mutator, arena_of_pieces(80));
    cr_assert_not(is_asked());
    gait_arena_free(mutator, arena_of_pieces(16));
    while (AO_int_load_acquire(&heap->collector.ended) == ended) {
        gait_poll(mutator);
        platform_yield();
    }
    held[0] = 0;
    close_heap();
}

/* A cycle is late as long as this thread answers none of its requests. */
Test(arena_quarantine, twice_as_much_goes_to_the_os_where_no_cycle_comes) {
    open_heap(0, "off", "off", NULL);
    gait_arena_free(mutator, arena_of_pieces(140)); /* asks for one */
    cr_assert_gt(quarantined() + 20 * MIB, 64 * MIB);
    while (quarantined() > 128 * MIB)
        platform_yield();
    cr_assert_gt(quarantined(), 120 * MIB);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 1); /* its addresses wait */
    cr_assert_eq(accessible(140), 0);
    close_heap();
}

/* ---- Under a limit ---- */

Test(arena_quarantine, growth_at_a_limit_takes_it_first) {
    open_heap(0, "off", "64MiB", NULL);
    gait_arena *arena = arena_of_pieces(30);
    struct arena *record = record_of(arena);
    gait_arena_free(mutator, arena);
    size_t all = quarantined(), counted = AO_load(&heap->space.arena_bytes);
    control_before_grow(&heap->control, 20 * MIB); /* there is room */
    cr_assert_eq(quarantined(), all);
    control_before_grow(&heap->control, 50 * MIB);
    size_t given = all - quarantined();
    cr_assert_geq(given, 16 * MIB);
    cr_assert_lt(given, 22 * MIB);
    cr_assert_eq(AO_load(&heap->space.arena_bytes), counted - given);
    cr_assert_eq(arena_state(record), ARENA_FREED);
    cr_assert_eq(record_of(pieces[0]), record);
    cr_assert_eq(accessible(30), 0);
    close_heap();
}

Test(arena_quarantine, who_makes_room_takes_it_first) {
    open_heap(0, "off", "off", NULL);
    gait_arena_free(mutator, arena_of_pieces(30));
    size_t all = quarantined();
    scavenger_give_back(heap, 4 * MIB);
    cr_assert_eq(quarantined(), all); /* not without a limit */
    control_set(&heap->control, GAIT_SETTING_LIMIT, (int64_t)(16 * MIB), true);
    scavenger_give_back(heap, 4 * MIB); /* the scavenger may be at it as well */
    cr_assert_leq(quarantined(), all - 4 * MIB);
    cr_assert_gt(quarantined(), 4 * MIB);
    cr_assert_eq(accessible(30), 0);
    close_heap();
}

/* An allocation of pages, as programs make it. */
Test(arena_quarantine, allocation_at_a_limit_takes_it) {
    open_heap(0, "off", "64MiB", NULL);
    gait_arena_free(mutator, arena_of_pieces(40));
    gait_arena *arena = arena_of_pieces(40);
    /* if the scavenger was at its chunks meanwhile, it goes on to give back what is above */
    while (control_total_bytes(&heap->control) > 64 * MIB)
        platform_yield();
    gait_arena_free(mutator, arena);
    close_heap();
}

/* ---- What is referred to ---- */

Test(arena_quarantine, a_reference_keeps_record_and_addresses) {
    open_heap(0, "off", "off", NULL);
    gait_arena *arena = arena_new(GAIT_ARENA_TRACED);
    gait_word *object = gait_arena_new(mutator, arena, refs, 64);
    for (unsigned i = 0; i < 8; i++)
        pieces[i] = gait_arena_alloc(mutator, arena, MIB, 8);
    struct arena *record = record_of(arena);
    uint32_t index = record->index;
    held[0] = (gait_word)(pieces[5] + 104);
    held[1] = object[0] = (gait_word)gait_alloc(mutator, leaf, 64);
    gait_arena_free(mutator, arena);
    for (unsigned cycle = 0; cycle < 3; cycle++) {
        gait_collect(mutator);
        cr_assert_eq(quarantined(), 0, "its memory is the OS's");
        cr_assert_eq(AO_load(&heap->arenas.quarantined), 1);
        cr_assert_eq(arena_state(record), ARENA_FREED);
        for (unsigned i = 0; i < 8; i++)
            cr_assert_eq(record_of(pieces[i]), record);
        gait_arena *next = arena_new(GAIT_ARENA_PINNED);
        cr_assert_neq(record_of(next)->index, index);
        for (unsigned i = 0; i < 8; i++) {
            char *fresh = gait_arena_alloc(mutator, next, MIB, 8);
            for (unsigned j = 0; j < 8; j++)
                cr_assert(fresh + MIB <= pieces[j] || fresh >= pieces[j] + MIB);
        }
        gait_arena_free(mutator, next);
    }
    cr_assert_eq(accessible(8), 0);
    held[0] = 0;
    gait_collect(mutator);
    gait_collect(mutator);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
    bool again = false; /* somebody gets them */
    arena = arena_new(GAIT_ARENA_PINNED);
    for (unsigned i = 0; i < 1000 && !again; i++) {
        const char *fresh = gait_arena_alloc(mutator, arena, MIB, 8);
        again |= fresh < pieces[5] + MIB && fresh + MIB > pieces[5];
    }
    cr_assert(again);
    gait_arena_free(mutator, arena);
    close_heap();
}

/* ---- Traced ones in every kind of heap ---- */

static bool is_kept(gait_word object) { return object_lives(heap, object); }

static gait_word object_in(gait_arena *arena) {
    held[3] = (gait_word)gait_alloc(mutator, leaf, 64);
    gait_word *slot = gait_arena_new(mutator, arena, refs, 64);
    gait_word object = slot[1] = held[3];
    held[3] = 0;
    return object;
}

static void reset_free_and_leak(void) {
    gait_arena *arena = arena_new(GAIT_ARENA_TRACED);
    held[0] = (gait_word)arena;
    gait_word first = object_in(arena);
    gait_collect(mutator);
    cr_assert(is_kept(first), "an arena refers to it");
    gait_arena_reset(mutator, arena);
    gait_word second = object_in(arena);
    gait_collect(mutator);
    cr_assert_not(is_kept(first), "it was reset");
    cr_assert(is_kept(second));
    gait_arena_free(mutator, arena);
    held[0] = 0;
    gait_collect(mutator);
    gait_collect(mutator);
    cr_assert_not(is_kept(second));
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);

    /* the heap refers to the arena, and it to the heap */
    held[1] = (gait_word)gait_alloc(mutator, refs, 16);
    arena = arena_new(GAIT_ARENA_TRACED);
    gait_store(mutator, (gait_word *)held[1], (gait_word)gait_arena_new(mutator, arena, refs, 32));
    gait_word third = object_in(arena);
    struct arena *record = record_of(arena);
    for (unsigned i = 0; i < 3; i++)
        gait_collect(mutator);
    cr_assert_eq(arena_state(record), ARENA_LIVE);
    cr_assert(is_kept(third));
    gait_word owner = held[1]; /* a ring through both */
    gait_word *slot = gait_arena_new(mutator, arena, refs, 32);
    slot[0] = owner;
    held[1] = 0;
    gait_collect(mutator);
    gait_collect(mutator);
    cr_assert_not(is_kept(owner));
    cr_assert_not(is_kept(third));
    cr_assert_eq(AO_load(&heap->arenas.leaked), 1);
    cr_assert_eq(AO_load(&heap->arenas.live), 0);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
}

static void in_a_heap(uint32_t flags, const char *debug) {
    open_heap(flags, "off", "off", debug);
    reset_free_and_leak();
    close_heap();
}

Test(arena_quarantine, traced_ones_beside_marking) { in_a_heap(0, "gccheckmark=1,clobberfree=1"); }
Test(arena_quarantine, traced_ones_without_barriers) {
    in_a_heap(GAIT_STOP_THE_WORLD, "clobberfree=1");
}
Test(arena_quarantine, traced_ones_as_marking_stops_the_program) {
    in_a_heap(0, "gcstoptheworld=1,gccheckmark=1,clobberfree=1");
}
Test(arena_quarantine, traced_ones_as_sweeping_does_so_too) {
    in_a_heap(0, "gcstoptheworld=2,gccheckmark=1,clobberfree=1");
}

/* ---- Weak words and pairs of pinned ones ---- */

static void weak_words_and_keys(uint32_t flags) {
    open_heap(0, "off", "off", "gccheckmark=1,clobberfree=1");
    gait_arena *arena = arena_new(GAIT_ARENA_PINNED | flags);
    gait_word place = (gait_word)gait_arena_new(mutator, arena, refs, 64);
    held[0] = (gait_word)gait_alloc(mutator, weak, 16);
    held[1] = (gait_word)gait_alloc(mutator, pairs, 32);
    gait_weak_set(mutator, (gait_word *)held[0], place);
    held[2] = (gait_word)gait_alloc(mutator, leaf, 64);
    gait_word value = held[2];
    gait_ephemeron_set(mutator, (gait_word *)held[1], place, value);
    held[2] = 0;
    gait_word inner = flags & GAIT_ARENA_TRACED ? object_in(arena) : 0;
    for (unsigned i = 0; i < 3; i++) { /* nothing refers to it: it is a root itself */
        cr_assert(!inner || is_kept(inner));
        gait_collect(mutator);
        cr_assert_eq(gait_weak_get(mutator, (gait_word *)held[0]), place);
        cr_assert_eq(gait_ephemeron_get(mutator, (gait_word *)held[1]), value);
        cr_assert(is_kept(value));
    }
    gait_arena_free(mutator, arena);
    cr_assert_eq(gait_weak_get(mutator, (gait_word *)held[0]), 0);
    cr_assert_eq(gait_ephemeron_get(mutator, (gait_word *)held[1]), 0);
    gait_collect(mutator);
    gait_collect(mutator);
    cr_assert_not(is_kept(value));
    cr_assert_eq(*(gait_word *)held[0], 0);
    cr_assert_eq(*(gait_word *)held[1], 0);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
    close_heap();
}

Test(arena_quarantine, weak_words_and_keys_of_pinned_ones) { weak_words_and_keys(0); }
Test(arena_quarantine, and_of_traced_pinned_ones) { weak_words_and_keys(GAIT_ARENA_TRACED); }
