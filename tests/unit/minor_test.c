/* SPDX-License-Identifier: MIT */
/*
 * Minor cycles: what they find dead, what they leave, and that each way by which a reference gets
 * into an old object is remembered. docs/design/minor.md.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/gait.h>
#include <gait/stats.h>

#include "bare_heap.h"
#include "cells.h"
#include "instance.h"
#include "minor_cycle.h"
#include "platform/platform.h"
#include "sweep/sweep.h"

#define WORDS 8
/* Of an object whose first words share no card with what is left of its run, which is dirty. */
#define WORDS_APART 300

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs;
static gait_handle *root; /* an old object of kind refs */

static gait_kind kind_of(gait_kind_info info) {
    info.name = "kind";
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

/* An object that nothing but what the caller does keeps alive. */
static gait_word new_object(gait_kind kind, size_t words) {
    void *object = gait_alloc(mutator, kind, words * sizeof(gait_word));
    cr_assert_not_null(object);
    return (gait_word)object;
}

static bool lives(gait_word object) { return object_lives(heap, object); }

static bool is_old(gait_word object) { return object_is_old(heap, object); }

static void open_with(uint32_t flags, const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.gogc = "off";
    config.memory_limit = "off";
    config.minor = "on";
    config.debug = debug;
    char error[200];
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    leaf = kind_of((gait_kind_info){.layout = GAIT_LEAF});
    refs = kind_of((gait_kind_info){.layout = GAIT_REFS});
    root = gait_handle_new(mutator, 0);
}

/* Have the root hold an object of a kind, and a full cycle find it. */
static gait_word *old_object(gait_kind kind, size_t words) {
    gait_handle_set(mutator, root, new_object(kind, words));
    gait_collect(mutator);
    return (gait_word *)gait_handle_get(root);
}

static void open_heap(void) { open_with(0, "gcminor=1000,gccheckmark=1,clobberfree=1"); }
static void close_heap(void) { gait_heap_destroy(heap); }

TestSuite(minor, .init = open_heap, .fini = close_heap);

/* Of a class that nothing else here uses: what is left of others' runs is old. */
static gait_word new_young(size_t words) {
    gait_word object = new_object(leaf, words);
    cr_assert_not(is_old(object));
    return object;
}

Test(minor, what_dies_young_is_freed_and_what_dies_old_stays_until_a_full_cycle) {
    gait_word old = (gait_word)old_object(refs, WORDS), young = new_young(20);
    cr_assert(is_old(old));
    gait_handle_set(mutator, root, 0);
    minor_cycle(heap, mutator);
    cr_assert(lives(old));
    cr_assert_not(lives(young));
    gait_collect(mutator);
    cr_assert_not(lives(old));
}

Test(minor, what_survives_is_old) {
    old_object(refs, WORDS);
    gait_word young = new_young(20);
    gait_handle_set(mutator, root, young);
    minor_cycle(heap, mutator);
    cr_assert(lives(young) && is_old(young));
    gait_handle_set(mutator, root, 0);
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
}

/* ---- Ways into an old object ---- */

static void by_store(gait_word *slot, gait_word young) { gait_store(mutator, slot, young); }

static void by_a_program_of_the_first_headers(gait_word *slot, gait_word young) {
    if (mutator->head.barrier)
        gait_barrier(mutator, slot, young);
    __atomic_store_n(slot, young, __ATOMIC_RELEASE);
}

static void by_exchange(gait_word *slot, gait_word young) {
    gait_word expected = *slot;
    cr_assert(gait_compare_exchange(mutator, slot, &expected, young));
}

static void by_move(gait_word *slot, gait_word young) { gait_move(mutator, slot, &young, 1); }

static void by_fill(gait_word *slot, gait_word young) { gait_fill(mutator, slot, young, 1); }

Test(minor, each_store_to_an_old_object_is_remembered) {
    static void (*const ways[])(gait_word * slot, gait_word young) = {
        by_store, by_a_program_of_the_first_headers, by_exchange, by_move, by_fill};
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        gait_word *object = old_object(refs, WORDS_APART);
        gait_word young = new_young(20 + way);
        ways[way](&object[7], young);
        minor_cycle(heap, mutator);
        cr_expect(lives(young), "way %zu", way);
        minor_cycle(heap, mutator); /* old, it needs no card any more */
        cr_expect(lives(young), "way %zu", way);
    }
}

Test(minor, of_a_large_object_the_cards_are_looked_at_that_were_stored_to) {
    size_t words = 100000;
    gait_word *object = old_object(refs, words);
    size_t places[] = {0, 1, 63, 64, 4095, 50000, words - 1};
    gait_word young[7];
    for (size_t i = 0; i < 7; i++) {
        young[i] = new_young(30);
        gait_store(mutator, &object[places[i]], young[i]);
    }
    minor_cycle(heap, mutator);
    for (size_t i = 0; i < 7; i++)
        cr_expect(lives(young[i]), "%zu", places[i]);
    cr_expect_lt(AO_load(&heap->space.cards.work_bytes), (size_t)16 * CARD_BYTES);
}

Test(minor, many_words_are_remembered_over_the_safepoints_of_their_move) {
    size_t words = 3 * GAIT_PIECE_WORDS;
    gait_word *object = old_object(refs, words);
    gait_word young = new_young(20);
    gait_fill(mutator, object, young, words);
    gait_store(mutator, &object[0], 0);
    gait_move(mutator, &object[1], &object[2], words - 2);
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
}

/* Layouts, a word of 20 that is strong there, and one that is not. */
static const uint64_t bitmap[] = {1 << 5};
static void visit_seventh(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    gait_visit(visitor, __atomic_load_n((gait_word *)object + 7, __ATOMIC_RELAXED));
}
static const struct {
    gait_kind_info info;
    size_t strong, other;
} layouts[] = {
    {{.layout = GAIT_PREFIX, .head_words = 6}, 5, 6},
    {{.layout = GAIT_BITMAP, .head_words = 10, .bitmap = bitmap}, 5, 4},
    {{.layout = GAIT_REPEAT, .head_words = 1, .element_words = 3, .element_bitmap = 4}, 6, 5},
    {{.layout = GAIT_CALLBACK, .scan = visit_seventh}, 7, 6},
    {{.layout = GAIT_CONSERVATIVE}, 11, 0},
    {{.layout = GAIT_WEAK, .head_words = 3}, 2, 0},
};

Test(minor, a_dirty_card_is_read_as_the_layout_says) {
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        gait_kind kind = kind_of(layouts[i].info);
        gait_word *object = old_object(kind, WORDS_APART);
        gait_word strong = new_young(30 + 2 * i), other = new_young(31 + 2 * i);
        bool inside = layouts[i].info.layout == GAIT_CONSERVATIVE;
        gait_store(mutator, &object[layouts[i].strong], strong + (inside ? 16 : 0));
        if (layouts[i].other > 0)
            gait_store(mutator, &object[layouts[i].other], other);
        minor_cycle(heap, mutator);
        cr_expect(lives(strong), "layout %d", (int)layouts[i].info.layout);
        cr_expect_not(lives(other), "layout %d", (int)layouts[i].info.layout);
    }
}

/* ---- Objects that are born old ---- */

Test(minor, what_is_born_in_the_rest_of_a_run_may_refer_to_young_objects) {
    old_object(refs, WORDS);
    gait_word born = new_object(refs, WORDS);
    cr_assert(is_old(born), "of the run that the root was made of");
    gait_handle_set(mutator, root, born); /* marked: a marker that meets it does not look into it */
    gait_word young = new_young(20);
    born = new_object(refs, WORDS);
    gait_init((gait_word *)born, young);
    gait_handle_set(mutator, root, born);
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
}

Test(minor, a_large_object_that_is_done_over_the_turn_of_the_bits_is_remembered) {
    bare_open(~(gait_word)0);
    struct space *space = &bare.space;
    cr_assert_eq(cards_init(&space->cards, space->reserved_bytes), 0);
    space->keeps = true;
    bool zeroed;
    size_t bytes = 100000;
    char *first = cache_large(&bare.cache, 0, bytes, &zeroed);
    cache_large_done(&bare.cache, first);
    cr_assert_not(card_is_dirty(&space->cards, (uintptr_t)first), "the next sweep is another's");
    char *object = cache_large(&bare.cache, 0, bytes, &zeroed);
    bare_flip();
    cache_large_done(&bare.cache, object);
    for (size_t at = 0; at < bytes; at += CARD_BYTES)
        cr_assert(card_is_dirty(&space->cards, (uintptr_t)object + at));
    bare_close();
}

/* ---- What is no plain reference ---- */

Test(minor, a_pair_in_an_old_table_keeps_its_value_while_its_key_lives) {
    gait_kind pairs = kind_of((gait_kind_info){.layout = GAIT_EPHEMERON, .head_words = 1});
    gait_word *table = old_object(pairs, WORDS_APART + 1);
    gait_handle *held = gait_handle_new(mutator, new_young(20));
    gait_word key = gait_handle_get(held),
              values[3] = {new_young(21), new_young(22), new_young(23)};
    gait_word lost = new_young(24);
    gait_ephemeron_set(mutator, &table[1], key, values[0]);
    gait_ephemeron_set(mutator, &table[5], values[0], values[1]);
    gait_ephemeron_set(mutator, &table[39], values[1], values[2]);
    gait_ephemeron_set(mutator, &table[9], lost, key);
    minor_cycle(heap, mutator);
    for (size_t i = 0; i < 3; i++)
        cr_expect(lives(values[i]), "%zu", i);
    cr_expect_not(lives(lost));
    cr_expect_eq(table[9], 0u);
    cr_expect_eq(gait_ephemeron_get(mutator, &table[39]), values[2]);
}

Test(minor, an_old_weak_word_to_a_young_object_that_died_is_cleared) {
    gait_kind weak = kind_of((gait_kind_info){.layout = GAIT_WEAK});
    gait_word *object = old_object(weak, WORDS);
    gait_weak_set(mutator, &object[3], new_young(20));
    minor_cycle(heap, mutator);
    cr_assert_eq(object[3], 0u);
}

static gait_word beside; /* memory of the program's that a scan function knows of */
static void visit_beside(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)object, (void)bytes, (void)data;
    gait_visit(visitor, __atomic_load_n(&beside, __ATOMIC_RELAXED));
}

Test(minor, what_a_scan_function_visits_elsewhere_is_kept) {
    old_object(kind_of((gait_kind_info){.layout = GAIT_CALLBACK, .scan = visit_beside}), WORDS);
    gait_word young = new_young(20);
    gait_store(mutator, &beside, young);
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
}

static unsigned finalized;
static void finalize(gait_mutator *by, void *object, void *data) {
    (void)by, (void)object, (void)data;
    finalized++;
}

Test(minor, the_finalizer_of_what_dies_young_runs) {
    gait_word *old = old_object(refs, WORDS);
    gait_finalizer_set(mutator, (void *)new_young(20), finalize, NULL);
    gait_finalizer_set(mutator, old, finalize, NULL);
    gait_handle_set(mutator, root, 0);
    minor_cycle(heap, mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    cr_assert_eq(finalized, 1u);
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    cr_assert_eq(finalized, 2u);
}

Test(minor, an_arena_that_only_an_old_object_refers_to_is_kept_with_what_it_holds) {
    gait_word *object = old_object(refs, WORDS_APART);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    gait_store(mutator, &object[0], (gait_word)arena);
    minor_cycle(heap, mutator);
    gait_word *piece = gait_arena_new(mutator, arena, refs, 64);
    gait_word young = new_young(20);
    gait_store(mutator, piece, young);
    minor_cycle(heap, mutator);
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
    gait_store(mutator, &object[0], 0);
    minor_cycle(heap, mutator);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.arenas_leaked, 0u);
    gait_collect(mutator);
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.arenas_leaked, 1u);
}

static gait_arena *traced_arena(void) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED | GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    return arena;
}

Test(minor, what_an_arena_had_is_looked_at_where_it_was_stored_to) {
    enum { PIECES = 40 };
    gait_word *pieces[PIECES];
    gait_arena *arena = traced_arena();
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = gait_arena_new(mutator, arena, refs, CARD_BYTES);
    gait_collect(mutator);
    for (size_t i = 0; i < PIECES; i++) {
        size_t at = i * CARD_WORDS / PIECES, next = (i + 1) % PIECES;
        gait_word young = new_young(20 + i), beside = new_young(70);
        gait_store(mutator, &pieces[i][at], young);
        gait_store(mutator, &pieces[next][CARD_WORDS - 1], beside);
        minor_cycle(heap, mutator);
        minor_cycle(heap, mutator);
        cr_expect(lives(young) && lives(beside), "%zu", i);
    }
}

Test(minor, what_is_born_in_an_arena_is_looked_at) {
    gait_arena *arena = traced_arena();
    gait_collect(mutator);
    for (size_t round = 0; round < 4; round++) {
        gait_word young = new_young(20 * (1 + round));
        struct gait_frame frame;
        gait_push_frame(mutator, &frame, &young, 1);
        gait_word *piece = gait_arena_new(mutator, arena, refs, CARD_BYTES);
        gait_pop_frame(mutator);
        gait_init(&piece[1], young);
        minor_cycle(heap, mutator);
        cr_expect(lives(young), "%zu", round);
        if (round % 2)
            gait_arena_reset(mutator, arena); /* the next piece lies where the first one did */
    }
}

/* As with roots below: a wrong program shows it. */
Test(minor_unchecked, what_an_arena_had_is_left_out_where_it_was_not_stored_to) {
    open_with(0, "gcminor=1000");
    gait_word *piece = gait_arena_new(mutator, traced_arena(), refs, CARD_BYTES);
    gait_collect(mutator);
    gait_word young = piece[1] = new_young(20);
    minor_cycle(heap, mutator);
    cr_expect_not(lives(young));
    piece[1] = 0;
    close_heap();
}

/* ---- Roots ---- */

/* Memory of the program's, each a card at least. */
enum { STATIC, RANGE, STOPPED, ROOTS };
static _Alignas(CARD_BYTES) gait_word roots[ROOTS + 2][CARD_WORDS];
static gait_word *stopped_words; /* where the coroutine has what STOPPED names */

static void visit_stopped(gait_visitor *visitor, void *data) {
    gait_visit_range(visitor, *(gait_word **)data, CARD_WORDS);
}

static void roots_make(void) {
    memset(roots, 0, sizeof roots);
    cr_assert_eq(gait_roots_add(mutator, roots[STATIC], CARD_WORDS), 0);
    cr_assert_eq(gait_roots_add_range(mutator, roots[RANGE], CARD_BYTES, 0), 0);
    stopped_words = roots[STOPPED];
    cr_assert_not_null(gait_coroutine_new(mutator, visit_stopped, &stopped_words, NULL, NULL));
    gait_collect(mutator);
}

Test(minor, roots_that_were_stored_to_are_looked_at) {
    gait_word young[ROOTS];
    roots_make();
    for (size_t at = 0; at < CARD_WORDS; at += CARD_WORDS - 1) {
        for (size_t i = 0; i < ROOTS; i++) {
            young[i] = new_young(20 + at + i);
            gait_store(mutator, &roots[i][at], young[i]);
        }
        for (size_t minor = 0; minor < 2; minor++) {
            minor_cycle(heap, mutator);
            for (size_t i = 0; i < ROOTS; i++)
                cr_expect(lives(young[i]), "root %zu, word %zu", i, at);
        }
    }
}

Test(minor, cards_of_roots_are_clean_again) {
    roots_make();
    for (size_t i = 0; i < ROOTS; i++)
        gait_store(mutator, &roots[i][0], new_young(20));
    minor_cycle(heap, mutator);
    for (size_t i = 0; i < ROOTS; i++)
        cr_expect_not(card_is_dirty(&heap->space.cards, (uintptr_t)roots[i]), "root %zu", i);
}

Test(minor, roots_that_were_added_are_looked_at_whatever_cards_say) {
    roots_make();
    gait_word *slots = roots[ROOTS], *range = roots[ROOTS + 1];
    slots[0] = new_young(20);
    cr_assert_eq(gait_roots_add(mutator, slots, CARD_WORDS), 0);
    range[0] = new_young(21);
    cr_assert_eq(gait_roots_add_range(mutator, range, CARD_BYTES, 0), 0);
    minor_cycle(heap, mutator);
    cr_assert(lives(slots[0]) && lives(range[0]));
}

Test(minor, what_a_stopped_coroutine_has_may_move) {
    roots_make();
    gait_word young = new_young(20);
    gait_store(mutator, &roots[STOPPED][0], young);
    memcpy(roots[ROOTS], roots[STOPPED], CARD_BYTES);
    stopped_words = roots[ROOTS];
    minor_cycle(heap, mutator);
    cr_assert(lives(young));
}

/* A wrong program shows it: its plain stores are not seen. */
Test(minor_unchecked, roots_that_were_not_stored_to_are_left_out) {
    gait_word young[ROOTS];
    open_with(0, "gcminor=1000");
    roots_make();
    for (size_t i = 0; i < ROOTS; i++)
        roots[i][0] = young[i] = new_young(20 + i);
    minor_cycle(heap, mutator);
    for (size_t i = 0; i < ROOTS; i++)
        cr_expect_not(lives(young[i]), "root %zu", i);
    memset(roots, 0, sizeof roots);
    close_heap();
}

/* ---- Figures ---- */

static uint64_t dirty_after(gait_word *object, size_t slot) {
    gait_store(mutator, &object[slot], object[slot]);
    return cards_dirty_bytes(&heap->space);
}

/* Bytes of old objects on dirty cards, each card once; neither young ones nor such without
 * references. */
Test(minor, what_lies_on_dirty_cards_is_counted) {
    size_t words = 4 * CARD_WORDS;
    gait_word *object = old_object(refs, words);
    uintptr_t second = ((uintptr_t)object / CARD_BYTES + 1) * CARD_BYTES;
    size_t slot = (second - (uintptr_t)object) / sizeof(gait_word);
    uint64_t before = cards_dirty_bytes(&heap->space);
    cr_expect_eq(dirty_after(object, slot), before + CARD_BYTES);
    cr_expect_eq(dirty_after(object, slot + 1), before + CARD_BYTES);
    cr_expect_eq(dirty_after(object, slot + CARD_WORDS), before + 2 * CARD_BYTES);
    gait_word *young = (gait_word *)new_young(WORDS_APART);
    cr_expect_eq(dirty_after(young, 100), before + 2 * CARD_BYTES);
    minor_cycle(heap, mutator);
    cr_expect_leq(cards_dirty_bytes(&heap->space), before);
    gait_word *without = old_object(leaf, words);
    before = cards_dirty_bytes(&heap->space);
    cr_expect_eq(dirty_after(without, CARD_WORDS), before);
}

Test(minor, large_objects_count_by_their_dirty_cards) {
    gait_word *object = old_object(refs, 100000);
    uint64_t before = cards_dirty_bytes(&heap->space);
    cr_expect_eq(dirty_after(object, 50000), before + CARD_BYTES);
}

Test(minor, they_are_counted_among_the_cycles) {
    gait_collect(mutator);
    minor_cycle(heap, mutator);
    minor_cycle(heap, mutator);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_expect_eq(stats.minor_cycles, 2u);
    cr_expect_eq(stats.cycles, 3u);
    cr_expect_eq(stats.forced_cycles, 1u);
}

/* ---- Which heaps, which threads ---- */

static void *attach_and_store(void *slot) {
    gait_mutator *other = gait_attach(heap);
    gait_word young = (gait_word)gait_alloc(other, leaf, 160);
    gait_store(other, slot, young);
    gait_detach(other);
    return (void *)young;
}

Test(minor, a_thread_that_attaches_remembers_too) {
    gait_word *object = old_object(refs, WORDS_APART);
    pthread_t thread;
    void *young;
    cr_assert_eq(pthread_create(&thread, NULL, attach_and_store, object), 0);
    gait_enter_native(mutator);
    pthread_join(thread, &young);
    gait_leave_native(mutator);
    minor_cycle(heap, mutator);
    cr_assert(lives((gait_word)young));
}
