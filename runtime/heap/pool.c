/* SPDX-License-Identifier: MIT */
/*
 * Pools of nodes. See pool.h.
 *
 * A chunk is aligned to its size, so a node leads to its chunk. Which nodes are in use is in bits
 * at the chunk's head: a free node needs no link, and is not touched.
 */
#include "pool.h"

#include <assert.h>
#include <string.h>

#include "../platform/platform.h"

struct pool_link {
    struct pool_chunk *next;
    struct pool_chunk *previous;
};

struct pool_chunk {
    struct pool_link all;  /* pool->chunks                                       */
    struct pool_link open; /* pool->open                                         */
    uint32_t used;         /* nodes in use                                       */
    uint32_t search;       /* words of bits below are full                       */
    uint64_t bits[];       /* bit i: node i is in use; past the last one: set    */
};

static size_t bit_words(size_t nodes) { return (nodes + 63) / 64; }

/* Where a chunk's nodes begin, were there so many. */
static size_t nodes_offset(size_t nodes) {
    size_t bytes = sizeof(struct pool_chunk) + bit_words(nodes) * sizeof(uint64_t);
    return (bytes + 15) & ~(size_t)15;
}

void pool_init(struct pool *pool, size_t node_bytes, AO_t *metadata_bytes) {
    assert(node_bytes >= 8 && node_bytes <= POOL_NODE_BYTES_MOST && node_bytes % 8 == 0);
    memset(pool, 0, sizeof *pool);
    pool->metadata_bytes = metadata_bytes;
    pool->node_bytes = node_bytes;
    size_t nodes = POOL_CHUNK_BYTES / node_bytes;
    while (nodes_offset(nodes) + nodes * node_bytes > POOL_CHUNK_BYTES)
        nodes--;
    pool->chunk_nodes = nodes;
}

/* ---- Chunks ---- */

static struct pool_link *all_of(struct pool_chunk *chunk) { return &chunk->all; }

static struct pool_link *open_of(struct pool_chunk *chunk) { return &chunk->open; }

typedef struct pool_link *(*link_of)(struct pool_chunk *chunk);

static void list_add(struct pool_chunk **first, struct pool_chunk *chunk, link_of link) {
    link(chunk)->previous = NULL;
    link(chunk)->next = *first;
    if (*first)
        link(*first)->previous = chunk;
    *first = chunk;
}

static void list_remove(struct pool_chunk **first, struct pool_chunk *chunk, link_of link) {
    struct pool_link *links = link(chunk);
    if (links->previous)
        link(links->previous)->next = links->next;
    else
        *first = links->next;
    if (links->next)
        link(links->next)->previous = links->previous;
}

/* An empty chunk, in the list of all. NULL: no memory. */
static struct pool_chunk *chunk_map(struct pool *pool) {
    struct pool_chunk *chunk = platform_reserve(POOL_CHUNK_BYTES, POOL_CHUNK_BYTES);
    if (!chunk)
        return NULL;
    if (platform_commit(chunk, POOL_CHUNK_BYTES) < 0) {
        platform_unreserve(chunk, POOL_CHUNK_BYTES);
        return NULL;
    }
    counter_add(pool->metadata_bytes, POOL_CHUNK_BYTES);
    if (pool->chunk_nodes % 64)
        chunk->bits[pool->chunk_nodes / 64] = ~(uint64_t)0 << pool->chunk_nodes % 64;
    list_add(&pool->chunks, chunk, all_of);
    return chunk;
}

static void chunk_unmap(struct pool *pool, struct pool_chunk *chunk) {
    if (pool->walked == chunk) {
        pool->walked = chunk->all.next;
        pool->walked_nodes = 0;
    }
    list_remove(&pool->chunks, chunk, all_of);
    platform_unreserve(chunk, POOL_CHUNK_BYTES);
    counter_sub(pool->metadata_bytes, POOL_CHUNK_BYTES);
}

void pool_destroy(struct pool *pool) {
    while (pool->chunks)
        chunk_unmap(pool, pool->chunks);
    pool->open = pool->empty = NULL;
    pool->count = 0;
}

/* ---- Nodes ---- */

static char *chunk_nodes(const struct pool *pool, struct pool_chunk *chunk) {
    return (char *)chunk + nodes_offset(pool->chunk_nodes);
}

/* A chunk with room, in the list of open ones. */
static struct pool_chunk *chunk_open(struct pool *pool) {
    if (pool->open)
        return pool->open;
    struct pool_chunk *chunk = pool->empty ? pool->empty : chunk_map(pool);
    pool->empty = NULL;
    if (chunk)
        list_add(&pool->open, chunk, open_of);
    return chunk;
}

void *pool_take(struct pool *pool) {
    struct pool_chunk *chunk = chunk_open(pool);
    if (!chunk)
        return NULL;
    size_t word = chunk->search;
    while (chunk->bits[word] == ~(uint64_t)0)
        word++;
    size_t node = word * 64 + (size_t)__builtin_ctzll(~chunk->bits[word]);
    chunk->bits[word] |= (uint64_t)1 << node % 64;
    chunk->search = (uint32_t)word;
    if (++chunk->used == pool->chunk_nodes)
        list_remove(&pool->open, chunk, open_of);
    pool->count++;
    return chunk_nodes(pool, chunk) + node * pool->node_bytes;
}

/* Its last node was given back. One such chunk is kept, so that a program that takes and gives in
 * turn does not map and unmap. */
static void chunk_emptied(struct pool *pool, struct pool_chunk *chunk) {
    list_remove(&pool->open, chunk, open_of);
    if (pool->empty)
        chunk_unmap(pool, chunk);
    else
        pool->empty = chunk;
}

bool pool_give(struct pool *pool, void *node) {
    struct pool_chunk *chunk = (struct pool_chunk *)((uintptr_t)node & ~(POOL_CHUNK_BYTES - 1));
    size_t offset = (size_t)((char *)node - chunk_nodes(pool, chunk));
    size_t index = offset / pool->node_bytes;
    uint64_t bit = (uint64_t)1 << index % 64;
    if (offset % pool->node_bytes != 0 || index >= pool->chunk_nodes ||
        !(chunk->bits[index / 64] & bit))
        return false;
    chunk->bits[index / 64] &= ~bit;
    if (index / 64 < chunk->search)
        chunk->search = (uint32_t)(index / 64);
    if (chunk->used-- == pool->chunk_nodes)
        list_add(&pool->open, chunk, open_of);
    pool->count--;
    if (chunk->used == 0)
        chunk_emptied(pool, chunk);
    return true;
}

/* ---- Walks ---- */

void pool_walk(struct pool *pool) {
    pool->walked = pool->chunks;
    pool->walked_nodes = 0;
}

/* The nodes in use of the walk's chunk, from where it is. @return how many. */
static size_t chunk_step(struct pool *pool, void **nodes, size_t most) {
    struct pool_chunk *chunk = pool->walked;
    char *start = chunk_nodes(pool, chunk);
    size_t count = 0, at = pool->walked_nodes;
    while (count < most && at < pool->chunk_nodes) {
        uint64_t used = chunk->bits[at / 64] >> at % 64;
        if (!used) {
            at = (at | 63) + 1;
            continue;
        }
        at += (size_t)__builtin_ctzll(used);
        if (at < pool->chunk_nodes)
            nodes[count++] = start + at++ * pool->node_bytes;
    }
    pool->walked_nodes = at;
    return count;
}

size_t pool_step(struct pool *pool, void **nodes, size_t most) {
    size_t count = 0;
    while (pool->walked && count == 0) {
        count = chunk_step(pool, nodes, most);
        if (pool->walked_nodes >= pool->chunk_nodes) {
            pool->walked = pool->walked->all.next;
            pool->walked_nodes = 0;
        }
    }
    return count;
}
