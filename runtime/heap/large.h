/* SPDX-License-Identifier: MIT */
/*
 * Spans of one large object that change their length: pages behind them are taken or given back.
 *
 * Only the thread that has the object to itself changes it, and only of a span that is swept: so no
 * sweep counts its pages meanwhile. Between two safepoints: the next one's begins after them.
 *
 *   .inv.large: the pages of a span belong to it, by their entries, before object_bytes says so,
 *   and until it says so no more; what object_bytes adds reads as zero before. A marker that reads
 *   the smaller figure misses nothing: what is stored into what was added is stored with the
 *   barrier on, if a marker runs, and shaded; or, where stores are plain, its card is made dirty
 *   after it, and the one that takes that reads the figure anew. One that reads the larger figure
 *   finds zeroes. It becomes smaller while no marker runs.
 */
#ifndef GAIT_LARGE_H
#define GAIT_LARGE_H

#include "space.h"

/** The pages of an object of so many bytes. */
static inline size_t large_pages(size_t bytes) {
    return (bytes >> PAGE_SHIFT) + (bytes % PAGE_BYTES != 0);
}

/** Take count pages more behind a span, if they are free. *zeroed: they read as zero. object_bytes
 * stays. @return false: others are there. */
bool large_extend(struct space *space, struct span *span, size_t count, bool *zeroed);

/** Give the pages of a span back except for the first kept ones. 0: all, and the span is none;
 * nobody owns it, and its bits are clear. No marker runs. */
void large_give(struct space *space, struct span *span, size_t kept);

#endif
