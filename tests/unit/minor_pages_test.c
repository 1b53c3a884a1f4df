/* SPDX-License-Identifier: MIT */
/*
 * Minor cycles of a program that stores plainly: what it has stored to old objects is found by the
 * pages that the kernel saw written, and what can't be known makes a cycle full, or has it look at
 * more. docs/design/minor.md, By pages.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/gait.h>
#include <gait/stats.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cells.h"
#include "instance.h"
#include "minor_cycle.h"

#define WORDS 8
/* Of an object which shares no page with what is left of its run, whose cards are dirty. */
#define WORDS_APART 4000
#define LARGE_WORDS 100000

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs, conservative, pairs;
static gait_word slots[4]; /* static ones */

static gait_kind kind_of(gait_layout layout) {
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = "kind", .layout = layout});
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

/* An object that nothing but what the caller does keeps alive. */
static gait_word new_object(gait_kind kind, size_t words) {
    void *object = gait_alloc(mutator, kind, words * sizeof(gait_word));
    cr_assert_not_null(object);
    return (gait_word)object;
}

static gait_word new_young(size_t words) { return new_object(leaf, words); }

static bool lives(gait_word object) { return object_lives(heap, object); }

static void open_heap_as(const char *debug, const char *minor) {
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_STOP_THE_WORLD;
    config.gogc = "off";
    config.memory_limit = "off";
    config.minor = minor;
    config.debug = debug;
    char error[200];
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF);
    refs = kind_of(GAIT_REFS);
    conservative = kind_of(GAIT_CONSERVATIVE);
    pairs = kind_of(GAIT_EPHEMERON);
    memset(slots, 0, sizeof slots);
    cr_assert_eq(gait_roots_add(mutator, slots, 4), 0);
}

static void open_heap(void) {
    open_heap_as("gcminor=1000,gccheckmark=1,clobberfree=1", "on");
    gait_collect(mutator);
    slots[0] = new_object(refs, WORDS);
    gait_collect(mutator);
    if (!heap->space.keeps)
        cr_skip_test("the kernel does not tell");
}

static void close_heap(void) { gait_heap_destroy(heap); }

/* A slot holds an object of a kind, and a full cycle has found it. */
static gait_word *old_object(gait_kind kind, size_t words) {
    slots[0] = new_object(kind, words);
    gait_collect(mutator);
    cr_assert(heap->space.keeps);
    return (gait_word *)slots[0];
}

Test(minor_pages, what_dies_young_is_freed_and_what_dies_old_stays_until_a_full_cycle) {
    open_heap();
    gait_word old = (gait_word)old_object(refs, WORDS), young = new_young(20);
    slots[0] = 0;
    minor_cycle(heap, mutator);
    cr_assert(lives(old));
    cr_assert_not(lives(young));
    gait_collect(mutator);
    cr_assert_not(lives(old));
    close_heap();
}

/** A plain store to an old object of each layout, small and large, on each of its pages, also
 * again in the cycle after: the page was watched anew. */
Test(minor_pages, a_plain_store_to_an_old_object_is_found) {
    open_heap();
    const gait_kind kinds[] = {refs, conservative};
    const size_t words[] = {WORDS_APART, LARGE_WORDS};
    for (size_t i = 0; i < 4; i++)
        for (size_t part = 0; part < 5; part++) {
            size_t count = words[i / 2];
            volatile gait_word *object = old_object(kinds[i % 2], count);
            gait_word first = new_young(20), second;
            object[part * (count - 1) / 4] = first;
            minor_cycle(heap, mutator);
            cr_expect(lives(first), "object %zu, part %zu", i, part);
            second = new_young(20);
            object[part * (count - 1) / 4] = second;
            minor_cycle(heap, mutator);
            cr_expect(lives(second), "object %zu, part %zu, again", i, part);
            minor_cycle(heap, mutator); /* old, it needs nothing any more */
            cr_expect(lives(second), "object %zu, part %zu, old", i, part);
        }
    close_heap();
}

/** What was left of a run as a cycle ended counts as old, and is initialised later. */
Test(minor_pages, what_is_born_in_what_was_left_of_a_run_is_looked_at) {
    open_heap();
    for (size_t words = 2; words < 200; words += 7) {
        slots[1] = new_object(refs, words); /* leaves a run */
        gait_collect(mutator);
        gait_word *born = (gait_word *)new_object(refs, words);
        born[words - 1] = new_young(30);
        slots[2] = (gait_word)born;
        gait_word young = born[words - 1];
        minor_cycle(heap, mutator);
        cr_expect(lives(young), "%zu words", words);
    }
    close_heap();
}

Test(minor_pages, roots_are_looked_at_whatever_was_stored_to_them) {
    open_heap();
    gait_handle *handle = gait_handle_new(mutator, 0);
    old_object(refs, WORDS);
    gait_word in_slot = new_young(20), in_handle = new_young(20);
    slots[3] = in_slot;
    gait_handle_set(mutator, handle, in_handle);
    minor_cycle(heap, mutator);
    cr_assert(lives(in_slot) && lives(in_handle));
    gait_handle_free(mutator, handle);
    close_heap();
}

Test(minor_pages, a_pair_whose_value_was_stored_keeps_it_while_its_key_lives) {
    open_heap();
    gait_word *pair = old_object(pairs, WORDS_APART);
    gait_word key = new_young(20), value = new_young(30);
    pair[WORDS_APART / 2] = key;
    pair[WORDS_APART / 2 + 1] = value;
    slots[1] = key;
    minor_cycle(heap, mutator);
    cr_assert(lives(key) && lives(value));
    close_heap();
}

/** By plain stores, half of the heap at a time, again and again. */
Test(minor_pages, lists_that_change_all_over_stay_whole) {
    open_heap();
    enum { ROWS = 300, ROUNDS = 12 };
    gait_word *table = old_object(refs, ROWS);
    for (uintptr_t round = 0; round < ROUNDS; round++) {
        for (size_t row = round % 2; row < ROWS; row += 2) {
            gait_word *node = (gait_word *)new_object(refs, 3);
            node[0] = table[row];
            node[1] = round;
            table[row] = (gait_word)node;
        }
        minor_cycle(heap, mutator);
        if (round % 5 == 4)
            gait_collect(mutator);
    }
    for (size_t row = 0; row < ROWS; row++) {
        size_t length = 0;
        for (const gait_word *node = (gait_word *)table[row]; node; node = (gait_word *)node[0])
            cr_assert_eq(node[1], ROUNDS - 2 - 2 * length++ + row % 2);
        cr_assert_eq(length, ROUNDS / 2);
    }
    close_heap();
}

/* ---- What can't be known ---- */

Test(minor_pages, a_cycle_that_can_not_look_looks_at_all) {
    open_heap();
    gait_word *object = old_object(refs, LARGE_WORDS);
    gait_word young = new_young(20);
    object[LARGE_WORDS / 2] = young;
    struct rlimit limit, none;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    close(heap->written.watch.pages.number);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    minor_cycle(heap, mutator);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert(lives(young));
    cr_assert_not(heap->space.keeps, "nothing could be watched");
    gait_collect(mutator);
    cr_assert(heap->space.keeps, "it was lost for good");
    close_heap();
}

Test(minor_pages, a_heap_whose_descriptor_was_closed_goes_on) {
    open_heap();
    gait_word *object = old_object(refs, LARGE_WORDS);
    close(heap->written.watch.faults.number);
    gait_word young = new_young(20);
    object[LARGE_WORDS / 2] = young;
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
    young = new_young(20);
    object[LARGE_WORDS / 2] = young;
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
    close_heap();
}

/** Nobody watches a child's memory: what it stored before its first cycle is found all the same. */
Test(minor_pages, a_child_loses_nothing) {
    open_heap();
    gait_word *object = old_object(refs, LARGE_WORDS);
    pid_t child = fork();
    if (child == 0) {
        bool whole = true;
        for (size_t i = 0; i < 3; i++) {
            gait_word young = new_young(20);
            object[LARGE_WORDS / 2] = young;
            minor_cycle(heap, mutator);
            whole &= lives(young);
        }
        _exit(whole && heap->space.keeps ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    gait_word young = new_young(20);
    object[LARGE_WORDS / 2] = young;
    minor_cycle(heap, mutator);
    cr_assert(lives(young), "the parent's goes on");
    close_heap();
}

Test(minor_pages, with_an_arena_all_cycles_are_full) {
    open_heap();
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED | GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    gait_collect(mutator);
    cr_assert_not(heap->space.keeps);
    gait_arena_free(mutator, arena);
    close_heap();
}

Test(minor_pages, without_them_nothing_is_watched) {
    const char *const debugs[] = {"gcstoptheworld=1", "gcminor=5", NULL};
    for (size_t i = 0; i < 3; i++) {
        open_heap_as(debugs[i], i == 1 ? "off" : "on");
        for (size_t cycles = 0; cycles < 3; cycles++)
            gait_collect(mutator);
        cr_assert_not(heap->space.keeps);
        cr_assert_lt(heap->written.watch.faults.number, 0, "%s", debugs[i] ? debugs[i] : "none");
        close_heap();
    }
}
