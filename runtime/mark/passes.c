/* SPDX-License-Identifier: MIT */
/*
 * What marking does when it has run out of work: the values of ephemerons whose keys are marked,
 * and, after an overflow, the references of objects that were marked without room to push them.
 */
#include "../heap/walk.h"
#include "arenas.h"
#include "marker.h"

/* Push the value of a pair, unless the pair has got another key, which is unmarked: the barrier has
 * shaded that pair. @return whether it was unmarked. */
static bool pair_push(struct marker *marker, const gait_word *pair) {
    gait_word value = word_read(&pair[1]);
    if (marker_is_white(marker, word_read(&pair[0])) || !marker_is_white(marker, value))
        return false;
    marker_push(marker, value);
    return true;
}

bool marker_push_pairs(struct marker *marker, struct ephemeron_wait *wait) {
    bool pushed = false;
    for (struct ephemeron_wait *next; wait; wait = next) {
        next = (struct ephemeron_wait *)wait->node.next;
        pushed |= pair_push(marker, wait->pair);
        ephemerons_free(&marker->queue->keys, wait);
    }
    return pushed;
}

/* What a white key is looked up by: the start of its object; of an arena, any place is the whole.
 */
static uintptr_t key_place(const struct marker *marker, gait_word key) {
    uintptr_t address = key & marker->value_mask;
    struct cell cell;
    if (marker_cell(marker, address, &cell))
        return (uintptr_t)cell.start;
    const struct arena *arena = arenas_of(marker->space, address);
    return arena ? (uintptr_t)arena->handle : address;
}

/* Have the pairs of an ephemeron object wait for their keys. *pushed: a value was pushed. @return
 * false: no memory for all of them. */
static bool pairs_wait(struct marker *marker, const gait_word *pairs, size_t words, bool *pushed) {
    bool all = true;
    for (size_t i = 0; i + 1 < words; i += 2) {
        gait_word key = word_read(&pairs[i]);
        if (marker_is_white(marker, key))
            all &= ephemerons_add(&marker->queue->keys, key_place(marker, key), &pairs[i]) == 0;
        *pushed |= pair_push(marker, &pairs[i]); /* also if the key was marked meanwhile */
    }
    return all;
}

static bool key_is_marked(void *data, uintptr_t key) { return !marker_is_white(data, key); }

bool marker_ephemerons_met(struct marker *marker) {
    bool pushed = false;
    struct mark_block *open = NULL, *block;
    marker_publish_ephemerons(marker);
    while ((block = queue_take_ephemerons(marker->queue))) {
        size_t kept = 0;
        for (size_t i = 0; i < block->count; i++) {
            char *start = (char *)block->words[i];
            struct cell cell;
            if (!marker_cell(marker, (gait_word)start, &cell))
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
    return pushed;
}

bool marker_ephemerons(struct marker *marker) {
    struct ephemerons *keys = &marker->queue->keys;
    bool pushed = marker_ephemerons_met(marker);
    if (!pushed && AO_load(&keys->pairs))
        pushed = marker_push_pairs(marker, ephemerons_retake(keys, key_is_marked, marker));
    return pushed;
}

static bool span_refers(void *data, const struct span *span, page_entry entry) {
    (void)data, (void)span;
    return ENTRY_LAYOUT(entry) != GAIT_LEAF;
}

static void rescan_cell(void *data, char *start, page_entry entry, size_t bytes) {
    marker_scan(data, start, entry, bytes);
    marker_drain(data, SIZE_MAX);
}

/* What is marked on the way was pushed as well, or has set overflowed anew. A mark alone is one of
 * a cell that was freed as it was set: there is no object that a scan function could be asked of.
 */
void marker_rescan(struct marker *marker) {
    struct space *space = marker->space;
    AO_store_full(&marker->queue->overflowed, 0); /* full: before any mark is looked at */
    walk_cells(
        space, marker->mark_side,
        &(struct walk){.wants = span_refers, .cell = rescan_cell, .data = marker, .both = true});
    if (space->arenas)
        arenas_rescan(space->arenas, marker);
}

/* ---- Marks of what is no object ---- */

static bool any_span(void *data, const struct span *span, page_entry entry) {
    (void)data, (void)span, (void)entry;
    return true;
}

static void drop_mark(void *data, char *start, page_entry entry, size_t bytes) {
    const struct marker *marker = data;
    struct cell cell;
    (void)entry, (void)bytes;
    if (space_cell(marker->space, (uintptr_t)start, &cell))
        bits_clear(&cell.pair[marker->mark_side], cell.bit);
}

void marker_drop_lone(struct marker *marker) {
    if (!AO_load(&marker->queue->lone))
        return;
    AO_store(&marker->queue->lone, 0);
    walk_cells(marker->space, marker->mark_side,
               &(struct walk){.wants = any_span, .cell = drop_mark, .data = marker, .alone = true});
}
