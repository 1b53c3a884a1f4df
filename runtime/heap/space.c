/* SPDX-License-Identifier: MIT */
/*
 * The reserved range and its tables: reserving, committing chunk by chunk.
 *
 * The range and the tables are one reservation. A chunk is committed with its part of each table,
 * all or nothing as far as extent_bytes says: a part that was committed before another failed is
 * found committed by the next try.
 */
#include "space.h"

#include <assert.h>
#include <string.h>

#include "../platform/platform.h"
#include "pages.h"

#define RESERVE_BYTES_DEFAULT ((size_t)1 << 40)
#define RESERVE_BYTES_LEAST ((size_t)1 << 22)
#define RESERVE_BYTES_MOST (PAGE_BYTES << (64 - ENTRY_BACK_SHIFT))

_Static_assert(sizeof(struct span) % 8 == 0, "descriptors of an OS page of entries fill OS pages");

/* Bytes of tables per page of the heap. */
#define TABLE_BYTES_PER_PAGE (sizeof(page_entry) + sizeof(struct span) + BITS_WORDS * 8)

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

int space_init(struct space *space, size_t reserve_bytes, bool disable_thp) {
    memset(space, 0, sizeof *space);
    /* A chunk's smallest table, its entries, is a whole number of OS pages. */
    size_t os_page = platform_page_bytes();
    space->chunk_bytes = os_page / sizeof(page_entry) * PAGE_BYTES;
    size_t want = reserve_bytes ? reserve_bytes : RESERVE_BYTES_DEFAULT;
    if (want < RESERVE_BYTES_LEAST)
        want = RESERVE_BYTES_LEAST;
    if (want > RESERVE_BYTES_MOST)
        want = RESERVE_BYTES_MOST;
    want = round_up(want, space->chunk_bytes);
    char *start = NULL;
    size_t pages;
    for (;; want = round_up(want / 2, space->chunk_bytes)) {
        pages = want >> PAGE_SHIFT;
        space->table_bytes = pages * TABLE_BYTES_PER_PAGE;
        start = platform_reserve(want + space->table_bytes, PAGE_BYTES);
        if (start || want <= RESERVE_BYTES_LEAST || want <= space->chunk_bytes)
            break;
    }
    if (!start)
        return -1;
    space->base = start;
    space->reserved_bytes = want;
    space->spans = (struct span *)(start + want);
    space->bits = (uint64_t *)(space->spans + pages);
    space->entries = (page_entry *)(space->bits + pages * BITS_WORDS);
    lock_init(&space->lock, LOCK_PAGES, "pages");
    space->bins = platform_map(round_up(sizeof *space->bins, os_page));
    if (!space->bins) {
        space_destroy(space);
        return -1;
    }
    if (disable_thp)
        platform_disable_thp(start, want);
    return 0;
}

void space_destroy(struct space *space) {
    if (!space->base)
        return;
    if (space->bins)
        platform_unreserve(space->bins, round_up(sizeof *space->bins, platform_page_bytes()));
    platform_unreserve(space->base, space->reserved_bytes + space->table_bytes);
    lock_destroy(&space->lock);
    space->base = NULL;
}

int space_extend(struct space *space, size_t bytes) {
    size_t extent = AO_load(&space->extent_bytes);
    size_t more = round_up(bytes, space->chunk_bytes);
    if (more < bytes || more > space->reserved_bytes - extent)
        return -1;
    size_t first = extent >> PAGE_SHIFT, pages = more >> PAGE_SHIFT;
    if (platform_commit(&space->entries[first], pages * sizeof(page_entry)) < 0 ||
        platform_commit(&space->spans[first], pages * sizeof(struct span)) < 0 ||
        platform_commit(&space->bits[first * BITS_WORDS], pages * BITS_WORDS * 8) < 0 ||
        platform_commit(space->base + extent, more) < 0)
        return -1;
    /* Only what is touched counts: bits and descriptors of a page once a span uses it. An entry is
     * written for every page here. */
    counter_add(&space->metadata_bytes, pages * TABLE_BYTES_PER_PAGE);
    counter_add(&space->released_bytes, more);
    run_insert(space, first, pages, ENTRY_RELEASED);
    /* release: a marker that finds an address below the extent finds its entry readable */
    AO_store_release(&space->extent_bytes, extent + more);
    return 0;
}
