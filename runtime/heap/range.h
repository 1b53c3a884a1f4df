/* SPDX-License-Identifier: MIT */
/*
 * The range of addresses of a contiguous arena. To its bump it is one chunk, which is filled from
 * both ends; memory there is only where it was opened, piece by piece from each end.
 *
 *   opened from below → | addresses only | ← opened from above
 *
 * A piece is a span of CLASS_ARENA with a chunk, as others are: for marking, for quarantine, and
 * for the page heap to which it goes in the end. What is not opened costs addresses and its part of
 * the tables, and is counted as released pages are.
 *
 *   .inv.range: the first low_pages and the last high_pages of the range are whole pieces, all of
 *   which are in the list; the rest has no entries.
 *
 * The arena's owner's.
 */
#ifndef GAIT_RANGE_H
#define GAIT_RANGE_H

#include "chunks.h"

struct range {
    struct bump_chunk whole;   /* first: what the bump fills */
    size_t page, pages;        /* constant: all of it; 0 pages: there is none */
    size_t low_pages;          /* opened from below */
    size_t high_pages;         /* opened from above */
    struct bump_chunk *pieces; /* by next: what is opened, the first one first */
    struct bump_chunk *last;
};

/** Take the addresses. @return negative: there are not so many in one piece. */
int range_reserve(struct space *space, struct range *range, size_t bytes);

/** Open so many bytes more at one end, in whole pages, or what is left. They read as zero. Not a
 * safepoint. @return how many; 0: all is opened, or there is no memory for the piece's structure.
 */
size_t range_open(struct space *space, struct range *range, size_t bytes, bool low, unsigned arena);

/** The end of the range: what is not opened goes back. @return the pieces, as one list by next: the
 * caller's now, as chunks of their own. */
struct bump_chunk *range_close(struct space *space, struct range *range);

/** What is not opened yet. */
static inline size_t range_left_bytes(const struct range *range) {
    return (range->pages - range->low_pages - range->high_pages) << PAGE_SHIFT;
}

#endif
