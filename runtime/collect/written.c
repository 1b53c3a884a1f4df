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
    platform_watch_replace(&old);
    return true;
}

static bool watch_all(gait_heap *heap, const struct platform_range *all) {
    return platform_watch(&heap->written.watch, all, 1) == 0;
}

bool written_begin(gait_heap *heap) {
    char *base = heap->space.base;
    struct platform_range all = {base, base + extent_bytes(heap)};
    return watch_all(heap, &all) || (renew(heap) && watch_all(heap, &all));
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
    if (platform_written(&heap->written.watch, base, bytes, dirty, &dirtying) < 0) {
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
/* So often in a row the kernel is asked, and refuses, before it is asked no more. */
#define REFUSALS_MOST 3

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

/* Have act called for the parts within a range of spans that are kept. Beside the program a span
 * may come or go: a look that counts is in a stop. */
static void each_kept(const struct space *space, struct platform_range range, unsigned side,
                      void (*act)(void *data, struct platform_range part), void *data) {
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
        if (span_is_kept(space, head, side))
            act(data, (struct platform_range){at, end});
    }
}

struct keeping {
    gait_heap *heap;
    unsigned side;
    struct platform_range ranges[RANGES];
    size_t count;
    bool failed;
};

static void keep_all(struct keeping *keeping) {
    if (keeping->count > 0 && !keeping->failed &&
        platform_watch(&keeping->heap->written.watch, keeping->ranges, keeping->count) < 0)
        keeping->failed = true;
    keeping->count = 0;
}

/* Whole pages of the system's, of which a span may have a part. */
static struct platform_range pages_around(struct platform_range part) {
    uintptr_t rest = platform_page_bytes() - 1;
    uintptr_t low = (uintptr_t)part.low & ~rest, high = ((uintptr_t)part.high + rest) & ~rest;
    return (struct platform_range){part.low - ((uintptr_t)part.low - low),
                                   part.high + (high - (uintptr_t)part.high)};
}

static void keep(void *data, struct platform_range part) {
    struct keeping *keeping = data;
    struct platform_range range = pages_around(part);
    if (keeping->count > 0 && range.low <= keeping->ranges[keeping->count - 1].high) {
        keeping->ranges[keeping->count - 1].high = range.high;
        return;
    }
    if (keeping->count == RANGES)
        keep_all(keeping);
    keeping->ranges[keeping->count++] = range;
}

static void keep_written(void *data, struct platform_range range) {
    struct keeping *keeping = data;
    each_kept(&keeping->heap->space, range, keeping->side, keep, keeping);
}

/* The bits have turned over, and nothing is swept: allocations are what was marked. What was not
 * written since it was watched last is watched still: so the cost is that of what was written. A
 * page that nobody has touched may not be reported, and is not watched then: its first store makes
 * it one that is. */
static bool keep_spans(gait_heap *heap) {
    struct keeping keeping = {.heap = heap, .side = space_epoch(&heap->space) & 1};
    if (platform_written_so_far(&heap->written.watch, heap->space.base, extent_bytes(heap),
                                keep_written, &keeping) < 0)
        return false;
    keep_all(&keeping);
    return !keeping.failed;
}

bool written_keep(gait_heap *heap) {
    struct written *written = &heap->written;
    if (written->refusals == REFUSALS_MOST)
        return false;
    bool begins = written->watch.faults.number < 0;
    bool kept = (!begins && keep_spans(heap)) || (renew(heap) && keep_spans(heap));
    written->kept = true; /* or a part of it */
    written->refusals = kept || !begins ? 0 : written->refusals + 1;
    return kept;
}

static void dirty_part(void *data, struct platform_range part) {
    struct dirtying *dirtying = data;
    cards_dirty(dirtying->cards, part.low, part.high);
    dirtying->bytes += (size_t)(part.high - part.low);
}

/* When this is called marks were kept, or are about to be: a span that is swept later than the look
 * before a cycle is seen in the one that counts. */
static void dirty_old(void *data, struct platform_range range) {
    const struct space *space = ((struct dirtying *)data)->space;
    each_kept(space, range, ~space_epoch(space) & 1, dirty_part, data);
}

size_t written_since(gait_heap *heap) {
    struct dirtying dirtying = {.cards = &heap->space.cards, .space = &heap->space};
    char *base = heap->space.base;
    size_t bytes = extent_bytes(heap);
    PERTURB(WRITTEN_LOOK);
    if (platform_written_so_far(&heap->written.watch, base, bytes, dirty_old, &dirtying) < 0) {
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
