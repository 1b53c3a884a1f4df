/* SPDX-License-Identifier: MIT */
/*
 * The shared queue of marking work: blocks of references that are still to be looked at.
 *
 * A block is filled and emptied by one thread; full blocks change hands through two lock-free
 * stacks (Treiber 1986, with a tag against reuse), so that a marker that the OS has set aside
 * holds nobody up.
 *
 *   .inv.active: whoever holds work that is in no published block is counted in `active`, and so
 *   is whoever takes a block or gives one back. So marking has run out of work exactly when active
 *   is 0 and no block is published, and between cycles nobody reads a block: most are unmapped.
 */
#ifndef GAIT_QUEUE_H
#define GAIT_QUEUE_H

#include <gait/gait.h>

#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "ephemerons.h"

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
    AO_t published;       /* blocks published so far: raised with each                   */
    AO_t active;          /* threads that may hold work                                  */
    AO_t hungry;          /* of these, threads that look for some                        */
    AO_t overflowed;      /* not 0: an object was marked whose references were not pushed */
    AO_t *metadata_bytes; /* where the blocks' memory is counted                         */
    struct lock lock;     /* rank MARK: guards slabs and their count                     */
    struct mark_slab *slabs;
    size_t slab_count;
    struct ephemerons keys; /* keys that the pairs of ephemerons wait for */
};

void queue_init(struct mark_queue *queue, AO_t *metadata_bytes);
void queue_destroy(struct mark_queue *queue);

/** An empty block, or NULL: no memory. */
struct mark_block *queue_block(struct mark_queue *queue);
void queue_recycle(struct mark_queue *queue, struct mark_block *block);

/** Publish a block of work, or take one (NULL: none). The caller is counted in active. */
void queue_publish(struct mark_queue *queue, struct mark_block *block);
struct mark_block *queue_take(struct mark_queue *queue);

/** The same for blocks of ephemerons. */
void queue_publish_ephemerons(struct mark_queue *queue, struct mark_block *block);
struct mark_block *queue_take_ephemerons(struct mark_queue *queue);

static inline bool queue_has_work(const struct mark_queue *queue) {
    return (AO_load_acquire(&queue->full.top) & (((AO_t)1 << 36) - 1)) != 0;
}

/** Drop what a cycle has left: ephemerons whose keys are dead, or, if it was given up, work; and
 * give back the memory that an unusual cycle needs again. No thread is active. */
void queue_clear(struct mark_queue *queue);

#endif
