/* SPDX-License-Identifier: MIT */
/*
 * Traced arenas in a heap with GAIT_OBJECT_BARRIER, in each phase of a cycle and in minor cycles:
 * what is stored there by plain stores survives, and what is taken out. docs/design/objects.md.
 */
#include <gait/dirty.h>

#include "arena_phases.h"
#include "minor_cycle.h"

#define LARGE_WORDS ((size_t)50000) /* of a chunk of its own */
#define WORDS ((size_t)1000)        /* of an object that shares its chunk, and has many cards */

static gait_word held[4]; /* this thread's roots */
static struct gait_frame frame;

static void begin_with(const char *debug) {
    open_heap_with(GAIT_OBJECT_BARRIER, debug);
    for (unsigned i = 0; i < 4; i++)
        held[i] = 0;
    gait_push_frame(mutator, &frame, held, 4);
}

static void begin(void) { begin_with("clobberfree=1,gccheckmark=1"); }

static void end(void) {
    gait_pop_frame(mutator);
    close_heap();
}

TestSuite(dirty_arenas, .init = begin, .fini = end, .timeout = 60);

static gait_arena *arena(void) { return (gait_arena *)held[0]; }

static gait_word *words_new(size_t words) {
    gait_word *object = gait_arena_new(mutator, arena(), refs, words * sizeof(gait_word));
    cr_assert_not_null(object);
    return object;
}

/* An object that this thread's stack alone has. */
static gait_word object_new(void) {
    held[1] = (gait_word)gait_alloc(mutator, leaf, 64);
    return held[1];
}

static void check(gait_word object, enum phase phase) {
    go_to(AFTER);
    cr_assert(is_kept(object), "phase %d", phase);
    whole_cycles(1);
    cr_assert(is_kept(object), "phase %d", phase);
    held[0] = held[1] = held[2] = 0;
    whole_cycles(2);
    cr_assert_not(is_kept(object));
    cr_assert_eq(AO_load(&heap->arenas.live), 0);
    at = BEFORE;
}

/* The same, but that an object of the heap has it until this thread is scanned, which takes it out
 * then: so nobody has marked it, and it is on a stack that is scanned only once more. */
static gait_word hidden_new(void) {
    gait_word object = object_new();
    held[2] = (gait_word)gait_alloc(mutator, refs, 16);
    *(gait_word *)held[2] = object;
    held[1] = 0;
    return object;
}

static void go_and_take(enum phase phase) {
    go_to(MINE_SCANNED);
    held[1] = *(gait_word *)held[2];
    *(gait_word *)held[2] = 0;
    gait_dirty(mutator, (void *)held[2]);
    go_to(phase);
}

/* What it is born with, an arena's object has by a plain store, of which nobody is told. */
static void birth_in(enum phase phase, bool arena_too) {
    gait_word object = object_new();
    if (!arena_too)
        held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    go_to(phase);
    if (arena_too)
        held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    words_new(8)[3] = object;
    held[1] = 0;
    check(object, phase);
}

Test(dirty_arenas, births_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++) {
        birth_in(phase, false);
        birth_in(phase, true);
    }
}

/* As marking has run out of work: the arena is claimed and was read, and noted. */
Test(dirty_arenas, a_birth_in_a_black_arena) {
    held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    gait_word object = hidden_new();
    go_and_take(ALL_SCANNED);
    words_new(8)[3] = object;
    held[1] = 0;
    check(object, ALL_SCANNED);
}

/* A store to what was there before, told of afterwards. */
static void store_in(enum phase phase, size_t words, size_t place) {
    held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    words_new(8);
    gait_word *fields = words_new(words), object = object_new();
    words_new(8);
    go_to(phase);
    __atomic_store_n(&fields[place], object, __ATOMIC_RELEASE);
    gait_dirty(mutator, fields);
    held[1] = 0;
    check(object, phase);
}

Test(dirty_arenas, stores_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++) {
        store_in(phase, WORDS, 0);
        store_in(phase, WORDS, WORDS - 1);
        store_in(phase, LARGE_WORDS, 1);
        store_in(phase, LARGE_WORDS, LARGE_WORDS - 1);
    }
}

static void store_in_black(size_t words, size_t place) {
    held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    words_new(8);
    gait_word *fields = words_new(words), object = hidden_new();
    go_and_take(ALL_SCANNED);
    __atomic_store_n(&fields[place], object, __ATOMIC_RELEASE);
    gait_dirty(mutator, fields);
    held[1] = 0;
    check(object, ALL_SCANNED);
}

Test(dirty_arenas, a_store_in_a_black_arena) {
    store_in_black(WORDS, 0);
    store_in_black(WORDS, WORDS / 2);
    store_in_black(WORDS, WORDS - 1);
    store_in_black(LARGE_WORDS, 1);
    store_in_black(LARGE_WORDS, LARGE_WORDS / 2);
    store_in_black(LARGE_WORDS, LARGE_WORDS - 1);
}

/* What a reset or an end takes the arena's reference from is on the stack. */
static void take_out_in(enum phase phase, bool ends) {
    held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    gait_word object = object_new();
    gait_word *fields = words_new(8);
    fields[0] = object;
    held[1] = 0;
    go_to(phase);
    held[1] = fields[0];
    if (ends)
        gait_arena_free(mutator, arena());
    else
        gait_arena_reset(mutator, arena());
    for (unsigned i = 0; !ends && i < 3; i++) { /* used anew, and again */
        words_new(8)[0] = (gait_word)words_new(8);
        gait_arena_reset(mutator, arena());
    }
    if (ends)
        held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    words_new(8)[0] = held[1]; /* and goes into what is new there */
    held[1] = 0;
    check(object, phase);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
}

Test(dirty_arenas, what_is_taken_out_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++) {
        take_out_in(phase, false);
        take_out_in(phase, true);
    }
}

/* ---- Minor cycles ---- */

static void begin_minor(void) {
    begin_with("clobberfree=1,gccheckmark=1,gcminor=1000");
    AO_store_release(&other_polls, 1);
}

TestSuite(dirty_arenas_minor, .init = begin_minor, .fini = end, .timeout = 60);

Test(dirty_arenas_minor, births_and_stores) {
    held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    gait_word *shared = words_new(WORDS), *large = words_new(LARGE_WORDS), objects[4];
    AO_store_release(&other_polls, 1);
    gait_enter_native(mutator);
    collector_force(heap);
    gait_leave_native(mutator);
    for (size_t i = 0; i < 4; i++) {
        objects[i] = object_new();
        gait_word *to = i < 2 ? shared : i < 3 ? large : words_new(8);
        size_t place = i == 0 ? 5 : i == 1 ? WORDS - 1 : i == 2 ? LARGE_WORDS - 1 : 0;
        to[place] = objects[i];
        if (i < 3)
            gait_dirty(mutator, to);
        held[1] = 0;
        for (unsigned cycle = 0; cycle < 2; cycle++) {
            minor_cycle(heap, mutator);
            for (size_t j = 0; j <= i; j++)
                cr_expect(is_kept(objects[j]), "%zu, after %zu", j, i);
        }
    }
}
