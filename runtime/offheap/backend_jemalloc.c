/* SPDX-License-Identifier: MIT */
/*
 * Off-heap memory from a jemalloc that is linked into this library alone, in arenas of the heap's
 * own.
 *
 * Debian's libjemalloc.so replaces malloc in a program that links it, and can't be loaded later
 * (its thread-local variables ask for a place in static TLS). So the build takes the static,
 * position-independent archive, makes one object of what is needed, renames what is called here
 * (gait_je_…), and makes all other names local: neither the program's malloc nor another jemalloc
 * meets it. What it would do as it is loaded, at fork, or with the process's environment is taken
 * out of its hands likewise: no constructor runs (it begins with the first call), and its calls of
 * pthread_atfork, and those that read the environment and /etc/malloc.conf, come to the functions
 * below.
 *
 *   .inv.fork: jemalloc's own handlers of fork take all its locks. They run when the core says that
 *   all heaps rest: were they registered with the OS, they could come before, and a running mutator
 *   that waits for such a lock would never reach a safepoint.
 *
 * No thread cache: a thread's cache holds memory of all arenas that it uses, and would give a heap
 * another heap's. Small pieces take the lock of their size class in one of at most four arenas.
 *
 *   .inv.back: empty pages go back to the OS: those of large pieces at once, those of small ones as
 *   soon as FREED_BYTES of small ones were freed by the threads of one share. A slab would go and
 *   come with each piece, were it taken back as it is emptied: 3.8 us for a piece that is allocated
 *   and freed in turn, 0.19 us so. By time, as jemalloc does it, they would stay as long as nothing
 *   is allocated (100 ms: 300 MiB over 120 MiB live, after 2 GiB).
 */
#include <gait/offheap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic_ops.h>

#include "backend.h"
#include "jemalloc.h"

/* So many arenas divide a heap's threads among them. Guess: an arena costs 10 KiB, and what is left
 * of its slabs. */
#define ARENAS_MOST 4
#define NONE ((AO_t)UINT32_MAX)
/* From here on a piece is large. To zero it costs about what it costs to have its pages anew. */
#define LARGE_BYTES ((size_t)131072)
/* Dirty pages of small pieces: at most so much in each of the shares. Guess: half of the 64 MiB
 * that a program is to have at most beside a tenth of its live bytes. */
#define FREED_BYTES ((size_t)8 << 20)

/* Read once, with the first call. No arenas but ours, nothing by brk, dirty pages back at once. */
const char *gait_je_malloc_conf = "narenas:1,tcache:false,dss:disabled,dirty_decay_ms:0,"
                                  "muzzy_decay_ms:0,background_thread:false";

static void (*fork_prepare)(void); /* set with the first call of jemalloc, under its lock */
static void (*fork_parent)(void);
static void (*fork_child)(void);

int gait_je_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    fork_prepare = prepare;
    fork_parent = parent;
    fork_child = child;
    return 0;
}

/* The variable MALLOC_CONF is for the program's malloc. */
char *gait_je_secure_getenv(const char *name) {
    (void)name;
    return NULL;
}

long gait_je_readlink(const char *path, char *text, size_t text_bytes) {
    (void)path, (void)text, (void)text_bytes;
    return -1;
}

/* A share of a heap's threads. */
struct share {
    AO_t small; /* an arena; NONE: not made yet; set once, by compare-and-swap, as is the next */
    AO_t large;
    AO_t freed_bytes; /* of small pieces, by its threads; unordered */
    char unshared[64 - 3 * sizeof(AO_t)];
};

struct jemalloc_pool {
    unsigned count; /* constant */
    struct share shares[ARENAS_MOST];
};

static int arena_control(AO_t arena, const char *what, void *given, size_t given_bytes) {
    char name[64];
    snprintf(name, sizeof name, "arena.%u.%s", (unsigned)arena, what);
    return gait_je_mallctl(name, NULL, NULL, given, given_bytes);
}

/* @return NONE: no more arenas, or no memory. */
static AO_t arena_new(bool small) {
    unsigned arena;
    size_t bytes = sizeof arena;
    if (gait_je_mallctl("arenas.create", &arena, &bytes, NULL, 0) != 0)
        return NONE;
    intptr_t never = -1; /* an ssize_t, which C does not have */
    if (small)
        arena_control(arena, "dirty_decay_ms", &never, sizeof never);
    return arena;
}

static void arena_destroy(AO_t arena) {
    if (arena != NONE)
        arena_control(arena, "destroy", NULL, 0);
}

static void *jemalloc_pool_new(int procs) {
    struct jemalloc_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->count = procs < 1 ? 1 : procs > ARENAS_MOST ? ARENAS_MOST : (unsigned)procs;
    for (unsigned i = 0; i < ARENAS_MOST; i++)
        pool->shares[i].small = pool->shares[i].large = NONE;
    pool->shares[0].small = arena_new(true);
    pool->shares[0].large = arena_new(false);
    if (pool->shares[0].small == NONE || pool->shares[0].large == NONE) {
        arena_destroy(pool->shares[0].small);
        arena_destroy(pool->shares[0].large);
        free(pool);
        return NULL;
    }
    return pool;
}

static void jemalloc_pool_destroy(void *data) {
    struct jemalloc_pool *pool = data;
    for (unsigned i = 0; i < pool->count; i++) {
        arena_destroy(pool->shares[i].small);
        arena_destroy(pool->shares[i].large);
    }
    free(pool);
}

static AO_t *place_in(struct share *share, bool small) {
    return small ? &share->small : &share->large;
}

/* A share's arena, which is made when it is first used; the first share's if it can't be. */
static AO_t arena_of(struct jemalloc_pool *pool, unsigned shard, size_t bytes) {
    bool small = bytes < LARGE_BYTES;
    AO_t *place = place_in(&pool->shares[shard % pool->count], small);
    AO_t arena = AO_load_acquire(place);
    if (arena != NONE)
        return arena;
    if ((arena = arena_new(small)) == NONE)
        return *place_in(&pool->shares[0], small);
    if (AO_compare_and_swap_full(place, NONE, arena))
        return arena;
    arena_destroy(arena); /* another thread was first */
    return AO_load_acquire(place);
}

static int flags_of(AO_t arena) {
    return MALLOCX_ARENA((unsigned)arena) | MALLOCX_TCACHE_NONE | MALLOCX_ZERO;
}

static void *jemalloc_take(void *pool, size_t bytes, unsigned shard) {
    if (backend_is_to_fail())
        return NULL;
    return gait_je_mallocx(bytes, flags_of(arena_of(pool, shard, bytes)));
}

/* So many bytes were freed: see .inv.back. Pieces of one share are freed by threads of another one,
 * so all are looked at. */
static void count_freed(struct jemalloc_pool *pool, size_t bytes, unsigned shard) {
    struct share *share = &pool->shares[shard % pool->count];
    if (bytes >= LARGE_BYTES || AO_fetch_and_add(&share->freed_bytes, bytes) + bytes < FREED_BYTES)
        return;
    AO_store(&share->freed_bytes, 0);
    for (unsigned i = 0; i < pool->count; i++) {
        AO_t arena = AO_load_acquire(&pool->shares[i].small);
        if (arena != NONE)
            arena_control(arena, "purge", NULL, 0);
    }
}

static struct resized jemalloc_resize(void *pool, void *start, size_t old_bytes, size_t bytes,
                                      unsigned shard) {
    if (backend_is_to_fail())
        return (struct resized){NULL, 0};
    /* jemalloc zeroes what lies beyond the old piece's size class, and knows no other length */
    size_t dirty_bytes = gait_je_sallocx(start, 0);
    void *to = gait_je_rallocx(start, bytes, flags_of(arena_of(pool, shard, bytes)));
    if (to)
        count_freed(pool, old_bytes, shard);
    return (struct resized){to, dirty_bytes};
}

static void jemalloc_give(void *pool, void *start, size_t bytes, unsigned shard) {
    gait_je_sdallocx(start, bytes, MALLOCX_TCACHE_NONE);
    count_freed(pool, bytes, shard);
}

static void pool_nothing(void *pool) { (void)pool; }

static void jemalloc_hold_all(void) {
    if (fork_prepare)
        fork_prepare();
}

static void jemalloc_let_go_all(void) {
    if (fork_parent)
        fork_parent();
}

static void jemalloc_child_all(void) {
    if (fork_child)
        fork_child();
}

const struct backend backend_jemalloc = {
    .number = GAIT_OFFHEAP_JEMALLOC,
    .name = "jemalloc",
    .pool_new = jemalloc_pool_new,
    .pool_destroy = jemalloc_pool_destroy,
    .take = jemalloc_take,
    .resize = jemalloc_resize,
    .give = jemalloc_give,
    .hold = pool_nothing,
    .let_go = pool_nothing,
    .hold_all = jemalloc_hold_all,
    .let_go_all = jemalloc_let_go_all,
    .child_all = jemalloc_child_all,
};
