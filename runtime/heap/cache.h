/* SPDX-License-Identifier: MIT */
/*
 * Allocation: a mutator owns one span per kind and class at a time, and takes one free run after
 * another from it; objects are bumped out of the run by gait_alloc. Spans come from the central
 * list, from sweeping, or fresh from the page heap.
 *
 *   .inv.run: the cells of a mutator's run have their allocation bits set and are zero from cursor
 *   on, unless their kind is raw. While the mutator allocates black, their mark bits are set too.
 *   .inv.owner: the allocation bits of a span that is swept in this epoch are written by its owner
 *   alone: sweeping writes the other word of each pair, marks go there, and what weak words and
 *   finalizers keep lies in spans that are not swept yet.
 *   .inv.idle: a run, and its span, that were not used from one cycle's beginning to the next one's
 *   are given back. That is done while marking runs, so the span stays what it is, a span on its
 *   central's list; if no cell of it is in use, the sweep that follows frees its pages.
 *   .inv.rest: what is left in runs is no object. As marking ends it counts as neither marked nor
 *   live; what is made of it later counts as the next cycle ends.
 *
 * A cache is its mutator's own; the collector touches it only while that mutator can't run.
 */
#ifndef GAIT_CACHE_H
#define GAIT_CACHE_H

#include "kinds.h"
#include "young.h"

/* The runs of one kind, and the spans that they lie in. */
struct cache_kind {
    struct gait_run runs[GAIT_SIZE_CLASSES];
    struct span *spans[GAIT_SIZE_CLASSES];             /* NULL: owns none */
    const char *seen[GAIT_SIZE_CLASSES];               /* cursors as the last cycle began */
    uint64_t owned[(GAIT_SIZE_CLASSES + 63) / 64];     /* bit per class: owns a span */
    uint64_t uncounted[(GAIT_SIZE_CLASSES + 63) / 64]; /* what is left of it is not in live_bytes */
};

/* What was given back of runs. */
struct cache_rest {
    size_t bytes;                /* all of it */
    size_t scannable_bytes;      /* of these, in kinds with references */
    size_t live_bytes;           /* of all, what counts in live_bytes */
    size_t live_scannable_bytes; /* of these, in kinds with references */
};

struct cache {
    struct space *space;
    struct gait_run **runs;                   /* the mutator's head: [kind] */
    struct cache_kind *kinds[GAIT_KINDS_MAX]; /* NULL: nothing allocated of late */
    uint64_t used[GAIT_KINDS_MAX / 64];       /* bit per kind: kinds has it */
    bool black;                               /* new objects are marked; unless whites is set */
    bool whites; /* constant: they are white while marking, and their cards are made dirty after
                    they were initialised */
    bool single; /* runs of one cell: every allocation is seen */
    size_t black_bytes;          /* runs made black in this cycle, bytes */
    struct span *large;          /* of cache_large, until cache_large_done; or NULL */
    const char *born, *born_end; /* whites: the last large object, which may be initialised yet */
    struct young young;
};

void cache_init(struct cache *cache, struct space *space, struct gait_run **runs, bool single);

/** Give what is left of the runs back. The cache may not be used afterwards. @return what it was.
 */
struct cache_rest cache_destroy(struct cache *cache);

/** Would cache_refill have to take pages: is there no free cell of this kind and class in a span
 * that is swept? For the moment: other threads take spans too. */
bool cache_needs_pages(const struct cache *cache, unsigned kind, unsigned size_class);

/** Take the next run for a kind and class. @return its length in bytes, 0: no memory. */
size_t cache_refill(struct cache *cache, unsigned kind, unsigned size_class);

/**
 * A cycle begins to mark: allocate black from now on. All spans are swept. Runs that were not used
 * since the last call are given back, what is left of the others is marked. Costs nothing for a
 * cache that was idle for two cycles.
 *
 * @param within  its thread stands still between any two instructions of gait_alloc's: then none is
 *                given back, since the thread may have looked at it already.
 * @return what was given back.
 */
struct cache_rest cache_begin_cycle(struct cache *cache, bool within);

/** whites: make the cards of all that was made since this was called last dirty. What is made has
 * been initialised: at a safepoint of its mutator's. */
void cache_note_births(struct cache *cache);

/** whites: marking has found all; what is left of runs becomes black. The world stands still. */
void cache_blacken(struct cache *cache);

/** Marking has ended, and the world stands still: allocate white from now on. @return bytes of
 * objects that were allocated black. */
size_t cache_end_cycle(struct cache *cache);

/** What is left of runs is marked, and marks are kept: what is born there is old, and what it is
 * initialised with is remembered by its cards. The world stands still. */
void cache_remember_rest(const struct cache *cache);

/**
 * Take memory for an object of more than GAIT_SMALL_MAX_BYTES. *zeroed: it reads as zero. Until
 * cache_large_done, which is called when it does, it is no object: nobody scans or frees it, also
 * over safepoints. NULL: no memory.
 */
void *cache_large(struct cache *cache, unsigned kind, size_t bytes, bool *zeroed);
void cache_large_done(struct cache *cache, const char *object);

#endif
