/* SPDX-License-Identifier: MIT */
/*
 * gait_free, gait_realloc, gait_alloc_aligned: where cells and pages go, what is left to a cycle,
 * what is zero. docs/design/heap.md, Freeing.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/gait.h>
#include <gait/links.h>
#include <pthread.h>
#include <string.h>

#include "cells.h"
#include "heap/chunks.h"
#include "instance.h"
#include "minor_cycle.h"
#include "mutator/alloc_free.h"

#define COUNT 1000
#define LARGE_BYTES ((size_t)20 * PAGE_BYTES)

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs, weak, pairs, conservative;

static gait_kind kind_of(gait_layout layout) {
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = "kind", .layout = layout});
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static void open_with(const char *gogc, const char *minor, const char *debug) {
    gait_config config;
    char error[200];
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = "off";
    config.minor = minor;
    config.debug = debug;
    config.reserve_bytes = (size_t)64 << 20;
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF);
    refs = kind_of(GAIT_REFS);
    weak = kind_of(GAIT_WEAK);
    pairs = kind_of(GAIT_EPHEMERON);
    conservative = kind_of(GAIT_CONSERVATIVE);
}

/* No cycle but those that are asked for. */
static void open_heap(void) { open_with("off", "off", "gccheckmark=1"); }
static void close_heap(void) {
    space_check(&heap->space);
    gait_heap_destroy(heap);
}

static bool is_object(const void *address) { return gait_object_base(heap, address) == address; }

static bool is_old(const void *object) { return object_is_old(heap, (gait_word)object); }

static bool is_zero(const void *from, const void *to) {
    for (const char *at = from; at < (const char *)to; at++)
        if (*at)
            return false;
    return true;
}

static void *make(gait_kind kind, size_t bytes) {
    void *object = gait_alloc(mutator, kind, bytes);
    cr_assert_not_null(object);
    cr_assert(is_zero(object, (char *)object + bytes));
    return object;
}

static size_t used_bytes(void) { return AO_load(&heap->space.used_bytes); }
static size_t live_bytes(void) {
    tally_count(&heap->space.tally, &mutator->tally);
    control_freed(&heap->control, mutator);
    return AO_load(&heap->space.tally.live_bytes);
}

TestSuite(gait_free, .init = open_heap, .fini = close_heap);

/* ---- Free ---- */

Test(gait_free, cells_are_used_again) {
    static void *objects[COUNT];
    for (size_t bytes = 16; bytes <= GAIT_SMALL_MAX_BYTES; bytes *= 4) {
        for (size_t i = 0; i < COUNT; i++)
            memset(objects[i] = make(leaf, bytes), 0xff, bytes);
        size_t used = used_bytes();
        for (unsigned round = 0; round < 3; round++) {
            for (size_t i = 0; i < COUNT; i++) {
                gait_free(mutator, objects[i]);
                cr_assert_not(is_object(objects[i]));
            }
            for (size_t i = 0; i < COUNT; i++)
                memset(objects[i] = make(leaf, bytes), 0xff, bytes);
        }
        cr_assert_leq(used_bytes(), used + 16 * PAGE_BYTES, "%zu bytes", bytes);
        for (size_t i = 0; i < COUNT; i++)
            gait_free(mutator, objects[i]);
    }
}

Test(gait_free, one_cell_of_a_full_span_is_found) {
    static void *objects[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        objects[i] = make(leaf, 64);
    gait_free(mutator, objects[7]); /* its span is full, and not the one that is allocated from */
    gait_free(mutator, objects[9]);
    const struct central *central =
        &heap->kinds.kinds[leaf].centrals[gait_size_class(64)]; /* it is there once */
    cr_assert(central->first && central->first == central->last && !central->first->next);
    bool again = false;
    for (size_t i = 0; i < COUNT; i++)
        again |= make(leaf, 64) == objects[7];
    cr_assert(again);
}

Test(gait_free, pages_of_large_objects_are_free_at_once) {
    char *first = make(leaf, LARGE_BYTES);
    size_t free_before = AO_load(&heap->space.free_bytes);
    memset(first, 0xff, LARGE_BYTES);
    gait_free(mutator, first);
    cr_assert_not(is_object(first));
    cr_assert_eq(AO_load(&heap->space.free_bytes), free_before + LARGE_BYTES);
    cr_assert_eq((char *)make(refs, LARGE_BYTES), first);
}

Test(gait_free, what_is_freed_is_not_live) {
    size_t before = live_bytes();
    void *small = make(leaf, 4096), *large = make(leaf, LARGE_BYTES);
    size_t with = live_bytes(), scannable = control_scannable_bytes(&heap->control);
    gait_free(mutator, small);
    gait_free(mutator, large);
    cr_assert_eq(live_bytes(), with - 4096 - LARGE_BYTES);
    cr_assert_geq(live_bytes(), before);
    cr_assert_eq(control_scannable_bytes(&heap->control), scannable);
    void *references = make(refs, LARGE_BYTES);
    gait_free(mutator, references);
    control_freed(&heap->control, mutator);
    cr_assert_eq(control_scannable_bytes(&heap->control), scannable);
}

Test(gait_free, a_program_that_frees_all_has_no_cycles) {
    close_heap();
    open_with("100", "off", NULL);
    for (size_t i = 0; i < 400000; i++)
        gait_free(mutator, make(i % 2 ? refs : leaf, 16 + i % 512));
    for (size_t i = 0; i < 400; i++)
        gait_free(mutator, make(refs, 40000 + i * 1000));
    cr_assert_eq(AO_int_load(&heap->collector.ended), 0u);
    cr_assert_lt(used_bytes(), (size_t)4 << 20);
}

Test(gait_free, while_marking_the_object_stays) {
    gait_word *object = make(refs, 64);
    object[0] = (gait_word)object;
    mutator->head.barrier |= MUTATOR_BARRIER;
    gait_free(mutator, object);
    cr_assert(is_object(object));
    cr_assert_eq(object[0], (gait_word)object);
    mutator->head.barrier &= ~(uint32_t)MUTATOR_BARRIER;
    AO_store(&heap->control.marking, 1);
    object = make(refs, 64);
    gait_free(mutator, object);
    AO_store(&heap->control.marking, 0);
    cr_assert(is_object(object));
    gait_collect(mutator);
    cr_assert_not(is_object(object));
}

static void *own_a_span(void *result) {
    gait_mutator *other = gait_attach(heap);
    __atomic_store_n((void **)result, gait_alloc(other, leaf, 48), __ATOMIC_RELEASE);
    /* the other one frees it meanwhile */
    gait_enter_native(other);
    while (!__atomic_load_n((void **)result + 1, __ATOMIC_ACQUIRE))
        sched_yield();
    gait_leave_native(other);
    gait_detach(other);
    return NULL;
}

Test(gait_free, a_cell_of_another_threads_span_is_left) {
    void *shared[2] = {NULL, NULL};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, own_a_span, shared), 0);
    while (!__atomic_load_n(&shared[0], __ATOMIC_ACQUIRE))
        gait_poll(mutator);
    void *object = __atomic_load_n(&shared[0], __ATOMIC_ACQUIRE);
    gait_free(mutator, object);
    cr_assert(is_object(object));
    __atomic_store_n(&shared[1], object, __ATOMIC_RELEASE);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_collect(mutator);
    cr_assert_not(is_object(object));
}

static unsigned finalized, cleaned;
static void finalize(gait_mutator *at, void *object, void *data) {
    (void)at, (void)object, (void)data;
    finalized++;
}
static void clean_up(gait_mutator *at, void *data) {
    (void)at, (void)data;
    cleaned++;
}

Test(gait_free, a_finalizer_is_dropped_and_cleanups_run) {
    finalized = cleaned = 0;
    for (size_t bytes = 64; bytes <= LARGE_BYTES; bytes += LARGE_BYTES - 64) {
        void *object = make(leaf, bytes);
        cr_assert_eq(gait_finalizer_set(mutator, object, finalize, NULL), 0);
        cr_assert_eq(gait_cleanup_add(mutator, object, clean_up, NULL), 0);
        gait_free(mutator, object);
        cr_assert(is_object(object)); /* its address is no other object's while a table has it */
        gait_collect(mutator);
        cr_assert_not(is_object(object));
    }
    gait_run_finalizers(mutator, SIZE_MAX);
    cr_assert_eq(finalized, 0u);
    cr_assert_eq(cleaned, 2u);
}

Test(gait_free, links_go_with_the_next_cycle) {
    static gait_word slot;
    gait_word *object = make(leaf, 64);
    slot = (gait_word)object;
    cr_assert_eq(gait_link_register(mutator, &slot, object, 0), 0);
    gait_free(mutator, object);
    cr_assert(is_object(object)); /* the link would be another object's */
    cr_assert_eq(gait_link_get(mutator, &slot, 0), (void *)object);
    gait_collect(mutator);
    cr_assert_eq(slot, 0u);
    cr_assert_not(is_object(object));
}

Test(gait_free, the_memory_of_a_links_slot_stays) {
    void *target = make(leaf, 64);
    gait_word *object = make(refs, LARGE_BYTES), *slot = &object[LARGE_BYTES / 8 - 1];
    gait_handle *held[] = {gait_handle_new(mutator, (gait_word)object),
                           gait_handle_new(mutator, (gait_word)target)};
    cr_assert_eq(gait_link_register(mutator, slot, target, 0), 0);
    size_t used = used_bytes();
    cr_assert_eq(gait_realloc(mutator, object, LARGE_BYTES / 2), (void *)object);
    cr_assert_eq(used_bytes(), used); /* no other object comes where the collector may write */
    gait_handle_free(mutator, held[1]);
    gait_collect(mutator);
    cr_assert_null(gait_link_get(mutator, slot, 0));
    gait_handle_free(mutator, held[0]);
}

Test(gait_free, a_weak_word_reads_nothing_until_the_cell_is_used) {
    gait_word *words = make(weak, 32), *object = make(leaf, 4096);
    gait_weak_set(mutator, &words[0], (gait_word)object);
    gait_free(mutator, object);
    cr_assert_eq(gait_weak_get(mutator, &words[0]), 0u);
    gait_handle_new(mutator, (gait_word)words);
    gait_collect(mutator); /* and then for good */
    cr_assert_eq(words[0], 0u);
}

Test(gait_free, an_old_objects_cell_is_young_again) {
    close_heap();
    open_with("off", "on", "gcminor=1000,gccheckmark=1,clobberfree=1");
    gait_word *old = make(refs, 4096);
    gait_handle *root = gait_handle_new(mutator, (gait_word)old);
    gait_collect(mutator);
    cr_assert(heap->space.keeps && is_old(old));
    gait_handle_set(mutator, root, 0);
    gait_free(mutator, old);
    gait_word *again = NULL;
    for (unsigned i = 0; i < 16 && again != old; i++)
        again = make(refs, 4096);
    cr_assert_eq(again, old);
    cr_assert_not(is_old(again));
    /* and what it refers to is found by a minor cycle, though no card is dirty for it */
    gait_init(&again[100], (gait_word)make(refs, 16));
    gait_handle_set(mutator, root, (gait_word)again);
    minor_cycle(heap, mutator);
    cr_assert(is_object((void *)again[100]));
}

Test(gait_free, garbage_that_is_old_may_go_on_to_hold_the_address) {
    close_heap();
    open_with("off", "on", "gcminor=1000,gccheckmark=1,clobberfree=1");
    for (size_t bytes = 64; bytes <= LARGE_BYTES; bytes += LARGE_BYTES - 64) {
        gait_word *garbage = make(refs, 4096);
        gait_handle *root = gait_handle_new(mutator, (gait_word)garbage);
        gait_store(mutator, &garbage[300], (gait_word)make(leaf, bytes));
        gait_collect(mutator);
        void *old = (void *)garbage[300];
        gait_handle_set(mutator, root, 0);
        gait_free(mutator, old);
        for (unsigned i = 0; i < 200; i++)
            make(leaf, bytes < 4096 ? bytes : 4096);
        minor_cycle(heap, mutator); /* gccheckmark says nothing */
    }
}

/* Garbage that is old, with the only word that leads to so many bytes behind the start of a young
 * object, which the caller frees, and on a card that is dirty until the next minor cycle. Before
 * the object may lie one of LARGE_BYTES that the cycle finds dead. */
static char *young_of_garbage(gait_handle *root, size_t bytes, size_t behind) {
    gait_handle_set(mutator, root, (gait_word)make(conservative, 4096));
    gait_collect(mutator);
    gait_word *garbage = (gait_word *)gait_handle_get(root);
    make(leaf, LARGE_BYTES);
    char *young = make(leaf, bytes);
    cr_assert(is_old(garbage) && !is_old(young));
    gait_store(mutator, &garbage[300], (gait_word)(young + behind));
    gait_handle_set(mutator, root, 0);
    return young;
}

/* After a minor cycle that has taken the card: have a young object lie where the word leads, and a
 * second cycle see it. gccheckmark says nothing. */
static void use_again(const char *place, size_t bytes) {
    minor_cycle(heap, mutator);
    const char *again = NULL;
    for (unsigned i = 0; i < 200 && !again; i++) {
        const char *object = make(leaf, bytes);
        again = place >= object && place < object + bytes ? object : NULL;
    }
    cr_assert_not_null(again);
    cr_assert_not(is_old(again));
    minor_cycle(heap, mutator);
}

Test(gait_free, garbage_may_hold_the_address_of_what_was_young_too) {
    close_heap();
    open_with("off", "on", "gcminor=1000,gccheckmark=1,clobberfree=1");
    gait_handle *root = gait_handle_new(mutator, 0);
    for (unsigned large = 0; large < 2; large++) {
        char *young = young_of_garbage(root, large ? LARGE_BYTES : 640, 0);
        gait_free(mutator, young);
        use_again(young, large ? 4096 : 640);
    }
    /* memory of which a longer object takes more, before it */
    char *young = young_of_garbage(root, LARGE_BYTES, 0);
    gait_free(mutator, young);
    use_again(young, 2 * LARGE_BYTES);
}

Test(gait_free, garbage_may_hold_an_address_in_pages_that_were_given_back) {
    close_heap();
    open_with("off", "on", "gcminor=1000,gccheckmark=1,clobberfree=1");
    gait_handle *root = gait_handle_new(mutator, 0);
    char *young = young_of_garbage(root, LARGE_BYTES, 10 * PAGE_BYTES);
    gait_handle_set(mutator, root, (gait_word)young);
    cr_assert_eq(gait_realloc(mutator, young, 5 * PAGE_BYTES), young);
    gait_handle_set(mutator, root, 0);
    use_again(young + 10 * PAGE_BYTES, 12 * PAGE_BYTES);
}

Test(gait_free, garbage_may_hold_an_address_of_what_an_arena_had) {
    close_heap();
    open_with("off", "on", "gcminor=1000,gccheckmark=1,clobberfree=1");
    gait_handle *root = gait_handle_new(mutator, (gait_word)make(conservative, 4096));
    gait_collect(mutator);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED | GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    char *piece = gait_arena_new(mutator, arena, leaf, LARGE_BYTES);
    gait_word *garbage = (gait_word *)gait_handle_get(root);
    gait_store(mutator, &garbage[300], (gait_word)(piece + PAGE_BYTES));
    gait_handle_set(mutator, root, 0);
    gait_arena_reset(mutator, arena);
    cr_assert_geq(gait_arena_trim(mutator, arena), LARGE_BYTES);
    chunks_drain(&heap->space);
    use_again(piece + PAGE_BYTES, 2 * PAGE_BYTES);
}

/* ---- Realloc ---- */

TestSuite(gait_realloc, .init = open_heap, .fini = close_heap);

static gait_word *resize(void *object, size_t bytes) {
    gait_word *resized = gait_realloc(mutator, object, bytes);
    cr_assert_not_null(resized);
    cr_assert_geq(gait_object_bytes(heap, resized), bytes);
    return resized;
}

Test(gait_realloc, sizes_of_a_cell_stay) {
    gait_word *object = make(refs, 100);
    size_t room = gait_object_bytes(heap, object);
    for (size_t i = 0; i < room / 8; i++)
        gait_store(mutator, &object[i], 2 * i + 1);
    cr_assert_eq(resize(object, room), object);
    cr_assert_eq(resize(object, 60), object);
    cr_assert_eq(object[7], 15u); /* a part of it was asked for */
    cr_assert(is_zero(&object[8], (char *)object + room));
    cr_assert_eq(resize(object, room), object);
}

Test(gait_realloc, others_move_and_keep_what_they_held) {
    for (size_t from = 16; from < 200000; from = from * 3 + 8)
        for (size_t to = 16; to < 200000; to = to * 5 + 8) {
            gait_kind kind = from % 16 ? refs : leaf;
            gait_word *object = make(kind, from);
            for (size_t i = 0; i < from / 8; i++)
                object[i] = 2 * i + 1;
            gait_word *resized = resize(object, to);
            cr_assert_eq(gait_object_kind(heap, resized), kind);
            for (size_t i = 0; i < (from < to ? from : to) / 8; i++)
                cr_assert_eq(resized[i], 2 * i + 1, "%zu to %zu: %zu", from, to, i);
            size_t bytes = gait_object_bytes(heap, resized);
            if (from < to)
                cr_assert(is_zero((char *)resized + from, (char *)resized + bytes));
            else
                cr_assert(is_zero((char *)resized + to, (char *)resized + bytes));
            cr_assert(resized == object || !is_object(object));
            gait_free(mutator, resized);
        }
}

Test(gait_realloc, a_large_object_grows_where_it_lies) {
    for (unsigned i = 0; i < 2; i++) {
        gait_kind kind = i ? refs : leaf;
        char *object = make(kind, LARGE_BYTES - 5);
        memset(object, 1, LARGE_BYTES - 5);
        for (size_t bytes = LARGE_BYTES; bytes < 20 * LARGE_BYTES; bytes = bytes * 5 / 4) {
            cr_assert_eq((char *)resize(object, bytes), object, "%zu", bytes);
            cr_assert_eq(gait_object_bytes(heap, object), (bytes + 7) / 8 * 8);
            cr_assert(is_zero(object + LARGE_BYTES - 5, object + bytes));
            cr_assert_eq(gait_object_base(heap, object + bytes - 1), (void *)object);
        }
        gait_free(mutator, object);
    }
}

Test(gait_realloc, pages_behind_that_were_used_read_as_zero) {
    char *object = make(leaf, LARGE_BYTES), *behind = make(leaf, LARGE_BYTES);
    cr_assert_eq(object + LARGE_BYTES, behind);
    memset(behind, 0xff, LARGE_BYTES);
    cr_assert_neq((char *)resize(object, 2 * LARGE_BYTES), object);
    object = make(leaf, LARGE_BYTES); /* where it was */
    cr_assert_eq(object + LARGE_BYTES, behind);
    gait_free(mutator, behind);
    size_t free_bytes = AO_load(&heap->space.free_bytes);
    cr_assert_eq((char *)resize(object, 2 * LARGE_BYTES), object);
    cr_assert_eq(AO_load(&heap->space.free_bytes), free_bytes - LARGE_BYTES);
    cr_assert(is_zero(object, object + 2 * LARGE_BYTES));
}

Test(gait_realloc, a_large_object_gives_pages_back) {
    gait_word *object = make(refs, LARGE_BYTES);
    memset(object, 0xfe, LARGE_BYTES);
    size_t used = used_bytes(), live = live_bytes();
    cr_assert_eq(resize(object, LARGE_BYTES / 2 + 8), object);
    cr_assert_eq(used_bytes(), used - LARGE_BYTES / 2 + PAGE_BYTES);
    cr_assert_eq(live_bytes(), live - LARGE_BYTES / 2 + PAGE_BYTES);
    cr_assert_eq(gait_object_bytes(heap, object), LARGE_BYTES / 2 + 8);
    cr_assert_eq(resize(object, LARGE_BYTES), object);
    cr_assert(is_zero((char *)object + LARGE_BYTES / 2 + 8, (char *)object + LARGE_BYTES));
    gait_handle *root = gait_handle_new(mutator, (gait_word)object);
    gait_collect(mutator);
    gait_handle_free(mutator, root);
    cr_assert_eq(object[10], 0xfefefefefefefefe);
}

Test(gait_realloc, while_marking_the_rest_is_only_cleared) {
    gait_word *object = make(refs, LARGE_BYTES), *target = make(leaf, 16);
    object[LARGE_BYTES / 8 - 1] = (gait_word)target;
    mutator->head.barrier |= MUTATOR_BARRIER;
    cr_assert_eq(resize(object, LARGE_BYTES / 2), object);
    bool shaded = false;
    for (size_t i = 0; i < mutator->barrier_count; i++)
        shaded |= mutator->barrier_words[i] == (gait_word)target;
    mutator->barrier_count = 0;
    mutator->head.barrier &= ~(uint32_t)MUTATOR_BARRIER;
    cr_assert(shaded);
    cr_assert_eq(gait_object_bytes(heap, object), LARGE_BYTES);
    cr_assert(is_zero((char *)object + LARGE_BYTES / 2, (char *)object + LARGE_BYTES));
}

Test(gait_realloc, weak_words_and_pairs_move) {
    gait_word *words = make(weak, 64), *table = make(pairs, 64);
    gait_word *target = make(leaf, 16), *value = make(leaf, 16);
    gait_handle *root = gait_handle_new(mutator, (gait_word)target);
    gait_weak_set(mutator, &words[7], (gait_word)target);
    gait_ephemeron_set(mutator, &table[6], (gait_word)target, (gait_word)value);
    gait_handle *held[] = {gait_handle_new(mutator, (gait_word)resize(words, 1000)),
                           gait_handle_new(mutator, (gait_word)resize(table, 50000))};
    gait_collect(mutator);
    words = (gait_word *)gait_handle_get(held[0]);
    table = (gait_word *)gait_handle_get(held[1]);
    cr_assert_eq(gait_weak_get(mutator, &words[7]), (gait_word)target);
    cr_assert_eq(gait_ephemeron_get(mutator, &table[6]), (gait_word)value);
    /* a pair that would lose its value is none */
    table = resize(table, 64);
    cr_assert_eq(gait_ephemeron_get(mutator, &table[6]), (gait_word)value);
    cr_assert_eq(resize(table, 56), table);
    cr_assert_eq(gait_weak_get(mutator, &table[6]), 0u);
    cr_assert_eq(table[7], 0u);
    gait_handle_free(mutator, root);
}

Test(gait_realloc, without_memory_the_object_is_as_it_was) {
    char *object = make(leaf, LARGE_BYTES);
    memset(object, 1, LARGE_BYTES);
    gait_handle_new(mutator, (gait_word)object);
    cr_assert_null(gait_realloc(mutator, object, (size_t)1 << 30));
    cr_assert_null(gait_realloc(mutator, object, SIZE_MAX - 3));
    cr_assert_eq(gait_object_bytes(heap, object), LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        cr_assert_eq(object[i], 1);
}

/* ---- Alignment ---- */

TestSuite(gait_aligned, .init = open_heap, .fini = close_heap);

Test(gait_aligned, all_sizes_at_all_alignments) {
    for (size_t align = 1; align <= GAIT_ALIGN_MAX; align *= 2)
        for (size_t bytes = 0; bytes < 70000; bytes = bytes * 9 / 8 + 1)
            for (unsigned n = 0; n < 3; n++) {
                void *object = gait_alloc_aligned(mutator, leaf, bytes, align);
                cr_assert_not_null(object);
                cr_assert_eq((uintptr_t)object % align, 0u, "%zu at %zu", bytes, align);
                cr_assert_geq(gait_object_bytes(heap, object), bytes);
                if (n > 0)
                    gait_free(mutator, object);
            }
    cr_assert_null(gait_alloc_aligned(mutator, leaf, SIZE_MAX - 5, 64));
}
