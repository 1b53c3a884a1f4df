/* SPDX-License-Identifier: MIT */
/*
 * The shared queue of marking work: blocks of references that are still to be looked at.
 *
 * A block is filled and emptied by one thread; full blocks change hands through two lock-free
 * stacks (Treiber 1986, with a tag against reuse), so that a marker that is preempted holds
 * nobody up.
 *
 *   .inv.active: whoever holds work that is in no published block is counted in `active`, and so
 *   is whoever takes a block or gives one back. So marking has run out of work exactly when nobody
 *   is active and no block is published, and between cycles nobody reads a block: most are
 *   unmapped.
 *   .inv.open: a helper becomes active only while the queue is open, by one compare-and-swap that
 *   sees both, so that one that is preempted before it can't come back in another phase. The
 *   collector opens the queue when all barriers are on, closes it as marking ends, and waits until
 *   nobody is active before it does anything else to the blocks. Collector and mutators join
 *   whenever they please: handshakes tell them what phase it is.
 *   .inv.lockless: a helper at idle priority takes no lock that another thread waits for: it may
 *   lose its CPU for a second, and a thread that waits for it can't answer a handshake.
 */
#ifndef GAIT_QUEUE_H
#define GAIT_QUEUE_H

#include <gait/gait.h>

#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "ephemerons.h"
#include "news.h"

#define MARK_BLOCK_BYTES 4096
#define MARK_BLOCK_WORDS ((MARK_BLOCK_BYTES - 16) / 8)

struct mark_block {
    AO_t next;    /* the stack's; atomic, since a loser of a pop may read it late */
    size_t count; /* words in use; the holder's */
    gait_word words[MARK_BLOCK_WORDS];
};

/* Top of a stack: block address / 4096 below, a tag that each change raises above. */
struct mark_stack {
    AO_t top;
};

struct mark_queue {
    struct mark_stack full;       /* published work                                        */
    struct mark_stack ephemerons; /* ephemeron objects that met an unmarked key            */
    struct mark_stack free;
    AO_t published;       /* blocks published so far: raised with each, and with what the
                             passes are to look at once more                              */
    AO_t active;          /* threads that may hold work, and QUEUE_OPEN                  */
    AO_t hungry;          /* threads that look for some                                  */
    struct news news;     /* for mutators that owe some: work, credit, or the end of it   */
    AO_t overflowed;      /* not 0: an object was marked whose references were not pushed */
    AO_t lone;            /* not 0: one was marked before all roots were scanned: its cell may
                             have been freed meanwhile (marker_drop_lone); unordered: a handshake
                             comes between                                               */
    AO_t *metadata_bytes; /* where the blocks' memory is counted                         */
    AO_t slabs;           /* struct mark_slab *: while markers run, only added to        */
    AO_t slab_count;      /* unordered: for the collector, when nobody is active         */
    AO_t watched; /* not 0: hooks look at marks, of leaves too (liveness.h); unordered, stays */
    struct ephemerons keys; /* keys that the pairs of ephemerons wait for */
    AO_t reached;           /* stack of gait_coroutine: objects led to them; coroutines.h */
};

void queue_init(struct mark_queue *queue, AO_t *metadata_bytes);
void queue_destroy(struct mark_queue *queue);

/** An empty block, or NULL: no memory. */
struct mark_block *queue_block(struct mark_queue *queue);
void queue_recycle(struct mark_queue *queue, struct mark_block *block);

/** Publish a block of work, and wake one that waits; or take one (NULL: none). The caller is
 * counted in active. */
void queue_publish(struct mark_queue *queue, struct mark_block *block);
struct mark_block *queue_take(struct mark_queue *queue);

/** The same for blocks of ephemerons. */
void queue_publish_ephemerons(struct mark_queue *queue, struct mark_block *block);
struct mark_block *queue_take_ephemerons(struct mark_queue *queue);

#define QUEUE_OPEN ((AO_t)1 << 32) /* in active: helpers may join */

/** Let helpers join, or no more do. The collector. */
void queue_open(struct mark_queue *queue);
void queue_close(struct mark_queue *queue);

/** Become active as a helper. @return false: the queue is closed. */
bool queue_join(struct mark_queue *queue);

/** How many threads are active. acquire: what they did before they ceased to be is seen. */
static inline size_t queue_active(const struct mark_queue *queue) {
    return AO_load_acquire(&queue->active) & (QUEUE_OPEN - 1);
}

static inline bool queue_has_work(const struct mark_queue *queue) {
    return (AO_load_acquire(&queue->full.top) & (((AO_t)1 << 36) - 1)) != 0;
}

/** Is there no work, published or in anybody's hands? What is made later is noticed by `published`.
 */
bool queue_is_out(const struct mark_queue *queue);

/** Drop what a cycle has left: ephemerons whose keys are dead, or, if it was given up, work; and
 * give back the memory that an unusual cycle needs again. No thread is active. */
void queue_clear(struct mark_queue *queue);

#endif
