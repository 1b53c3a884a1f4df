/* SPDX-License-Identifier: MIT */
/*
 * The off-heap memory of one heap: its backend's pool, tags, counters, and what is kept for checks.
 *
 * It is made by the first function that needs it, set in the heap by compare-and-swap
 * (gait/library.h), and goes with the heap. All states of the process are in a list, for fork.
 *
 *   .inv.shards: a thread counts on one of 16 shards. A block may be freed on another one than it
 *   was allocated on: a shard's counters are signed, and only their sums mean something.
 */
#ifndef GAIT_OFFHEAP_STATE_H
#define GAIT_OFFHEAP_STATE_H

#include <atomic_ops.h>
#include <gait/offheap.h>

#include "backend.h"
#include "blocks.h"
#include "system.h"

#define STATE_SHARDS 16

struct tag_count {
    AO_t bytes;  /* live; signed; unordered, as is the next: figures */
    AO_t blocks; /* live; signed */
};

struct shard {
    struct tag_count tags[GAIT_OFFHEAP_TAGS_MAX];
    AO_t sampled_bytes; /* allocated: which blocks are sampled; unordered */
    char unshared[64 - sizeof(AO_t)];
};

struct state {
    gait_heap *heap; /* constant, as what follows up to the lock */
    const struct backend *backend;
    void *pool;
    int checks;         /* offheapcheck */
    unsigned leaks;     /* offheapleaks */
    struct state *next; /* of the process's list, guarded by its lock, as previous */
    struct state *previous;

    struct offheap_lock tags_lock;      /* the one that makes a tag */
    AO_t tags;                          /* how many there are: released after the name is written */
    char *names[GAIT_OFFHEAP_TAGS_MAX]; /* constant below tags */

    struct blocks blocks; /* those that checks or samples keep: blocks.h */
    struct shard shards[STATE_SHARDS];
};

/** A heap's state, or NULL: it has no off-heap memory yet. */
struct state *state_find(gait_heap *heap);

/** A heap's state, made with this backend (GAIT_OFFHEAP_DEFAULT) if there is none. NULL: no memory.
 */
struct state *state_get(gait_heap *heap, int backend);

/** Is this a backend that the library was built with? */
int state_has_backend(int backend);

/** The calling thread's shard, 0 .. STATE_SHARDS - 1. */
unsigned state_shard(void);

/** Count a block, or take it off. */
void state_count(struct state *state, unsigned tag, size_t bytes);
void state_uncount(struct state *state, unsigned tag, size_t bytes);

/** Sums of all shards. */
size_t state_bytes(struct state *state, unsigned tag);
size_t state_blocks(struct state *state, unsigned tag);

/** Does a block, or may one, have a record in blocks? */
static inline int state_keeps_records(const struct state *state) {
    return state->checks || state->leaks;
}

static inline unsigned state_tags(struct state *state) {
    return (unsigned)AO_load_acquire(&state->tags); /* pairs with gait_offheap_tag */
}

/** report.c: write what is live if there is something. @return the blocks. */
size_t report_leaks(struct state *state);

/** offheap.c's: what an owner's cleanup frees with this block, bytes; 0: it is another cleanup. */
size_t offheap_cleanup_bytes(gait_cleanup_fn cleanup, const void *block);

#endif
