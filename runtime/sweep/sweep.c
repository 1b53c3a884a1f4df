/* SPDX-License-Identifier: MIT */
/*
 * Sweeping by chunks of pages. See sweep.h.
 */
#include "sweep.h"

#include <string.h>

#include "../heap/central.h"
#include "../heap/walk.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "../platform/timeline.h"

/* Pages claimed at a time: some 5 us of work. */
#define CHUNK_PAGES 64
/* Chunks that a mutator sweeps before it takes a fresh span instead: bounds what an allocation
 * may take to some 50 us. */
#define MORE_CHUNKS 8

/* A heap has fewer than 2^29 pages, and each thread passes the end by one claim at most. */
#define CURSOR_PAGE_BITS 32

static AO_t cursor_of(unsigned epoch, size_t page) {
    return (AO_t)epoch << CURSOR_PAGE_BITS | page;
}

static unsigned cursor_epoch(AO_t cursor) { return (unsigned)(cursor >> CURSOR_PAGE_BITS); }

static size_t cursor_page(AO_t cursor) { return cursor & (((AO_t)1 << CURSOR_PAGE_BITS) - 1); }

void sweep_init(struct sweeper *sweeper, struct space *space, bool clobber) {
    memset(sweeper, 0, sizeof *sweeper);
    sweeper->space = space;
    sweeper->clobber = clobber;
    AO_store(&sweeper->cursor, cursor_of(space_epoch(space), 0));
}

void sweep_open(struct sweeper *sweeper) {
    AO_store(&sweeper->end, AO_load(&sweeper->space->extent_bytes) >> PAGE_SHIFT);
    PERTURB(SWEEP_OPEN);
    /* release: one that sees the epoch opened sees its end, and weak references settled */
    AO_store_release(&sweeper->cursor, cursor_of(space_epoch(sweeper->space), 0));
}

bool sweep_is_open(const struct sweeper *sweeper) {
    return cursor_epoch(AO_load_acquire(&sweeper->cursor)) == space_epoch(sweeper->space);
}

static void clobber_cells(struct space *space, struct span *span, uint64_t dead, unsigned first) {
    size_t bytes = span_cell_bytes(span);
    for (; dead; dead &= dead - 1) {
        size_t cell = first + (size_t)__builtin_ctzll(dead);
        memset(span_start(space, span) + cell * bytes, CELL_CLOBBER, bytes);
    }
}

/* What a sweeper has found free and not given back yet: neighbours go at once. Locks and counters
 * are shared with mutators, which take the pages meanwhile. */
struct found {
    size_t first, count; /* pages of spans without live cells */
    size_t freed_bytes;  /* of cells */
};

static void found_give(struct sweeper *sweeper, struct found *found) {
    if (found->count > 0)
        space_give_spans(sweeper->space, found->first, found->count);
    found->count = 0;
}

/* Nobody knows the span any more but walkers, to whom it says that no cell is in use. */
static void found_add(struct sweeper *sweeper, struct found *found, const struct span *span) {
    size_t page = span_page(sweeper->space, span);
    if (found->count > 0 && found->first + found->count != page)
        found_give(sweeper, found);
    if (found->count == 0)
        found->first = page;
    found->count += span->pages;
}

static void found_end(struct sweeper *sweeper, struct found *found) {
    found_give(sweeper, found);
    if (found->freed_bytes > 0)
        counter_add(&sweeper->freed_bytes, found->freed_bytes);
}

/* The sweep of one span that this thread has claimed. */
static void span_sweep(struct sweeper *sweeper, struct span *span, unsigned epoch,
                       struct found *found) {
    struct space *space = sweeper->space;
    uint64_t *bits = space_bits(space, span_page(space, span));
    /* Before the bits: a large object that is no longer owned has its bit. Nobody takes an unswept
     * span; one that a mutator leaves meanwhile is offered, or freed, one cycle later. */
    bool owned = AO_char_load_acquire(&span->owned);
    size_t live = 0, dead = 0, cells = span->cells;
    for (unsigned first = 0; first < cells; first += 64) {
        uint64_t *pair = &bits[2 * (first >> 6)];
        uint64_t now = bits_get(&pair[epoch & 1]), before = bits_get(&pair[~epoch & 1]);
        live += (size_t)__builtin_popcountll(now);
        dead += (size_t)__builtin_popcountll(before & ~now);
        if (sweeper->clobber)
            clobber_cells(space, span, before & ~now, first);
        AO_store((volatile AO_t *)&pair[~epoch & 1], space->keeps ? now : 0);
    }
    size_t cell_bytes =
        span->size_class == CLASS_LARGE ? (size_t)span->pages << PAGE_SHIFT : span_cell_bytes(span);
    struct kind *kind = &space->kinds[span->kind];
    if (live > 0) {
        counter_add(&kind->live_objects, live);
        counter_add(&kind->live_bytes, live * cell_bytes);
    }
    found->freed_bytes += dead * cell_bytes;
    span->search = 0;
    span->zeroed = false;
    AO_char_store(&span->listed, 0); /* its list is gone; on the new one it comes once swept */
    PERTURB(SWEEP_BITS);
    /* Pairs with cache_refill: it sees the bits. From here on the program may free a cell, and the
     * span if that was its only one: what is read of it below was read before, or it has no cell.
     */
    AO_int_store_release(&span->swept, epoch);
    if (owned)
        return;
    PERTURB(SWEEP_SWEPT);
    if (live == 0) {
        counter_sub(&kind->span_bytes, (size_t)span->pages << PAGE_SHIFT);
        found_add(sweeper, found, span);
    } else if (live < cells) {
        central_offer(space, span);
    }
}

/* Sweep a span unless it was, or wait for the one that does. */
static void sweep_claim(struct sweeper *sweeper, struct span *span, unsigned epoch, bool wait,
                        struct found *found) {
    unsigned swept = AO_int_load_acquire(&span->swept);
    if (swept == epoch)
        return;
    if (swept != SWEEPING && AO_int_compare_and_swap_acquire(&span->swept, swept, SWEEPING)) {
        PERTURB(SWEEP_CLAIMED);
        span_sweep(sweeper, span, epoch, found);
        return;
    }
    while (wait && AO_int_load_acquire(&span->swept) != epoch)
        platform_yield();
}

/* Is there one to claim, as the cursor was? */
static bool has_chunk(const struct sweeper *sweeper, AO_t cursor) {
    return cursor_epoch(cursor) == space_epoch(sweeper->space) &&
           cursor_page(cursor) < AO_load(&sweeper->end);
}

/* Claim a chunk: *epoch, and its pages from *page to *stop. @return false: there is none. */
static bool chunk_claim(struct sweeper *sweeper, unsigned *epoch, size_t *page, size_t *stop) {
    AO_t cursor = AO_load_acquire(&sweeper->cursor); /* pairs with sweep_open, as does the add */
    if (!has_chunk(sweeper, cursor))
        return false;
    cursor = AO_fetch_and_add_full(&sweeper->cursor, CHUNK_PAGES);
    size_t end = AO_load(&sweeper->end);
    *epoch = cursor_epoch(cursor);
    *page = cursor_page(cursor);
    *stop = *page + CHUNK_PAGES < end ? *page + CHUNK_PAGES : end;
    return *page < end;
}

bool sweep_step(struct sweeper *sweeper) {
    struct space *space = sweeper->space;
    unsigned epoch;
    size_t page, stop;
    struct found found = {0};
    if (!has_chunk(sweeper, AO_load_acquire(&sweeper->cursor)))
        return false; /* without a word to `active`, which all threads write */
    AO_fetch_and_add1_full(&sweeper->active); /* full: counted before the claim; see sweep_done */
    PERTURB(SWEEP_ACTIVE);
    bool claimed = chunk_claim(sweeper, &epoch, &page, &stop);
    PERTURB(SWEEP_CHUNK);
    for (; claimed && page < stop; page++) {
        if (walk_is_span(space, page))
            sweep_claim(sweeper, &space->spans[page], epoch, false, &found);
    }
    found_end(sweeper, &found);
    AO_fetch_and_sub1_full(&sweeper->active);
    return claimed && stop < AO_load(&sweeper->end);
}

bool sweep_done(const struct sweeper *sweeper) {
    AO_t cursor = AO_load_acquire(&sweeper->cursor);
    return cursor_epoch(cursor) == space_epoch(sweeper->space) &&
           cursor_page(cursor) >= AO_load(&sweeper->end) && AO_load_acquire(&sweeper->active) == 0;
}

void sweep_finish(struct sweeper *sweeper) {
    while (sweep_step(sweeper))
        ;
    while (!sweep_done(sweeper))
        platform_yield();
}

void sweep_forget(struct sweeper *sweeper) {
    const struct space *space = sweeper->space;
    unsigned side = ~space_epoch(space) & 1;
    size_t pages = AO_load_acquire(&space->extent_bytes) >> PAGE_SHIFT, length;
    for (size_t page = 0; page < pages; page += length) {
        const struct span *span = &space->spans[page];
        length = 1;
        if (!walk_is_span(space, page))
            continue;
        /* a large object may be freed meanwhile, and its pages be another span's: without marks */
        length = span_pages_now(span);
        PERTURB(SWEEP_FORGET);
        uint64_t *bits = space_bits(space, page);
        unsigned cells = class_table[ENTRY_CLASS(space_entry(space, page))].cells;
        for (unsigned first = 0; first < cells; first += 64)
            if (bits_get(&bits[2 * (first >> 6) + side]))
                AO_store((volatile AO_t *)&bits[2 * (first >> 6) + side], 0);
    }
}

bool sweep_span(struct sweeper *sweeper, struct span *span) {
    if (!sweep_is_open(sweeper))
        return false;
    struct found found = {0};
    int64_t begin_ns = TIMELINE_BEGIN(sweep);
    AO_fetch_and_add1_full(&sweeper->active); /* before the claim: .inv.claim */
    sweep_claim(sweeper, span, space_epoch(sweeper->space), true, &found);
    found_end(sweeper, &found);
    AO_fetch_and_sub1_full(&sweeper->active);
    TIMELINE_STEP(sweep, sweeper->space->heap_number, begin_ns);
    return true;
}

static bool sweep_until_filled(struct sweeper *sweeper, unsigned kind, unsigned size_class) {
    const struct central *central = &sweeper->space->kinds[kind].centrals[size_class];
    for (unsigned i = 0; i < MORE_CHUNKS; i++) {
        bool more = sweep_step(sweeper);
        if (central_seems_filled(central, space_epoch(sweeper->space)))
            return true;
        if (!more)
            return false;
    }
    return false;
}

bool sweep_more(struct sweeper *sweeper, unsigned kind, unsigned size_class) {
    int64_t begin_ns = TIMELINE_BEGIN(sweep);
    if (begin_ns && !has_chunk(sweeper, AO_load_acquire(&sweeper->cursor)))
        begin_ns = 0; /* nothing is left to sweep: not told */
    bool filled = sweep_until_filled(sweeper, kind, size_class);
    TIMELINE_STEP(sweep, sweeper->space->heap_number, begin_ns);
    return filled;
}
