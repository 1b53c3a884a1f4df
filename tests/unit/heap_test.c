/* SPDX-License-Identifier: MIT */
/*
 * runtime/heap: the table of size classes, the page heap, runs and large objects. One file, since
 * all of it shares one bare heap.
 */
#include "bare_heap.h"
#include "emulated.h"
#include "heap/central.h"
#include "heap/pages.h"
#include "platform/fault.h"
#include "platform/platform.h"
#include "platform/timeline.h"
#include "sweep/sweep.h"

#include <pthread.h>
#include <time.h>

#define ALL (~(gait_word)0)

static void open_heap(void) { bare_open(ALL); }

TestSuite(heap, .init = open_heap, .fini = bare_close);

/* ---- Size classes ---- */

/* The rule of classes.c. */
static unsigned span_pages_by_rule(size_t cell_bytes) {
    for (unsigned pages = 1; pages <= 16; pages++) {
        size_t bytes = pages * PAGE_BYTES, cells = bytes / cell_bytes;
        if (cells > 0 && bytes - cells * cell_bytes <= bytes / 16 && (cells >= 4 || pages >= 8) &&
            (cells >= 32 || cells < 16 || pages >= 2))
            return pages;
    }
    return 0;
}

Test(heap, size_classes_follow_their_rule) {
    for (unsigned size_class = 2; size_class < GAIT_SIZE_CLASSES; size_class++) {
        const struct class_info *info = &class_table[size_class];
        size_t cell_bytes = gait_class_bytes(size_class);
        cr_assert_eq(info->cell_bytes, cell_bytes);
        cr_assert_eq(gait_size_class(cell_bytes), size_class);
        cr_assert_eq(info->span_pages, span_pages_by_rule(cell_bytes), "%zu", cell_bytes);
        cr_assert_eq(info->cells, info->span_pages * PAGE_BYTES / cell_bytes);
        cr_assert_leq(info->cells, (unsigned)SPAN_CELLS_MAX);
        for (size_t offset = 0; offset < info->span_pages * PAGE_BYTES; offset++) {
            cr_assert_eq((uint64_t)offset * info->magic >> 32, offset / cell_bytes);
            cr_assert_eq((uint32_t)(offset * info->magic) < info->magic, offset % cell_bytes == 0);
        }
        /* a run's length, which is no offset */
        for (size_t bytes = 0; bytes <= 16 * PAGE_BYTES; bytes += 8)
            cr_assert_eq((uint64_t)bytes * info->magic >> 32, bytes / cell_bytes);
    }
}

Test(heap, size_classes_fit_every_request) {
    for (size_t bytes = 1; bytes <= GAIT_SMALL_MAX_BYTES; bytes++) {
        unsigned size_class = gait_size_class(bytes);
        size_t cell_bytes = gait_class_bytes(size_class), words_bytes = (bytes + 7) / 8 * 8;
        cr_assert(size_class >= 2 && size_class < GAIT_SIZE_CLASSES);
        cr_assert_geq(cell_bytes, bytes);
        cr_assert(size_class == 2 || gait_class_bytes(size_class - 1) < bytes, "%zu", bytes);
        cr_assert(cell_bytes == 16 || (cell_bytes - words_bytes) * 9 <= cell_bytes, "%zu", bytes);
        cr_assert(words_bytes % 16 || cell_bytes % 16 == 0, "%zu", bytes);
    }
}

/* ---- The page heap ---- */

static size_t figure(AO_t *counter) { return AO_load(counter); }

static void check_space(void) {
    space_check(&bare.space);
    cr_assert_eq(figure(&bare.space.free_bytes) + figure(&bare.space.released_bytes) +
                     figure(&bare.space.used_bytes),
                 figure(&bare.space.extent_bytes));
}

/* Take pages as a span of its own. The first and last word of each page get its number. */
static struct span *pages_take(size_t count, bool *zeroed) {
    struct span *span = space_take_pages(&bare.space, count, zeroed);
    if (!span)
        return NULL;
    span->pages = (uint32_t)count;
    span_set_state(span, SPAN_USED);
    return span;
}

static void pages_stamp(const struct span *span) {
    for (size_t i = 0; i < span->pages; i++) {
        size_t *page = (size_t *)(span_start(&bare.space, span) + i * PAGE_BYTES);
        page[0] = page[PAGE_BYTES / 8 - 1] = (size_t)page;
    }
}

static void pages_expect(const struct span *span, bool stamped) {
    for (size_t i = 0; i < span->pages; i++) {
        const size_t *page = (size_t *)(span_start(&bare.space, span) + i * PAGE_BYTES);
        size_t expected = stamped ? (size_t)page : 0;
        cr_assert(page[0] == expected && page[PAGE_BYTES / 8 - 1] == expected);
    }
}

static size_t free_runs(size_t *longest) {
    size_t runs = 0, pages = figure(&bare.space.extent_bytes) >> PAGE_SHIFT;
    *longest = 0;
    for (size_t page = 0; page < pages; page++)
        if (span_state(&bare.space.spans[page]) == SPAN_FREE) {
            runs++;
            *longest =
                bare.space.spans[page].pages > *longest ? bare.space.spans[page].pages : *longest;
        }
    return runs;
}

Test(heap, neighbours_join) {
    bool zeroed;
    struct span *spans[5];
    for (size_t i = 0; i < 5; i++) {
        spans[i] = pages_take(3, &zeroed);
        cr_assert(zeroed);
        cr_assert(i == 0 || spans[i] == spans[i - 1] + 3);
    }
    size_t longest, whole = figure(&bare.space.extent_bytes) >> PAGE_SHIFT;
    cr_assert_eq(free_runs(&longest), 1u);
    space_give_pages(&bare.space, spans[1]);
    space_give_pages(&bare.space, spans[3]);
    cr_assert_eq(free_runs(&longest), 3u);
    check_space();
    space_give_pages(&bare.space, spans[2]); /* both sides */
    cr_assert_eq(free_runs(&longest), 2u);
    check_space();
    struct span *again = pages_take(9, &zeroed); /* best fit, lowest of these */
    cr_assert_eq(again, spans[1]);
    cr_assert_not(zeroed);
    space_give_pages(&bare.space, again);
    space_give_pages(&bare.space, spans[4]);
    space_give_pages(&bare.space, spans[0]);
    cr_assert_eq(free_runs(&longest), 1u);
    cr_assert_eq(longest, whole);
    check_space();
}

/* Spans side by side go at once, and join what is free around them. */
Test(heap, spans_go_together) {
    bool zeroed;
    struct span *spans[6];
    for (size_t i = 0; i < 6; i++)
        spans[i] = pages_take(1 + i, &zeroed);
    size_t longest, whole = figure(&bare.space.extent_bytes) >> PAGE_SHIFT;
    size_t used = figure(&bare.space.used_bytes), free = figure(&bare.space.free_bytes);
    space_give_pages(&bare.space, spans[0]);
    space_give_spans(&bare.space, span_page(&bare.space, spans[1]), 2 + 3 + 4);
    cr_assert_eq(free_runs(&longest), 2u);
    cr_assert_eq(figure(&bare.space.used_bytes), used - 10 * PAGE_BYTES);
    cr_assert_eq(figure(&bare.space.free_bytes), free + 10 * PAGE_BYTES);
    check_space();
    cr_assert_eq(pages_take(10, &zeroed), spans[0]);
    space_give_pages(&bare.space, spans[0]);
    space_give_spans(&bare.space, span_page(&bare.space, spans[4]), 5 + 6);
    cr_assert_eq(free_runs(&longest), 1u);
    cr_assert_eq(longest, whole);
    check_space();
}

Test(heap, kept_pages_go_before_released_ones) {
    bool zeroed;
    struct span *spans[32];
    for (size_t i = 0; i < 32; i++)
        spans[i] = pages_take(2, &zeroed);
    for (size_t i = 0; i < 32; i += 2)
        space_give_pages(&bare.space, spans[i]);
    /* of sixteen holes the highest six go back */
    cr_assert_eq(space_scavenge(&bare.space, 12 * PAGE_BYTES), 12 * PAGE_BYTES);
    size_t released = figure(&bare.space.released_bytes);
    for (size_t i = 0; i < 10; i++) {
        struct span *span = pages_take(2, &zeroed);
        cr_assert(span && !zeroed && span <= spans[18]);
        check_space();
    }
    cr_assert_eq(figure(&bare.space.released_bytes), released);
    cr_assert(pages_take(2, &zeroed) && zeroed);
    check_space();
}

Test(heap, a_run_is_taken_from_its_kept_end) {
    bool zeroed;
    struct span *low = pages_take(3, &zeroed), *high = pages_take(3, &zeroed);
    cr_assert(high == low + 3 && pages_take(1, &zeroed) == high + 3);
    space_give_pages(&bare.space, low);
    cr_assert_eq(space_scavenge(&bare.space, 3 * PAGE_BYTES), 3 * PAGE_BYTES);
    space_give_pages(&bare.space, high); /* three released pages, then three kept */
    check_space();
    cr_assert_eq(pages_take(2, &zeroed), high + 1);
    cr_assert_not(zeroed);
    check_space();
    cr_assert_eq(pages_take(1, &zeroed), high);
    cr_assert_not(zeroed);
    check_space();
}

Test(heap, too_many_pages) {
    bool zeroed;
    cr_assert_null(space_take_pages(&bare.space, 0, &zeroed));
    cr_assert_null(
        space_take_pages(&bare.space, (bare.space.reserved_bytes >> PAGE_SHIFT) + 1, &zeroed));
    cr_assert_null(space_take_pages(&bare.space, SIZE_MAX, &zeroed));
    cr_assert_null(space_take_pages(&bare.space, SIZE_MAX >> PAGE_SHIFT, &zeroed));
    cr_assert_null(cache_large(&bare.cache, bare_kind(GAIT_LEAF, 0), SIZE_MAX, &zeroed));
    cr_assert_null(cache_large(&bare.cache, 0, SIZE_MAX - 8, &zeroed));
    cr_assert_null(cache_large(&bare.cache, 0, bare.space.reserved_bytes + 1, &zeroed));
    check_space();
}

Test(heap, no_memory_to_commit) {
    bool zeroed;
    for (size_t after = 0; after < 5; after++) {
        fault_arm(FAULT_MASK(FAULT_COMMIT), after, 1);
        struct span *span = space_take_pages(&bare.space, 100000, &zeroed);
        cr_assert_eq(span == NULL, after < 4);
        cr_assert_eq(fault_failures(), after < 4 ? 1u : 0u);
        fault_disarm();
        space_check(&bare.space);
    }
}

Test(heap, scavenging_gives_the_highest_pages_back) {
    bool zeroed;
    struct span *low = pages_take(100, &zeroed), *between = pages_take(1, &zeroed);
    struct span *high = pages_take(100, &zeroed), *last = pages_take(1, &zeroed);
    pages_stamp(low), pages_stamp(high), pages_stamp(between), pages_stamp(last);
    space_give_pages(&bare.space, low);
    space_give_pages(&bare.space, high);
    cr_assert_eq(figure(&bare.space.free_bytes), 200 * PAGE_BYTES);
    cr_assert_eq(space_scavenge(&bare.space, 40 * PAGE_BYTES), 40 * PAGE_BYTES);
    cr_assert_eq(figure(&bare.space.free_bytes), 160 * PAGE_BYTES);
    check_space();
    cr_assert(space_entry(&bare.space, span_page(&bare.space, high) + 99) & ENTRY_RELEASED);
    cr_assert_not(space_entry(&bare.space, span_page(&bare.space, low) + 99) & ENTRY_RELEASED);
    cr_assert_eq(space_scavenge(&bare.space, SIZE_MAX), 160 * PAGE_BYTES);
    cr_assert_eq(space_scavenge(&bare.space, SIZE_MAX), 0u);
    cr_assert_eq(figure(&bare.space.free_bytes), 0u);
    check_space();
    pages_expect(between, true), pages_expect(last, true);
    high = pages_take(100, &zeroed);
    cr_assert(zeroed);
    pages_expect(high, false);
    check_space();
}

Test(heap, refused_scavenging_keeps_the_pages) {
    bool zeroed;
    struct span *span = pages_take(50, &zeroed);
    space_give_pages(&bare.space, span);
    fault_arm(FAULT_MASK(FAULT_RELEASE), 0, 1);
    cr_assert_eq(space_scavenge(&bare.space, SIZE_MAX), 0u);
    fault_disarm();
    check_space();
    cr_assert_eq(figure(&bare.space.free_bytes), 50 * PAGE_BYTES);
}

Test(heap, at_random, .timeout = 60) {
    enum { SPANS = 300, STEPS = 20000 };
    static struct span *spans[SPANS];
    uint64_t state = 0x123456789abcdef;
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = bare_random(&state) % SPANS;
        if (spans[i]) {
            pages_expect(spans[i], true);
            space_give_pages(&bare.space, spans[i]);
            spans[i] = NULL;
        } else {
            bool zeroed;
            size_t most = bare_random(&state) % 16 == 0 ? 600 : 12;
            spans[i] = pages_take(1 + bare_random(&state) % most, &zeroed);
            cr_assert_not_null(spans[i]);
            if (zeroed)
                pages_expect(spans[i], false);
            pages_stamp(spans[i]);
        }
        if (step % 64 == 0)
            space_scavenge(&bare.space, bare_random(&state) % 100 * PAGE_BYTES);
        if (step % 256 == 0)
            check_space();
    }
    for (size_t i = 0; i < SPANS; i++)
        if (spans[i])
            space_give_pages(&bare.space, spans[i]);
    size_t longest;
    cr_assert_eq(free_runs(&longest), 1u);
    check_space();
}

/* ThreadSanitizer leaves a program some 1.5 TiB, of which each heap takes up to a half. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { HEAPS = 16 };
#else
enum { HEAPS = 1000 };
#endif

Test(heap, a_thousand_heaps_leave_addresses, .timeout = 60) {
    static struct space spaces[HEAPS];
    const size_t heaps = is_emulated() ? 16 : HEAPS;
    for (size_t i = 0; i < heaps; i++)
        cr_assert_eq(space_init(&spaces[i], 0, false), 0, "heap %zu", i);
    cr_assert_geq(spaces[0].reserved_bytes, spaces[heaps - 1].reserved_bytes);
#if !defined(__SANITIZE_THREAD__) && !__has_feature(thread_sanitizer) &&                           \
    !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && defined(__x86_64__)
    cr_assert_geq(spaces[0].reserved_bytes, (size_t)1 << 36);
    cr_assert_geq(spaces[HEAPS - 1].reserved_bytes, (size_t)1 << 32);
    void *rest = platform_reserve((size_t)1 << 45, PAGE_BYTES); /* a quarter of all */
    cr_assert_not_null(rest);
    platform_unreserve(rest, (size_t)1 << 45);
#endif
    for (size_t i = 0; i < heaps; i++)
        space_destroy(&spaces[i]);
    cr_assert_eq(space_init(&spaces[0], 0, false), 0);
    size_t alone = spaces[0].reserved_bytes;
    cr_assert_eq(space_init(&spaces[1], 0, false), 0);
    if (!is_emulated()) /* there the second one takes less of what is left */
        cr_assert_eq(spaces[1].reserved_bytes, alone, "those that are gone don't count");
    space_destroy(&spaces[0]);
    space_destroy(&spaces[1]);
}

Test(heap, as_much_is_left_as_is_taken) {
    struct space space;
    for (size_t after = 0; after < 4; after++) { /* the second try of each size fails */
        fault_arm(FAULT_MASK(FAULT_RESERVE), after, 0);
        cr_assert_eq(space_init(&space, 0, false), 0);
        fault_disarm();
        space_destroy(&space);
    }
    fault_arm(FAULT_MASK(FAULT_RESERVE), 1, 1); /* there is room for one, never for two */
    cr_assert_eq(space_init(&space, 0, false), -1);
    fault_disarm();
}

/* ---- Runs ---- */

static void sweep_all(void) {
    unsigned epoch = space_epoch(&bare.space);
    size_t pages = figure(&bare.space.extent_bytes) >> PAGE_SHIFT;
    for (size_t page = 0; page < pages; page++) {
        struct span *span = &bare.space.spans[page];
        if (span_state(span) != SPAN_USED || AO_int_load(&span->swept) == epoch)
            continue;
        for (unsigned i = 0; i < BITS_WORDS / 2; i++)
            space_bits(&bare.space, page)[2 * i + (~epoch & 1)] = 0;
        span->search = 0;
        span->zeroed = false;
        AO_int_store(&span->swept, epoch);
        if (span->size_class != CLASS_LARGE)
            central_offer(&bare.space, span);
    }
}

Test(heap, runs_take_every_free_cell_once_and_zero_it) {
    enum { COUNT = 4000 };
    static gait_word *objects[COUNT];
    uint64_t state = 99;
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t i = 0; i < COUNT; i++) {
        objects[i] = bare_alloc(leaf, 48);
        cr_assert_eq(objects[i][0], 0u);
        memset(objects[i], 0xa5, 48);
    }
    size_t used = figure(&bare.space.used_bytes), live = 0;
    static gait_word roots[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        if (bare_random(&state) % 3 == 0)
            roots[live++] = bare_ref(objects[i]);
    bare_mark(roots, live);
    bare_flip();
    /* before sweeping: only fresh spans */
    gait_word *fresh = bare_alloc(leaf, 48);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_neq(fresh, objects[i]);
    sweep_all();
    for (size_t i = live; i < COUNT; i++) {
        gait_word *object = bare_alloc(leaf, 48);
        for (size_t word = 0; word < 6; word++)
            cr_assert_eq(object[word], 0u);
        cr_assert(bare_is_allocated(object));
        object[0] = 1; /* no cell comes twice: the next owner would not find zeros */
    }
    for (size_t i = 0; i < live; i++)
        cr_assert_eq(*(gait_word *)roots[i], 0xa5a5a5a5a5a5a5a5);
    cr_assert_leq(figure(&bare.space.used_bytes), used + class_table[6].span_pages * PAGE_BYTES);
}

static struct gait_run *run_of(unsigned kind, size_t bytes) {
    return &bare.runs[kind][gait_size_class(bytes)];
}

static size_t run_rest(unsigned kind, size_t bytes) {
    return (size_t)(run_of(kind, bytes)->end - run_of(kind, bytes)->cursor);
}

/* A cycle that finds nothing. @return bytes of objects that were allocated black in it. */
static size_t empty_cycle(void) {
    size_t black_bytes = cache_end_cycle(&bare.cache);
    AO_int_store(&bare.space.epoch, space_epoch(&bare.space) + 1);
    sweep_all();
    return black_bytes;
}

Test(heap, black_runs_are_marked_from_where_they_stand) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *white = bare_alloc(leaf, 16);
    size_t rest = run_rest(leaf, 16);
    cr_assert_eq(cache_begin_cycle(&bare.cache, false).bytes, 0u);
    cr_assert_eq(bare.cache.black_bytes, rest);
    gait_word *black = bare_alloc(leaf, 16);
    gait_word *fresh = bare_alloc(leaf, 512), *large = bare_alloc(leaf, 100000);
    cr_assert_not(bare_is_marked(white));
    cr_assert(bare_is_marked(black) && bare_is_marked(fresh) && bare_is_marked(large));
    size_t large_bytes = (100000 + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    cr_assert_eq(empty_cycle(), 16 + 512 + large_bytes); /* no more than was made of them */
    cr_assert(bare_is_allocated(black) && bare_is_allocated(fresh) && bare_is_allocated(large));
}

Test(heap, what_is_left_in_runs_is_no_object) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    cache_begin_cycle(&bare.cache, false);
    size_t count = 0;
    for (size_t bytes = 16; bytes <= 2048; bytes *= 2, count++)
        bare_alloc(leaf, bytes);
    cr_assert_eq(empty_cycle(), 4096 - 16);
    /* its sweep counts every bit that is set; the rest was taken off before */
    size_t cells = 0;
    for (size_t bytes = 16; bytes <= 2048; bytes *= 2)
        cells += run_rest(leaf, bytes) / bytes;
    cr_assert_eq((intptr_t)AO_load(&bare.kinds.kinds[leaf].live_objects), -(intptr_t)cells);
}

Test(heap, idle_runs_are_given_back) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    gait_word *busy = bare_alloc(leaf, 64), *idle = bare_alloc(refs, 64);
    size_t rest = run_rest(refs, 64);
    gait_word roots[] = {bare_ref(busy), bare_ref(idle)};
    cr_assert_eq(cache_begin_cycle(&bare.cache, false).bytes, 0u,
                 "both were used since the last cycle");
    bare_mark(roots, 2);
    empty_cycle();
    busy = bare_alloc(leaf, 64);
    struct cache_rest given = cache_begin_cycle(&bare.cache, false);
    cr_assert_eq(given.bytes, rest);
    cr_assert_eq(given.scannable_bytes, rest);
    cr_assert_eq(given.live_bytes, 0u, "it did not count as live any more");
    cr_assert_eq(given.live_scannable_bytes, 0u);
    cr_assert_eq(run_rest(refs, 64), 0u);
    cr_assert_not(bare_is_allocated((gait_word *)((char *)idle + 64)));
    cr_assert_not(bare_is_marked((gait_word *)((char *)idle + 64)));
    cr_assert(bare_is_allocated(idle), "the object stays");
    gait_word *again = bare_alloc(refs, 64);
    cr_assert_eq((char *)again, (char *)idle + 64, "the span is the list's, and goes to the next");
    cr_assert(bare_is_marked(again));
    cr_assert_eq((char *)bare_alloc(leaf, 64), (char *)busy + 64, "the other run was kept");
}

/* A thread that is stopped between two instructions of gait_alloc's has read its run already. */
Test(heap, runs_of_a_thread_that_may_be_within_gait_alloc_are_kept) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 64);
    size_t rest = run_rest(refs, 64);
    for (int cycle = 0; cycle < 3; cycle++) {
        cr_assert_eq(cache_begin_cycle(&bare.cache, true).bytes, 0u);
        cr_assert(bare_is_marked((gait_word *)((char *)object + 64)), "the next cell, too");
        empty_cycle();
        cr_assert_eq(run_rest(refs, 64), rest);
    }
    cr_assert_eq((char *)bare_alloc(refs, 64), (char *)object + 64);
}

Test(heap, what_counts_as_live_is_taken_off_when_it_is_given_back) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    cache_begin_cycle(&bare.cache, false);
    empty_cycle();
    bare_alloc(leaf, 48), bare_alloc(refs, 48);
    size_t rest = run_rest(leaf, 48);
    struct cache_rest given = cache_destroy(&bare.cache);
    cr_assert_eq(given.bytes, 2 * rest);
    cr_assert_eq(given.live_bytes, 2 * rest);
    cr_assert_eq(given.scannable_bytes, rest);
    cr_assert_eq(given.live_scannable_bytes, rest);
}

Test(heap, an_idle_cache_keeps_no_span) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t bytes = 16; bytes <= GAIT_SMALL_MAX_BYTES; bytes *= 2)
        bare_alloc(leaf, bytes);
    for (size_t cycle = 0; cycle < 2; cycle++) {
        cache_begin_cycle(&bare.cache, false);
        empty_cycle();
    }
    cr_assert_null(bare.cache.kinds[leaf]);
    size_t pages = figure(&bare.space.extent_bytes) >> PAGE_SHIFT;
    for (size_t page = 0; page < pages; page++)
        cr_assert(!AO_char_load(&bare.space.spans[page].owned) ||
                  span_state(&bare.space.spans[page]) != SPAN_USED);
    gait_word *object = bare_alloc(leaf, 48); /* and is used again */
    cr_assert(bare_is_allocated(object));
}

Test(heap, what_a_cache_leaves_is_used_by_the_next) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (int black = 0; black <= 1; black++) {
        if (black)
            cache_begin_cycle(&bare.cache, false);
        gait_word *first = bare_alloc(leaf, 64);
        size_t rest = run_rest(leaf, 64);
        cr_assert_eq(cache_destroy(&bare.cache).bytes, rest);
        cr_assert_eq(bare.cache.black_bytes, black ? 64u : 0u);
        cache_init(&bare.cache, &bare.space, bare.runs, true);
        bare.cache.black = black;
        gait_word *second = bare_alloc(leaf, 64);
        cr_assert_eq((char *)second, (char *)first + 64);
        cr_assert_eq(run_rest(leaf, 64), 0u); /* single */
        cache_destroy(&bare.cache);
        cache_init(&bare.cache, &bare.space, bare.runs, false);
    }
}

Test(heap, free_cells_need_no_pages) {
    enum { CELLS = 700 }; /* two spans and some */
    static gait_word *objects[CELLS];
    unsigned leaf = bare_kind(GAIT_LEAF, 0), size_class = gait_size_class(48);
    cr_assert(cache_needs_pages(&bare.cache, leaf, size_class), "there is no span");
    bool needed = false;
    for (size_t i = 0; i < CELLS; i++) {
        struct gait_run *run = run_of(leaf, 48);
        bool refills = run->cursor == run->end;
        size_t used = figure(&bare.space.used_bytes);
        needed = refills && cache_needs_pages(&bare.cache, leaf, size_class);
        objects[i] = bare_alloc(leaf, 48);
        cr_assert_eq(figure(&bare.space.used_bytes) > used, needed, "object %zu", i);
    }
    gait_word roots[] = {bare_ref(objects[0]), bare_ref(objects[CELLS - 1])};
    bare_mark(roots, 2);
    bare_flip();
    cr_assert(cache_needs_pages(&bare.cache, leaf, size_class), "nothing is swept");
    sweep_all();
    cr_assert_not(cache_needs_pages(&bare.cache, leaf, size_class));
    cr_assert(cache_needs_pages(&bare.cache, leaf, gait_size_class(64)), "of that class alone");
}

Test(heap, kinds_and_layouts_by_address) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    for (size_t bytes = 1; bytes < 200000; bytes += bytes < 2000 ? 7 : 4999) {
        unsigned kind = bytes % 2 ? leaf : refs;
        char *object = (char *)bare_alloc(kind, bytes);
        for (size_t at = 0; at < bytes; at += 1 + bytes / 9) {
            struct cell cell = {0};
            cr_assert(space_cell(&bare.space, (uintptr_t)object + at, &cell));
            cr_assert_eq(cell.start, object);
            cr_assert_eq(ENTRY_KIND(cell.entry), kind);
            cr_assert_eq(ENTRY_LAYOUT(cell.entry),
                         (unsigned)(kind == leaf ? GAIT_LEAF : GAIT_REFS));
            cr_assert(cell_allocated(&cell, space_epoch(&bare.space)));
        }
    }
}

Test(heap, malformed_kinds_are_refused_and_256_fit) {
    uint64_t bits = 1;
    gait_kind_info infos[] = {{.name = NULL, .layout = GAIT_LEAF},
                              {.name = "x", .layout = (gait_layout)99},
                              {.name = "x", .layout = GAIT_BITMAP, .head_words = 1},
                              {.name = "x", .layout = GAIT_REPEAT, .element_words = 0},
                              {.name = "x", .layout = GAIT_REPEAT, .element_words = 65},
                              {.name = "x", .layout = GAIT_CALLBACK}};
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++)
        cr_assert_eq(kinds_register(&bare.kinds, &infos[i]), GAIT_E_INVALID);
    cr_assert_eq(kinds_register(&bare.kinds, NULL), GAIT_E_INVALID);
    gait_kind_info info = {.name = "bits", .layout = GAIT_BITMAP, .head_words = 1, .bitmap = &bits};
    size_t before = figure(&bare.space.metadata_bytes);
    for (int i = 0; i < GAIT_KINDS_MAX; i++)
        cr_assert_eq(kinds_register(&bare.kinds, &info), i);
    cr_assert_geq(figure(&bare.space.metadata_bytes),
                  before + GAIT_KINDS_MAX * (8 + GAIT_SIZE_CLASSES * sizeof(struct central)));
    cr_assert_eq(kinds_register(&bare.kinds, &info), GAIT_E_FULL);
}

/* ---- What other phases and forks find ---- */

Test(heap, a_claim_is_of_one_epoch) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t i = 0; i < 20000; i++)
        bare_alloc(leaf, 64);
    struct sweeper sweeper;
    sweep_init(&sweeper, &bare.space, false);
    bare_flip();
    /* marking has ended, and weak references are not settled yet */
    AO_t cursor = AO_load(&sweeper.cursor);
    cr_assert_not(sweep_is_open(&sweeper));
    cr_assert_not(sweep_step(&sweeper));
    cr_assert_not(sweep_done(&sweeper));
    cr_assert_eq(AO_load(&sweeper.cursor),
                 cursor); /* nothing was claimed, before or behind the end */
    cr_assert_eq(AO_load(&sweeper.freed_bytes), 0u);
    sweep_open(&sweeper);
    cr_assert(sweep_step(&sweeper));
    cr_assert_gt(AO_load(&sweeper.freed_bytes), 0u);
    sweep_finish(&sweeper);
    cr_assert(sweep_done(&sweeper));
    cr_assert_not(sweep_step(&sweeper));
}

/* What was told of sweeping. */
static struct {
    unsigned events;
    uint64_t ns;
} told;

static void hear_sweep(void *heap, const struct timeline_thread *thread,
                       const struct timeline_event *event) {
    (void)thread;
    cr_assert_eq(event->kind, TIMELINE_sweep);
    cr_assert_eq(event->heap, *(unsigned *)heap);
    told.events++;
    told.ns += event->value;
}

static void hear_drop(void *heap, const struct timeline_thread *thread, uint64_t events) {
    (void)heap, (void)thread, (void)events;
    cr_assert_fail("dropped");
}

/* A mutator's, as it looks for free cells: in few events, and none where nothing is left. */
Test(heap, a_mutators_sweeping_is_told) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), size_class = gait_size_class(64);
    bare.space.heap_number = 7;
    struct timeline_taker taker = {hear_sweep, hear_drop, &bare.space.heap_number};
    for (size_t i = 0; i < 100000; i++)
        bare_alloc(leaf, 64);
    struct sweeper sweeper;
    sweep_init(&sweeper, &bare.space, false);
    bare_flip();
    cr_assert(timeline_open());
    timeline_watch(bare.space.heap_number);
    sweep_open(&sweeper);
    for (int i = 0; i < 1000 && !sweep_done(&sweeper); i++)
        sweep_more(&sweeper, leaf, size_class);
    cr_assert(sweep_done(&sweeper));
    timeline_end_steps();
    timeline_take(&taker);
    cr_assert_gt(told.events, 0);
    cr_assert_gt(told.ns, 0);
    told.events = 0;
    for (int i = 0; i < 1000; i++)
        sweep_more(&sweeper, leaf, size_class);
    timeline_end_steps();
    timeline_unwatch(bare.space.heap_number);
    timeline_close();
    timeline_take(&taker);
    cr_assert_eq(told.events, 0);
}

static void *scavenge_for_long(void *argument) {
    AO_t *ended = argument;
    platform_sleep_ns(50000000);
    lock_acquire(&bare.space.lock);
    bare.space.out_pages--;
    AO_store_release(ended, 1);
    lock_release(&bare.space.lock);
    return NULL;
}

Test(heap, a_fork_finds_all_free_pages_in_runs) {
    static AO_t ended;
    pthread_t scavenger;
    bool zeroed;
    struct span *taken = space_take_pages(&bare.space, 10, &zeroed);
    taken->pages = 10;
    space_give_pages(&bare.space, taken);
    bare.space.out_pages = 1; /* as while the OS takes a page back */
    cr_assert_eq(pthread_create(&scavenger, NULL, scavenge_for_long, &ended), 0);
    space_lock_whole(&bare.space);
    cr_assert_eq(AO_load_acquire(&ended), 1u);
    lock_release(&bare.space.lock);
    pthread_join(scavenger, NULL);
    cr_assert_gt(space_scavenge(&bare.space, SIZE_MAX), 0u);
    cr_assert_eq(bare.space.out_pages, 0u);
    space_check(&bare.space);
}

/* The words of a head are counted in 64 bits: this many wrap to none in 32. */
Test(heap, a_head_as_long_as_it_can_be) {
    enum { WORD = 70 };
    size_t words = (UINT32_MAX / 64 + 1), bytes = words * sizeof(uint64_t);
    uint64_t *bitmap = platform_map(bytes);
    cr_assert_not_null(bitmap);
    bitmap[WORD / 64] = (uint64_t)1 << WORD % 64;
    gait_kind_info info = {
        .name = "long", .layout = GAIT_BITMAP, .head_words = UINT32_MAX, .bitmap = bitmap};
    int kind = kinds_register(&bare.kinds, &info);
    cr_assert_geq(kind, 0);
    gait_word *object = bare_alloc((unsigned)kind, 800), *target = bare_alloc((unsigned)kind, 800);
    object[WORD] = bare_ref(target);
    gait_word root = bare_ref(object);
    bare_mark(&root, 1);
    cr_assert(bare_is_marked(target));
    platform_unreserve(bitmap, bytes);
}

/* Runs grow and shrink page by page at either end: no step looks at all of a run. */
Test(heap, long_runs_take_no_longer, .timeout = 60) {
    const size_t pages = is_emulated() ? 1 << 17 : 1 << 20;
    struct span **taken = malloc(pages * sizeof *taken);
    struct space space;
    bool zeroed;
    cr_assert_eq(space_init(&space, pages << PAGE_SHIFT, false), 0);
    clock_t begin = clock();
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < pages; i++) {
            taken[i] = space_take_pages(&space, 1, &zeroed);
            cr_assert_not_null(taken[i]);
            taken[i]->pages = 1;
        }
        for (size_t i = 0; i < pages; i++)
            space_give_pages(&space, taken[round ? pages - 1 - i : i]);
    }
    space_check(&space);
    while (space_scavenge(&space, SIZE_MAX) > 0)
        ;
    space_check(&space);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    cr_assert_lt(seconds, 10.0, "%.1f s", seconds); /* by the square of the length: minutes */
    space_destroy(&space);
    free(taken);
}

/* A thread was zeroing a large object as another one forked: in the child its memory is swept. */
Test(heap, a_large_object_that_was_never_done_is_swept) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    struct sweeper sweeper;
    bool zeroed;
    sweep_init(&sweeper, &bare.space, false);
    cr_assert_not_null(cache_large(&bare.cache, leaf, (size_t)1 << 20, &zeroed));
    size_t used = AO_load(&bare.space.used_bytes);
    cache_destroy(&bare.cache);
    bare_flip();
    sweep_open(&sweeper);
    sweep_finish(&sweeper);
    cr_assert_leq(AO_load(&bare.space.used_bytes), used - ((size_t)1 << 20));
    cache_init(&bare.cache, &bare.space, bare.runs, false);
}

/* ---- How much of what is new lives ---- */

/* Half of the cells of each span are marked, by pairs: the runs that were noted tell so, of however
 * many there were; what is in use and what was noted before the last look are left out. */
Test(heap, runs_tell_how_much_of_what_is_new_lives) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t objects = 100; objects <= 1000000; objects *= 10) {
        struct young_sums sums = {0};
        young_take(&bare.cache, &(struct young_sums){0});
        for (size_t i = 0; i < objects; i++) {
            const gait_word *object = bare_alloc(leaf, 64);
            struct cell cell = bare_cell(object);
            if (i / 2 % 2)
                bits_set(&cell.pair[~space_epoch(&bare.space) & 1], cell.bit);
        }
        young_take(&bare.cache, &sums);
        size_t runs = objects * 64 / 8192, noted = runs < YOUNG_RUNS ? runs : YOUNG_RUNS / 2;
        cr_expect_geq(sums.seen_bytes, (noted ? noted - 1 : 0) * YOUNG_CELLS * 64, "%zu", objects);
        cr_expect_leq(sums.seen_bytes, objects * 64);
        cr_expect_eq(sums.live_bytes, sums.seen_bytes / 2, "of %zu: %zu of %zu", objects,
                     (size_t)sums.live_bytes, (size_t)sums.seen_bytes);
        struct young_sums none = {0};
        young_take(&bare.cache, &none);
        cr_expect_eq(none.seen_bytes, 0u);
    }
}
