/* SPDX-License-Identifier: MIT */
/*
 * From pages to cards. See written.h.
 */
#include "written.h"

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
bool written_begin(gait_heap *heap) {
    const char *base = heap->space.base;
    size_t bytes = extent_bytes(heap);
    if (platform_watch(base, bytes) == 0)
        return true;
    struct platform_watch old = heap->written.watch;
    if (!written_start(heap)) {
        heap->written.watch = old;
        return false;
    }
    platform_watch_close(&old);
    return platform_watch(base, bytes) == 0;
}

struct dirtying {
    const struct cards *cards;
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
