/* SPDX-License-Identifier: MIT */
/* The range of a contiguous arena; see range.h. */
#include "range.h"

static size_t pages_of(size_t bytes) { return (bytes >> PAGE_SHIFT) + (bytes % PAGE_BYTES != 0); }

int range_reserve(struct space *space, struct range *range, size_t bytes) {
    size_t pages = pages_of(bytes), page = space_take_addresses(space, pages);
    *range = (struct range){0};
    if (page == SIZE_MAX)
        return -1;
    range->page = page;
    range->pages = pages;
    char *start = space_page_start(space, page), *end = start + (pages << PAGE_SHIFT);
    range->whole =
        (struct bump_chunk){.start = start, .end = end, .clean = start, .clean_end = end};
    return 0;
}

size_t range_open(struct space *space, struct range *range, size_t bytes, bool low,
                  unsigned arena) {
    size_t pages = pages_of(bytes), left = range_left_bytes(range) >> PAGE_SHIFT;
    pages = pages < left ? pages : left;
    if (pages == 0)
        return 0;
    size_t first = range->page + range->low_pages; /* of what is not opened */
    struct heap_chunk *chunk = chunk_open(space, first, pages, low, arena);
    if (!chunk)
        return 0;
    *(low ? &range->low_pages : &range->high_pages) += pages;
    chunk->bump.next = NULL;
    *(range->last ? &range->last->next : &range->pieces) = &chunk->bump;
    range->last = &chunk->bump;
    return pages << PAGE_SHIFT;
}

struct bump_chunk *range_close(struct space *space, struct range *range) {
    if (range_left_bytes(range) > 0)
        space_give_addresses(space, range->page + range->low_pages);
    struct bump_chunk *pieces = range->pieces;
    *range = (struct range){0};
    return pieces;
}
