/* SPDX-License-Identifier: MIT */
/*
 * collect/cycle: what a running mutator may find in the middle of a cycle.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>

#include "emulated.h"
#include "instance.h"

static gait_heap *heap;
static AO_t ended;   /* the watcher may end */
static AO_t unswept; /* how often it ran before everything was swept */

/* A heap in which no cycle begins by itself. */
static gait_mutator *begin(const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.debug = debug;
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    return gait_attach(heap);
}

/* Is some page not even claimed yet? (Not sweep_done: a thread that looks for more to sweep counts
 * as active.) */
static bool is_unswept(const struct sweeper *sweeper) {
    return !sweep_is_open(sweeper) ||
           (uint32_t)AO_load_acquire(&sweeper->cursor) < AO_load(&sweeper->end);
}

static void *watch(void *argument) {
    (void)argument;
    gait_mutator *mutator = gait_attach(heap);
    while (!AO_load_acquire(&ended)) {
        if (is_unswept(&heap->sweeper))
            counter_add(&unswept, 1);
        gait_poll(mutator);
    }
    gait_detach(mutator);
    return NULL;
}

/* Collect garbage in many spans a few times. @return how often a mutator ran before they were
 * swept. */
static size_t collect_beside_a_watcher(const char *debug) {
    enum { OBJECTS = 2000000, COLLECTIONS = 3 };
    gait_mutator *mutator = begin(debug);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    pthread_t watcher;
    AO_store(&ended, 0);
    AO_store(&unswept, 0);
    cr_assert_eq(pthread_create(&watcher, NULL, watch, NULL), 0);
    for (size_t round = 0; round < COLLECTIONS; round++) {
        for (size_t i = 0; i < OBJECTS; i++)
            cr_assert_not_null(gait_alloc(mutator, (gait_kind)leaf, 64));
        gait_collect(mutator);
    }
    AO_store_release(&ended, 1);
    gait_enter_native(mutator);
    pthread_join(watcher, NULL);
    gait_leave_native(mutator);
    gait_heap_destroy(heap);
    return AO_load(&unswept);
}

Test(cycle, sweeps_with_the_world_stopped_if_asked_to, .timeout = 60) {
    cr_assert_eq(collect_beside_a_watcher("gcstoptheworld=2"), 0u);
}

/* An array of objects of their own: work that can be shared. */
static gait_word *make_array(gait_mutator *mutator, gait_kind refs, size_t objects) {
    gait_word *array = gait_alloc(mutator, refs, objects * sizeof *array);
    struct gait_frame frame;
    gait_word root = (gait_word)array;
    gait_push_frame(mutator, &frame, &root, 1);
    for (size_t i = 0; array && i < objects; i++)
        gait_store(mutator, &array[i], (gait_word)gait_alloc(mutator, refs, 64));
    gait_pop_frame(mutator);
    return array;
}

/* One that lost its CPU with work in its hands keeps away; a thread that waits for a cycle is not
 * to be served by a single thread meanwhile. */
Test(cycle, a_forced_cycle_is_helped_while_helpers_of_idle_priority_rest, .timeout = 60) {
    enum { OBJECTS = 200000, COLLECTIONS_MOST = 200 };
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    gait_set_max_procs(heap, 2);
    gait_mutator *mutator = gait_attach(heap);
    int refs = gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_word root = (gait_word)make_array(mutator, (gait_kind)refs, OBJECTS);
    cr_assert_neq(root, 0);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    gait_stats stats = {.struct_bytes = sizeof stats};
    for (size_t i = 0; i < COLLECTIONS_MOST && stats.cpu_idle_ns == 0; i++) {
        AO_store(&heap->workers.contention.rest_until_ns, (AO_t)INT64_MAX);
        gait_collect(mutator);
        gait_read_stats(heap, &stats);
    }
    cr_expect_gt(stats.cpu_idle_ns, 0u, "nobody has helped");
    gait_pop_frame(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

/* ---- Turns ---- */

static gait_stats stats_now(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    return stats;
}

/* Allocate beside a live array until a cycle has ended, with the only CPU busy. @return how long
 * turns took meanwhile, ns. */
static int64_t allocate_through_a_cycle(bool assists) {
    enum { OBJECTS = 400000 };
    gait_mutator *mutator = begin(NULL);
    gait_set_max_procs(heap, 1);
    gait_set_assists(heap, assists);
    int refs = gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_word root = (gait_word)make_array(mutator, (gait_kind)refs, OBJECTS);
    cr_assert_neq(root, 0);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    gait_set_gogc(heap, 100);
    for (size_t cycles = stats_now().cycles; stats_now().cycles < cycles + 2;)
        for (size_t i = 0; i < 1000; i++)
            cr_assert_not_null(gait_alloc(mutator, (gait_kind)refs, 64));
    int64_t turns_ns = (int64_t)AO_load(&heap->control.turns_ns);
    cr_expect(turns_ns <= (int64_t)stats_now().cpu_fractional_ns, "they are background marking");
    gait_pop_frame(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return turns_ns;
}

/* Else the collector's thread keeps a mutator off its CPU for a burst of half a millisecond. */
Test(cycle, mutators_mark_in_turns_while_cpus_are_busy, .timeout = 60) {
    cr_expect_gt(allocate_through_a_cycle(true), 0);
    cr_expect_eq(allocate_through_a_cycle(false), 0, "they are not to mark");
}

/* ---- Who holds the world up ---- */

static AO_t frozen; /* the asking thread is held in a signal's handler */

static void freeze(int signal) {
    (void)signal;
    while (AO_load_acquire(&frozen))
        ;
}

static void no_action(gait_mutator *mutator) { (void)mutator; }

/* In the collector's place: that has all signals blocked. No cycle runs meanwhile. */
static void *ask(void *argument) {
    (void)argument;
    world_handshake(&heap->world, no_action);
    return NULL;
}

/* Whoever has just answered would go past a limit as if another held the world up, for as long as
 * the OS keeps the collector from hearing of it. */
Test(cycle, the_world_is_not_held_up_by_a_mutator_that_has_answered) {
    gait_mutator *mutator = begin(NULL);
    signal(SIGUSR1, freeze);
    pthread_t collector;
    cr_assert_eq(pthread_create(&collector, NULL, ask, NULL), 0);
    while (!world_is_held_up(&heap->world))
        ; /* computes, and does not poll */
    AO_store_full(&frozen, 1);
    pthread_kill(collector, SIGUSR1);
    gait_poll(mutator);
    bool is_held_up = world_is_held_up(&heap->world);
    AO_store_full(&frozen, 0);
    pthread_join(collector, NULL);
    cr_expect_not(is_held_up);
    gait_heap_destroy(heap);
}

/* ---- The end of marking ---- */

static void *collect(void *argument) {
    (void)argument;
    gait_mutator *mutator = gait_attach(heap);
    gait_collect(mutator);
    AO_store_release(&ended, 1);
    gait_detach(mutator);
    return NULL;
}

/* beside_pairs: there are pairs that wait for their keys. */
static void ends_beside_reads(bool beside_pairs) {
    const size_t words = is_emulated() ? 1 << 20 : 1 << 22; /* some 150 ms */
    gait_mutator *mutator = begin(NULL);
    int node = gait_kind_register(heap, &(gait_kind_info){.name = "node", .layout = GAIT_REFS});
    int weak = gait_kind_register(heap, &(gait_kind_info){.name = "table", .layout = GAIT_WEAK});
    gait_word root;
    struct gait_frame frame;
    root = (gait_word)gait_alloc(mutator, (gait_kind)weak, words * sizeof(gait_word));
    gait_push_frame(mutator, &frame, &root, 1);
    gait_word *table = (gait_word *)root;
    for (size_t i = 0; i < words; i++)
        gait_weak_set(mutator, &table[i], (gait_word)gait_alloc(mutator, (gait_kind)node, 16));
    gait_word pairs = 0;
    struct gait_frame pairs_frame;
    gait_push_frame(mutator, &pairs_frame, &pairs, 1);
    if (beside_pairs) { /* a pass looks at them for some ms; their keys are dead */
        int pair =
            gait_kind_register(heap, &(gait_kind_info){.name = "pairs", .layout = GAIT_EPHEMERON});
        const size_t count = words / 64;
        pairs = (gait_word)gait_alloc(mutator, (gait_kind)pair, 2 * count * sizeof(gait_word));
        for (size_t i = 0; i < count; i++) {
            gait_word key = (gait_word)gait_alloc(mutator, (gait_kind)node, 16);
            gait_ephemeron_set(mutator, &((gait_word *)pairs)[2 * i], key, key);
        }
    }
    pthread_t collector;
    AO_store(&ended, 0);
    cr_assert_eq(pthread_create(&collector, NULL, collect, NULL), 0);
    for (size_t i = 0; !AO_load_acquire(&ended); i = (i + 1) % words) {
        (void)gait_weak_get(mutator, &table[i]);
        gait_poll(mutator);
    }
    size_t left = 0;
    for (size_t i = 0; i < words; i++)
        left += gait_weak_get(mutator, &table[i]) != 0;
    /* what was read before markers were waited for, which is more where the collector is preempted
     */
    cr_expect_lt(left, words - words / 10, "%zu of %zu", left, words);
    fprintf(stderr, "LEFT %zu of %zu\n", left, words);
    gait_enter_native(mutator);
    pthread_join(collector, NULL);
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

/* Each weak read shades what it gives, and what leads on is work. Were marking to wait for a round
 * without any, it would end when all that the table has is read. */
Test(cycle, marking_ends_beside_a_thread_that_reads_weak_words, .timeout = 60) {
    ends_beside_reads(false);
}

/* .inv.rest of docs/design/marking.md. */
Test(cycle, marking_ends_beside_such_a_thread_where_pairs_wait_for_keys, .timeout = 60) {
    ends_beside_reads(true);
}

/* ---- What counts as read ---- */

/* .inv.pace is of weak reads alone: what is stored, or ceases to be a root, makes nobody wait. As
 * in a cycle, whose barrier this is; nothing is flushed. */
Test(cycle, weak_reads_alone_are_waited_for) {
    gait_mutator *mutator = begin(NULL);
    int refs = gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    int weak = gait_kind_register(heap, &(gait_kind_info){.name = "weak", .layout = GAIT_WEAK});
    int pairs =
        gait_kind_register(heap, &(gait_kind_info){.name = "pairs", .layout = GAIT_EPHEMERON});
    gait_word *word = gait_alloc(mutator, (gait_kind)weak, sizeof *word);
    gait_word *pair = gait_alloc(mutator, (gait_kind)pairs, 2 * sizeof *pair);
    gait_word object = (gait_word)gait_alloc(mutator, (gait_kind)refs, 16), slots[2] = {object};
    gait_weak_set(mutator, word, object);
    mutator->head.barrier |= MUTATOR_BARRIER;
    gait_ephemeron_set(mutator, pair, object, object);
    gait_store(mutator, (gait_word *)object, object);
    gait_shade(mutator, object);
    cr_assert_eq(gait_roots_add(mutator, slots, 2), 0);
    cr_assert_eq(gait_roots_remove(mutator, slots), 0);
    cr_expect_gt(mutator->barrier_count, 0u);
    cr_expect_eq(mutator->read_count, 0u);
    cr_expect_eq(gait_weak_get(mutator, word), object);
    cr_expect_eq(gait_ephemeron_get(mutator, pair), object);
    cr_expect_eq(mutator->read_count, 2u);
    gait_weak_set(mutator, word, 3); /* leads nowhere */
    cr_expect_eq(gait_weak_get(mutator, word), 3u);
    cr_expect_eq(mutator->read_count, 2u);
    mutator->head.barrier &= ~(uint32_t)MUTATOR_BARRIER;
    mutator->barrier_count = mutator->read_count = 0;
    gait_detach(mutator);
    gait_heap_destroy(heap);
}
