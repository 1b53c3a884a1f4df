/* SPDX-License-Identifier: MIT */
/* The range of a contiguous arena; see range.h. */
#include "range.h"

/* A spare piece is at most so much larger than what is asked for. Guess. */
#define SPARE_FACTOR 2

static size_t pages_of(size_t bytes) { return (bytes >> PAGE_SHIFT) + (bytes % PAGE_BYTES != 0); }

int range_open(struct space *space, struct range *range, size_t bytes) {
    size_t pages = pages_of(bytes);
    *range = (struct range){.page = space_take_addresses(space, pages), .pages = pages};
    return range->page == SIZE_MAX ? -1 : 0;
}

/* Is it counted? Of those that are not, the OS has the memory. */
static bool is_counted(const struct bump_chunk *chunk) { return chunk->clean != chunk->start; }

static struct heap_chunk *spare_take(struct space *space, struct range *range, size_t pages) {
    for (struct bump_chunk **link = &range->spare; *link; link = &(*link)->next) {
        struct heap_chunk *chunk = (struct heap_chunk *)*link;
        if (chunk->pages < pages || chunk->pages / SPARE_FACTOR > pages)
            continue;
        *link = chunk->bump.next;
        if (is_counted(&chunk->bump))
            return chunk;
        if (space->hooks.before_grow)
            space->hooks.before_grow(space->hooks.data, chunk_bytes(chunk));
        counter_add(&space->arena_bytes, chunk_bytes(chunk));
        return chunk;
    }
    return NULL;
}

struct heap_chunk *range_take(struct space *space, struct range *range, size_t bytes,
                              unsigned arena) {
    size_t pages = pages_of(bytes);
    struct heap_chunk *chunk = spare_take(space, range, pages);
    if (chunk || pages == 0 || pages > range->pages - range->opened)
        return chunk;
    size_t page = range->page + range->opened;
    chunk = chunk_open(space, page, pages, arena);
    if (!chunk)
        return NULL;
    range->opened += pages;
    return chunk;
}

void range_give(struct space *space, struct range *range, struct heap_chunk *chunk) {
    struct bump_chunk *piece = &chunk->bump;
    bool released = space_release_pages(space, chunk->page, chunk->pages) == 0;
    piece->clean = released ? piece->start : piece->end;
    piece->clean_end = piece->end;
    if (released)
        counter_sub(&space->arena_bytes, chunk_bytes(chunk));
    piece->next = range->spare;
    range->spare = piece;
}

struct bump_chunk *range_close(struct space *space, struct range *range) {
    if (range->opened < range->pages)
        space_give_addresses(space, range->page + range->opened);
    struct bump_chunk *spare = range->spare;
    for (struct bump_chunk *chunk = spare; chunk; chunk = chunk->next)
        if (!is_counted(chunk))
            counter_add(&space->arena_bytes, chunk_bytes((struct heap_chunk *)chunk));
    range->spare = NULL;
    range->pages = range->opened;
    return spare;
}
