/* SPDX-License-Identifier: MIT */
/*
 * Free runs of pages: what space.c and pages.c share. All of it is guarded by the lock PAGES.
 *
 *   .inv.run: no two free runs touch. The first page's descriptor has state FREE, its length and
 *   its bin's links, and `zeroed` if it is among the released; every page's entry has ENTRY_FREE;
 *   the last one's leads back to the first. What a step costs does not grow with a run's length.
 */
#ifndef GAIT_PAGES_H
#define GAIT_PAGES_H

#include "space.h"

/* Bins: one for each length below 64 pages, then four to each doubling, up to 2^32 pages. */
#define PAGE_BINS (64 + 4 * 26)

/* Two sets of bins: of runs that begin or end with a page that the OS has not back, and of the
 * rest. The first is looked through first: what is taken from it needs no room under the limit, and
 * no page fault. */
struct page_bins {
    struct page_bin_set {
        struct span *heads[PAGE_BINS];
        uint64_t filled[(PAGE_BINS + 63) / 64]; /* bit b: bin b is not empty */
    } kept, released;
};

/** Commit at least bytes more of the range and add them to the free runs. @return negative: none.
 */
int space_extend(struct space *space, size_t bytes);

/** Add count pages from first on to the free runs, joining neighbours. flags: ENTRY_RELEASED or 0.
 */
void run_insert(struct space *space, size_t first, size_t count, page_entry flags);

#endif
