/* SPDX-License-Identifier: MIT */
/*
 * A heap without threads, mutators and cycle for unit tests: space, kinds, one cache to allocate
 * from, one marker. A test marks by hand, then turns the bits over. Nothing is swept.
 */
#ifndef GAIT_TESTS_BARE_HEAP_H
#define GAIT_TESTS_BARE_HEAP_H

#include "heap/cache.h"
#include "mark/arenas.h"
#include "mark/marker.h"
#include "mark/queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct bare_heap {
    struct space space;
    struct arenas arenas;
    struct kind_table kinds;
    struct mark_queue queue;
    struct marker marker;
    struct cache cache;
    struct gait_run *runs[GAIT_KINDS_MAX];
    gait_word value_mask;
};

static struct bare_heap bare;

/* Sweeping has not begun: a cache that owns an unswept span lets go of it. */
static bool bare_sweep_span(void *data, struct span *span) {
    (void)data, (void)span;
    return false;
}

static inline void bare_open_sized(gait_word value_mask, size_t reserve_bytes) {
    bare.value_mask = value_mask;
    cr_assert_eq(space_init(&bare.space, reserve_bytes, false), 0);
    bare.space.hooks.sweep_span = bare_sweep_span;
    arenas_init(&bare.arenas, &bare.space);
    kinds_init(&bare.kinds, &bare.space);
    queue_init(&bare.queue, &bare.space.metadata_bytes);
    marker_init(&bare.marker, &bare.space, &bare.queue, value_mask);
    cache_init(&bare.cache, &bare.space, bare.runs, false);
}

static inline void bare_open(gait_word value_mask) { bare_open_sized(value_mask, (size_t)1 << 32); }

static inline void bare_close(void) {
    cache_destroy(&bare.cache);
    queue_destroy(&bare.queue);
    kinds_destroy(&bare.kinds);
    arenas_destroy(&bare.arenas);
    space_check(&bare.space);
    space_destroy(&bare.space);
}

static inline unsigned bare_kind(gait_layout layout, unsigned head_words) {
    gait_kind_info info = {.name = "kind", .layout = layout, .head_words = head_words};
    int kind = kinds_register(&bare.kinds, &info);
    cr_assert(kind >= 0);
    return (unsigned)kind;
}

static inline gait_word *bare_alloc(unsigned kind, size_t bytes) {
    bool zeroed;
    if (bytes > GAIT_SMALL_MAX_BYTES) {
        void *object = cache_large(&bare.cache, kind, bytes, &zeroed);
        cr_assert_not_null(object);
        if (!zeroed)
            memset(object, 0, bytes);
        cache_large_done(&bare.cache, object);
        return object;
    }
    unsigned size_class = gait_size_class(bytes);
    struct gait_run *run = &bare.runs[kind][size_class];
    if (run->cursor == run->end) {
        cr_assert_gt(cache_refill(&bare.cache, kind, size_class), (size_t)0);
        run = &bare.runs[kind][size_class];
    }
    char *object = run->cursor;
    run->cursor += gait_class_bytes(size_class);
    return (gait_word *)object;
}

/* Mark all that the words lead to, to the end. */
static inline void bare_mark(const gait_word *words, size_t count) {
    marker_begin(&bare.marker);
    marker_push_range(&bare.marker, words, count);
    do
        marker_drain(&bare.marker, SIZE_MAX);
    while (marker_ephemerons(&bare.marker));
    marker_end(&bare.marker);
}

/* End a cycle without sweeping. What is left of the runs was not marked, and is free now. */
static inline void bare_flip(void) {
    for (unsigned kind = 0; kind < GAIT_KINDS_MAX; kind++)
        for (unsigned i = 0; bare.cache.kinds[kind] && i < GAIT_SIZE_CLASSES; i++)
            bare.runs[kind][i].cursor = bare.runs[kind][i].end;
    queue_clear(&bare.queue);
    AO_int_store(&bare.space.epoch, space_epoch(&bare.space) + 1);
}

static inline struct cell bare_cell(const void *object) {
    struct cell cell;
    cr_assert(space_holds(&bare.space, (uintptr_t)object));
    cr_assert(space_cell(&bare.space, (uintptr_t)object, &cell));
    cr_assert_eq(cell.start, (char *)object);
    return cell;
}

static inline bool bare_is_marked(const void *object) {
    struct cell cell = bare_cell(object);
    return cell_marked(&cell, space_epoch(&bare.space));
}

static inline bool bare_is_allocated(const void *object) {
    struct cell cell = bare_cell(object);
    return cell_allocated(&cell, space_epoch(&bare.space));
}

static inline gait_word bare_ref(const void *object) { return (gait_word)object; }

/* xorshift64: the same numbers on each run. */
static inline uint64_t bare_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* How many cells of less than 32 KiB a marker has marked. */
static inline size_t bare_marked_cells(const struct marker *marker) {
    size_t cells = 0;
    for (unsigned size_class = 0; size_class < GAIT_SIZE_CLASSES; size_class++)
        cells += marker->marked[size_class];
    return cells;
}

#endif
