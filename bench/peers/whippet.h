/* SPDX-License-Identifier: MIT */
/*
 * Whippet's collectors that find references conservatively, on stacks and in the heap: those that
 * allocate without headers, and fastest. With GC_GENERATIONAL objects that lived through a
 * collection are not traced again until a major one.
 *
 * The barrier is told which object is stored to. Of a small one peer_store takes the granule of 16
 * bytes that the slot lies in for its start: so it is in the workloads that run on this peer.
 */
#ifndef BENCH_PEERS_WHIPPET_H
#define BENCH_PEERS_WHIPPET_H

#include <string.h>
#include <sys/types.h> /* for gc-barrier.h */

#include <gc-allocate.h>
#include <gc-api.h>
#include <gc-barrier.h>
#include <gc-safepoint.h>

typedef struct gc_mutator peer_thread;

#define PEER_FREES false
static inline void peer_free(void *object) { (void)object; }

void peer_start(void);
void peer_report(void);
peer_thread *peer_attach(void);

static inline void peer_detach(peer_thread *thread) { gc_finish_for_thread(thread); }
static inline void peer_block(peer_thread *thread) { gc_deactivate(thread); }
static inline void peer_unblock(peer_thread *thread) { gc_reactivate(thread); }

static inline __attribute__((always_inline)) void *peer_alloc(peer_thread *thread,
                                                              enum peer_kind kind, size_t bytes) {
    return gc_allocate(thread, bytes,
                       kind == PEER_LEAF ? GC_ALLOCATION_UNTAGGED_POINTERLESS
                                         : GC_ALLOCATION_UNTAGGED_CONSERVATIVE);
}

static inline void peer_init(peer_word *slot, peer_word word) { *slot = word; }

static inline void peer_barrier(peer_thread *thread, uintptr_t object, size_t bytes,
                                peer_word *slot, peer_word word) {
    if (word)
        gc_write_barrier(thread, gc_ref(object), bytes, gc_edge(slot), gc_ref(word));
}

static inline void peer_store(peer_thread *thread, peer_word *slot, peer_word word) {
    size_t granule = gc_allocator_small_granule_size();
    peer_barrier(thread, (uintptr_t)slot & ~(granule - 1), granule, slot, word);
    *slot = word;
}

#define peer_store_large peer_store_large
static inline void peer_store_large(peer_thread *thread, void *object, peer_word *slot,
                                    peer_word word) {
    peer_barrier(thread, (uintptr_t)object, gc_allocator_large_threshold() + 1, slot, word);
    *slot = word;
}

#define peer_store_global peer_store_global
static inline void peer_store_global(peer_thread *thread, peer_word *slot, peer_word word) {
    (void)thread;
    *slot = word;
}

static inline void peer_weak_set(peer_thread *thread, peer_word *slot, peer_word word) {
    (void)thread, (void)slot, (void)word;
    bench_die("no weak words");
}

static inline peer_word peer_weak_get(peer_thread *thread, const peer_word *slot) {
    (void)thread, (void)slot;
    bench_die("no weak words");
}

static inline void peer_poll(peer_thread *thread) { gc_safepoint(thread); }

static inline void peer_globals(peer_thread *thread, peer_word *slots, size_t count) {
    (void)thread, (void)slots, (void)count; /* static data are roots */
}

#define PEER_ROOTS(thread, name, count) peer_word name[count] = {0}
#define PEER_ROOTS_END(thread, name) (void)0

static inline void peer_collect(peer_thread *thread) { gc_collect(thread, GC_COLLECTION_MAJOR); }

#include "no_region.h"
#include "raw_libc.h"

#endif
