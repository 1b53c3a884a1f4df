/* SPDX-License-Identifier: MIT */
/* GNU obstack, of the C library; chunks of 64 KiB from malloc. Objects are not zeroed. */
#ifndef BENCH_PEERS_OBSTACK_H
#define BENCH_PEERS_OBSTACK_H

#include <obstack.h>

#include "malloc_objects.h"
#include "raw_libc.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

typedef struct peer_region {
    struct obstack obstack;
    void *first; /* what is freed to empty it */
} peer_region;

static inline __attribute__((always_inline)) void *
peer_region_alloc(peer_thread *thread, peer_region *region, enum peer_kind kind, size_t bytes) {
    (void)thread, (void)kind;
    return obstack_alloc(&region->obstack, bytes);
}

static inline peer_region *peer_region_new(peer_thread *thread) {
    (void)thread;
    peer_region *region = calloc(1, sizeof *region);
    if (!region)
        bench_die("out of memory");
    obstack_begin(&region->obstack, 64 << 10);
    obstack_alignment_mask(&region->obstack) = 7;
    region->first = obstack_alloc(&region->obstack, 0);
    return region;
}

static inline void peer_region_reset(peer_thread *thread, peer_region *region) {
    (void)thread;
    obstack_free(&region->obstack, region->first);
    region->first = obstack_alloc(&region->obstack, 0);
}

static inline void peer_region_free(peer_thread *thread, peer_region *region) {
    (void)thread;
    obstack_free(&region->obstack, NULL);
    free(region);
}

#include "region_ends.h"

#endif
