/* SPDX-License-Identifier: MIT */
/*
 * The range of addresses of an arena that is contiguous: its chunks lie in it one behind the other,
 * whatever the order in which they are filled, so that the distances between them are the same
 * wherever the range lies.
 *
 *   opened pieces | addresses only
 *
 * A piece is a chunk as others are: for marking, for quarantine, and for the page heap to which it
 * goes in the end. What is not opened costs addresses and their part of the tables, and is counted
 * as released pages are.
 *
 *   .inv.range: [page, page + opened) is whole pieces, each a span of CLASS_ARENA of this arena.
 *   Pieces in `spare` are among them. Where the OS has taken their memory, they are clean from
 * their start on, and not counted. They are used again before others are opened.
 *
 * The arena's owner's.
 */
#ifndef GAIT_RANGE_H
#define GAIT_RANGE_H

#include "chunks.h"

struct range {
    size_t page, pages;       /* constant: all of it */
    size_t opened;            /* pages in pieces */
    struct bump_chunk *spare; /* see .inv.range */
};

/** Take the addresses. @return negative: there are not so many in one piece. */
int range_open(struct space *space, struct range *range, size_t bytes);

/** A chunk of so many bytes at least. Not a safepoint. NULL: the range is full, or no memory. */
struct heap_chunk *range_take(struct space *space, struct range *range, size_t bytes,
                              unsigned arena);

/** A piece that holds nothing: its memory goes back to the OS if that takes it. */
void range_give(struct space *space, struct range *range, struct heap_chunk *chunk);

/**
 * The end of the range: what is not opened goes back. @return the spare pieces, accessible and
 * counted, as one list by their bump's next: the caller's, with all others.
 */
struct bump_chunk *range_close(struct space *space, struct range *range);

/** The piece that begins at a page of the range; then page + its pages is the next one's. */
static inline struct heap_chunk *range_piece(const struct space *space, size_t page) {
    return chunk_at(space, (uintptr_t)space_page_start(space, page));
}

#endif
