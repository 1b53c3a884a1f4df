/* SPDX-License-Identifier: MIT */
/*
 * The address space of a heap: one reserved range of 8 KiB pages and three flat tables beside it.
 *
 *   entries[page]  one word: which span a page belongs to; all that a marker needs to know
 *   spans[page]    a descriptor, in use at the first page of a span or of a free run
 *   bits[page]     mark and allocation bits of the span that starts at this page
 *
 * "Is this a heap address" is one subtraction and one compare (space_holds); an address leads to
 * its span without a search. Pages are committed chunk by chunk and stay committed; what is given
 * back to the OS stays addressable and reads as zero.
 *
 * Bits: cell i of a span has, in pair i / 64 of its words, a mark bit and an allocation bit. Which
 * word of the pair is which turns over with each cycle: word (epoch & 1) holds the allocation
 * bits, the other the mark bits, so that ending a cycle makes the marks the allocations.
 *
 *   .inv.bits: an allocation bit is set for a cell that was handed out, or lies in a run that was,
 *   and was not swept since. A mark bit is set only where the allocation bit is, but
 *   for one that is set while its cell is freed: .free of docs/design/heap.md. Between sweeping and
 *   marking all mark bits are clear or, if the cycle kept them, those of what it found are set.
 *   .inv.extent: a marker that follows a reference that lies beyond the extent as it saw it last
 *   may skip it only if a barrier has it: the reference was stored after that look, with the
 *   barrier on, and the store shaded it. Where stores are plain a card has it: the look comes after
 *   the mark of the object that is read, or after its card was cleaned, so that the store's card is
 *   taken by one that finds the mark (.inv.reread in docs/design/objects.md). Stores from before
 *   the barriers came with the handshakes, and so did the extent that they needed.
 *   .inv.entry: an entry's class is 0 on a page of no span. An entry is written before any address
 *   in the page is handed out, and cleared only when no reachable object refers into the page.
 */
#ifndef GAIT_SPACE_H
#define GAIT_SPACE_H

#include <gait/inline.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "cards.h"
#include "census.h"
#include "foreign.h"
#include "offheap.h"
#include "pool.h"
#include "tally.h"

#define PAGE_SHIFT 13
#define PAGE_BYTES ((size_t)1 << PAGE_SHIFT)
#define CLASS_LARGE 255 /* the class of a span with one object of more than 32 KiB */
#define CLASS_ARENA 254 /* that of an arena's chunk: it has no cells                */
#define BITS_WORDS 16   /* words of bits per page: 8 pairs, for 512 cells */
#define SPAN_CELLS_MAX 512
#define CELL_CLOBBER 0xdb /* clobberfree: each byte of a cell that was freed */

/* An entry: class, kind, layout, flags, how many words from a cell's start hold its references (0:
 * its kind has more to say, or it is large), and how many pages back the span starts. */
typedef uint64_t page_entry;

#define ENTRY_CLASS(entry) ((unsigned)(entry)&255)
#define ENTRY_KIND(entry) ((unsigned)((entry) >> 8) & 255)
#define ENTRY_LAYOUT(entry) ((unsigned)((entry) >> 16) & 15)
#define ENTRY_WORDS(entry) ((unsigned)((entry) >> 22) & 8191)
#define ENTRY_BACK(entry) ((size_t)((entry) >> ENTRY_BACK_SHIFT))
#define ENTRY_BACK_SHIFT 35                  /* 29 bits: ranges of up to 4 TiB              */
#define ENTRY_FREE ((page_entry)1 << 20)     /* a page of a free run                        */
#define ENTRY_RELEASED ((page_entry)1 << 21) /* of these, one that the OS has back: zero    */

enum span_state {
    SPAN_NONE,     /* not the first page of anything                     */
    SPAN_FREE,     /* the first page of a free run                       */
    SPAN_USED,     /* cells                                              */
    SPAN_ARENA,    /* an arena's chunk: chunks.h                         */
    SPAN_ADDRESSES /* of an arena's range, what is not opened: range.h */
};

/* One per page. */
struct span {
    struct span *next;     /* free run: its bin, lock PAGES. used: its central's list, lock CENTRAL.
                              arena: its struct heap_chunk, atomic     */
    struct span *previous; /* free run: likewise. arena: the next page in its pool. Atomic      */
    size_t object_bytes;   /* large: what was asked for, rounded to words; atomic: large.c      */
    uint32_t pages;        /* length of the span or run; atomic; of a used one large.c changes it */
    unsigned swept;        /* atomic: the epoch in which it was swept, or SWEEPING              */
    uint16_t cells;        /* cells of the span; constant while used                            */
    uint16_t search;       /* no free cell lies below this one; the owner's                     */
    unsigned char state;   /* atomic, enum span_state: a walker of pages reads it unordered     */
    unsigned char recorded; /* atomic: not 0: a table may know an object in it: space_note_record */
    unsigned char reborn;   /* of each page, atomic: not 0: space_note_reborn */
    uint8_t size_class;     /* constant while used                                               */
    uint8_t kind;           /* constant while used                                               */
    bool zeroed;            /* cells from search on were never written; the owner's, or of one that
                               nobody owns lock CENTRAL, as search is                              */
    unsigned char owned;  /* atomic: not 0: a mutator allocates from it; lock CENTRAL            */
    unsigned char listed; /* atomic: not 0: on its central's list; lock CENTRAL; central.h       */
    unsigned arena;       /* index of the arena's record. 0: none, as of all that is no arena's
                             chunk: .inv.index of chunks.h. Atomic                               */
};
_Static_assert(sizeof(struct span) == 48, "one per page: no padding");

#define SWEEPING (~0u) /* the value of swept while some thread sweeps the span */

/* What of a class follows from the class alone. Class 0 and CLASS_ARENA have no cells; CLASS_LARGE
 * has one, and 1
 * for its reciprocal, so that only its first byte counts as its start. */
struct class_info {
    uint32_t cell_bytes;
    uint32_t span_pages;
    uint32_t cells;
    /* For offsets in a span, offset * magic >> 32 is offset / cell_bytes, and the lower 32 bits are
     * less than magic just if cell_bytes divides offset (Lemire, Kaser, Kurz 2019). */
    uint32_t magic;
};
extern const struct class_info class_table[256] __attribute__((visibility("hidden")));

struct space;

/* What the heap's slow paths ask of the layers above; installed once, before use. */
struct space_hooks {
    void *data;
    /* pages are about to be taken back from the OS: make room under the limit */
    void (*before_grow)(void *data, size_t bytes);
    /* make sure that a span is swept; false: sweeping has not begun yet in this epoch */
    bool (*sweep_span)(void *data, struct span *span);
    /* sweep a little: may the central of this kind and class have a span? else a fresh one is taken
     */
    bool (*sweep_more)(void *data, unsigned kind, unsigned size_class);
};

struct arenas;
struct page_bins;
struct kind;

/* Arenas' chunks of one size that nobody uses: 1, 2, 4 … 512 pages. */
#define CHUNK_STACKS 10
struct chunk_stack {
    AO_t top;   /* see chunks.h, .inv.pool */
    AO_t count; /* unordered: bounds it */
};

/* Displacements are multiples of 8 up to GAIT_DISPLACEMENT_MAX: a bit for each. */
#define DISPLACEMENT_WORDS (GAIT_DISPLACEMENT_MAX / 8 / (8 * sizeof(AO_t)) + 1)

struct space {
    unsigned heap_number;  /* constant: which of the process's heaps this is, from 1            */
    char *base;            /* constant: start of the reserved range                              */
    size_t reserved_bytes; /* constant                                                         */
    AO_t extent_bytes;     /* committed part, from base; grows only; written under PAGES         */
    page_entry *entries;   /* constant addresses of the tables                                   */
    struct span *spans;
    uint64_t *bits;
    unsigned epoch; /* atomic: turns with each cycle; its low bit says which bits are which      */
    struct cards cards; /* of the range; no table: no minor cycles                               */
    bool keeps;         /* sweeping keeps marks, for a minor cycle; written while the world is
                           stopped, as the bits turn over                                        */
    unsigned defers;    /* atomic: scan functions wait for the last stop: changes.c, .inv.called;
                           changed while no marker has work                                      */
    bool checks_cards;  /* constant: gccheckmark: spans' reborn is kept                          */
    size_t chunk_bytes; /* constant: how much is committed at a time                             */
    size_t table_bytes; /* constant: reserved for each chunk of pages' tables                    */

    AO_t displaced; /* atomic: not 0: there are displacements: words that lead behind a start  */
    AO_t displacements[DISPLACEMENT_WORDS]; /* atomic: bit i: 8 * i bytes; only added to */

    struct kind *kinds; /* constant address: GAIT_KINDS_MAX of them, see kinds.h                  */

    struct arenas *arenas; /* constant: whose chunks there are; NULL: no heap's space             */

    struct pool cache_kinds; /* nodes of struct cache_kind; lock PAGES                           */
    struct pool chunk_nodes; /* nodes of struct heap_chunk; lock PAGES */
    struct chunk_stack chunk_stacks[CHUNK_STACKS];

    struct lock lock;       /* rank PAGES: free runs, and the counts below                      */
    struct page_bins *bins; /* free runs by length                                              */
    size_t scavenge_top;    /* pages at and above are free of pages worth giving back           */
    size_t scavenge_run;    /* first page of the run that was scavenged last                    */
    size_t out_pages;       /* in no run, since the OS takes them back: space_scavenge          */
    AO_t free_bytes;        /* free, not given back; read unordered: a figure                   */
    AO_t released_bytes;    /* free and given back, or never touched                            */
    AO_t used_bytes;        /* in spans                                                         */
    AO_t metadata_bytes;    /* the tables' touched part and the collector's own                 */
    AO_t arena_bytes;       /* in chunks of arenas, those that are kept in the pool included    */
    AO_t arena_peak_bytes;  /* the most of it so far; raised as chunks are made, unordered      */
    AO_t
        allocated_arena_bytes; /* chunks handed out since the heap was created, from the pool too */
    struct tally tally; /* what was allocated                                               */
    struct census_handed handed; /* of it, what was while a trace was written, by size          */
    struct foreign foreign; /* of the program, beside the pages                                 */
    struct offheap offheap; /* of libraries, likewise                                           */
    struct space_hooks hooks;
};

/** Reserve a range of up to reserve_bytes (halving until the OS agrees); 0: what suits the machine,
 * and leaves the process as many addresses as it takes. @return negative: none. */
int space_init(struct space *space, size_t reserve_bytes, bool disable_thp);
void space_destroy(struct space *space);

/** Memory of libraries that counts as the heap's, bytes. */
static inline size_t space_offheap_bytes(const struct space *space) {
    return offheap_sum(&space->offheap);
}

/** Take count pages: the first one's descriptor, state NONE; *zeroed: they read as zero. counter:
 * where they are counted, used_bytes or arena_bytes. NULL: none. */
struct span *space_take_pages_for(struct space *space, size_t count, bool *zeroed, AO_t *counter);

static inline struct span *space_take_pages(struct space *space, size_t count, bool *zeroed) {
    return space_take_pages_for(space, count, zeroed, &space->used_bytes);
}

/** Take the count pages from this one on, if all of them are free, or can be committed; counted in
 * used_bytes. @return false: they are not. */
bool space_take_pages_at(struct space *space, size_t page, size_t count, bool *zeroed);

/** Give the pages of a span back to the free runs. Its entries are cleared. By its state it was
 * counted in used_bytes or arena_bytes. */
void space_give_pages(struct space *space, struct span *span);

/** The same of spans of cells that lie side by side, at once: count pages from first on. */
void space_give_spans(struct space *space, size_t first, size_t count);

/** The same of pages that are not counted, and that the OS has the memory of. */
void space_give_released(struct space *space, struct span *span);

/**
 * Take count pages as addresses alone: nothing of them is in memory, and they read as zero. They
 * count as released, until they are opened. @return the first page; SIZE_MAX: none.
 */
size_t space_take_addresses(struct space *space, size_t count);

/** Open count pages at the front or the back of what is left of them, which begins with page first:
 * makes room under the limit, then counts them in arena_bytes. @return the first that is opened. */
size_t space_open_addresses(struct space *space, size_t first, size_t count, bool front);

/** Give back what is left of them, from this page on. */
void space_give_addresses(struct space *space, size_t first);

/** Have the OS take the memory of pages of the caller's; they read as zero. Counts nothing.
 * @return negative: refused; each page is as before, or zero. */
int space_release_pages(struct space *space, size_t first, size_t count);

/** Give up to bytes of free pages back to the OS, highest addresses first. @return how many bytes.
 */
size_t space_scavenge(struct space *space, size_t bytes);

/** Take the lock at a moment when all free pages are in the free runs: for a fork. */
void space_lock_whole(struct space *space);

/** Assert what must hold of the free runs. Takes the lock. */
void space_check(struct space *space);

/* Does an address lie in the range, committed or not? */
static inline bool space_reserves(const struct space *space, uintptr_t address) {
    return address - (uintptr_t)space->base < space->reserved_bytes;
}

/* Does it lie in the committed part? acquire: pairs with space_extend, so that the entry can be
 * read; and it is looked at after the word that the address was read from: see .inv.extent. */
static inline bool space_holds(const struct space *space, uintptr_t address) {
    return address - (uintptr_t)space->base < AO_load_acquire(&space->extent_bytes);
}

static inline size_t space_page(const struct space *space, uintptr_t address) {
    return (address - (uintptr_t)space->base) >> PAGE_SHIFT;
}

static inline char *space_page_start(const struct space *space, size_t page) {
    return space->base + (page << PAGE_SHIFT);
}

static inline size_t span_page(const struct space *space, const struct span *span) {
    return (size_t)(span - space->spans);
}

static inline enum span_state span_state(const struct span *span) {
    return (enum span_state)AO_char_load_acquire(&span->state); /* pairs with span_set_state */
}

static inline void span_set_state(struct span *span, enum span_state state) {
    AO_char_store_release(&span->state, (unsigned char)state);
}

/* Unordered: a walker that meets a chunk as it goes reads its length, or that of what comes after
 * it at the same page. All others know that the span stays what it is. */
static inline void span_set_pages(struct span *span, size_t pages) {
    AO_int_store(&span->pages, (unsigned)pages);
}

/* Unordered: one that takes a chunk off its stack may read it when the pages are no chunk any more,
 * and then takes nothing (chunks.c). */
static inline void span_set_previous(struct span *span, struct span *previous) {
    AO_store((volatile AO_t *)&span->previous, (AO_t)previous);
}

static inline size_t span_pages_now(const struct span *span) { return AO_int_load(&span->pages); }

/* Unordered: a reader of less than there is, or more, knows why it does no harm (large.h). */
static inline size_t span_object_bytes(const struct span *span) {
    return AO_load((const volatile AO_t *)&span->object_bytes);
}

/* release: what it adds to an object reads as zero before it is looked at. */
static inline void span_set_object_bytes(struct span *span, size_t bytes) {
    AO_store_release((volatile AO_t *)&span->object_bytes, bytes);
}

static inline char *span_start(const struct space *space, const struct span *span) {
    return space_page_start(space, span_page(space, span));
}

/* The entry of a page: relaxed, ordered by the address dependency on the reference followed. */
static inline page_entry space_entry(const struct space *space, size_t page) {
    return AO_load((const volatile AO_t *)&space->entries[page]);
}

/* Set or clear flags of bits that other threads may change meanwhile. Handshakes order marks and
 * cycles; release and acquire are for cells that are taken while a cycle marks: one that sees their
 * bits sees them zeroed. */
static inline void bits_set(uint64_t *word, uint64_t bits) {
    AO_or_release((volatile AO_t *)word, bits);
}

static inline void bits_clear(uint64_t *word, uint64_t bits) {
    AO_and((volatile AO_t *)word, ~bits);
}

static inline uint64_t bits_get(const uint64_t *word) {
    return AO_load_acquire((const volatile AO_t *)word);
}

/* The words of bits of the span that starts at a page: pair i is at 2 * i. */
static inline uint64_t *space_bits(const struct space *space, size_t page) {
    return space->bits + page * BITS_WORDS;
}

static inline unsigned space_epoch(const struct space *space) {
    return AO_int_load_acquire(&space->epoch); /* pairs with the turn in cycle.c */
}

static inline size_t span_cell_bytes(const struct span *span) {
    return span->size_class == CLASS_LARGE ? span_object_bytes(span)
                                           : class_table[span->size_class].cell_bytes;
}

/** Where an address lies: its span, its cell; false: in no cell that is allocated. */
struct cell {
    char *start;
    page_entry entry;
    size_t head;    /* the span's first page */
    uint64_t *pair; /* the pair of words that has its bits */
    uint64_t bit;
};

/* Find the cell that holds address, allocated or not. @return false: in no span's cells. */
static inline bool space_cell(const struct space *space, uintptr_t address, struct cell *cell) {
    size_t page = space_page(space, address);
    page_entry entry = space_entry(space, page);
    unsigned size_class = ENTRY_CLASS(entry);
    if (size_class == 0)
        return false;
    size_t head = page - ENTRY_BACK(entry);
    size_t offset = (address - (uintptr_t)space->base) - (head << PAGE_SHIFT);
    size_t index = 0;
    if (size_class != CLASS_LARGE) {
        const struct class_info *info = &class_table[size_class];
        index = offset * info->magic >> 32;
        if (index >= info->cells)
            return false;
        offset = index * info->cell_bytes;
    } else {
        offset = 0;
    }
    cell->start = space_page_start(space, head) + offset;
    cell->entry = entry;
    cell->head = head;
    cell->pair = space_bits(space, head) + 2 * (index >> 6);
    cell->bit = (uint64_t)1 << (index & 63);
    return true;
}

/* Does a word that leads so far into an object count as a reference to it? Unordered: those that
 * are added later hold for words that are stored later. */
static inline bool space_is_displacement(const struct space *space, size_t offset) {
    return AO_load(&space->displaced) && offset % 8 == 0 && offset <= GAIT_DISPLACEMENT_MAX &&
           AO_load(&space->displacements[offset / 64 / 8]) >> (offset / 8 % 64) & 1;
}

/* Does an address in a cell, where any may hold a reference, count as one to the cell? */
static inline bool cell_is_meant(const struct space *space, const struct cell *cell,
                                 uintptr_t address) {
    return (uintptr_t)cell->start == address ||
           space_is_displacement(space, address - (uintptr_t)cell->start);
}

static inline bool cell_allocated(const struct cell *cell, unsigned epoch) {
    return (bits_get(&cell->pair[epoch & 1]) & cell->bit) != 0;
}

static inline bool cell_marked(const struct cell *cell, unsigned epoch) {
    return (bits_get(&cell->pair[~epoch & 1]) & cell->bit) != 0;
}

#endif
