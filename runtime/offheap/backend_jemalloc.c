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

struct jemalloc_pool {
    unsigned count;           /* constant */
    AO_t arenas[ARENAS_MOST]; /* NONE: not made yet; set once, by compare-and-swap */
};

/* @return NONE: no more arenas, or no memory. */
static AO_t arena_new(void) {
    unsigned arena;
    size_t bytes = sizeof arena;
    return gait_je_mallctl("arenas.create", &arena, &bytes, NULL, 0) == 0 ? arena : NONE;
}

static void arena_destroy(AO_t arena) {
    char name[64];
    snprintf(name, sizeof name, "arena.%u.destroy", (unsigned)arena);
    gait_je_mallctl(name, NULL, NULL, NULL, 0);
}

static void *jemalloc_pool_new(int procs) {
    struct jemalloc_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->count = procs < 1 ? 1 : procs > ARENAS_MOST ? ARENAS_MOST : (unsigned)procs;
    for (unsigned i = 0; i < ARENAS_MOST; i++)
        pool->arenas[i] = NONE;
    pool->arenas[0] = arena_new();
    if (pool->arenas[0] == NONE) {
        free(pool);
        return NULL;
    }
    return pool;
}

static void jemalloc_pool_destroy(void *data) {
    struct jemalloc_pool *pool = data;
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->arenas[i] != NONE)
            arena_destroy(pool->arenas[i]);
    free(pool);
}

/* A thread's arena, which is made when it is first used; the first one if it can't be. */
static AO_t arena_of(struct jemalloc_pool *pool, unsigned shard) {
    unsigned index = shard % pool->count;
    AO_t arena = AO_load_acquire(&pool->arenas[index]);
    if (arena != NONE)
        return arena;
    if ((arena = arena_new()) == NONE)
        return pool->arenas[0];
    if (AO_compare_and_swap_full(&pool->arenas[index], NONE, arena))
        return arena;
    arena_destroy(arena); /* another thread was first */
    return AO_load_acquire(&pool->arenas[index]);
}

static int flags_of(AO_t arena) {
    return MALLOCX_ARENA((unsigned)arena) | MALLOCX_TCACHE_NONE | MALLOCX_ZERO;
}

static void *jemalloc_take(void *pool, size_t bytes, unsigned shard) {
    return backend_is_to_fail() ? NULL : gait_je_mallocx(bytes, flags_of(arena_of(pool, shard)));
}

static struct resized jemalloc_resize(void *pool, void *start, size_t old_bytes, size_t bytes,
                                      unsigned shard) {
    (void)old_bytes;
    if (backend_is_to_fail())
        return (struct resized){NULL, 0};
    /* jemalloc zeroes what lies beyond the old piece's size class, and knows no other length */
    size_t dirty_bytes = gait_je_sallocx(start, 0);
    void *to = gait_je_rallocx(start, bytes, flags_of(arena_of(pool, shard)));
    return (struct resized){to, dirty_bytes};
}

static void jemalloc_give(void *pool, void *start, size_t bytes) {
    (void)pool;
    gait_je_sdallocx(start, bytes, MALLOCX_TCACHE_NONE);
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
