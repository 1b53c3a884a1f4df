/* SPDX-License-Identifier: MIT */
/*
 * How often a cycle looks at what a program writes beside it, before it is stopped for the rest.
 * See governor.h.
 */
#include "governor.h"

/** What the program says it has written: so often at most. Each round finds what happened in the
 * one before, so they become shorter, if the program does not write faster than they read. */
#define ROUNDS_MOST 10

/** Enough: what the next one finds is read in some 100 us, with the world stopped. bench-barriers:
 * 10 ns for each word that leads to a mark which is not in the cache. */
#define ROUNDS_FEW_BYTES UINT64_C(65536)

/** A round is worth it if it had no more than this part of the one before. Guess. */
#define ROUNDS_SHRINK_NUMERATOR 3
#define ROUNDS_SHRINK_DENOMINATOR 4

/** What the kernel says: as long as this much was written since the last time, which takes a
 * millisecond to read; but not for ever, since a program may write as fast as it is read. Guess. */
#define ROUNDS_FEW_PAGES_BYTES (UINT64_C(1) << 20)
#define ROUNDS_MOST_BY_PAGES 6

bool gait_governor_looks_again(const struct gait_governor_round *round) {
    if (round->by_pages)
        return round->bytes > ROUNDS_FEW_PAGES_BYTES && round->rounds < ROUNDS_MOST_BY_PAGES;
    uint64_t shrunk = round->last_bytes / ROUNDS_SHRINK_DENOMINATOR * ROUNDS_SHRINK_NUMERATOR;
    return round->bytes > ROUNDS_FEW_BYTES && round->rounds < ROUNDS_MOST && round->bytes < shrunk;
}
