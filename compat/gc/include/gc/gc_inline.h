/* SPDX-License-Identifier: MIT */
/*
 * Allocation from free lists that the program keeps: one for each number of granules, an array of
 * GC_TINY_FREELISTS words, 0 at first. A list of objects with references lies where the collector
 * sees it; of one without references only its first element is kept by that: who keeps such lists
 * marks the rest (gc_mark.h), or asks for objects one at a time.
 */
#ifndef GC_INLINE_H
#define GC_INLINE_H

#include "gc.h"
#include "gc_tiny_fl.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GC_EXPECT(condition, outcome) __builtin_expect(condition, outcome)
#ifndef GC_ASSERT
#ifdef NDEBUG
#define GC_ASSERT(condition)
#else
#include <assert.h>
#define GC_ASSERT(condition) assert(condition)
#endif
#endif
#ifndef GC_PREFETCH_FOR_WRITE
#define GC_PREFETCH_FOR_WRITE(address) __builtin_prefetch(address, 1)
#endif

/* Kinds of GC_malloc_kind: objects of GC_malloc_atomic, and of GC_malloc. */
#define GC_I_PTRFREE 0
#define GC_I_NORMAL 1

/** Put a list of objects, linked by their first words, at *list; NULL: no memory. */
GC_API void GC_CALL GC_generic_malloc_many(size_t bytes, int kind, void **list);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_malloc_kind(size_t bytes, int kind);
#ifdef GC_THREADS
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_malloc_kind_global(size_t bytes, int kind);
#else
#define GC_malloc_kind_global GC_malloc_kind
#endif
GC_API void GC_CALL GC_print_free_list(int kind, size_t granules);

/*
 * result = an object of so many granules. A list's word counts requests, from 1 on, until direct of
 * them have been served by otherwise; from then on it holds a list. init runs on a new object of a
 * list, whose first word is the link.
 */
#define GC_FAST_MALLOC_GRANS(result, granules, lists, direct, kind, otherwise, init)               \
    do {                                                                                           \
        size_t gc_granules = (granules);                                                           \
        if (GC_EXPECT(gc_granules >= GC_TINY_FREELISTS, 0)) {                                      \
            result = (otherwise);                                                                  \
            break;                                                                                 \
        }                                                                                          \
        void **gc_list = (void **)(lists) + gc_granules;                                           \
        GC_word gc_entry = (GC_word)*gc_list;                                                      \
        if (GC_EXPECT(gc_entry <= (GC_word)(direct) + GC_TINY_FREELISTS + 1, 0)) {                 \
            if ((GC_signed_word)(gc_entry - (GC_word)(direct)) < 0) {                              \
                *gc_list = (void *)(gc_entry + gc_granules + 1);                                   \
                result = (otherwise);                                                              \
                break;                                                                             \
            }                                                                                      \
            GC_generic_malloc_many(gc_granules == 0 ? GC_GRANULE_BYTES                             \
                                                    : GC_RAW_BYTES_FROM_INDEX(gc_granules),        \
                                   kind, gc_list);                                                 \
            gc_entry = (GC_word)*gc_list;                                                          \
            if (gc_entry == 0) {                                                                   \
                result = (*GC_get_oom_fn())(gc_granules * GC_GRANULE_BYTES);                       \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
        void *gc_next = GC_NEXT(gc_entry);                                                         \
        result = (void *)gc_entry;                                                                 \
        *gc_list = gc_next;                                                                        \
        init;                                                                                      \
        GC_PREFETCH_FOR_WRITE(gc_next);                                                            \
        if ((kind) != GC_I_PTRFREE)                                                                \
            GC_reachable_here(gc_next);                                                            \
    } while (0)

#define GC_WORDS_TO_WHOLE_GRANULES(words) GC_WORDS_TO_GRANULES((words) + GC_GRANULE_WORDS - 1)
#define GC_MALLOC_WORDS_KIND(result, words, lists, kind, init)                                     \
    do {                                                                                           \
        size_t gc_whole = GC_WORDS_TO_WHOLE_GRANULES(words);                                       \
        GC_FAST_MALLOC_GRANS(result, gc_whole, lists, 0, kind,                                     \
                             GC_malloc_kind(gc_whole *GC_GRANULE_BYTES, kind), init);              \
    } while (0)
#define GC_MALLOC_WORDS(result, words, lists)                                                      \
    GC_MALLOC_WORDS_KIND(result, words, lists, GC_I_NORMAL, *(void **)(result) = 0)
#define GC_MALLOC_ATOMIC_WORDS(result, words, lists)                                               \
    GC_MALLOC_WORDS_KIND(result, words, lists, GC_I_PTRFREE, (void)0)
#define GC_CONS(result, first, second, lists)                                                      \
    do {                                                                                           \
        void *gc_first = (void *)(first), *gc_second = (void *)(second);                           \
        GC_MALLOC_WORDS_KIND(result, 2, lists, GC_I_NORMAL, (void)0);                              \
        if ((result) != 0) {                                                                       \
            ((void **)(result))[0] = gc_first;                                                     \
            ((void **)(result))[1] = gc_second;                                                    \
            GC_reachable_here(gc_first);                                                           \
            GC_reachable_here(gc_second);                                                          \
        }                                                                                          \
    } while (0)

#ifdef __cplusplus
}
#endif

#endif
