/* SPDX-License-Identifier: MIT */
/*
 * The Scheme interpreter on another allocator: included ahead of its files in place of Gait's
 * headers, of which it has what the interpreter asks for. One thread.
 *
 *   SHIM_BOEHM   the Boehm collector at its best: free lists inline, no interior pointers except
 *                the tags, two markers
 *   otherwise    bump.h: a cursor through fresh memory, and nothing is ever freed
 * No arenas: --syntax heap. */
#ifndef BENCH_PEERS_SCHEME_SHIM_H
#define BENCH_PEERS_SCHEME_SHIM_H
/* Gait's own are empty then. */
#define GAIT_GAIT_H
#define GAIT_INLINE_H
#define GAIT_ARENA_H
#define GAIT_OFFHEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef SHIM_BOEHM
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
GC_API void GC_CALL GC_start_mark_threads(void); /* gc.h has it with GC_THREADS, and pthread.h */
#endif

#define GAIT_API __attribute__((weak, unused))
#define GAIT_INLINE static inline __attribute__((always_inline, unused))
#define GAIT_UNLIKELY(x) __builtin_expect(!!(x), 0)

typedef uintptr_t gait_word;
typedef uint8_t gait_kind;
typedef struct gait_heap gait_heap, gait_mutator;
typedef void gait_arena, gait_visitor;
typedef enum { GAIT_LEAF, GAIT_REFS, GAIT_PREFIX, GAIT_WEAK } gait_layout;
#define gait_frame gait_frames
typedef void (*gait_roots_fn)(gait_visitor *visitor, void *data);
typedef void (*gait_finalizer_fn)(gait_mutator *mutator, void *object, void *data);
typedef struct {
    const char *name;
    gait_layout layout;
    uint32_t head_words;
    uint32_t raw;
} gait_kind_info;
typedef struct {
    gait_word value_mask;
    size_t reserve_bytes;
} gait_config;
typedef struct {
    const char *name;
    uint32_t flags;
    size_t chunk_bytes;
} gait_arena_config;
enum { GAIT_ARENA_TRACED = 1 };
struct gait_frames {
    char unused;
};
struct gait_mutator_head {
    uint32_t poll;
};

/* The heap, and its only mutator. */
struct gait_heap {
    struct gait_mutator_head head;
    int kinds;
    bool leaf[256], raw[256];
    gait_roots_fn roots;
    void *roots_data;
    void *free_lists[2][64]; /* SHIM_BOEHM; [0]: without references */
    char *cursor, *end;      /* otherwise */
};
GAIT_API struct gait_heap shim_heap;

/* ---- The allocators ------------------------------------------------------------------------- */

#ifdef SHIM_BOEHM
GAIT_API GC_push_other_roots_proc shim_push_others; /* stacks */
GAIT_API void shim_push_roots(void) {
    shim_push_others();
    memset(shim_heap.free_lists[0], 0,
           sizeof shim_heap.free_lists[0]); /* their links aren't traced */
    if (shim_heap.roots)
        shim_heap.roots(NULL, shim_heap.roots_data);
}
GAIT_API void gait_visit_range(gait_visitor *visitor, const gait_word *words, size_t count) {
    GC_push_all_eager((void *)words, (void *)(words + count)); /* they may be the callback's own */
}
GAIT_API void shim_start(void) {
    GC_set_all_interior_pointers(0);
    GC_INIT();
    GC_set_warn_proc(GC_ignore_warn_proc);
    GC_register_displacement(2); /* pairs */
    GC_register_displacement(6); /* flonums */
    GC_set_finalize_on_demand(1);
    shim_push_others = GC_get_push_other_roots();
    GC_set_push_other_roots(shim_push_roots);
    GC_start_mark_threads();
}
GAIT_INLINE void *gait_alloc(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    size_t granules = (bytes + GC_GRANULE_BYTES - 1) / GC_GRANULE_BYTES;
    void *object;
    if (mutator->leaf[kind]) {
        GC_FAST_MALLOC_GRANS(object, granules, mutator->free_lists[0], 0, GC_I_PTRFREE,
                             GC_malloc_kind(bytes, GC_I_PTRFREE), (void)0);
        return object && !mutator->raw[kind] ? memset(object, 0, bytes) : object;
    }
    GC_FAST_MALLOC_GRANS(object, granules, mutator->free_lists[1], 0, GC_I_NORMAL,
                         GC_malloc_kind(bytes, GC_I_NORMAL), *(void **)object = NULL);
    return object;
}
GAIT_API void gait_collect(gait_mutator *mutator) { GC_gcollect(); }
GAIT_API size_t gait_run_finalizers(gait_mutator *mutator, size_t most) {
    return (size_t)GC_invoke_finalizers();
}
struct shim_finalizer {
    gait_finalizer_fn run;
    void *data;
};
GAIT_API void shim_finalize(void *object, void *data) {
    struct shim_finalizer *finalizer = data;
    finalizer->run(&shim_heap, object, finalizer->data);
}
GAIT_API int gait_finalizer_set(gait_mutator *mutator, void *object, gait_finalizer_fn run,
                                void *data) {
    struct shim_finalizer *finalizer = GC_MALLOC(sizeof *finalizer);
    if (!finalizer)
        return -1;
    *finalizer = (struct shim_finalizer){run, data};
    GC_register_finalizer_no_order(object, shim_finalize, finalizer, NULL, NULL);
    return 0;
}
/* A weak word is hidden by its complement, until its link disappears. */
GAIT_INLINE gait_word gait_weak_get(gait_mutator *mutator, const gait_word *slot) {
    return *slot ? ~*slot : 0;
}
GAIT_INLINE void gait_weak_set(gait_mutator *mutator, gait_word *slot, gait_word value) {
    *slot = ~value;
    GC_general_register_disappearing_link((void **)slot, (void *)value);
}
#else
#include "bump.h"
#endif

/* ---- The same for both ---------------------------------------------------------------------- */
#define gait_config_init(config) ((void)(config))
#define gait_heap_create(config, error, bytes) ((void)(config), shim_start(), &shim_heap)
#define gait_heap_destroy(heap) ((void)(heap))
#define gait_attach(heap) (heap)
#define gait_set_oom_handler(heap, handler, data) ((void)(handler))
#define gait_enter_native(mutator) ((void)(mutator))
#define gait_leave_native(mutator) ((void)(mutator))
#define gait_poll(mutator) ((void)(mutator))
#define gait_push_frame(mutator, frame, slots, count) ((void)(frame), (void)(slots))
#define gait_pop_frame(mutator) ((void)(mutator))
#define gait_frames_save(mutator) ((struct gait_frames){0})
#define gait_frames_restore(mutator, frames) ((void)(frames))
#define gait_init(slot, value) ((void)(*(slot) = (value)))
#define gait_store(mutator, slot, value) ((void)(*(slot) = (value)))
#define gait_fill(mutator, to, value, count)                                                       \
    for (size_t i = 0; i < (count); i++)                                                           \
    (to)[i] = (value)
#define gait_move(mutator, to, from, count) memmove(to, from, (count) * sizeof *(to))
#define gait_offheap_tag(heap, name) 0
#define gait_offheap_calloc(heap, count, bytes, tag) calloc(count, bytes)
#define gait_offheap_own(mutator, object, block)                                                   \
    gait_finalizer_set(mutator, object, shim_free, block)
#define gait_arena_config_init(config) ((void)(config))
#define gait_arena_create(mutator, config) ((void)(config), NULL)
#define gait_arena_of(heap, address) ((void)(address), NULL)
#define gait_arena_reset(mutator, arena) ((void)(arena))
#define gait_arena_free(mutator, arena) ((void)(arena))
#define gait_arena_alloc(mutator, arena, bytes, alignment) NULL
#define gait_arena_clone(mutator, object, kind, bytes) NULL
#define gait_alloc_or_arena(mutator, arena, kind, bytes) gait_alloc(mutator, kind, bytes)
GAIT_INLINE void shim_free(gait_mutator *mutator, void *object, void *block) { free(block); }
#define gait_set_roots_callback(mutator, visit, data)                                              \
    ((mutator)->roots_data = (data), (mutator)->roots = (visit))
GAIT_INLINE int gait_kind_register(gait_heap *heap, const gait_kind_info *info) {
    heap->leaf[heap->kinds] = info->layout == GAIT_LEAF;
    heap->raw[heap->kinds] = info->raw;
    return heap->kinds++;
}

#include <gait/heap_snapshot.h>
#include <gait/profile.h>
#include <gait/stats.h>

GAIT_API void gait_set_profile_frames(gait_heap *heap, gait_profile_frames_fn tell, void *data) {}
GAIT_API void gait_set_snapshot_label(gait_heap *heap, gait_snapshot_label_fn tell, void *data) {}
GAIT_API int gait_read_stats(gait_heap *heap, gait_stats *stats) {
#ifdef SHIM_BOEHM
    stats->cycles = GC_get_gc_no();
    stats->heap_live_bytes = GC_get_heap_size() - GC_get_free_bytes();
#endif
    return stats->struct_bytes ? 0 : -1;
}
GAIT_API const char *gait_version(void) { return "without Gait"; }

#endif
