/* SPDX-License-Identifier: MIT */
/*
 * The marking loop: blocks of references, batches of prefetches.
 *
 * Why single objects with prefetches and not whole spans: docs/design/marking.md. One file of some
 * 640 lines: the loop is one function as it is compiled, of all that is inlined into it.
 */
#include "marker.h"

#include <string.h>

#include "../platform/perturb.h"
#include "arenas.h"
#include "cells.h"
#include "coroutines.h"
#include "ranges.h"

/* Words pushed between two looks at the room in the block. */
#define PIECE_WORDS 128
/* References from prefetch to use. See docs/design/marking.md for the measurement. */
#define BATCH 64
/* Words of the barrier from prefetch to use. */
#define SHADE_BATCH 16
/* A block shares half of what it has only if that is worth the trouble. Guess. */
#define SHARE_WORDS 16

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct marker *marker = (struct marker *)visitor;
    if (conservative)
        marker_push_conservative(marker, &word, 1); /* its cell's bits are not waited for here */
    else
        marker_push(marker, word);
}

static void reach(struct gait_visitor *visitor, gait_coroutine *coroutine) {
    coroutine_note_reached(((struct marker *)visitor)->queue, coroutine);
}

void marker_init(struct marker *marker, struct space *space, struct mark_queue *queue,
                 gait_word value_mask) {
    memset(marker, 0, sizeof *marker);
    marker->visitor = visitor_of(space, value_mask, visit);
    marker->visitor.reach = reach;
    marker->space = space;
    marker->queue = queue;
    marker->value_mask = value_mask;
    marker->base = (uintptr_t)space->base;
}

/* ends: the cycle that is marked ends with so many epochs more. */
static void marker_look(struct marker *marker, unsigned ends) {
    AO_int_store(&marker->used, 1);
    marker->extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    marker->cycle = space_epoch(marker->space) + ends;
    marker->mark_side = marker->cycle & 1;
}

static void marker_begin_in(struct marker *marker, unsigned ends) {
    PERTURB(MARK_BEGIN);
    /* full: counted before it takes or makes work; pairs with the look in cycle.c */
    AO_fetch_and_add1_full(&marker->queue->active);
    PERTURB(MARK_BEGUN);
    marker_look(marker, ends);
}

void marker_begin(struct marker *marker) { marker_begin_in(marker, 1); }

void marker_begin_again(struct marker *marker) { marker_begin_in(marker, 0); }

bool marker_join(struct marker *marker) {
    if (!queue_join(marker->queue))
        return false;
    PERTURB(MARK_BEGUN);
    marker_look(marker, 1);
    return true;
}

size_t marker_take_marked(struct marker *marker) {
    if (!AO_int_load(&marker->used))
        return 0;
    AO_int_store(&marker->used, 0);
    size_t bytes = marker->large_bytes;
    for (unsigned size_class = 0; size_class < GAIT_SIZE_CLASSES; size_class++)
        bytes += (size_t)marker->marked[size_class] * class_table[size_class].cell_bytes;
    marker->large_bytes = 0;
    memset(marker->marked, 0, sizeof marker->marked);
    return bytes;
}

/* ---- Marking one cell ---- */

/* A word that lies past the extent seen last may be in a chunk committed since. */
static bool in_range_now(struct marker *marker, gait_word address) {
    if (address - marker->base < marker->extent_bytes)
        return true;
    if (address - marker->base >= marker->space->reserved_bytes)
        return false;
    marker->extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    return address - marker->base < marker->extent_bytes;
}

/* No block is available: mark the object now; its references are found by a rescan. */
static void overflow(struct marker *marker, gait_word address) {
    struct cell cell;
    struct arena *arena = arenas_of(marker->space, address);
    if (arena)
        marker_claim_later(marker, arena);
    if (arena || !marker_cell(marker, address, &cell) ||
        !(bits_get(&cell.pair[!marker->mark_side]) & cell.bit))
        return;
    if (marks_set(&cell.pair[marker->mark_side], cell.bit)) {
        ephemerons_miss(&marker->queue->keys);
        count_marked(marker, (uintptr_t)cell.start, ENTRY_CLASS(cell.entry));
        if (!arenas_are_open(marker->space->arenas, marker->cycle))
            AO_store(&marker->queue->lone, 1);
        /* After the mark: see passes.c. Of a leaf too: while barriers go on its cell may be freed
         * between the look at its entry and the mark, and the page be another object's, which has
         * references and is not pushed: .free of docs/design/heap.md. */
        AO_store_release(&marker->queue->overflowed, 1);
    }
}

/* Make room for count words in the block. @return false: no memory. */
static bool block_room(struct marker *marker, size_t count) {
    struct mark_block *block = marker->block;
    if (block && block->count + count <= MARK_BLOCK_WORDS)
        return true;
    struct mark_block *fresh = queue_block(marker->queue);
    if (!fresh)
        return false;
    if (block)
        queue_publish(marker->queue, block);
    marker->block = fresh;
    return true;
}

void marker_push(struct marker *marker, gait_word word) {
    gait_word address = word & marker->value_mask;
    if (address % sizeof(gait_word) != 0 || !in_range_now(marker, address))
        return;
    if (block_room(marker, 1))
        marker->block->words[marker->block->count++] = address;
    else
        overflow(marker, address);
}

/* The cell that a word points into: as it is, with its low bits, or else as a tagged one. @return
 * false: none. */
static inline __attribute__((always_inline)) bool interior_cell(struct marker *marker,
                                                                gait_word word, struct cell *cell) {
    gait_word address = word & marker->value_mask;
    if (in_range_now(marker, word) && space_cell(marker->space, word, cell))
        return true;
    return address != word && in_range_now(marker, address) &&
           space_cell(marker->space, address, cell);
}

/* The arena that a word points into, likewise. NULL: none. */
static struct arena *interior_arena(struct marker *marker, gait_word word) {
    gait_word address = word & marker->value_mask;
    struct arena *arena = in_range_now(marker, word) ? arenas_of(marker->space, word) : NULL;
    if (!arena && address != word && in_range_now(marker, address))
        arena = arenas_of(marker->space, address);
    return arena;
}

static void push_white_arena(struct marker *marker, gait_word word) {
    struct arena *arena = interior_arena(marker, word);
    if (arena && marker_arena_is_white(marker, arena))
        marker_push(marker, (gait_word)arena->handle);
}

void marker_push_interior(struct marker *marker, gait_word word) {
    struct cell cell;
    if (interior_cell(marker, word, &cell))
        marker_push(marker, (gait_word)cell.start);
    else
        push_white_arena(marker, word);
}

static inline __attribute__((always_inline)) bool cell_is_white(const struct marker *marker,
                                                                const struct cell *cell) {
    return (bits_get(&cell->pair[!marker->mark_side]) & cell->bit) &&
           !(bits_get(&cell->pair[marker->mark_side]) & cell->bit);
}

/* A white leaf is marked: docs/design/marking.md, .inv.leaf. @return whether anything was pushed.
 */
static bool mark_leaf(struct marker *marker, const struct cell *cell) {
    struct mark_queue *queue = marker->queue;
    bool pushed = false;
    if (!marks_set(&cell->pair[marker->mark_side], cell->bit))
        return false;
    count_marked(marker, (uintptr_t)cell->start, ENTRY_CLASS(cell->entry));
    AO_nop_full(); /* .inv.key: marked before the look */
    if (keys_are_awaited(marker))
        pushed = marker_push_pairs(marker, ephemerons_take(&queue->keys, (uintptr_t)cell->start));
    if (AO_load(&queue->keys.pairs) > 0 || AO_load(&queue->watched))
        AO_fetch_and_add1_full(&queue->published); /* the passes look once more */
    return pushed;
}

bool marker_shade(struct marker *marker, const gait_word *words, size_t count, bool may_mark) {
    bool pushed = false;
    struct cell cells[SHADE_BATCH]; /* whose bits come into the cache */
    for (size_t at = 0; at < count;) {
        unsigned found = 0;
        for (; at < count && found < SHADE_BATCH; at++)
            if (interior_cell(marker, words[at], &cells[found]))
                __builtin_prefetch(cells[found++].pair);
            else
                push_white_arena(marker, words[at]);
        for (unsigned i = 0; i < found; i++)
            if (!cell_is_white(marker, &cells[i]))
                continue;
            else if (may_mark && ENTRY_LAYOUT(cells[i].entry) == GAIT_LEAF)
                pushed |= mark_leaf(marker, &cells[i]);
            else
                marker_push(marker, (gait_word)cells[i].start), pushed = true;
    }
    return pushed;
}

void marker_push_range(struct marker *marker, const gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        marker_push(marker, word_read(&words[i]));
}

bool marker_is_white(const struct marker *marker, gait_word word) {
    struct cell cell;
    gait_word address = word & marker->value_mask;
    if (!space_holds(marker->space, address))
        return false;
    if (marker_cell(marker, address, &cell))
        return cell_is_white(marker, &cell);
    const struct arena *arena = arenas_of(marker->space, address);
    return arena && marker_arena_is_white(marker, arena);
}

/* Push at most PIECE_WORDS words without a look at the room for each. */
static inline void push_piece(struct marker *marker, const gait_word *words, size_t count) {
    if (!block_room(marker, count)) {
        marker_push_range(marker, words, count);
        return;
    }
    gait_word mask = marker->value_mask, base = marker->base;
    /* what these words lead to may be in a chunk that was committed since the last look; one that
     * is committed after this look is .inv.extent's */
    size_t extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    gait_word *to = marker->block->words + marker->block->count;
    for (size_t i = 0; i < count; i++) {
        gait_word address = word_read(&words[i]) & mask;
        *to = address;
        to += in_range_aligned(address, base, extent_bytes);
    }
    marker->block->count = (size_t)(to - marker->block->words);
}

/* Put a conservative word into a block, if it lies in the range. @return the end. */
static inline size_t put_interior(gait_word *to, size_t at, const gait_word *from, uintptr_t base,
                                  size_t extent_bytes) {
    gait_word word = word_read(from);
    to[at] = interior_word(word);
    return at + (word - base < extent_bytes);
}

/* The same of count of them, from `at` on. */
static inline size_t put_interiors(gait_word *to, size_t at, const gait_word *words, size_t count,
                                   uintptr_t base, size_t extent_bytes) {
    const gait_word *stop = words + count;
    if (count % 2)
        at = put_interior(to, at, words++, base, extent_bytes);
    for (; words < stop; words += 2) {
        at = put_interior(to, at, words, base, extent_bytes);
        at = put_interior(to, at, words + 1, base, extent_bytes);
    }
    return at;
}

void marker_push_conservative(struct marker *marker, const gait_word *words, size_t count) {
    for (size_t piece; count > 0; words += piece, count -= piece) {
        piece = count < PIECE_WORDS ? count : PIECE_WORDS;
        if (interiors_wait(marker) && block_room(marker, piece)) {
            struct mark_block *block = marker->block;
            block->count = put_interiors(block->words, block->count, words, piece, marker->base,
                                         AO_load_acquire(&marker->space->extent_bytes));
            continue;
        }
        for (size_t i = 0; i < piece; i++)
            marker_push_interior(marker, word_read(&words[i]));
    }
}

bool marker_push_slice(struct marker *marker, const gait_word *words, size_t count) {
    if (!block_room(marker, 2))
        return false;
    struct mark_block *block = marker->block;
    block->words[block->count++] = 2 * count;
    block->words[block->count++] = (gait_word)words | SLICE_TAG;
    return true;
}

size_t marker_slice(struct marker *marker, const gait_word *words, size_t count) {
    if (count <= MARK_SLICE_WORDS ||
        !marker_push_slice(marker, words + MARK_SLICE_WORDS, count - MARK_SLICE_WORDS))
        return count;
    return MARK_SLICE_WORDS;
}

void marker_push_words(struct marker *marker, const gait_word *words, size_t count) {
    count = marker_slice(marker, words, count);
    marker->scanned_bytes += count * sizeof(gait_word);
    for (; count > PIECE_WORDS; words += PIECE_WORDS, count -= PIECE_WORDS)
        push_piece(marker, words, PIECE_WORDS);
    push_piece(marker, words, count);
}

void marker_push_piece(struct marker *marker, const struct root_piece *piece) {
    if (block_room(marker, 1))
        marker->block->words[marker->block->count++] = (gait_word)piece | PIECE_TAG;
    else
        ranges_scan_piece(marker, piece);
}

void marker_push_cards(struct marker *marker, gait_word piece) {
    if (block_room(marker, 1))
        marker->block->words[marker->block->count++] = piece | CARDS_TAG;
    else
        marker_scan_cards(marker, piece);
}

bool marker_defer(struct marker *marker, char *ephemeron) {
    struct mark_block *block = marker->ephemerons;
    if (!block || block->count == MARK_BLOCK_WORDS) {
        if (block)
            queue_publish_ephemerons(marker->queue, block);
        block = marker->ephemerons = queue_block(marker->queue);
        if (!block)
            return false;
    }
    block->words[block->count++] = (gait_word)ephemeron;
    return true;
}

void marker_publish_ephemerons(struct marker *marker) {
    if (marker->ephemerons)
        queue_publish_ephemerons(marker->queue, marker->ephemerons);
    marker->ephemerons = NULL;
}

/* ---- The loop ---- */

/* Give half of the block to others that look for work. */
static void marker_share(struct marker *marker) {
    struct mark_block *block = marker->block;
    if (queue_has_work(marker->queue) || !block || block->count < SHARE_WORDS)
        return;
    struct mark_block *other = queue_block(marker->queue);
    if (!other)
        return;
    /* the lower half: the oldest references lead to the most work. A slice's two words stay
     * together: the cut is not made between them. */
    size_t half = block->count / 2;
    if ((block->words[half] & WORD_TAGS) == SLICE_TAG)
        half++;
    memcpy(other->words, block->words, half * sizeof(gait_word));
    other->count = half;
    block->count -= half;
    memmove(block->words, block->words + half, block->count * sizeof(gait_word));
    queue_publish(marker->queue, other);
}

/* A cell of the batch that is being marked. */
struct marked_cell {
    uintptr_t start;
    uint64_t *pair;   /* of its bits */
    uint64_t bit;     /* in these */
    page_entry entry; /* of its page */
};

/* An address in a span leads to the cell around it. *product: its offset, times the class's
 * reciprocal; the same of the cell's start, afterwards. @return false: behind all cells. */
static inline bool cell_around(const struct space *space, unsigned size_class, size_t head,
                               uint64_t *product, gait_word *address) {
    const struct class_info *info = &class_table[size_class];
    uint64_t index = size_class == CLASS_LARGE ? 0 : *product >> 32;
    if (index >= info->cells)
        return false;
    *product = index << 32;
    *address = (gait_word)space_page_start(space, head) + index * info->cell_bytes;
    return true;
}

/* The same of an address at which no cell starts: it counts if it is displaced. Not inline: few
 * heaps have displacements. */
static __attribute__((noinline)) bool cell_displaced(const struct space *space, unsigned size_class,
                                                     size_t head, uint64_t *product,
                                                     gait_word *address) {
    gait_word word = *address;
    return AO_load(&space->displaced) && cell_around(space, size_class, head, product, address) &&
           space_is_displacement(space, word - *address);
}

/* Take references from the block and prefetch their mark bits. @return how many cells they name. */
static inline __attribute__((always_inline)) unsigned
marker_fetch_batch(struct marker *marker, struct mark_block *block, struct marked_cell *cells) {
    const struct space *space = marker->space;
    uintptr_t base = marker->base;
    struct marked_cell *cell = cells;
    const gait_word *from = block->words + block->count;
    block->count -= block->count < BATCH ? block->count : BATCH;
    for (const gait_word *end = block->words + block->count; from > end;) {
        gait_word word = *--from;
        bool interior = (word & WORD_TAGS) == INTERIOR_TAG;
        if (interior) {
            word -= INTERIOR_TAG;
        } else if (word & WORD_TAGS) {
            if (word & (PIECE_TAG | CARDS_TAG)) {
                block->count = (size_t)(from - block->words);
                if (word & PIECE_TAG)
                    ranges_scan_piece(marker, (const struct root_piece *)(word & ~PIECE_TAG));
                else
                    marker_scan_cards(marker, word & ~CARDS_TAG);
                break;
            }
            size_t words = *--from / 2; /* it may be below the end */
            block->count = (size_t)(from - block->words);
            marker_scan_slice(marker, (const gait_word *)(word & ~SLICE_TAG), words);
            break;
        }
        size_t page = (word - base) >> PAGE_SHIFT;
        page_entry entry = space_entry(space, page);
        size_t head = page - ENTRY_BACK(entry);
        uint32_t magic = class_table[ENTRY_CLASS(entry)].magic;
        uint64_t product = (word - base - (head << PAGE_SHIFT)) * magic;
        /* No cell starts there; or one does at each 4 GiB of a large object, by this reckoning. */
        if (__builtin_expect((uint32_t)product >= magic, 0) ||
            (interior && ENTRY_CLASS(entry) == CLASS_LARGE)) {
            if (ENTRY_CLASS(entry) == CLASS_ARENA) {
                struct arena *arena = arenas_of(space, word);
                if (!arena || !marker_arena_is_white(marker, arena))
                    continue;
                block->count = (size_t)(from - block->words);
                marker_claim(marker, arena);
                break;
            }
            /* copies: variables whose address is taken would lie on the stack for all words */
            uint64_t its_product = product;
            gait_word start = word;
            if (!(interior ? cell_around : cell_displaced)(space, ENTRY_CLASS(entry), head,
                                                           &its_product, &start))
                continue;
            product = its_product;
            word = start;
        }
        uint64_t index = product >> 32, *pair = space_bits(space, head) + 2 * (index >> 6);
        __builtin_prefetch(pair, 1);
        *cell++ = (struct marked_cell){word, pair, (uint64_t)1 << (index & 63), entry};
    }
    return (unsigned)(cell - cells);
}

/* Ask for an object's first line. Into the second-level cache if the last one asked for was in the
 * same page of 4 KiB: the first level has room for fewer requests at a time. That cache's requests
 * may be dropped where the page's address is not at hand, so they are no use for scattered objects.
 * Measured: docs/design/marking.md. */
static inline void object_prefetch(uintptr_t start, uintptr_t last) {
    if ((start ^ last) >> 12)
        __builtin_prefetch((const char *)start, 0, 3);
    else
        __builtin_prefetch((const char *)start, 0, 2);
}

/* Of a conservative object all words are read: ask for the line in which a small one ends, too, if
 * it is another one. */
static inline void end_prefetch(uintptr_t start, size_t bytes) {
    uintptr_t end = start + bytes - 1;
    if ((start ^ end) >> 6)
        __builtin_prefetch((const char *)end, 0, 3);
}

/* Mark the cells that are objects and that nobody has marked, and prefetch those that have
 * references. Neighbours whose bits share a word are marked at once. @return how many are kept:
 * they are moved to the front. */
static inline __attribute__((always_inline)) unsigned
marker_mark_batch(struct marker *marker, struct marked_cell *cells, unsigned count) {
    PERTURB(MARK_BATCH);
    unsigned side = marker->mark_side;
    uintptr_t last = 0;
    struct marked_cell *kept = cells, *end = cells + count;
    end->pair = NULL; /* ends the last neighbourhood */
    for (struct marked_cell *cell = cells, *next = cells; cell < end; cell = next) {
        uint64_t *pair = cell->pair, bits = 0;
        do
            bits |= next->bit;
        while ((++next)->pair == pair);
        /* not allocated: a stale word, or one that never was a reference */
        uint64_t fresh = marks_set(&pair[side], bits & bits_get(&pair[!side]));
        bool awaited = keys_are_awaited(marker);
        for (; cell < next; cell++) {
            if (!(fresh & cell->bit))
                continue;
            fresh &= ~cell->bit; /* it may be there twice */
            page_entry entry = cell->entry;
            uintptr_t start = cell->start;
            count_marked(marker, start, ENTRY_CLASS(entry));
            if (awaited)
                marker_push_pairs(marker, ephemerons_take(&marker->queue->keys, start));
            if (ENTRY_LAYOUT(entry) == GAIT_LEAF)
                continue;
            object_prefetch(start, last);
            last = start;
            if (ENTRY_LAYOUT(entry) == GAIT_CONSERVATIVE)
                end_prefetch(start, class_table[ENTRY_CLASS(entry)].cell_bytes);
            kept->start = start;
            kept++->entry = entry;
        }
    }
    /* .inv.reread: marks_set orders nothing after it on some processors (64-bit ARM) */
    if (marker->space->cards.rereads)
        AO_nop_full();
    return (unsigned)(kept - cells);
}

/* Push the references of the objects that were marked. The block's end is kept at hand: through the
 * block's count, each object would wait for the one before. */
static inline __attribute__((always_inline)) void
scan_batch(struct marker *marker, const struct marked_cell *cells, unsigned count) {
    const struct space *space = marker->space;
    gait_word mask = marker->value_mask, base = marker->base;
    /* what the words lead to may be in a chunk that was committed since the last look; one that is
     * committed after this look is .inv.extent's */
    size_t extent_bytes = AO_load_acquire(&space->extent_bytes), scanned_words = 0;
    struct mark_block *block = marker->block;
    gait_word *to = block ? block->words : NULL;
    size_t at = block ? block->count : MARK_BLOCK_WORDS;
    for (const struct marked_cell *cell = cells; cell < cells + count; cell++) {
        size_t words = ENTRY_WORDS(cell->entry);
        if (words - 1 < MARK_BLOCK_WORDS - at) { /* there are some, and there is room */
            const gait_word *from = (const gait_word *)cell->start, *stop = from + words;
            scanned_words += words;
            do {
                gait_word address = word_read(from) & mask;
                to[at] = address;
                at += in_range_aligned(address, base, extent_bytes);
            } while (++from < stop);
            continue;
        }
        words = class_table[ENTRY_CLASS(cell->entry)].cell_bytes / sizeof(gait_word);
        if (ENTRY_LAYOUT(cell->entry) == GAIT_CONSERVATIVE && words - 1 < MARK_BLOCK_WORDS - at &&
            interiors_wait(marker)) {
            scanned_words += words;
            at = put_interiors(to, at, (const gait_word *)cell->start, words, base, extent_bytes);
            continue;
        }
        if (block)
            block->count = at;
        size_t page = space_page(space, cell->start);
        marker_scan(marker, (char *)cell->start, cell->entry,
                    entry_cell_bytes(space, cell->entry, page));
        block = marker->block;
        to = block ? block->words : NULL;
        at = block ? block->count : MARK_BLOCK_WORDS;
    }
    if (block)
        block->count = at;
    marker->scanned_bytes += scanned_words * sizeof(gait_word);
}

static __attribute__((noinline)) void
marker_scan_batch(struct marker *marker, const struct marked_cell *cells, unsigned count) {
    OWN_FUNCTION("mark");
    scan_batch(marker, cells, count);
}

static __attribute__((noinline)) void
marker_assist_batch(struct marker *marker, const struct marked_cell *cells, unsigned count) {
    OWN_FUNCTION("assist");
    scan_batch(marker, cells, count);
}

/* Have a block with work. @return false: there is none. */
static bool block_take(struct marker *marker) {
    struct mark_block *other = queue_take(marker->queue);
    if (!other)
        return false;
    if (marker->block)
        queue_recycle(marker->queue, marker->block);
    marker->block = other;
    PERTURB(MARK_TAKEN);
    return true;
}

/* The functions that stand in a profile for marking; likewise for an assist's. */
struct steps {
    void (*scan)(struct marker *marker, const struct marked_cell *cells, unsigned count);
    size_t (*follow)(struct marker *marker, size_t most);
};

static inline __attribute__((always_inline)) bool drain(struct marker *marker, size_t budget_bytes,
                                                        struct steps steps) {
    /* Two batches at a time: while the objects of one come into the cache, the mark bits of the
     * next are asked for, and the other way round. */
    struct marked_cell batches[2][BATCH + 1];
    struct marked_cell *cells = batches[0], *objects = batches[1];
    unsigned object_count = 0;
    /* objects without references take time, too: as many as the budget has words are looked at */
    size_t start = marker->scanned_bytes, looks = budget_bytes / sizeof(gait_word), looked = 0;
    for (;;) {
        if (!marker->block || marker->block->count == 0) {
            steps.scan(marker, objects, object_count); /* there may be more after it */
            object_count = 0;
            if ((!marker->block || marker->block->count == 0) && !block_take(marker))
                return true;
        }
        if (object_count == 0 && marker->block->count == 1) {
            looked += steps.follow(marker, looks - looked + 1);
            if (marker->scanned_bytes - start >= budget_bytes || looked > looks)
                return false;
            if (marker->block->count == 0)
                continue;
        }
        unsigned count = marker_fetch_batch(marker, marker->block, cells);
        steps.scan(marker, objects, object_count);
        object_count = marker_mark_batch(marker, cells, count);
        struct marked_cell *swap = cells;
        cells = objects;
        objects = swap;
        if (AO_load(&marker->queue->hungry))
            marker_share(marker);
        looked += count;
        if (marker->scanned_bytes - start >= budget_bytes || looked > looks) {
            steps.scan(marker, objects, object_count);
            return false;
        }
    }
}

bool marker_drain(struct marker *marker, size_t budget_bytes) {
    OWN_FUNCTION("mark");
    return drain(marker, budget_bytes, (struct steps){marker_scan_batch, marker_follow_chain});
}

bool marker_assist(struct marker *marker, size_t budget_bytes) {
    OWN_FUNCTION("assist");
    return drain(marker, budget_bytes, (struct steps){marker_assist_batch, marker_assist_chain});
}

void marker_end(struct marker *marker) {
    AO_int_store(&marker->used, 1); /* also if its marks were taken in the middle */
    PERTURB(MARK_END);
    marker_publish_ephemerons(marker);
    if (marker->block) {
        if (marker->block->count > 0)
            queue_publish(marker->queue, marker->block);
        else
            queue_recycle(marker->queue, marker->block);
        marker->block = NULL;
    }
    PERTURB(MARK_ENDED);
    AO_fetch_and_sub1_full(&marker->queue->active);
}
