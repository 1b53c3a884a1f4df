/* SPDX-License-Identifier: MIT */
/*
 * Allocation: a mutator owns one span per kind and class at a time, and takes one free run after
 * another from it; objects are bumped out of the run by gait_alloc. Spans come from the central
 * list, from sweeping, or fresh from the page heap.
 *
 *   .inv.run: the cells of a mutator's run have their allocation bits set and are zero from cursor
 *   on. While the mutator allocates black, their mark bits are set too.
 *
 * A cache is its mutator's own; the collector touches it only while that mutator can't run.
 */
#ifndef GAIT_CACHE_H
#define GAIT_CACHE_H

#include "kinds.h"

/* The runs of one kind, and the spans that they lie in. */
struct cache_kind {
    struct gait_run runs[GAIT_SIZE_CLASSES];
    struct span *spans[GAIT_SIZE_CLASSES]; /* NULL: owns none */
};

struct cache {
    struct space *space;
    struct gait_run **runs;                   /* the mutator's head: [kind] */
    struct cache_kind *kinds[GAIT_KINDS_MAX]; /* NULL: nothing allocated yet */
    bool black;                               /* new objects are marked */
    bool single;                              /* runs of one cell: every allocation is seen */
    size_t black_bytes;                       /* runs made black in this cycle, bytes */
};

void cache_init(struct cache *cache, struct space *space, struct gait_run **runs, bool single);

/** Give what is left of the runs back. The cache may not be used afterwards. @return bytes of it.
 */
size_t cache_destroy(struct cache *cache);

/** Take the next run for a kind and class. @return its length in bytes, 0: no memory. */
size_t cache_refill(struct cache *cache, unsigned kind, unsigned size_class);

/** Allocate black from now on: what is left of the runs is marked. */
void cache_blacken(struct cache *cache);

/**
 * Take memory for an object of more than GAIT_SMALL_MAX_BYTES. *zeroed: it reads as zero. Until
 * cache_large_done, which is called when it does, it is no object: nobody scans or frees it, also
 * over safepoints. NULL: no memory.
 */
void *cache_large(struct cache *cache, unsigned kind, size_t bytes, bool *zeroed);
void cache_large_done(struct cache *cache, const char *object);

/** Put a swept span that has free cells on its central's list, unless a mutator owns it. */
void central_offer(struct space *space, struct span *span);

#endif
