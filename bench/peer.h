/* SPDX-License-Identifier: MIT */
/*
 * The memory manager under a workload, chosen when compiling: PEER_HEADER names the file in
 * peers/ that defines, for its peer,
 *
 *   peer_thread                        a thread's attachment
 *   peer_start(), peer_report()        begin the process; print the peer's own figures
 *   peer_attach(), peer_detach(t)      around what a thread does with objects
 *   peer_block(t), peer_unblock(t)     around waiting
 *   peer_alloc(t, kind, bytes)         an object; never NULL; zeroed, except for PEER_LEAF
 *   peer_init(slot, word)              store into the newest object, before it is linked
 *   peer_store(t, slot, word)          store a reference into any object or global
 *   peer_store_large(t, object, slot, word)  the same for an object of more than 8 KiB, and
 *   peer_store_global(t, slot, word)   for a global: a peer to whom that is no matter has neither
 *   peer_weak_set(t, slot, word)       store the weak word of an object of kind PEER_WEAK
 *   peer_weak_get(t, slot)             read it: 0 when what it referred to is gone
 *   peer_poll(t)                       at back-edges that allocate nothing
 *   peer_globals(t, slots, count)      static words that hold references
 *   PEER_ROOTS(t, name, count)         local array `name` of words that hold references, zeroed …
 *   PEER_ROOTS_END(t, name)            … until here, in the same block
 *   peer_collect(t)                    a full collection
 *   peer_free(object), PEER_FREES      without a collector: whether and how objects are freed
 *
 * A region holds objects that end together. A peer that has none includes peers/no_region.h: then
 * these are objects like others, to be dropped, or freed one by one.
 *
 *   peer_region                        the region, or NULL where it does nothing
 *   peer_region_new(t), peer_region_free(t, region)
 *   peer_region_alloc(t, region, kind, bytes)  a zeroed object in it; never NULL
 *   peer_region_reset(t, region)       all that is in it ends; it goes on
 *   peer_region_ends(region)           whether the region ends its objects
 *   peer_region_each(region)           whether a new one is wanted for each request
 *   peer_survivor(t, object, kind, bytes)  a copy of an object of a region that outlives it
 *
 * Memory outside of the heap:
 *
 *   peer_raw_calloc(t, bytes), peer_raw_free(t, memory)  zeroed; never NULL
 *   peer_raw_bytes(t)                  how much of it is live, as the peer counts it; 0: it does
 * not
 *
 *   peer_heap_bytes(t)                 live heap, as the collector counts it; 0: it does not
 *
 * Each header writes this as an embedder of that peer that wants speed would.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uintptr_t peer_word;

/** Where the references of an object lie. */
enum peer_kind {
    PEER_LEAF,  /* nowhere         */
    PEER_REFS,  /* in every word   */
    PEER_HEAD1, /* in word 0       */
    PEER_HEAD2, /* in words 0 .. 1 */
    PEER_HEAD3, /* in words 0 .. 2 */
    PEER_HEAD4, /* in words 0 .. 3 */
    PEER_WEAK,  /* in words 0 .. 1, and a weak one in word 2 */
    PEER_KINDS
};

#include "bench.h"
#include PEER_HEADER

#ifndef peer_store_large
#define peer_store_large(thread, object, slot, word) peer_store(thread, slot, word)
#endif
#ifndef peer_store_global
#define peer_store_global peer_store
#endif

/** Run body(thread, index) on `count` threads, attached; the caller, attached too, waits. */
typedef void (*peer_body)(peer_thread *thread, unsigned index);
void peer_run_threads(peer_thread *self, unsigned count, peer_body body);

#endif
