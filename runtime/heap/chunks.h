/* SPDX-License-Identifier: MIT */
/*
 * Chunks of arenas: spans of pages without cells. To all that looks for objects they are nothing
 * (CLASS_ARENA has no cells, and no address in them is a cell's start); from an address in one, two
 * reads lead to the arena.
 *
 *   entry of the page -> descriptor of the span's first page -> struct heap_chunk, and the arena's
 * index
 *
 * A chunk is counted in space.arena_bytes from chunk_take to chunk_free. What chunk_give takes back
 * is kept in a pool by size, as it is, up to some of each size: taking one from there and giving it
 * takes no lock, and no call of the OS.
 *
 *   .inv.chunk: the struct of a chunk is where spans[page].next of its first page leads, as long as
 *   its entries say CLASS_ARENA; it is set before them. It lies in the library's memory, not in the
 *   chunk, which may be inaccessible. That holds at one moment: a thread that has read an entry and
 *   then reads `next` may find that the chunk has gone, and its struct with it. So only its holder
 *   follows `next`: one that knows from the index that the arena is its own (chunk_at).
 *   .inv.index: spans[page].arena is an arena's index on the first page of a chunk that the arena
 *   has, and 0 on all other pages, whatever they are. Nothing else is kept in that word. So who has
 *   read an entry may read the index a long time after it: it is 0, or an arena's that has a chunk
 *   there now, and records stay (.inv.record of
 *   mark/arenas.h).
 *   .inv.pool: a pool is a stack (Treiber): one word has the youngest chunk's page and a count of
 *   changes, so that a page which went and came back is seen (ABA). The links are in the
 *   descriptors of pages, which stay readable whatever becomes of a chunk.
 */
#ifndef GAIT_CHUNKS_H
#define GAIT_CHUNKS_H

#include "../arena/bump.h"
#include "../platform/perturb.h"
#include "space.h"

struct arena; /* what the collector knows of one: mark/arenas.h */

/* A piece of an arena's memory, of whole OS pages, with a span of CLASS_ARENA of its own. A part of
 * what its owner keeps of it, and the owner's until it has left the arena. */
struct arena_chunk {
    struct arena_chunk *next; /* of the list that it is in, once it has left the arena */
    struct arena *arena;      /* whose it is, or was */
    char *start;
    size_t bytes;
    char *low; /* of a chunk set apart: what may hold references */
    char *low_end;
    bool stays;     /* likewise: it stands for the arena's first one, which the arena keeps */
    uint8_t access; /* enum arena_access; in quarantine: lock ARENAS, or the one that made the arena
                       busy */
};

struct heap_chunk {
    struct bump_chunk bump;   /* first: a source's chunks are these */
    struct arena_chunk apart; /* what the collector holds it by when it has left its arena */
    size_t page;              /* constant: its first */
    size_t pages;             /* constant */
    bool bound;               /* to a NUMA node; its holder's */
};

void chunks_init(struct space *space);
void chunks_destroy(struct space *space);

/** Take a chunk of so many bytes at least, accessible, for the arena with a record of this index.
 * Not a safepoint. NULL: none. */
struct heap_chunk *chunk_take(struct space *space, size_t bytes, unsigned arena);

/** The same from the pool only. */
struct heap_chunk *chunk_take_kept(struct space *space, size_t bytes, unsigned arena);

/** A chunk of the first or the last pages of addresses that the caller has: space_open_addresses.
 * NULL: no memory for its structure. */
struct heap_chunk *chunk_open(struct space *space, size_t first, size_t pages, bool low,
                              unsigned arena);

/** Give an accessible chunk back: to the pool, or else as chunk_free. */
void chunk_give(struct space *space, struct heap_chunk *chunk);

/** Give its pages back to the page heap; accessible. */
void chunk_free(struct space *space, struct heap_chunk *chunk);

/** The same of one that is not counted any more, and that the OS has the memory of: accessible,
 * zero.
 */
void chunk_free_bare(struct space *space, struct heap_chunk *chunk);

/** Memory of the chunks in the pool: a figure. */
static inline size_t chunks_pooled_bytes(const struct space *space) {
    size_t bytes = 0;
    for (unsigned i = 0; i < CHUNK_STACKS; i++)
        bytes += AO_load(&space->chunk_stacks[i].count) << (PAGE_SHIFT + i);
    return bytes;
}

/** Free what is in the pool. @return bytes. Thread rule: any thread. */
size_t chunks_drain(struct space *space);

static inline char *chunk_start(const struct space *space, const struct heap_chunk *chunk) {
    return space_page_start(space, chunk->page);
}

static inline size_t chunk_bytes(const struct heap_chunk *chunk) {
    return chunk->pages << PAGE_SHIFT;
}

/** The chunk of this arena, by its index, that an address lies in; NULL: it is not in one. Any
 * address, the thread whose chunks they are: they stay meanwhile. */
static inline struct heap_chunk *chunk_at(const struct space *space, unsigned arena,
                                          uintptr_t address) {
    if (!space_holds(space, address))
        return NULL;
    size_t page = space_page(space, address);
    page_entry entry = space_entry(space, page);
    if (ENTRY_CLASS(entry) != CLASS_ARENA)
        return NULL;
    PERTURB(ARENA_OF);
    const struct span *span = &space->spans[page - ENTRY_BACK(entry)];
    if (AO_int_load_acquire(&span->arena) != arena) /* pairs with chunk_init */
        return NULL;
    return (struct heap_chunk *)AO_load_acquire((const volatile AO_t *)&span->next);
}

/** The index of the arena of a chunk that the caller holds; 0: it is in the pool. */
static inline unsigned chunk_arena(const struct space *space, const struct heap_chunk *chunk) {
    return AO_int_load_acquire(&space->spans[chunk->page].arena);
}

#endif
