/* SPDX-License-Identifier: MIT */
/*
 * The marking loop: blocks of references, a ring of prefetches, one scan per layout.
 *
 * Why single objects with a prefetch ring and not whole spans: docs/design/marking.md.
 */
#include "marker.h"

#include <stdlib.h>
#include <string.h>

/* Words pushed between two looks at the room in the block. */
#define PIECE_WORDS 128
/* Words of a large object scanned before the rest is put back: other markers may take it. */
#define SLICE_WORDS 2048
/* Objects between two looks at whether others are hungry. */
#define SHARE_EVERY 64
/* A block shares half of what it has only if that is worth the trouble. Guess. */
#define SHARE_WORDS 16

/* A slice: the address of a word in a large object with this bit, above twice the count of words
 * left. No reference has the bit: only multiples of 8 are pushed. */
#define SLICE_TAG ((gait_word)1)

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct marker *marker = (struct marker *)visitor;
    if (conservative)
        marker_push_interior(marker, word);
    else
        marker_push(marker, word);
}

void marker_init(struct marker *marker, struct space *space, struct mark_queue *queue,
                 gait_word value_mask) {
    memset(marker, 0, sizeof *marker);
    marker->visitor.visit = visit;
    marker->space = space;
    marker->queue = queue;
    marker->value_mask = value_mask;
    marker->base = (uintptr_t)space->base;
}

static void marker_look(struct marker *marker) {
    marker->extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    marker->mark_side = ~space_epoch(marker->space) & 1;
}

void marker_begin(struct marker *marker) {
    /* full: counted before it takes or makes work; pairs with the look in cycle.c */
    AO_fetch_and_add1_full(&marker->queue->active);
    marker_look(marker);
}

/* ---- Marking one cell ---- */

/* @return true if this call set the mark. */
static inline bool mark_set(uint64_t *word, uint64_t bit) {
    for (;;) {
        AO_t old = AO_load((volatile AO_t *)word);
        if (old & bit)
            return false;
        if (AO_compare_and_swap((volatile AO_t *)word, old, old | bit))
            return true;
    }
}

static inline bool cell_find(const struct marker *marker, gait_word word, struct cell *cell) {
    return space_cell(marker->space, word, cell) && cell->start == (char *)word;
}

/* In the range, and a multiple of 8: low bits that are set become high ones. */
static inline bool in_range_aligned(gait_word address, gait_word base, size_t extent_bytes) {
    gait_word offset = address - base;
    return (offset >> 3 | offset << 61) < extent_bytes >> 3;
}

/* A word that lies past the extent seen last may be in a chunk committed since. */
static bool in_range_now(struct marker *marker, gait_word address) {
    if (address - marker->base < marker->extent_bytes)
        return true;
    if (address - marker->base >= marker->space->reserved_bytes)
        return false;
    marker->extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    return address - marker->base < marker->extent_bytes;
}

/* There is no block to be had: mark the object now; its references are found by a rescan. */
static void overflow(struct marker *marker, gait_word address) {
    struct cell cell;
    if (!cell_find(marker, address, &cell) ||
        !(bits_get(&cell.pair[!marker->mark_side]) & cell.bit))
        return;
    if (mark_set(&cell.pair[marker->mark_side], cell.bit)) {
        marker->marked_bytes += entry_marked_bytes(marker->space, cell.entry, cell.head);
        marker->marked_objects++;
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

/* The object that a word points into: as it is, with its low bits, or else as a tagged one. 0: none. */
static gait_word interior_target(struct marker *marker, gait_word word) {
    struct cell cell;
    gait_word address = word & marker->value_mask;
    if (in_range_now(marker, word) && space_cell(marker->space, word, &cell))
        return (gait_word)cell.start;
    if (address != word && in_range_now(marker, address) &&
        space_cell(marker->space, address, &cell))
        return (gait_word)cell.start;
    return 0;
}

void marker_push_interior(struct marker *marker, gait_word word) {
    gait_word target = interior_target(marker, word);
    if (target)
        marker_push(marker, target);
}

void marker_shade(struct marker *marker, gait_word word) {
    gait_word target = interior_target(marker, word);
    if (target && marker_is_white(marker, target))
        marker_push(marker, target);
}

void marker_push_range(struct marker *marker, const gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        marker_push(marker, words[i]);
}

bool marker_is_white(const struct marker *marker, gait_word word) {
    struct cell cell;
    gait_word address = word & marker->value_mask;
    return space_holds(marker->space, address) && cell_find(marker, address, &cell) &&
           (bits_get(&cell.pair[!marker->mark_side]) & cell.bit) &&
           !(bits_get(&cell.pair[marker->mark_side]) & cell.bit);
}

/* ---- Scanning by layout ---- */

static inline gait_word word_read(const gait_word *word) {
    /* what it leads to is read after it; pairs with gait_store */
    return AO_load_dd_acquire_read((const volatile AO_t *)word);
}

/* Push count words without a look at the room for each. */
static void scan_words(struct marker *marker, const gait_word *words, size_t count) {
    /* what these words lead to may be in a chunk that was committed since the last look */
    marker->extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    while (count > 0) {
        size_t piece = count < PIECE_WORDS ? count : PIECE_WORDS;
        if (!block_room(marker, piece)) {
            marker_push_range(marker, words, piece);
        } else {
            gait_word mask = marker->value_mask, base = marker->base;
            size_t extent = marker->extent_bytes;
            gait_word *to = marker->block->words + marker->block->count;
            for (size_t i = 0; i < piece; i++) {
                gait_word address = word_read(&words[i]) & mask;
                *to = address;
                to += in_range_aligned(address, base, extent);
            }
            marker->block->count = (size_t)(to - marker->block->words);
        }
        words += piece;
        count -= piece;
    }
}

static void scan_bitmap(struct marker *marker, const gait_word *words, size_t count,
                        const uint64_t *bitmap) {
    for (size_t at = 0; at < count; at += 64)
        for (uint64_t bits = bitmap[at >> 6]; bits; bits &= bits - 1) {
            size_t i = at + (size_t)__builtin_ctzll(bits);
            if (i < count)
                marker_push(marker, word_read(&words[i]));
        }
}

/* Note an ephemeron that is to be looked at again when marking has run out of other work. */
static void ephemeron_defer(struct marker *marker, char *start) {
    struct mark_block *block = marker->ephemerons;
    if (!block || block->count == MARK_BLOCK_WORDS) {
        if (block)
            queue_publish_ephemerons(marker->queue, block);
        block = marker->ephemerons = queue_block(marker->queue);
        if (!block) {
            AO_store_release(&marker->queue->overflowed, 1); /* the rescan comes past it again */
            return;
        }
    }
    block->words[block->count++] = (gait_word)start;
}

static void ephemerons_publish(struct marker *marker) {
    if (marker->ephemerons)
        queue_publish_ephemerons(marker->queue, marker->ephemerons);
    marker->ephemerons = NULL;
}

/* Push the values whose keys are marked. @return whether some key is not. */
static bool ephemeron_scan(struct marker *marker, const gait_word *pairs, size_t words) {
    bool open = false;
    for (size_t i = 0; i + 1 < words; i += 2) {
        if (marker_is_white(marker, word_read(&pairs[i])))
            open = true;
        else
            marker_push(marker, word_read(&pairs[i + 1]));
    }
    return open;
}

static size_t head_words(const struct kind *kind, size_t words) {
    return kind->head_words < words ? kind->head_words : words;
}

/* Push the references of an object. */
static void scan_object(struct marker *marker, char *start, page_entry entry, size_t bytes) {
    const struct kind *kind = &marker->space->kinds[ENTRY_KIND(entry)];
    const gait_word *object = (const gait_word *)start;
    size_t words = bytes / sizeof(gait_word), head;
    switch ((gait_layout)ENTRY_LAYOUT(entry)) {
    case GAIT_LEAF:
        return;
    case GAIT_PREFIX:
        words = head_words(kind, words);
        /* fall through */
    case GAIT_REFS:
        if (words > SLICE_WORDS && block_room(marker, 2)) {
            struct mark_block *block = marker->block;
            block->words[block->count++] = 2 * (words - SLICE_WORDS);
            block->words[block->count++] = (gait_word)(object + SLICE_WORDS) | SLICE_TAG;
            words = SLICE_WORDS;
        }
        scan_words(marker, object, words);
        bytes = words * sizeof(gait_word);
        break;
    case GAIT_BITMAP:
        head = head_words(kind, words);
        if (kind->bitmap)
            scan_bitmap(marker, object, head, kind->bitmap);
        bytes = head * sizeof(gait_word);
        break;
    case GAIT_REPEAT:
        head = head_words(kind, words);
        if (kind->bitmap)
            scan_bitmap(marker, object, head, kind->bitmap);
        for (size_t at = head; at + kind->element_words <= words; at += kind->element_words)
            scan_bitmap(marker, object + at, kind->element_words, &kind->element_bitmap);
        break;
    case GAIT_CALLBACK:
        kind->scan(&marker->visitor, start, bytes, kind->scan_data);
        break;
    case GAIT_CONSERVATIVE:
        for (size_t i = 0; i < words; i++)
            marker_push_interior(marker, word_read(&object[i]));
        break;
    case GAIT_WEAK:
        scan_words(marker, object, head_words(kind, words));
        break;
    case GAIT_EPHEMERON:
        head = head_words(kind, words);
        scan_words(marker, object, head);
        if (ephemeron_scan(marker, object + head, words - head))
            ephemeron_defer(marker, start);
        break;
    }
    marker->scanned_bytes += bytes;
}

void marker_scan(struct marker *marker, char *start, page_entry entry, size_t object_bytes) {
    scan_object(marker, start, entry, object_bytes);
}

/* The rest of a large object, piece by piece: put the rest of the rest back first. */
static void scan_slice(struct marker *marker, const gait_word *words, size_t count) {
    if (count > SLICE_WORDS && block_room(marker, 2)) {
        struct mark_block *block = marker->block;
        block->words[block->count++] = 2 * (count - SLICE_WORDS);
        block->words[block->count++] = (gait_word)(words + SLICE_WORDS) | SLICE_TAG;
        count = SLICE_WORDS;
    }
    scan_words(marker, words, count);
    marker->scanned_bytes += count * sizeof(gait_word);
}

void marker_visit_object(struct space *space, struct gait_visitor *visitor, char *start,
                         page_entry entry, size_t bytes) {
    const struct kind *kind = &space->kinds[ENTRY_KIND(entry)];
    const gait_word *object = (const gait_word *)start;
    size_t words = bytes / sizeof(gait_word), head = head_words(kind, words);
    switch ((gait_layout)ENTRY_LAYOUT(entry)) {
    case GAIT_LEAF:
        return;
    case GAIT_CALLBACK:
        kind->scan(visitor, start, bytes, kind->scan_data);
        return;
    case GAIT_REFS:
    case GAIT_CONSERVATIVE:
        for (size_t i = 0; i < words; i++)
            visitor->visit(visitor, word_read(&object[i]),
                           kind->layout == GAIT_CONSERVATIVE);
        return;
    case GAIT_PREFIX:
    case GAIT_WEAK:
    case GAIT_EPHEMERON:
        for (size_t i = 0; i < head; i++)
            visitor->visit(visitor, word_read(&object[i]), false);
        return;
    case GAIT_BITMAP:
    case GAIT_REPEAT:
        for (size_t i = 0; i < head; i++)
            if (kind->bitmap && kind->bitmap[i >> 6] >> (i & 63) & 1)
                visitor->visit(visitor, word_read(&object[i]), false);
        for (size_t i = head; kind->layout == GAIT_REPEAT && i < words; i++) {
            size_t in_element = (i - head) % kind->element_words;
            bool whole = i - in_element + kind->element_words <= words;
            if (whole && kind->element_bitmap >> in_element & 1)
                visitor->visit(visitor, word_read(&object[i]), false);
        }
        return;
    }
}

/* ---- The loop ---- */

/* Give half of the block to others that look for work. */
static void share(struct marker *marker) {
    struct mark_block *block = marker->block;
    if (AO_load(&marker->queue->hungry) == 0 || queue_has_work(marker->queue) || !block ||
        block->count < SHARE_WORDS)
        return;
    struct mark_block *other = queue_block(marker->queue);
    if (!other)
        return;
    /* the lower half: the oldest references lead to the most work. A slice's two words stay
     * together: the cut is not made between them. */
    size_t half = block->count / 2;
    if (block->words[half] & SLICE_TAG)
        half++;
    memcpy(other->words, block->words, half * sizeof(gait_word));
    other->count = half;
    block->count -= half;
    memmove(block->words, block->words + half, block->count * sizeof(gait_word));
    queue_publish(marker->queue, other);
}

/* Push the value of a pair, unless the pair has got another key, which is unmarked: the barrier has
 * shaded that pair. @return whether it was unmarked. */
static bool pair_push(struct marker *marker, const gait_word *pair) {
    gait_word value = word_read(&pair[1]);
    if (marker_is_white(marker, word_read(&pair[0])) || !marker_is_white(marker, value))
        return false;
    marker_push(marker, value);
    return true;
}

/* Push the values of pairs that were taken out of the table of keys. @return whether any was. */
static bool pairs_push(struct marker *marker, struct ephemeron_wait *wait) {
    bool pushed = false;
    for (struct ephemeron_wait *next; wait; wait = next) {
        next = (struct ephemeron_wait *)wait->node.next;
        pushed |= pair_push(marker, wait->pair);
        free(wait);
    }
    return pushed;
}

static inline struct marker_slot *ring_put(struct marker_ring *ring) {
    return &ring->slots[(ring->first + ring->count++) % MARKER_RING];
}

static inline struct marker_slot *ring_take(struct marker_ring *ring) {
    struct marker_slot *slot = &ring->slots[ring->first];
    ring->first = (ring->first + 1) % MARKER_RING;
    ring->count--;
    return slot;
}

/* Push the references of the object that was marked first. */
static inline void object_process(struct marker *marker) {
    const struct marker_slot *slot = ring_take(&marker->objects);
    size_t head = space_page(marker->space, (uintptr_t)slot->start);
    scan_object(marker, slot->start, slot->entry,
                entry_cell_bytes(marker->space, slot->entry, head));
}

/* Mark the cell that was referred to first, if it is an object that nobody has marked. */
static inline void cell_process(struct marker *marker) {
    const struct marker_slot *slot = ring_take(&marker->cells); /* stays until the next cell_fetch */
    /* not allocated: a stale word, or one that never was a reference */
    if (!(bits_get(&slot->pair[!marker->mark_side]) & slot->bit) ||
        !mark_set(&slot->pair[marker->mark_side], slot->bit))
        return;
    marker->marked_objects++;
    size_t head = space_page(marker->space, (uintptr_t)slot->start);
    marker->marked_bytes += entry_marked_bytes(marker->space, slot->entry, head);
    if (AO_load(&marker->queue->keys.pairs)) /* unordered: see ephemerons.h */
        pairs_push(marker, ephemerons_take(&marker->queue->keys, (uintptr_t)slot->start));
    if (ENTRY_LAYOUT(slot->entry) == GAIT_LEAF)
        return;
    __builtin_prefetch(slot->start);
    if (marker->objects.count == MARKER_RING)
        object_process(marker);
    *ring_put(&marker->objects) = *slot;
}

/* Take a reference from the block into the ring, or scan a slice. */
static inline void cell_fetch(struct marker *marker) {
    struct mark_block *block = marker->block;
    gait_word word = block->words[--block->count];
    if (word & SLICE_TAG) {
        size_t count = block->words[--block->count] / 2;
        scan_slice(marker, (const gait_word *)(word & ~SLICE_TAG), count);
        return;
    }
    struct cell cell;
    if (!cell_find(marker, word, &cell))
        return;
    __builtin_prefetch(cell.pair, 1);
    *ring_put(&marker->cells) = (struct marker_slot){
        .start = cell.start, .entry = cell.entry, .pair = cell.pair, .bit = cell.bit};
}

/* Have a block with work. @return false: there is none. */
static bool block_take(struct marker *marker) {
    if (marker->block && marker->block->count > 0)
        return true;
    struct mark_block *block = queue_take(marker->queue);
    if (!block)
        return false;
    if (marker->block)
        queue_recycle(marker->queue, marker->block);
    marker->block = block;
    marker_look(marker); /* a cycle may have passed since marker_begin; none can while it has work */
    return true;
}

bool marker_drain(struct marker *marker, size_t budget_bytes, const volatile AO_t *stop) {
    size_t start = marker->scanned_bytes;
    unsigned until_share = SHARE_EVERY;
    for (;;) {
        if (marker->cells.count < MARKER_RING && block_take(marker)) {
            cell_fetch(marker);
            continue;
        }
        if (marker->cells.count > 0)
            cell_process(marker);
        else if (marker->objects.count > 0)
            object_process(marker);
        else
            return true;
        if (--until_share == 0) {
            until_share = SHARE_EVERY;
            share(marker);
            if (marker->scanned_bytes - start >= budget_bytes || (stop && AO_load(stop)))
                return false;
        }
    }
}

void marker_end(struct marker *marker) {
    while (marker->objects.count > 0)
        object_process(marker);
    while (marker->cells.count > 0) /* nothing in it is marked yet: back into the block */
        marker_push(marker, (gait_word)ring_take(&marker->cells)->start);
    ephemerons_publish(marker);
    if (marker->block) {
        if (marker->block->count > 0)
            queue_publish(marker->queue, marker->block);
        else
            queue_recycle(marker->queue, marker->block);
        marker->block = NULL;
    }
    AO_fetch_and_sub1_full(&marker->queue->active);
}

/* ---- Rare passes ---- */

/* Have the pairs of an ephemeron object wait for their keys. *pushed: a value was pushed. @return
 * false: no memory for all of them. */
static bool pairs_wait(struct marker *marker, const gait_word *pairs, size_t words, bool *pushed) {
    bool all = true;
    for (size_t i = 0; i + 1 < words; i += 2) {
        gait_word key = word_read(&pairs[i]);
        if (marker_is_white(marker, key))
            all &= ephemerons_add(&marker->queue->keys, key & marker->value_mask, &pairs[i]) == 0;
        *pushed |= pair_push(marker, &pairs[i]); /* also if the key was marked meanwhile */
    }
    return all;
}

static bool key_is_marked(void *data, uintptr_t key) {
    return !marker_is_white(data, key);
}

bool marker_ephemerons(struct marker *marker) {
    struct ephemerons *keys = &marker->queue->keys;
    bool pushed = false;
    struct mark_block *open = NULL, *block;
    ephemerons_publish(marker);
    while ((block = queue_take_ephemerons(marker->queue))) {
        size_t kept = 0;
        for (size_t i = 0; i < block->count; i++) {
            char *start = (char *)block->words[i];
            struct cell cell;
            if (!cell_find(marker, (gait_word)start, &cell))
                continue;
            size_t bytes = entry_cell_bytes(marker->space, cell.entry, cell.head);
            size_t words = bytes / sizeof(gait_word);
            size_t head = head_words(&marker->space->kinds[ENTRY_KIND(cell.entry)], words);
            const gait_word *pairs = (const gait_word *)start + head;
            if (!pairs_wait(marker, pairs, words - head, &pushed))
                block->words[kept++] = (gait_word)start;
        }
        block->count = kept;
        AO_store(&block->next, (AO_t)open);
        open = block;
    }
    while ((block = open)) {
        open = (struct mark_block *)AO_load(&block->next);
        if (block->count > 0)
            queue_publish_ephemerons(marker->queue, block);
        else
            queue_recycle(marker->queue, block);
    }
    if (!pushed && AO_load(&keys->pairs))
        pushed = pairs_push(marker, ephemerons_retake(keys, key_is_marked, marker));
    return pushed;
}

void marker_rescan(struct marker *marker) {
    struct space *space = marker->space;
    AO_store_release(&marker->queue->overflowed, 0);
    size_t pages = AO_load_acquire(&space->extent_bytes) >> PAGE_SHIFT;
    for (size_t page = 0; page < pages;) {
        page_entry entry = space_entry(space, page);
        struct span *span = &space->spans[page];
        if (ENTRY_CLASS(entry) == 0 || span_state(span) != SPAN_USED) {
            page++;
            continue;
        }
        size_t bytes = span_cell_bytes(span), cells = span->cells, length = span->pages;
        for (size_t i = 0; i < cells && ENTRY_LAYOUT(entry) != GAIT_LEAF; i++)
            if (bits_get(&space_bits(space, page)[2 * (i >> 6) + marker->mark_side]) >> (i & 63) &
                1) {
                scan_object(marker, space_page_start(space, page) + i * bytes, entry, bytes);
                marker_drain(marker, SIZE_MAX, NULL);
            }
        page += length;
    }
}

/* ---- The API's visits ---- */

void gait_visit(gait_visitor *visitor, gait_word word) {
    visitor->visit(visitor, word, false);
}

void gait_visit_range(gait_visitor *visitor, const gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        visitor->visit(visitor, word_read(&words[i]), false);
}

void gait_visit_conservative(gait_visitor *visitor, const gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        visitor->visit(visitor, word_read(&words[i]), true);
}
