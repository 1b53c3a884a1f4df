/* SPDX-License-Identifier: MIT */
/*
 * Sweeping: after the bits have turned over, each span's dead cells become free.
 *
 * The marks of the ended cycle are the allocation bits already; what is left to do per span is to
 * clear the other word of each pair for the next cycle (or, if that may be a minor one, to have it
 * begin with these marks), to count, and to offer the span to its central list or its pages to the
 * page heap. Sweepers claim chunks of pages by a cursor, and each
 * span by a compare-and-swap on `swept`.
 *
 *   .inv.swept: a span is swept once per epoch, by one thread; while `swept` is not the epoch
 *   nobody allocates from it, and its mark bits are not meant.
 *   .inv.claim: the cursor names the epoch that its pages are claimed in, so that a claim is of one
 *   epoch whatever happens around it; and a thread that claims, pages or a span of its own, is
 *   counted in `active` before. One that finds a span claimed and goes on finds its sweeper active,
 *   too. A cycle begins when all is claimed and nobody is active: no step spans two epochs, and no
 *   kept mark is written after the next full cycle has cleared them.
 *   .inv.step: a mutator sweeps while it runs, with no safepoint inside, the collector under the
 *   gate of the cycle: so a fork finds no step under way.
 */
#ifndef GAIT_SWEEP_H
#define GAIT_SWEEP_H

#include "../heap/cache.h"

struct sweeper {
    struct space *space;
    bool clobber;     /* constant: fill dead cells with CELL_CLOBBER */
    AO_t cursor;      /* the epoch that may be swept, above the next page to claim */
    AO_t end;         /* pages at and above did not exist when sweeping began */
    AO_t active;      /* sweepers between claim and done */
    AO_t freed_bytes; /* since the heap was created; a figure */
};

void sweep_init(struct sweeper *sweeper, struct space *space, bool clobber);

/** Allow sweeping in the current epoch. The collector, after weak references are settled. */
void sweep_open(struct sweeper *sweeper);

/** Sweep a chunk of pages. @return false: none is left to claim. */
bool sweep_step(struct sweeper *sweeper);

/** Sweep all that is left, and wait for sweepers that are at it. */
void sweep_finish(struct sweeper *sweeper);

/**
 * Clear the marks that sweeping has kept, before a full cycle. The collector, when all is swept,
 * beside mutators that allocate: none of them sets a mark before it is asked for its roots.
 */
void sweep_forget(struct sweeper *sweeper);

/** May this epoch be swept already? Between the end of marking and this, weak words are settled. */
bool sweep_is_open(const struct sweeper *sweeper);

/** Is everything claimed and done? */
bool sweep_done(const struct sweeper *sweeper);

/** Have one span swept. @return false: sweeping is not open yet. */
bool sweep_span(struct sweeper *sweeper, struct span *span);

/** A mutator's part: sweep a little, until a central list may have a span. @return false: it has
 * none yet. */
bool sweep_more(struct sweeper *sweeper, unsigned kind, unsigned size_class);

#endif
