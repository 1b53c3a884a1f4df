/* SPDX-License-Identifier: MIT */
/*
 * Where off-heap memory is from. A backend has a pool for each heap; a pool's memory that was not
 * given back goes with it.
 *
 * Memory is aligned to 16 bytes. Any thread may take, resize and give at any time; the pool is made
 * and destroyed while nobody uses it. All locks of a pool are taken by hold, around fork.
 */
#ifndef GAIT_OFFHEAP_BACKEND_H
#define GAIT_OFFHEAP_BACKEND_H

#include <stddef.h>
#include <stdint.h>

/* What resizing gave: NULL, no memory, and the old is whole. What is new is not defined up to
 * dirty_bytes, and zero beyond. */
struct resized {
    void *start;
    size_t dirty_bytes;
};

struct backend {
    int number; /* GAIT_OFFHEAP_LIBC, GAIT_OFFHEAP_JEMALLOC */
    const char *name;

    /** procs: threads that may run at once. NULL: no memory. */
    void *(*pool_new)(int procs);
    void (*pool_destroy)(void *pool);

    /** Zeroed memory. shard: a number of the thread's. NULL: none. */
    void *(*take)(void *pool, size_t bytes, unsigned shard);

    struct resized (*resize)(void *pool, void *start, size_t old_bytes, size_t bytes,
                             unsigned shard);
    void (*give)(void *pool, void *start, size_t bytes, unsigned shard);

    /** Around fork: of one pool; and of the backend, after all pools. */
    void (*hold)(void *pool);
    void (*let_go)(void *pool);
    void (*hold_all)(void);
    void (*let_go_all)(void);
    void (*child_all)(void);
};

extern const struct backend backend_libc;

#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
extern const struct backend backend_jemalloc;
#endif

/* Fault injection for tests: `after` calls of take and resize succeed first, then each `every`-th
 * fails (0: one call only). Off with every = after = SIZE_MAX. */
void backend_fail(size_t after, size_t every);

/** Is this call to fail? */
int backend_is_to_fail(void);

#endif
