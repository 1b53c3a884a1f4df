/* SPDX-License-Identifier: MIT */
/*
 * How much of what is new lives: an estimate, by some of the runs that a mutator took since the
 * last cycle. Policy sees by it whether a minor cycle would pay, before it tries one.
 *
 * Runs are noted evenly over the time between two cycles: when there is no more room, every second
 * one is dropped, and half as many are noted from then on.
 *
 * Its mutator's own, as its cache is. What a run's cells have become since does no harm: it is an
 * estimate.
 */
#ifndef GAIT_YOUNG_H
#define GAIT_YOUNG_H

#include <stddef.h>
#include <stdint.h>

struct cache;

/* As many tell within 0.1 or so how much lives: what is made together dies together. The world
 * stands still while they are looked at, some 2 us. */
#define YOUNG_RUNS 32
/* Of each, no more than a word or two of bits. */
#define YOUNG_CELLS 64

struct young_run {
    char *start;
    char *end;
    uint8_t kind; /* of the run that was taken, of which this is the first part */
    uint8_t size_class;
};

struct young {
    unsigned count;
    unsigned skip;    /* noted is each 2^skip-th run */
    unsigned skipped; /* since the last that was */
    struct young_run runs[YOUNG_RUNS];
};

/* Sums over mutators: bytes of the runs that were looked at, and of what is marked there. */
struct young_sums {
    uint64_t seen_bytes;
    uint64_t live_bytes;
};

/** A run was taken, and is not black. */
void young_note(struct young *young, const struct young_run *run);

/** Marking has ended, the bits have not turned over, and the world stands still: add up what is
 * noted in a cache, and forget it. A run that is in use is left out: what is left of it is marked.
 */
void young_take(struct cache *cache, struct young_sums *sums);

#endif
