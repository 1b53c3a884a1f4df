/* SPDX-License-Identifier: MIT */
/* Memory outside of the heap for peers that have none of their own: the C library's, uncounted. */
#ifndef BENCH_PEERS_RAW_LIBC_H
#define BENCH_PEERS_RAW_LIBC_H

#include <stdlib.h>

static inline void *peer_raw_calloc(peer_thread *thread, size_t bytes) {
    (void)thread;
    void *memory = calloc(1, bytes);
    if (!memory)
        bench_die("out of memory");
    return memory;
}

static inline void peer_raw_free(peer_thread *thread, void *memory) {
    (void)thread;
    free(memory);
}

static inline double peer_heap_bytes(peer_thread *thread) {
    (void)thread;
    return 0;
}

static inline double peer_raw_bytes(peer_thread *thread) {
    (void)thread;
    return 0;
}

#endif
