/* SPDX-License-Identifier: MIT */
/* For peers without regions: their objects are objects like others. */
#ifndef BENCH_PEERS_NO_REGION_H
#define BENCH_PEERS_NO_REGION_H

#include <string.h>

typedef void peer_region;

static inline peer_region *peer_region_new(peer_thread *thread) {
    (void)thread;
    return NULL;
}

static inline void peer_region_free(peer_thread *thread, peer_region *region) {
    (void)thread, (void)region;
}

static inline void peer_region_reset(peer_thread *thread, peer_region *region) {
    (void)thread, (void)region;
}

static inline bool peer_region_ends(const peer_region *region) {
    (void)region;
    return false;
}

static inline bool peer_region_each(const peer_region *region) {
    (void)region;
    return false;
}

static inline __attribute__((always_inline)) void *
peer_region_alloc(peer_thread *thread, peer_region *region, enum peer_kind kind, size_t bytes) {
    (void)region;
    return peer_alloc(thread, kind, bytes);
}

/* A program that frees objects one by one needs one of its own; a collector keeps what is referred
 * to. */
static inline void *peer_survivor(peer_thread *thread, void *object, enum peer_kind kind,
                                  size_t bytes) {
    if (!PEER_FREES)
        return object;
    void *copy = peer_alloc(thread, kind, bytes);
    memcpy(copy, object, bytes);
    return copy;
}

#endif
