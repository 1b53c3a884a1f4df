/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/roots: static slots, handles, coroutines: what is pushed, when, and beside others.
 */
#include "bare_heap.h"
#include "mark/coroutines.h"
#include "mark/ranges.h"

#include <pthread.h>
#include <sys/mman.h>

#define ALL (~(gait_word)0)

static struct roots roots;

static void open_all(void) {
    bare_open(ALL);
    cr_assert_eq(roots_init(&roots, &bare.space.metadata_bytes), 0);
}

static void close_all(void) {
    roots_destroy(&roots);
    bare_close();
}

TestSuite(roots, .init = open_all, .fini = close_all);

static void mark_from_roots(void) {
    marker_begin(&bare.marker);
    ranges_push_libraries(&roots, &bare.marker);
    roots_push(&roots, &bare.marker, false);
    marker_drain(&bare.marker, SIZE_MAX);
    marker_end(&bare.marker);
}

/* @return bytes visited. */
static size_t mark_from_coroutines(unsigned cycle) {
    marker_begin(&bare.marker);
    size_t bytes = coroutines_push(&roots, &bare.marker, cycle, false);
    marker_drain(&bare.marker, SIZE_MAX);
    marker_end(&bare.marker);
    return bytes;
}

Test(roots, static_slots_come_and_go) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word slots[5], others[2];
    for (size_t i = 0; i < 5; i++)
        slots[i] = bare_ref(bare_alloc(leaf, 16));
    for (size_t i = 0; i < 2; i++)
        others[i] = bare_ref(bare_alloc(leaf, 16));
    cr_assert_eq(roots_add(&roots, (gait_word *)((char *)slots + 1), 1), GAIT_E_INVALID);
    cr_assert_eq(roots_add(&roots, NULL, 1), GAIT_E_INVALID);
    cr_assert_eq(roots_add(&roots, slots, SIZE_MAX / 8), GAIT_E_INVALID);
    cr_assert_eq(roots_add(&roots, slots, 5), 0);
    cr_assert_eq(roots_add(&roots, others, 2), 0);
    cr_assert_eq(roots_bytes(&roots), 7 * sizeof(gait_word));
    cr_assert_eq(roots_count(&roots, slots), 5u);
    cr_assert_eq(roots_count(&roots, slots + 1), 0u);
    cr_assert_eq(roots_remove(&roots, slots + 1), GAIT_E_MISSING);
    cr_assert_eq(roots_remove(&roots, others), 0);
    cr_assert_eq(roots_remove(&roots, others), GAIT_E_MISSING);
    cr_assert_eq(roots_bytes(&roots), 5 * sizeof(gait_word));
    mark_from_roots();
    for (size_t i = 0; i < 5; i++)
        cr_assert(bare_is_marked((void *)slots[i]));
    for (size_t i = 0; i < 2; i++)
        cr_assert_not(bare_is_marked((void *)others[i]));
}

Test(roots, the_same_first_slot_twice_and_no_slots) {
    gait_word slots[3000] = {0};
    cr_assert_eq(roots_add(&roots, slots, 3), 0);
    cr_assert_eq(roots_add(&roots, slots, 3000), 0);
    cr_assert_eq(roots_add(&roots, slots + 1024, 1), 0); /* where a part of the former begins */
    cr_assert_eq(roots_add(&roots, slots + 5, 0), 0);
    cr_assert_eq(roots_count(&roots, slots), 3000u);
    cr_assert_eq(roots_remove(&roots, slots + 1024), 0);
    cr_assert_eq(roots_remove(&roots, slots + 1024), GAIT_E_MISSING);
    cr_assert_eq(roots_remove(&roots, slots), 0);
    cr_assert_eq(roots_count(&roots, slots), 3u);
    cr_assert_eq(roots_remove(&roots, slots), 0);
    cr_assert_eq(roots_remove(&roots, slots), GAIT_E_MISSING);
    cr_assert_eq(roots_remove(&roots, slots + 5), 0);
    cr_assert_eq(roots_bytes(&roots), 0u);
    cr_assert_eq(roots.ranges.count, 0u);
}

Test(roots, many_ranges_and_long_ones) {
    enum { RANGES = 5000, LONG = 100000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    static gait_word slots[RANGES][2], many[LONG];
    for (size_t i = 0; i < RANGES; i++) {
        slots[i][i % 2] = bare_ref(bare_alloc(leaf, 16));
        cr_assert_eq(roots_add(&roots, slots[i], 2), 0);
    }
    for (size_t i = 0; i < LONG; i++)
        many[i] = bare_ref(bare_alloc(leaf, 16));
    cr_assert_eq(roots_add(&roots, many, LONG), 0);
    for (size_t i = 0; i < RANGES; i += 3)
        cr_assert_eq(roots_remove(&roots, slots[i]), 0);
    mark_from_roots();
    for (size_t i = 0; i < RANGES; i++)
        cr_assert_eq(bare_is_marked((void *)slots[i][i % 2]), i % 3 != 0);
    for (size_t i = 0; i < LONG; i++)
        cr_assert(bare_is_marked((void *)many[i]));
}

Test(roots, handles) {
    enum { COUNT = 2000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    struct gait_handle *handles[COUNT];
    gait_word objects[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        handles[i] = roots_handle_new(&roots);
        cr_assert_not_null(handles[i]);
        cr_assert_eq(handles[i]->value, 0u);
        handles[i]->value = objects[i] = bare_ref(bare_alloc(leaf, 16));
    }
    cr_assert_eq(roots_bytes(&roots), COUNT * sizeof(gait_word));
    for (size_t i = 0; i < COUNT; i += 2)
        roots_handle_free(&roots, handles[i]);
    for (size_t i = 0; i < COUNT; i += 4) { /* freed ones are used again, and hold 0 */
        struct gait_handle *handle = roots_handle_new(&roots);
        cr_assert_eq(handle->value, 0u);
    }
    cr_assert_eq(roots_bytes(&roots), COUNT / 4 * 3 * sizeof(gait_word));
    mark_from_roots();
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(bare_is_marked((void *)objects[i]), i % 2 == 1);
}

Test(roots, a_handle_is_freed_once) {
    enum { COUNT = 1100 };
    struct gait_handle *handles[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        handles[i] = roots_handle_new(&roots);
    for (size_t i = 0; i < COUNT; i += 3) {
        cr_assert(roots_handle_free(&roots, handles[i]));
        cr_assert_not(roots_handle_free(&roots, handles[i]));
    }
    struct gait_handle *again = roots_handle_new(&roots);
    for (size_t i = 0; i < COUNT; i += 3)
        cr_assert_neq(roots_handle_new(&roots), again);
    cr_assert_eq(roots_bytes(&roots), (COUNT + 1) * sizeof(gait_word));
    cr_assert(roots_handle_free(&roots, again));
}

Test(roots, handles_are_counted_and_given_back, .timeout = 60) {
    enum { COUNT = 200000, KEPT = 1000 };
    static struct gait_handle *handles[COUNT];
    gait_word object = bare_ref(bare_alloc(bare_kind(GAIT_LEAF, 0), 16));
    size_t before = AO_load(&bare.space.metadata_bytes);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_not_null(handles[i] = roots_handle_new(&roots));
    cr_assert_geq(AO_load(&bare.space.metadata_bytes), before + COUNT * sizeof(gait_word));
    handles[KEPT - 1]->value = object; /* where it lies when the others are gone */
    for (size_t i = KEPT; i < COUNT; i++)
        cr_assert(roots_handle_free(&roots, handles[i]));
    cr_assert_leq(AO_load(&bare.space.metadata_bytes), before + 2 * POOL_CHUNK_BYTES);
    mark_from_roots();
    cr_assert(bare_is_marked((void *)object));
}

Test(roots, ranges_that_went_leave_no_memory, .timeout = 60) {
    enum { COUNT = 100000 };
    static gait_word slots[COUNT];
    size_t before = AO_load(&bare.space.metadata_bytes);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(roots_add(&roots, &slots[i], 1), 0);
    cr_assert_geq(AO_load(&bare.space.metadata_bytes), before + COUNT * sizeof(void *));
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(roots_remove(&roots, &slots[i]), 0);
    mark_from_roots(); /* each cycle looks */
    cr_assert_leq(AO_load(&bare.space.metadata_bytes), before + 2 * POOL_CHUNK_BYTES);
}

/* ---- Ranges ---- */

static int ranges_remove(struct roots *of, const void *low) {
    struct root_range *range = ranges_take(of, low);
    if (!range)
        return GAIT_E_MISSING;
    cr_assert_not(ranges_is_used(range));
    ranges_retire(of, range, true);
    return 0;
}

Test(roots, a_range_that_no_marker_may_meet_leaves_nothing_behind) {
    static gait_word words[RANGE_PIECE_WORDS * 4];
    size_t before = AO_load(&bare.space.metadata_bytes);
    for (size_t i = 0; i < 1000; i++) {
        cr_assert_eq(ranges_add(&roots, words, sizeof words, false), 0);
        ranges_retire(&roots, ranges_take(&roots, words), false);
    }
    cr_assert_eq(AO_load(&bare.space.metadata_bytes), before);
}

Test(roots, ranges_exact_and_conservative) {
    enum { WORDS = 3 * RANGE_PIECE_WORDS + 7 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    static gait_word exact[WORDS], loose[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        exact[i] = bare_ref(bare_alloc(leaf, 32)) + (i % 2 ? 8 : 0); /* every other: inside */
        loose[i] = bare_ref(bare_alloc(leaf, 32)) + (i % 2 ? 8 : 0);
    }
    char *low = (char *)loose + 3; /* the first word is cut, and the last */
    cr_assert_eq(ranges_add(&roots, exact, sizeof exact + 1, false), GAIT_E_INVALID);
    cr_assert_eq(ranges_add(&roots, (char *)exact + 1, 8, false), GAIT_E_INVALID);
    cr_assert_eq(ranges_add(&roots, NULL, 8, true), GAIT_E_INVALID);
    cr_assert_eq(ranges_add(&roots, exact, SIZE_MAX, true), GAIT_E_INVALID);
    cr_assert_eq(ranges_add(&roots, exact, 0, false), 0);
    cr_assert_eq(ranges_add(&roots, exact, sizeof exact, false), 0);
    cr_assert_eq(ranges_add(&roots, low, sizeof loose - 4, true), 0);
    cr_assert_eq(ranges_piece_bytes(&roots), (2 * WORDS - 2) * sizeof(gait_word));
    cr_assert_eq(roots_bytes(&roots), ranges_piece_bytes(&roots));
    const gait_word *words;
    size_t count;
    cr_assert(ranges_find(&roots, low, &words, &count));
    cr_assert(words == loose + 1 && count == WORDS - 2);
    mark_from_roots();
    for (size_t i = 0; i < WORDS; i++) {
        cr_assert_eq(bare_is_marked((void *)(exact[i] & ~(gait_word)8)), i % 2 == 0);
        cr_assert_eq(bare_is_marked((void *)(loose[i] & ~(gait_word)8)), i > 0 && i < WORDS - 1);
    }
    cr_assert_eq(bare.marker.scanned_bytes, ranges_piece_bytes(&roots));
    cr_assert_eq(ranges_remove(&roots, low), 0);
    cr_assert_eq(ranges_remove(&roots, low), GAIT_E_MISSING);
    cr_assert_eq(ranges_remove(&roots, exact), 0);
    cr_assert_eq(ranges_remove(&roots, exact), 0); /* the one without words */
    cr_assert_eq(roots_bytes(&roots), 0u);
}

/* What is removed while its pieces wait in the queue is not read any more. */
Test(roots, a_range_goes_while_it_is_marked) {
    size_t bytes = 64 * RANGE_PIECE_WORDS * sizeof(gait_word);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    cr_assert_eq(ranges_add(&roots, memory, bytes, true), 0);
    marker_begin(&bare.marker);
    roots_push(&roots, &bare.marker, false);
    cr_assert_not(marker_drain(&bare.marker, 1)); /* a piece or so */
    cr_assert_eq(ranges_remove(&roots, memory), 0);
    cr_assert_eq(munmap(memory, bytes), 0);
    cr_assert(marker_drain(&bare.marker, SIZE_MAX));
    marker_end(&bare.marker);
    cr_assert_lt(bare.marker.scanned_bytes, bytes);
    cr_assert_not_null(roots.retired);
    mark_from_roots(); /* the next cycle frees it */
    cr_assert_null(roots.retired);
}

static volatile gait_word in_data[100] = {1}, in_bss[100];

Test(roots, data_segments) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    cr_assert_eq(ranges_add_segments(&roots), 0);
    cr_assert_geq(roots_bytes(&roots), sizeof in_data + sizeof in_bss);
    gait_word objects[2] = {bare_ref(bare_alloc(leaf, 64)), bare_ref(bare_alloc(leaf, 64))};
    in_data[50] = objects[0];
    in_bss[99] = objects[1] + 17;
    mark_from_roots();
    cr_assert(bare_is_marked((void *)objects[0]) && bare_is_marked((void *)objects[1]));
    cr_assert_gt(roots_bytes(&roots), ranges_piece_bytes(&roots)); /* libraries have data */
}

/* ---- Coroutines ---- */

static void visit_one(gait_visitor *visitor, void *data) {
    gait_visit(visitor, *(gait_word *)data);
}

Test(roots, a_stopped_coroutine_is_scanned_once_per_cycle) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *framed = bare_alloc(leaf, 16), *called = bare_alloc(leaf, 16);
    gait_word *stacked = bare_alloc(leaf, 64), *unsaved = bare_alloc(leaf, 16);
    gait_word *registered = bare_alloc(leaf, 16), *later = bare_alloc(leaf, 16);
    gait_word called_word = bare_ref(called), slot = bare_ref(framed);
    gait_word stack[64] = {0};
    stack[10] = bare_ref(unsaved);      /* below where the stack stood */
    stack[40] = bare_ref(stacked) + 17; /* conservative: inside the object */
    struct gait_frame frame = {.slots = &slot, .count = 1};
    struct gait_coroutine *coroutine =
        coroutine_new(&roots, visit_one, &called_word, (char *)stack, (char *)(stack + 64));
    cr_assert_not_null(coroutine);

    /* it never ran: only its callback */
    size_t bytes;
    cr_assert_eq(mark_from_coroutines(1), sizeof(gait_word));
    cr_assert(bare_is_marked(called));
    cr_assert_not(bare_is_marked(framed));
    cr_assert_eq(coroutine->scanned, 1u);

    /* running: its mutator's business */
    cr_assert(coroutine_resume(coroutine, NULL, 2, &bytes));
    cr_assert_not(coroutine_resume(coroutine, NULL, 2, &bytes));
    called_word = bare_ref(later);
    mark_from_coroutines(2);
    cr_assert_not(bare_is_marked(later));

    /* stopped by a mutator that was not scanned in this cycle */
    coroutine->stack.c.registers[3] = bare_ref(registered);
    coroutine->stack.c.top = (char *)(stack + 20);
    coroutine_suspend(coroutine, &frame, 0);
    cr_assert_eq(mark_from_coroutines(2), (1 + 1 + 64 - 20) * sizeof(gait_word));
    cr_assert(bare_is_marked(later) && bare_is_marked(framed));
    cr_assert(bare_is_marked(stacked) && bare_is_marked(registered));
    cr_assert_not(bare_is_marked(unsaved));

    /* scanned in this cycle already: not again */
    called_word = bare_ref(unsaved);
    mark_from_coroutines(2);
    cr_assert_not(bare_is_marked(unsaved));
    mark_from_coroutines(3);
    cr_assert(bare_is_marked(unsaved));
    cr_assert(coroutine_free(&roots, coroutine, NULL, 3, false, &bytes));
    cr_assert_null(roots.coroutines);
}

Test(roots, a_scanned_mutator_scans_what_it_resumes) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word word = bare_ref(bare_alloc(leaf, 16)), other = bare_ref(bare_alloc(leaf, 16));
    struct gait_coroutine *coroutine = coroutine_new(&roots, visit_one, &word, NULL, NULL);
    size_t bytes;
    marker_begin(&bare.marker);
    cr_assert(coroutine_resume(coroutine, &bare.marker, 7, &bytes));
    marker_drain(&bare.marker, SIZE_MAX);
    marker_end(&bare.marker);
    cr_assert(bare_is_marked((void *)word));
    word = other; /* the black mutator got it through its barrier: no second scan */
    coroutine_suspend(coroutine, NULL, 7);
    mark_from_coroutines(7);
    cr_assert_not(bare_is_marked((void *)other));
    /* once it ran on a mutator that was not scanned yet, it is scanned again */
    cr_assert(coroutine_resume(coroutine, NULL, 7, &bytes));
    coroutine_suspend(coroutine, NULL, 0);
    mark_from_coroutines(7);
    cr_assert(bare_is_marked((void *)other));
}

Test(roots, a_coroutine_that_is_freed_gives_up_what_was_not_scanned) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word word = bare_ref(bare_alloc(leaf, 16)), other = bare_ref(bare_alloc(leaf, 16));
    gait_word unmarked = bare_ref(bare_alloc(leaf, 16));
    struct gait_coroutine *scanned = coroutine_new(&roots, visit_one, &other, NULL, NULL);
    mark_from_coroutines(4);
    struct gait_coroutine *coroutine = coroutine_new(&roots, visit_one, &word, NULL, NULL);
    struct gait_coroutine *unheeded = coroutine_new(&roots, visit_one, &unmarked, NULL, NULL);
    size_t bytes;
    other = unmarked;
    marker_begin(&bare.marker);
    cr_assert(coroutine_free(&roots, coroutine, &bare.marker, 4, false, &bytes));
    cr_assert_eq(bytes, sizeof(gait_word));
    cr_assert(coroutine_free(&roots, scanned, &bare.marker, 4, false,
                             &bytes)); /* in this cycle already */
    cr_assert_eq(bytes, 0u);
    cr_assert(coroutine_free(&roots, unheeded, NULL, 4, false, &bytes)); /* no barrier: no cycle */
    marker_drain(&bare.marker, SIZE_MAX);
    marker_end(&bare.marker);
    cr_assert(bare_is_marked((void *)word));
    cr_assert_not(bare_is_marked((void *)unmarked));
    cr_assert_null(roots.coroutines);

    struct gait_coroutine *running = coroutine_new(&roots, NULL, NULL, NULL, NULL);
    cr_assert(coroutine_resume(running, NULL, 4, &bytes));
    cr_assert_not(coroutine_free(&roots, running, NULL, 4, false, &bytes));
}

static size_t visited;

static void count_visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    (void)visitor, (void)conservative;
    visited += word >= (gait_word)bare.space.base && space_holds(&bare.space, word);
}

Test(roots, any_visitor_meets_all) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word slots[3000], word = bare_ref(bare_alloc(leaf, 16));
    for (size_t i = 0; i < 3000; i++)
        slots[i] = word;
    roots_add(&roots, slots, 3000);
    roots_handle_new(&roots)->value = word;
    coroutine_new(&roots, visit_one, &word, NULL, NULL);
    struct gait_visitor visitor = visitor_of(&bare.space, ALL, count_visit);
    roots_visit(&roots, &visitor);
    cr_assert_eq(visited, 3002u);
}

static size_t met;

static void count_all(struct gait_visitor *visitor, gait_word word, bool conservative) {
    (void)visitor, (void)word;
    met += conservative;
}

Test(roots, conservative_words_that_lead_nowhere_are_not_visited) {
    enum { WORDS = 100000 };
    const gait_word tag = (gait_word)5 << 60;
    static gait_word loose[WORDS]; /* zero */
    gait_word first = bare_ref(bare.space.base), end = first + bare.space.reserved_bytes;
    gait_word lead[] = {first, first + 3, end - 1, first | tag}, nowhere[] = {first - 1, end, tag};
    memcpy(loose + 5, lead, sizeof lead);
    memcpy(loose + WORDS - 5, nowhere, sizeof nowhere);
    cr_assert_eq(ranges_add(&roots, loose, sizeof loose, true), 0);
    struct gait_visitor visitor = visitor_of(&bare.space, ~tag, count_all);
    roots_visit(&roots, &visitor);
    cr_assert_eq(met, sizeof lead / sizeof *lead);
}

/* ---- Beside each other ---- */

enum { THREADS = 3, ROUNDS = 2000 };
static AO_t running;

static void *come_and_go(void *argument) {
    gait_word *kept = argument, mine[2] = {0};
    struct gait_coroutine *coroutines[8] = {NULL};
    size_t bytes;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct gait_handle *handle = roots_handle_new(&roots);
        if (!handle || roots_add(&roots, mine, 2) != 0)
            abort();
        struct gait_coroutine **coroutine = &coroutines[i % 8];
        if (*coroutine) {
            if (!coroutine_resume(*coroutine, NULL, 1, &bytes))
                abort();
            coroutine_suspend(*coroutine, NULL, 0);
            if (!coroutine_free(&roots, *coroutine, NULL, 1, false, &bytes))
                abort();
        }
        *coroutine = coroutine_new(&roots, visit_one, kept, NULL, NULL);
        roots_handle_free(&roots, handle);
        if (roots_remove(&roots, mine) != 0)
            abort();
    }
    AO_fetch_and_sub1_full(&running);
    return NULL;
}

Test(roots, pushing_beside_changes, .timeout = 60) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word fixed[3000], kept = bare_ref(bare_alloc(leaf, 16));
    for (size_t i = 0; i < 3000; i++)
        fixed[i] = bare_ref(bare_alloc(leaf, 16));
    for (size_t i = 0; i < 3000; i++)
        cr_assert_eq(roots_add(&roots, &fixed[i], 1), 0);
    pthread_t threads[THREADS];
    AO_store(&running, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, come_and_go, &kept), 0);
    for (unsigned cycle = 1; AO_load_acquire(&running) > 0; cycle++) {
        mark_from_roots();
        for (size_t i = 0; i < 3000; i++)
            cr_assert(bare_is_marked((void *)fixed[i]));
        mark_from_coroutines(cycle);
        bare_flip();
        for (size_t i = 0; i < 3000; i++) { /* as sweeping does */
            struct cell cell = bare_cell((void *)fixed[i]);
            AO_store((AO_t *)&cell.pair[~space_epoch(&bare.space) & 1], 0);
        }
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(roots_bytes(&roots), 3000 * sizeof(gait_word));
}
