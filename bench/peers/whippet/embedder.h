/* SPDX-License-Identifier: MIT */
/*
 * What Whippet asks of who embeds it, for its collectors that mark any word of any object (heap-
 * conservative): objects have no header, and none is moved. Ephemerons and finalizers are not used.
 */
#ifndef BENCH_PEERS_WHIPPET_EMBEDDER_H
#define BENCH_PEERS_WHIPPET_EMBEDDER_H

#include <gc-assert.h>
#include <gc-config.h>
#include <gc-embedder-api.h>

#define GC_EMBEDDER_EPHEMERON_HEADER
#define GC_EMBEDDER_FINALIZER_HEADER

static inline size_t gc_finalizer_priority_count(void) { return 1; }

static inline int gc_is_valid_conservative_ref_displacement(uintptr_t displacement) {
    return displacement == 0;
}

static inline int gc_extern_space_visit(struct gc_extern_space *space, struct gc_ref ref) {
    GC_CRASH();
}
static inline void gc_extern_space_start_gc(struct gc_extern_space *space, int is_minor) {}
static inline void gc_extern_space_finish_gc(struct gc_extern_space *space, int is_minor) {}

typedef void (*trace_fn)(struct gc_edge edge, struct gc_heap *heap, void *data);
typedef void (*trace_ref_fn)(struct gc_ref ref, struct gc_heap *heap, void *data);
typedef void (*trace_range_fn)(uintptr_t start, uintptr_t end, int possibly_interior,
                               struct gc_heap *heap, void *data);

/* No object has its fields told, and no root is known but by scanning. */
static inline size_t gc_trace_object(struct gc_ref ref, trace_fn trace, struct gc_heap *heap,
                                     void *data) {
    GC_CRASH();
}
static inline void gc_trace_mutator_roots(struct gc_mutator_roots *roots, trace_fn trace,
                                          struct gc_heap *heap, void *data) {}
static inline void gc_trace_heap_roots(struct gc_heap_roots *roots, trace_fn trace,
                                       struct gc_heap *heap, void *data) {}
static inline void gc_trace_mutator_pinned_roots(struct gc_mutator_roots *roots, trace_ref_fn trace,
                                                 trace_range_fn trace_range, struct gc_heap *heap,
                                                 void *data) {}
static inline void gc_trace_heap_pinned_roots(struct gc_heap_roots *roots, trace_ref_fn trace,
                                              trace_range_fn trace_range, struct gc_heap *heap,
                                              void *data) {}

static inline uintptr_t gc_object_forwarded_nonatomic(struct gc_ref ref) { GC_CRASH(); }
static inline void gc_object_forward_nonatomic(struct gc_ref ref, struct gc_ref to) { GC_CRASH(); }
static inline struct gc_atomic_forward gc_atomic_forward_begin(struct gc_ref ref) { GC_CRASH(); }
static inline void gc_atomic_forward_acquire(struct gc_atomic_forward *forward) { GC_CRASH(); }
static inline int gc_atomic_forward_retry_busy(struct gc_atomic_forward *forward) { GC_CRASH(); }
static inline void gc_atomic_forward_abort(struct gc_atomic_forward *forward) { GC_CRASH(); }
static inline size_t gc_atomic_forward_object_size(struct gc_atomic_forward *forward) {
    GC_CRASH();
}
static inline void gc_atomic_forward_commit(struct gc_atomic_forward *forward, struct gc_ref to) {
    GC_CRASH();
}
static inline uintptr_t gc_atomic_forward_address(struct gc_atomic_forward *forward) { GC_CRASH(); }

#endif
