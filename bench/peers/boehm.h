/* SPDX-License-Identifier: MIT */
/*
 * The Boehm collector: objects by GC_MALLOC as it comes, or, with PEER_BOEHM_INLINE, from free
 * lists of each thread, and without interior pointers. Both mark in parallel from the start.
 */
#ifndef BENCH_PEERS_BOEHM_H
#define BENCH_PEERS_BOEHM_H

#define GC_THREADS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <string.h>

typedef struct peer_thread {
    void *free_lists[GC_TINY_FREELISTS]; /* of objects with references */
} peer_thread;

#define PEER_FREES false
static inline void peer_free(void *object) { (void)object; }

void peer_start(void);
void peer_report(void);

static inline peer_thread *peer_attach(void) {
    peer_thread *thread = GC_MALLOC_UNCOLLECTABLE(sizeof *thread);
    if (!thread)
        bench_die("out of memory");
    return thread;
}

static inline void peer_detach(peer_thread *thread) { GC_FREE(thread); }
static inline void peer_block(peer_thread *thread) { (void)thread; }
static inline void peer_unblock(peer_thread *thread) { (void)thread; }

static inline __attribute__((always_inline)) void *peer_alloc(peer_thread *thread,
                                                              enum peer_kind kind, size_t bytes) {
    void *object;
#ifdef PEER_BOEHM_INLINE
    /* Without references the links of a free list would not be traced: its rest would be given out
     * twice. */
    size_t granules = (bytes + GC_GRANULE_BYTES - 1) / GC_GRANULE_BYTES;
    if (kind == PEER_LEAF)
        object = GC_malloc_kind(bytes, GC_I_PTRFREE);
    else
        GC_FAST_MALLOC_GRANS(object, granules, thread->free_lists, 0, GC_I_NORMAL,
                             GC_malloc_kind(bytes, GC_I_NORMAL), *(void **)object = NULL);
#else
    (void)thread;
    object = kind == PEER_LEAF ? GC_MALLOC_ATOMIC(bytes) : GC_MALLOC(bytes);
#endif
    if (__builtin_expect(!object, 0))
        bench_die("out of memory");
    return object;
}

static inline void peer_init(peer_word *slot, peer_word word) { *slot = word; }

static inline void peer_store(peer_thread *thread, peer_word *slot, peer_word word) {
    (void)thread;
    *slot = word;
}

/* A weak word is hidden from the collector, which makes it 0. It is read under the
 * collector's lock. */
static inline void peer_weak_set(peer_thread *thread, peer_word *slot, peer_word word) {
    (void)thread;
    *slot = GC_HIDE_POINTER(word);
    if (GC_general_register_disappearing_link((void **)slot, (void *)word) == GC_NO_MEMORY)
        bench_die("out of memory");
}

static __attribute__((unused)) void *peer_weak_reveal(void *slot) {
    peer_word word = *(const peer_word *)slot;
    return word ? GC_REVEAL_POINTER(word) : NULL;
}

static inline peer_word peer_weak_get(peer_thread *thread, const peer_word *slot) {
    (void)thread;
    return (peer_word)GC_call_with_alloc_lock(peer_weak_reveal, (void *)slot);
}

static inline void peer_poll(peer_thread *thread) { (void)thread; }

static inline void peer_globals(peer_thread *thread, peer_word *slots, size_t count) {
    (void)thread, (void)slots, (void)count; /* static data are roots */
}

#define PEER_ROOTS(thread, name, count) peer_word name[count] = {0}
#define PEER_ROOTS_END(thread, name) (void)0

static inline void peer_collect(peer_thread *thread) {
    (void)thread;
    GC_gcollect();
}

#include "no_region.h"
#include "raw_libc.h"

#endif
