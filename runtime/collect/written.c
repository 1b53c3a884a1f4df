/* SPDX-License-Identifier: MIT */
/*
 * From pages to cards. See written.h.
 */
#include "written.h"

#include "../instance.h"
#include "../platform/perturb.h"

bool written_start(gait_heap *heap) {
    struct space *space = &heap->space;
    heap->written.watch = platform_watch_open(space->base, space->reserved_bytes);
    return heap->written.watch >= 0;
}

void written_stop(gait_heap *heap) {
    if (heap->written.watch >= 0)
        platform_watch_close(heap->written.watch);
    heap->written.watch = -1;
}

void written_lost(gait_heap *heap) { written_stop(heap); }

static size_t extent_bytes(const gait_heap *heap) {
    return AO_load_acquire(&heap->space.extent_bytes);
}

/* A program that closes what it has not opened has closed the watch, too, and its number may be
 * that of another file: it is not closed, but opened anew. */
bool written_begin(gait_heap *heap) {
    size_t bytes = extent_bytes(heap);
    if (heap->written.watch >= 0 && platform_watch(heap->space.base, bytes) == 0)
        return true;
    if (!written_start(heap))
        return false;
    if (platform_watch(heap->space.base, bytes) == 0)
        return true;
    written_stop(heap);
    return false;
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
    platform_unwatch(heap->written.watch, heap->space.base, extent_bytes(heap));
}
