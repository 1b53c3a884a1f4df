/* SPDX-License-Identifier: MIT */
/*
 * From pages to cards. See written.h.
 */
#include "written.h"

#include "../heap/walk.h"
#include "../instance.h"
#include "../platform/perturb.h"

bool written_start(gait_heap *heap) {
    struct space *space = &heap->space;
    return platform_watch_open(&heap->written.watch, space->base, space->reserved_bytes) == 0;
}

void written_stop(gait_heap *heap) { platform_watch_close(&heap->written.watch); }

void written_lost(gait_heap *heap) { written_stop(heap); }

static size_t extent_bytes(const gait_heap *heap) {
    return AO_load_acquire(&heap->space.extent_bytes);
}

/* A program that closes what it has not opened has closed the watch, too: another one is opened. If
 * that fails the old one is kept: it may be good, and what failed was the look, for want of a
 * descriptor. As long as it is open no other can have these addresses. */
static bool renew(gait_heap *heap) {
    struct platform_watch old = heap->written.watch;
    if (!written_start(heap)) {
        heap->written.watch = old;
        return false;
    }
    platform_watch_close(&old);
    return true;
}

bool written_begin(gait_heap *heap) {
    char *base = heap->space.base;
    struct platform_range all = {base, base + extent_bytes(heap)};
    return platform_watch(&all, 1) == 0 || (renew(heap) && platform_watch(&all, 1) == 0);
}

struct dirtying {
    const struct cards *cards;
    const struct space *space;
    size_t bytes;
};

static void dirty(void *data, struct platform_range range) {
    struct dirtying *dirtying = data;
    cards_dirty(dirtying->cards, range.low, range.high);
    dirtying->bytes += (size_t)(range.high - range.low);
}

size_t written_to_cards(gait_heap *heap) {
    struct dirtying dirtying = {.cards = &heap->space.cards};
    char *base = heap->space.base;
    size_t bytes = extent_bytes(heap);
    PERTURB(WRITTEN_LOOK);
    if (platform_written(base, bytes, dirty, &dirtying) < 0) {
        cards_dirty(&heap->space.cards, base, base + bytes);
        return bytes;
    }
    PERTURB(WRITTEN_TAKEN);
    return dirtying.bytes;
}

void written_end(gait_heap *heap) {
    platform_unwatch(&heap->written.watch, heap->space.base, extent_bytes(heap));
}

/* ---- From one cycle to the next ---- */

/* Ranges that are watched by one call: 2 KiB of stack. */
#define RANGES 128

/* Does it have objects in which cards are looked at: old ones, marked on this side of their bits?
 * What is looked at in each cycle, or never, needs no watch. */
static bool span_is_kept(const struct space *space, size_t page, unsigned side) {
    page_entry entry = space_entry(space, page);
    if (ENTRY_LAYOUT(entry) == GAIT_LEAF || ENTRY_LAYOUT(entry) == GAIT_CALLBACK)
        return false;
    const uint64_t *bits = space_bits(space, page);
    unsigned cells = class_table[ENTRY_CLASS(entry)].cells;
    uint64_t marked = 0;
    for (unsigned first = 0; first < cells; first += 64)
        marked |= bits_get(&bits[2 * (first >> 6) + side]);
    return marked != 0;
}

struct keeping {
    struct platform_range ranges[RANGES];
    size_t count;
    bool failed;
};

static void keep_all(struct keeping *keeping) {
    if (keeping->count > 0 && platform_watch(keeping->ranges, keeping->count) < 0)
        keeping->failed = true;
    keeping->count = 0;
}

/* Whole pages of the system's, of which a span may have a part. */
static struct platform_range pages_around(char *start, size_t bytes) {
    uintptr_t rest = platform_page_bytes() - 1;
    uintptr_t low = (uintptr_t)start & ~rest, high = ((uintptr_t)start + bytes + rest) & ~rest;
    return (struct platform_range){start - ((uintptr_t)start - low),
                                   start + (high - (uintptr_t)start)};
}

static void keep(struct keeping *keeping, struct platform_range range) {
    if (keeping->count > 0 && range.low <= keeping->ranges[keeping->count - 1].high) {
        keeping->ranges[keeping->count - 1].high = range.high;
        return;
    }
    if (keeping->count == RANGES)
        keep_all(keeping);
    keeping->ranges[keeping->count++] = range;
}

/* The bits have turned over, and nothing is swept: allocations are what was marked. */
static bool keep_spans(gait_heap *heap) {
    const struct space *space = &heap->space;
    size_t pages = extent_bytes(heap) >> PAGE_SHIFT, length;
    struct keeping keeping = {.count = 0};
    for (size_t page = 0; page < pages && !keeping.failed; page += length) {
        length = 1;
        if (!walk_is_span(space, page))
            continue;
        length = span_pages_now(&space->spans[page]);
        if (span_is_kept(space, page, space_epoch(space) & 1))
            keep(&keeping, pages_around(space_page_start(space, page), length << PAGE_SHIFT));
    }
    keep_all(&keeping);
    return !keeping.failed;
}

bool written_keep(gait_heap *heap) {
    heap->written.kept = keep_spans(heap) || (renew(heap) && keep_spans(heap));
    return heap->written.kept;
}

/* Of each span that has a part in a range. When this is called marks were kept, or are about to be:
 * a span that is swept later than the look before a cycle is seen in the one that counts. */
static void dirty_old(void *data, struct platform_range range) {
    struct dirtying *dirtying = data;
    const struct space *space = dirtying->space;
    for (char *at = range.low, *end; at < range.high; at = end) {
        size_t page = space_page(space, (uintptr_t)at);
        size_t head = page - ENTRY_BACK(space_entry(space, page));
        end = space_page_start(space, page + 1);
        if (!walk_is_span(space, head))
            continue;
        size_t length = span_pages_now(&space->spans[head]);
        if (head + length <= page)
            continue;
        end = space_page_start(space, head + length);
        end = end < range.high ? end : range.high;
        if (!span_is_kept(space, head, ~space_epoch(space) & 1))
            continue;
        cards_dirty(dirtying->cards, at, end);
        dirtying->bytes += (size_t)(end - at);
    }
}

size_t written_since(gait_heap *heap) {
    struct dirtying dirtying = {.cards = &heap->space.cards, .space = &heap->space};
    char *base = heap->space.base;
    size_t bytes = extent_bytes(heap);
    PERTURB(WRITTEN_LOOK);
    if (platform_written_so_far(base, bytes, dirty_old, &dirtying) < 0) {
        cards_dirty(&heap->space.cards, base, base + bytes);
        return bytes / platform_page_bytes();
    }
    return dirtying.bytes / platform_page_bytes();
}

void written_drop(gait_heap *heap) {
    if (heap->written.kept)
        written_end(heap);
    heap->written.kept = false;
}
