/* SPDX-License-Identifier: MIT */
/*
 * What operations cost beside a cycle, and what a cycle costs beside threads: heaps of their own,
 * and a thread that has them collect.
 *
 * Stores are measured in batches, each with a look at the mutator's barrier word before and after:
 * a batch counts where that says all the time what is to be measured.
 */
#include <gait/dirty.h>
#include <pthread.h>
#include <stdlib.h>

#include "costs.h"

enum { WORDS = 1024, BATCH = 256, BATCHES = 4000 };

/* ---- Stores ---- */

struct beside {
    gait_heap *heap;
    int ends; /* atomic */
};

static void *collect_all_the_time(void *argument) {
    struct beside *beside = argument;
    gait_mutator *own = gait_attach(beside->heap);
    if (!own)
        bench_die("out of memory");
    while (!__atomic_load_n(&beside->ends, __ATOMIC_ACQUIRE))
        gait_collect(own);
    gait_detach(own);
    return NULL;
}

static uint32_t barrier_of(const gait_mutator *at) {
    return ((const struct gait_mutator_head *)at)->barrier;
}

static void store(gait_mutator *at, gait_word *words, size_t i) {
    for (size_t j = 0; j < BATCH; j++)
        gait_store(at, &words[(BATCH * i + j) % WORDS], words[(i + j) % WORDS]);
}

/* To objects, of which words has the addresses, and which say that they were written. */
static void store_dirty(gait_mutator *at, gait_word *words, size_t i) {
    for (size_t j = 0; j < BATCH; j++) {
        gait_word *object = (gait_word *)words[(BATCH * i + j) % WORDS];
        __atomic_store_n(&object[1], words[(i + j) % WORDS], __ATOMIC_RELEASE);
        gait_dirty(at, object);
    }
}

/* Batches of stores, of those in which the barrier word was what is wanted. */
static size_t stores_under(gait_mutator *at, gait_word *words, bool cards, bool by_object,
                           double *took_ns) {
    size_t seen = 0;
    for (size_t i = 0; i < 100 * BATCHES && seen < BATCHES; i++) {
        gait_poll(at);
        uint32_t before = barrier_of(at);
        uint64_t start_ns = bench_now_ns();
        (by_object ? store_dirty : store)(at, words, i);
        uint64_t end_ns = bench_now_ns();
        bool wanted = cards ? before == GAIT_BARRIER_CARDS : (before & 1) != 0;
        if (wanted && barrier_of(at) == before)
            took_ns[seen++] = (double)(end_ns - start_ns) / BATCH;
    }
    return seen;
}

static void measure_stores(const char *name, bool cards, bool by_object) {
    static double took_ns[BATCHES];
    struct beside beside = {.heap =
                                costs_heap_of(cards ? "on" : "off", cards ? "gcminor=1000000" : "",
                                              by_object ? (uint32_t)GAIT_OBJECT_BARRIER : 0)};
    gait_heap *heap = beside.heap;
    gait_mutator *at = gait_attach(heap);
    gait_kind node = costs_kind(heap, "node", GAIT_REFS);
    gait_word slots[2] = {0};
    struct gait_frame pushed;
    gait_push_frame(at, &pushed, slots, 2);
    slots[0] = (gait_word)costs_object(at, node, 8 * WORDS);
    for (uint64_t i = bench_parameter("live_objects", 1000000); i > 0; i--) {
        gait_word *fresh = costs_object(at, node, 64);
        gait_init(&fresh[0], slots[1]);
        slots[1] = (gait_word)fresh;
        if (i <= WORDS)
            gait_store(at, (gait_word *)slots[0] + (i - 1), (gait_word)fresh);
    }
    gait_collect(at);
    pthread_t thread;
    if (!cards && pthread_create(&thread, NULL, collect_all_the_time, &beside))
        bench_die("no thread");
    for (uint64_t i = 0; cards && barrier_of(at) != GAIT_BARRIER_CARDS && i < 100000000; i++)
        bench_keep(costs_object(at, node, 64)); /* until a cycle has kept its marks */
    size_t seen = stores_under(at, (gait_word *)slots[0], cards, by_object, took_ns);
    costs_print(name, took_ns, seen);
    __atomic_store_n(&beside.ends, 1, __ATOMIC_RELEASE);
    if (!cards) {
        gait_enter_native(at);
        pthread_join(thread, NULL);
        gait_leave_native(at);
    }
    gait_pop_frame(at);
    gait_heap_destroy(heap);
}

/* ---- Threads ---- */

/* Attach and detach, in a heap that the thread is not attached to otherwise. */
static void *attach_again_and_again(void *first) {
    enum { COUNT = 2000 };
    double took_ns[COSTS_TRIALS_MOST];
    gait_heap *other = costs_heap("off", "");
    for (uint64_t i = 0; i < costs_trials; i++) {
        uint64_t start_ns = bench_now_ns();
        for (int j = 0; j < COUNT; j++)
            gait_detach(gait_attach(other));
        took_ns[i] = (double)(bench_now_ns() - start_ns) / COUNT;
    }
    costs_print(first ? "attach_detach_first" : "attach_detach", took_ns, costs_trials);
    gait_heap_destroy(other);
    return NULL;
}

/* The process's first thread is another matter: the C library looks in /proc where its stack lies.
 */
static void measure_attach(void) {
    pthread_t thread;
    attach_again_and_again("first");
    if (pthread_create(&thread, NULL, attach_again_and_again, NULL))
        bench_die("no thread");
    pthread_join(thread, NULL);
}

/* What a safepoint takes that finds something to answer; a thread collects beside it. */
static void measure_answers(void) {
    enum { ANSWERS = 3000 };
    static double took_ns[ANSWERS];
    struct beside beside = {.heap = costs_heap("off", "")};
    gait_mutator *at = gait_attach(beside.heap);
    pthread_t thread;
    if (pthread_create(&thread, NULL, collect_all_the_time, &beside))
        bench_die("no thread");
    for (size_t seen = 0; seen < ANSWERS;) {
        if (!__atomic_load_n(&((struct gait_mutator_head *)at)->poll, __ATOMIC_RELAXED))
            continue;
        uint64_t start_ns = bench_now_ns();
        gait_poll(at);
        took_ns[seen++] = (double)(bench_now_ns() - start_ns);
    }
    costs_print("answer", took_ns, ANSWERS);
    __atomic_store_n(&beside.ends, 1, __ATOMIC_RELEASE);
    gait_enter_native(at);
    pthread_join(thread, NULL);
    gait_leave_native(at);
    gait_heap_destroy(beside.heap);
}

struct sleeper {
    gait_heap *heap;
    pthread_t thread;
    pthread_barrier_t *barrier;
};

static void *sleep_native(void *argument) {
    struct sleeper *sleeper = argument;
    gait_mutator *own = gait_attach(sleeper->heap);
    if (!own)
        bench_die("out of memory");
    gait_enter_native(own);
    pthread_barrier_wait(sleeper->barrier); /* it is there */
    pthread_barrier_wait(sleeper->barrier); /* all was measured */
    gait_leave_native(own);
    gait_detach(own);
    return NULL;
}

static double cycle_ns(gait_mutator *at) {
    enum { CYCLES = 20 };
    uint64_t start_ns = bench_now_ns();
    for (int i = 0; i < CYCLES; i++)
        gait_collect(at);
    return (double)(bench_now_ns() - start_ns) / CYCLES;
}

/* An empty cycle: alone, and what it takes more for each thread in native code. */
static void measure_cycles(void) {
    double alone_ns[COSTS_TRIALS_MOST], more_ns[COSTS_TRIALS_MOST];
    gait_heap *other = costs_heap("off", "");
    gait_mutator *at = gait_attach(other);
    gait_collect(at);
    uint64_t count = bench_parameter("threads", 1000);
    struct sleeper *sleepers = calloc(count + 1, sizeof *sleepers);
    pthread_barrier_t barrier;
    if (!sleepers || count == 0 || pthread_barrier_init(&barrier, NULL, (unsigned)count + 1))
        bench_die("costs: threads");
    for (uint64_t i = 0; i < costs_trials; i++)
        alone_ns[i] = cycle_ns(at);
    costs_print("cycle_empty", alone_ns, costs_trials); /* sorts */
    for (uint64_t i = 0; i < count; i++) {
        sleepers[i] = (struct sleeper){.heap = other, .barrier = &barrier};
        if (pthread_create(&sleepers[i].thread, NULL, sleep_native, &sleepers[i]))
            bench_die("no thread");
    }
    gait_enter_native(at);
    pthread_barrier_wait(&barrier);
    gait_leave_native(at);
    double alone = alone_ns[costs_trials / 2];
    for (uint64_t i = 0; i < costs_trials; i++)
        more_ns[i] = (cycle_ns(at) - alone) / (double)count;
    costs_print("cycle_thread", more_ns, costs_trials);
    gait_enter_native(at);
    pthread_barrier_wait(&barrier);
    for (uint64_t i = 0; i < count; i++)
        pthread_join(sleepers[i].thread, NULL);
    gait_leave_native(at);
    pthread_barrier_destroy(&barrier);
    free(sleepers);
    gait_heap_destroy(other);
}

void costs_beside(void) {
    measure_stores("store_marking", false, false);
    measure_stores("store_cards", true, false);
    measure_stores("dirty_marking", false, true);
    measure_stores("dirty_cards", true, true);
    measure_attach();
    measure_answers();
    measure_cycles();
}
