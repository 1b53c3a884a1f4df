/* SPDX-License-Identifier: MIT */
/*
 * Gait, with precise roots and barriers. Settings come from the environment (GOGC, GOMEMLIMIT …).
 *
 * peer_heap is constant after peer_start. Kinds have the numbers of enum peer_kind, so that each
 * allocation names its own by a constant.
 */
#ifndef BENCH_PEERS_GAIT_H
#define BENCH_PEERS_GAIT_H

#include <gait/arena.h>
#include <gait/gait.h>
#include <gait/offheap.h>
#include <gait/stats.h>

typedef gait_mutator peer_thread;

extern gait_heap *peer_heap;

#define PEER_FREES false
static inline void peer_free(void *object) { (void)object; }

void peer_start(void);
void peer_report(void);

static inline peer_thread *peer_attach(void) {
    gait_mutator *mutator = gait_attach(peer_heap);
    if (!mutator)
        bench_die("cannot attach");
    return mutator;
}

static inline void peer_detach(peer_thread *thread) { gait_detach(thread); }
static inline void peer_block(peer_thread *thread) { gait_enter_native(thread); }
static inline void peer_unblock(peer_thread *thread) { gait_leave_native(thread); }

static inline __attribute__((always_inline)) void *peer_alloc(peer_thread *thread,
                                                              enum peer_kind kind, size_t bytes) {
    void *object = gait_alloc(thread, (gait_kind)kind, bytes);
    if (GAIT_UNLIKELY(!object))
        bench_die("out of memory");
    return object;
}

static inline void peer_init(peer_word *slot, peer_word word) { gait_init(slot, word); }

static inline void peer_store(peer_thread *thread, peer_word *slot, peer_word word) {
    gait_store(thread, slot, word);
}

static inline void peer_weak_set(peer_thread *thread, peer_word *slot, peer_word word) {
    gait_weak_set(thread, slot, word);
}

static inline peer_word peer_weak_get(peer_thread *thread, const peer_word *slot) {
    return gait_weak_get(thread, slot);
}

static inline void peer_poll(peer_thread *thread) { gait_poll(thread); }

static inline void peer_globals(peer_thread *thread, peer_word *slots, size_t count) {
    if (gait_roots_add(thread, slots, count))
        bench_die("cannot add roots");
}

#define PEER_ROOTS(thread, name, count)                                                            \
    gait_word name[count] = {0};                                                                   \
    struct gait_frame name##_frame;                                                                \
    gait_push_frame(thread, &name##_frame, name, count)
#define PEER_ROOTS_END(thread, name) gait_pop_frame(thread)

static inline void peer_collect(peer_thread *thread) { gait_collect(thread); }

/* The parameter region: heap (a region is NULL, its objects are the heap's), arena, or arena-new,
 * an arena for each request. */
enum peer_region_way { PEER_REGION_HEAP, PEER_REGION_RESET, PEER_REGION_NEW };
extern enum peer_region_way peer_region_way; /* constant after peer_start */

typedef gait_arena peer_region;

static inline peer_region *peer_region_new(peer_thread *thread) {
    if (peer_region_way == PEER_REGION_HEAP)
        return NULL;
    gait_arena *arena = gait_arena_create(thread, NULL);
    if (!arena)
        bench_die("out of memory");
    return arena;
}

static inline void peer_region_free(peer_thread *thread, peer_region *region) {
    if (region)
        gait_arena_free(thread, region);
}

static inline void peer_region_reset(peer_thread *thread, peer_region *region) {
    if (region)
        gait_arena_reset(thread, region);
}

static inline bool peer_region_ends(const peer_region *region) { return region; }

static inline bool peer_region_each(const peer_region *region) {
    return region && peer_region_way == PEER_REGION_NEW;
}

static inline __attribute__((always_inline)) void *
peer_region_alloc(peer_thread *thread, peer_region *region, enum peer_kind kind, size_t bytes) {
    void *object = gait_alloc_or_arena(thread, region, (gait_kind)kind, bytes);
    if (GAIT_UNLIKELY(!object))
        bench_die("out of memory");
    return object;
}

static inline void *peer_survivor(peer_thread *thread, void *object, enum peer_kind kind,
                                  size_t bytes) {
    void *copy = gait_arena_clone(thread, object, (gait_kind)kind, bytes);
    if (GAIT_UNLIKELY(!copy))
        bench_die("out of memory");
    return copy;
}

static inline void *peer_raw_calloc(peer_thread *thread, size_t bytes) {
    (void)thread;
    void *memory = gait_offheap_calloc(peer_heap, 1, bytes, GAIT_OFFHEAP_UNTAGGED);
    if (GAIT_UNLIKELY(!memory))
        bench_die("out of memory");
    return memory;
}

static inline void peer_raw_free(peer_thread *thread, void *memory) {
    (void)thread;
    gait_offheap_free(peer_heap, memory);
}

double peer_raw_bytes(peer_thread *thread);
double peer_heap_bytes(peer_thread *thread);

#endif
