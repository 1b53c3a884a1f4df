/* SPDX-License-Identifier: MIT */
/*
 * A pool: nodes of one size, counted, in chunks of 64 KiB that the OS has back when no node of them
 * is in use any more. A node never moves. All nodes in use can be walked in the order in which they
 * lie in memory, which takes a tenth of the time that a walk through a hash table's chains takes.
 *
 * The owner of a pool guards it by a lock of its own, and may let that lock go between two steps
 * of a walk:
 *
 *   .inv.walk: a walk meets every node that is in use from its begin to its end, once. One that
 *   was added meanwhile is met or not.
 */
#ifndef GAIT_POOL_H
#define GAIT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

#define POOL_CHUNK_BYTES ((size_t)65536) /* a multiple of every page size */

#define POOL_NODE_BYTES_MOST 4096 /* sixteen to a chunk, and no more lost */

struct pool_chunk;

struct pool {
    AO_t *metadata_bytes;      /* constant: where chunks are counted                         */
    size_t node_bytes;         /* constant                                                   */
    size_t chunk_nodes;        /* constant: nodes in a chunk                                 */
    size_t count;              /* nodes in use                                               */
    struct pool_chunk *chunks; /* all: the youngest first                               */
    struct pool_chunk *open;   /* those with room and with nodes in use                 */
    struct pool_chunk *empty;  /* one without nodes in use, or NULL: kept for the next  */
    struct pool_chunk *walked; /* the walk: the chunk it is at, NULL: at its end        */
    size_t walked_nodes;       /* and how many nodes of that lie behind it              */
};

/** node_bytes: 8 .. POOL_NODE_BYTES_MOST, a multiple of 8. Takes no memory yet. */
void pool_init(struct pool *pool, size_t node_bytes, AO_t *metadata_bytes);

/** Gives all chunks back, nodes in use or not. */
void pool_destroy(struct pool *pool);

/** A node, its contents not defined. NULL: no memory. */
void *pool_take(struct pool *pool);

/** Give a node back. @return false: it is none in use. */
bool pool_give(struct pool *pool, void *node);

/** Begin a walk over all nodes in use; one at a time. */
void pool_walk(struct pool *pool);

/** The next nodes of the walk, at most `most`. @return how many, 0: it has ended. */
size_t pool_step(struct pool *pool, void **nodes, size_t most);

#endif
