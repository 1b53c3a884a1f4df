/* SPDX-License-Identifier: MIT */
/*
 * Freeing one cell. See free.h.
 */
#include "free.h"

#include <string.h>

#include "../platform/perturb.h"
#include "central.h"
#include "large.h"

void space_note_reborn(struct space *space, const char *start, size_t bytes) {
    if (!space->checks_cards)
        return;
    size_t page = space_page(space, (uintptr_t)start);
    size_t last = space_page(space, (uintptr_t)start + bytes - 1);
    for (; page <= last; page++)
        AO_char_store(&space->spans[page].reborn, 1);
}

/* Memory, both bits, and the figures of sweeping, which counted what was kept as old. */
static void cell_drop(struct space *space, struct span *span, const struct cell *cell,
                      bool clobber) {
    unsigned epoch = space_epoch(space);
    if (clobber)
        memset(cell->start, CELL_CLOBBER, span_cell_bytes(span));
    bits_clear(&cell->pair[epoch & 1], cell->bit);
    PERTURB(FREE_UNALLOCATED);
    space_note_reborn(space, cell->start, span_cell_bytes(span));
    if (!cell_marked(cell, epoch))
        return;
    bits_clear(&cell->pair[~epoch & 1], cell->bit); /* what is born there is young */
    struct kind *kind = &space->kinds[span->kind];
    counter_sub(&kind->live_objects, 1);
    counter_sub(&kind->live_bytes, span->size_class == CLASS_LARGE
                                       ? span_pages_now(span) << PAGE_SHIFT
                                       : class_table[span->size_class].cell_bytes);
}

/* The next run of the span may begin there. Its owner, or with the list held. */
static void search_from(struct span *span, size_t index) {
    if (index < span->search)
        span->search = (uint16_t)index;
    span->zeroed = false;
}

static enum freed free_small(struct cache *cache, struct span *span, const struct cell *cell,
                             bool clobber) {
    struct space *space = cache->space;
    const struct cache_kind *cached = cache->kinds[span->kind];
    unsigned size_class = span->size_class;
    size_t index =
        (size_t)(cell->start - span_start(space, span)) / class_table[size_class].cell_bytes;
    if (cached && cached->spans[size_class] == span) {
        const struct gait_run *run = &cached->runs[size_class];
        if (cell->start >= run->cursor && cell->start < run->end)
            return FREED_NO_OBJECT;
        cell_drop(space, span, cell, clobber);
        search_from(span, index);
        return FREED;
    }
    /* bits of another mutator's span are that one's: .inv.owner of cache.h */
    if (!central_lock_span(space, span))
        return FREED_LATER;
    cell_drop(space, span, cell, clobber);
    search_from(span, index);
    central_unlock_offered(space, span);
    return FREED;
}

enum freed cell_free(struct cache *cache, const struct cell *cell, bool clobber) {
    struct space *space = cache->space;
    struct span *span = &space->spans[cell->head];
    if (AO_char_load(&span->recorded)) /* unordered: this thread knows what has the object */
        return FREED_LATER;
    if (AO_int_load_acquire(&span->swept) != space_epoch(space) &&
        !space->hooks.sweep_span(space->hooks.data, span))
        return FREED_LATER;
    PERTURB(FREE_SWEPT);
    if (span->size_class != CLASS_LARGE)
        return free_small(cache, span, cell, clobber);
    cell_drop(space, span, cell, clobber);
    large_give(space, span, 0);
    return FREED;
}

void space_note_record(struct space *space, const void *object) {
    size_t page = space_page(space, (uintptr_t)object);
    struct span *span = &space->spans[page - ENTRY_BACK(space_entry(space, page))];
    if (!AO_char_load(&span->recorded))
        AO_char_store(&span->recorded, 1);
}
