/* SPDX-License-Identifier: MIT */
/* For peers whose regions end their objects, and whose other objects are the C library's. */
#ifndef BENCH_PEERS_REGION_ENDS_H
#define BENCH_PEERS_REGION_ENDS_H

static inline bool peer_region_ends(const peer_region *region) {
    (void)region;
    return true;
}

static inline bool peer_region_each(const peer_region *region) {
    (void)region;
    return false;
}

static inline void *peer_survivor(peer_thread *thread, void *object, enum peer_kind kind,
                                  size_t bytes) {
    void *copy = peer_alloc(thread, kind, bytes);
    memcpy(copy, object, bytes);
    return copy;
}

#endif
