/* SPDX-License-Identifier: MIT */
/*
 * The reserved range and its tables: reserving, committing chunk by chunk.
 *
 * The range and the tables are one reservation. A chunk is committed with its part of each table,
 * all or nothing as far as extent_bytes says: a part that was committed before another failed is
 * found committed by the next try.
 *
 *   .inv.addresses: a heap that is not told how much to reserve leaves the process as many
 *   addresses as it takes: it takes no more than could be reserved twice at that moment. Whatever
 *   bounds them, RLIMIT_AS or the CPU, is found out by trying.
 */
#include "space.h"

#include <assert.h>
#include <string.h>

#include "../platform/platform.h"
#include "cache.h"
#include "chunks.h"
#include "pages.h"

/* By default four times the memory that there is: limits of containers are raised, and fragments
 * are no objects. In these bounds. */
#define RESERVE_MEMORY_FACTOR 4
#define RESERVE_BYTES_DEFAULT_LEAST ((size_t)1 << 36)
#define RESERVE_BYTES_DEFAULT_MOST ((size_t)1 << 40)
/* So many heaps of a process reserve that much; with each doubling, the next ones half of it. 1000
 * of 1 TiB have half of 47 bits of addresses so. */
#define RESERVE_HEAPS 16
#define RESERVE_BYTES_SHARED_LEAST ((size_t)1 << 32)
#define RESERVE_BYTES_LEAST ((size_t)1 << 22)
#define RESERVE_BYTES_MOST (PAGE_BYTES << (64 - ENTRY_BACK_SHIFT))

_Static_assert(sizeof(struct span) % 8 == 0, "descriptors of an OS page of entries fill OS pages");

/* Bytes of tables per page of the heap. */
#define TABLE_BYTES_PER_PAGE (sizeof(page_entry) + sizeof(struct span) + BITS_WORDS * 8)

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

static AO_t space_count; /* in this process; unordered: it bounds no more than a choice */

/* What a heap reserves that is not told. Addresses are no memory: a control group's limit doesn't
 * matter, and takes 60 us to find. */
static size_t reserve_bytes_default(void) {
    size_t bytes = RESERVE_BYTES_DEFAULT_MOST, memory = (size_t)platform_physical_bytes();
    while (memory > 0 && bytes > RESERVE_BYTES_DEFAULT_LEAST &&
           bytes / 2 / RESERVE_MEMORY_FACTOR >= memory)
        bytes /= 2;
    for (size_t heaps = AO_load(&space_count);
         heaps >= RESERVE_HEAPS && bytes > RESERVE_BYTES_SHARED_LEAST; heaps /= 2)
        bytes /= 2;
    return bytes;
}

static size_t table_bytes(size_t range_bytes) {
    return (range_bytes >> PAGE_SHIFT) * TABLE_BYTES_PER_PAGE;
}

/* Reserve a range of this length with its tables. twice: only where as much is left after it. */
static char *reserve(size_t range_bytes, bool twice) {
    size_t bytes = range_bytes + table_bytes(range_bytes);
    char *start = platform_reserve(bytes, PAGE_BYTES);
    char *other = start && twice ? platform_reserve(bytes, PAGE_BYTES) : NULL;
    if (other)
        platform_unreserve(other, bytes);
    if (start && twice && !other) {
        platform_unreserve(start, bytes);
        return NULL;
    }
    return start;
}

int space_init(struct space *space, size_t reserve_bytes, bool disable_thp) {
    memset(space, 0, sizeof *space);
    /* A chunk's smallest table, its entries, is a whole number of OS pages. */
    size_t os_page = platform_page_bytes();
    space->chunk_bytes = os_page / sizeof(page_entry) * PAGE_BYTES;
    bool by_default = reserve_bytes == 0;
    size_t want = by_default ? reserve_bytes_default() : reserve_bytes;
    if (want < RESERVE_BYTES_LEAST)
        want = RESERVE_BYTES_LEAST;
    if (want > RESERVE_BYTES_MOST)
        want = RESERVE_BYTES_MOST;
    want = round_up(want, space->chunk_bytes);
    char *start;
    for (;;) {
        bool least = want <= RESERVE_BYTES_LEAST || want <= space->chunk_bytes;
        start = reserve(want, by_default && !least);
        if (start || least)
            break;
        /* in small steps where the OS is asked for as much as it has; always less */
        size_t less = (by_default ? want / 4 : want / 2) / space->chunk_bytes;
        want -= (less > 0 ? less : 1) * space->chunk_bytes;
    }
    if (!start)
        return -1;
    size_t pages = want >> PAGE_SHIFT;
    space->table_bytes = table_bytes(want);
    AO_fetch_and_add1(&space_count);
    pool_init(&space->cache_kinds, sizeof(struct cache_kind), &space->metadata_bytes);
    chunks_init(space);
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
    pool_destroy(&space->cache_kinds);
    chunks_destroy(space);
    if (space->bins)
        platform_unreserve(space->bins, round_up(sizeof *space->bins, platform_page_bytes()));
    cards_destroy(&space->cards);
    platform_unreserve(space->base, space->reserved_bytes + space->table_bytes);
    AO_fetch_and_sub1(&space_count);
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
    counter_add(&space->metadata_bytes,
                pages * TABLE_BYTES_PER_PAGE + (space->cards.bytes ? more >> GAIT_CARD_SHIFT : 0));
    counter_add(&space->released_bytes, more);
    run_insert(space, first, pages, ENTRY_RELEASED);
    /* release: a marker that finds an address below the extent finds its entry readable */
    AO_store_release(&space->extent_bytes, extent + more);
    return 0;
}
