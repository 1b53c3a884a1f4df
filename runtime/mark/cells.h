/* SPDX-License-Identifier: MIT */
/*
 * What each way of marking does with a cell: is a word a reference, set marks, count them.
 */
#ifndef GAIT_MARK_CELLS_H
#define GAIT_MARK_CELLS_H

#include "marker.h"

/* What a word of a block is but a reference, by its low bits; references are multiples of 8. */

/* A slice: the address of a word in a large object or an arena with this bit, above twice the count
 * of words left. */
#define SLICE_TAG ((gait_word)1)
/* A piece of a range of roots: its address with this bit. */
#define PIECE_TAG ((gait_word)2)
/* A piece of the card table: the first address that it covers with this bit. */
#define CARDS_TAG ((gait_word)4)
/* An address that may lie anywhere in an object, with these bits: its cell is found when its turn
 * comes. All of them: one instruction makes it of any word. */
#define INTERIOR_TAG (SLICE_TAG | PIECE_TAG | CARDS_TAG)
#define WORD_TAGS ((gait_word)7)

/* Can addresses of conservative words wait for their turn? Where values are masked, two cells may
 * be meant, by the word as it is and without its tag. */
static inline bool interiors_wait(const struct marker *marker) {
    return marker->value_mask == ~(gait_word)0;
}

/* For a block: a conservative word, which counts if it lies in the range. */
static inline gait_word interior_word(gait_word word) { return word | INTERIOR_TAG; }

/* Set marks of one word. @return those that this call set. */
static inline uint64_t marks_set(uint64_t *word, uint64_t bits) {
    for (;;) {
        AO_t old = AO_load((volatile AO_t *)word);
        uint64_t fresh = bits & ~old;
        if (fresh == 0 || AO_compare_and_swap((volatile AO_t *)word, old, old | fresh))
            return fresh;
    }
}

static inline void count_marked(struct marker *marker, uintptr_t start, unsigned size_class) {
    if (size_class != CLASS_LARGE)
        marker->marked[size_class]++;
    else
        marker->large_bytes +=
            span_pages_now(&marker->space->spans[space_page(marker->space, start)]) << PAGE_SHIFT;
}

/* In the range, and a multiple of 8: low bits that are set become high ones. */
static inline bool in_range_aligned(gait_word address, gait_word base, size_t extent_bytes) {
    gait_word offset = address - base;
    return (offset >> 3 | offset << 61) < extent_bytes >> 3;
}

/* Do pairs wait for keys that this marker is to look up? Asked after the marks are set. Unordered:
 * see ephemerons.h, also for one that looks nothing up. */
static inline bool keys_are_awaited(const struct marker *marker) {
    struct ephemerons *keys = &marker->queue->keys;
    if (AO_load(&keys->pairs) == 0)
        return false;
    if (marker->lockless)
        ephemerons_miss(keys);
    return !marker->lockless;
}

#endif
