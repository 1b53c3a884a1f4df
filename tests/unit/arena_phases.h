/* SPDX-License-Identifier: MIT */
/*
 * A cycle that is taken from phase to phase: two threads are attached, and answer one request of
 * the collector at a time, when the test says so. Between the answers the collector waits.
 */
#ifndef GAIT_TESTS_ARENA_PHASES_H
#define GAIT_TESTS_ARENA_PHASES_H

#include <criterion/criterion.h>
#include <gait/arena.h>
#include <pthread.h>
#include <unistd.h>

#include "api/arenas.h"
#include "cells.h"
#include "platform/platform.h"

enum phase {
    BEFORE,       /* no cycle */
    BARRIER,      /* both barriers are on */
    SYNCED,       /* and stores from before have ended */
    MINE_SCANNED, /* this thread's roots are scanned, the other's not */
    ALL_SCANNED,  /* marking has run out of work once */
    FLUSHED,      /* the barriers' words were looked at, or stacks again where stores are plain: the
                     world is about to be stopped */
    AFTER,        /* the cycle is over */
    PHASES
};

static gait_heap *heap;
static gait_mutator *mutator; /* this thread's */
static gait_mutator *other;   /* the other one's */
static gait_kind leaf, refs, weak, pairs;
static enum phase at;

static AO_t other_call; /* what the other thread is to do; 0: nothing */
static AO_t other_polls, other_ends, cycle_is_done;
static pthread_t other_thread, cycle_thread;

static void *other_run(void *unused) {
    (void)unused;
    other = gait_attach(heap);
    AO_store_release(&other_call, 0);
    while (!AO_load_acquire(&other_ends)) {
        AO_t call = AO_load_acquire(&other_call);
        if (call) {
            ((void (*)(void))call)();
            AO_store_release(&other_call, 0);
        }
        if (AO_load_acquire(&other_polls))
            gait_poll(other);
        platform_yield();
    }
    gait_detach(other);
    return NULL;
}

/* Have the other thread call a function. */
static void other_does(void (*call)(void)) {
    AO_store_release(&other_call, (AO_t)call);
    while (AO_load_acquire(&other_call))
        platform_yield();
}

/* Answer handshakes up to this one; an operation may have done it already: many are safepoints. */
static unsigned number;
static void answer(gait_mutator *one) {
    while ((int)(AO_int_load_acquire(&one->handshake) - number) < 0) {
        if (AO_int_load(&one->head.poll))
            gait_poll(one);
        platform_yield();
    }
}
static void other_answers(void) { answer(other); }

static void *cycle_run_forced(void *unused) {
    (void)unused;
    collector_force(heap);
    AO_store_release(&cycle_is_done, 1);
    return NULL;
}

static inline gait_kind kind_of(gait_layout layout) {
    gait_kind_info info = {.name = "kind", .layout = layout};
    return (gait_kind)gait_kind_register(heap, &info);
}

static inline void open_heap_with(uint32_t flags, const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.gogc = "off";
    config.memory_limit = "off";
    config.debug = debug;
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF);
    refs = kind_of(GAIT_REFS);
    weak = kind_of(GAIT_WEAK);
    pairs = kind_of(GAIT_EPHEMERON);
    AO_store(&other_ends, 0);
    AO_store(&other_polls, 0);
    AO_store(&other_call, 1);
    at = BEFORE;
    cr_assert_eq(pthread_create(&other_thread, NULL, other_run, NULL), 0);
    while (AO_load_acquire(&other_call))
        platform_yield();
}

static inline void open_heap(const char *debug) { open_heap_with(0, debug); }

/* To the end of the cycle. */
static inline void finish(void) {
    AO_store_release(&other_polls, 1);
    while (!AO_load_acquire(&cycle_is_done))
        gait_poll(mutator);
    AO_store_release(&other_polls, 0);
    pthread_join(cycle_thread, NULL);
    at = AFTER;
}

/* From the phase before it. */
static inline void next_phase(void) {
    switch (++at) {
    case BARRIER:
        number = AO_int_load(&heap->world.handshake);
        AO_store(&cycle_is_done, 0);
        cr_assert_eq(pthread_create(&cycle_thread, NULL, cycle_run_forced, NULL), 0);
        break;
    case ALL_SCANNED:
        other_does(other_answers); /* to be scanned */
        while (!AO_int_load(&mutator->head.poll))
            platform_yield();
        return;
    case AFTER:
        finish();
        return;
    default:
        break;
    }
    number++;
    answer(mutator);
    if (at == FLUSHED)
        AO_store_release(&other_polls, 1); /* the stop comes next */
    else if (at != MINE_SCANNED)
        other_does(other_answers);
    while (at == FLUSHED && !AO_int_load(&mutator->head.poll))
        platform_yield();
}

static inline void go_to(enum phase phase) {
    while (at < phase)
        next_phase();
}

/* Two cycles as a whole: what they can find, they have. */
static inline void whole_cycles(unsigned count) {
    while (count-- > 0) {
        at = BEFORE;
        AO_store(&cycle_is_done, 0);
        cr_assert_eq(pthread_create(&cycle_thread, NULL, cycle_run_forced, NULL), 0);
        finish();
    }
}

static inline void close_heap(void) {
    if (at != BEFORE && at != AFTER)
        finish();
    AO_store_release(&other_ends, 1);
    gait_enter_native(mutator);
    pthread_join(other_thread, NULL);
    gait_leave_native(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

/* ---- Arenas ---- */

static inline gait_arena *arena_new(gait_mutator *by, uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "test";
    config.flags = flags;
    gait_arena *arena = gait_arena_create(by, &config);
    cr_assert_not_null(arena);
    return arena;
}

/* The record that leads to an address, whatever its state. */
static inline struct arena *record_of(const void *address) {
    return arenas_of(&heap->space, (uintptr_t)address);
}

static inline bool is_kept(gait_word object) { return object_lives(heap, object); }

/* Would a read of this address fault? */
static inline bool is_inaccessible(const void *address) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool faults = write(ends[1], address, 1) < 0;
    close(ends[0]);
    close(ends[1]);
    return faults;
}

#endif
