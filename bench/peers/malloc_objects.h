/* SPDX-License-Identifier: MIT */
/* Objects by malloc and free, of the C library or of what is linked in its place. */
#ifndef BENCH_PEERS_MALLOC_OBJECTS_H
#define BENCH_PEERS_MALLOC_OBJECTS_H

#include <stdlib.h>
#include <string.h>

typedef char peer_thread; /* nothing to hold, but never NULL */

#define PEER_FREES true
static inline void peer_free(void *object) { free(object); }

static inline void peer_start(void) {}
static inline void peer_report(void) {}

static inline peer_thread *peer_attach(void) {
    static peer_thread all;
    return &all;
}

static inline void peer_detach(peer_thread *thread) { (void)thread; }
static inline void peer_block(peer_thread *thread) { (void)thread; }
static inline void peer_unblock(peer_thread *thread) { (void)thread; }

static inline __attribute__((always_inline)) void *peer_alloc(peer_thread *thread,
                                                              enum peer_kind kind, size_t bytes) {
    (void)thread;
    void *object = malloc(bytes);
    if (__builtin_expect(!object, 0))
        bench_die("out of memory");
    if (kind != PEER_LEAF)
        memset(object, 0, bytes);
    return object;
}

static inline void peer_init(peer_word *slot, peer_word word) { *slot = word; }

static inline void peer_store(peer_thread *thread, peer_word *slot, peer_word word) {
    (void)thread;
    *slot = word;
}

/* The code that frees a target takes its weak words back. */
static inline void peer_weak_set(peer_thread *thread, peer_word *slot, peer_word word) {
    (void)thread;
    *slot = word;
}

static inline peer_word peer_weak_get(peer_thread *thread, const peer_word *slot) {
    (void)thread;
    return *slot;
}

static inline void peer_poll(peer_thread *thread) { (void)thread; }

static inline void peer_globals(peer_thread *thread, peer_word *slots, size_t count) {
    (void)thread, (void)slots, (void)count;
}

#define PEER_ROOTS(thread, name, count) peer_word name[count] = {0}
#define PEER_ROOTS_END(thread, name) (void)0

static inline void peer_collect(peer_thread *thread) {
    (void)thread;
    bench_die("nothing to collect with");
}

#endif
