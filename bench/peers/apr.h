/* SPDX-License-Identifier: MIT */
/* Pools of the Apache Portable Runtime, each with an allocator of its own. Objects are not zeroed.
 */
#ifndef BENCH_PEERS_APR_H
#define BENCH_PEERS_APR_H

#include <apr_pools.h>

#include "malloc_objects.h"
#include "raw_libc.h"

typedef apr_pool_t peer_region;

static inline __attribute__((always_inline)) void *
peer_region_alloc(peer_thread *thread, peer_region *region, enum peer_kind kind, size_t bytes) {
    (void)thread, (void)kind;
    return apr_palloc(region, bytes);
}

static inline peer_region *peer_region_new(peer_thread *thread) {
    (void)thread;
    static bool ready; /* one thread */
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    if (!ready && apr_initialize() != APR_SUCCESS)
        bench_die("no portable runtime");
    ready = true;
    if (apr_allocator_create(&allocator) != APR_SUCCESS ||
        apr_pool_create_ex(&pool, NULL, NULL, allocator) != APR_SUCCESS)
        bench_die("out of memory");
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

static inline void peer_region_reset(peer_thread *thread, peer_region *region) {
    (void)thread;
    apr_pool_clear(region);
}

static inline void peer_region_free(peer_thread *thread, peer_region *region) {
    (void)thread;
    apr_pool_destroy(region);
}

#include "region_ends.h"

#endif
