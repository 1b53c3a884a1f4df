/* SPDX-License-Identifier: MIT */
/*
 * What each way of marking does with a cell: is a word a reference, set marks, count them.
 */
#ifndef GAIT_MARK_CELLS_H
#define GAIT_MARK_CELLS_H

#include "marker.h"

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
        marker->large_bytes += (size_t)marker->space->spans[space_page(marker->space, start)].pages
                               << PAGE_SHIFT;
}

/* In the range, and a multiple of 8: low bits that are set become high ones. */
static inline bool in_range_aligned(gait_word address, gait_word base, size_t extent_bytes) {
    gait_word offset = address - base;
    return (offset >> 3 | offset << 61) < extent_bytes >> 3;
}

/* Do pairs wait for keys that this marker is to look up? Asked after the marks are set. Unordered:
 * see ephemerons.h, also for who looks nothing up. */
static inline bool keys_are_awaited(const struct marker *marker) {
    return AO_load(&marker->queue->keys.pairs) > 0 && !marker->lockless;
}

#endif
