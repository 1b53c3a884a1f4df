/* SPDX-License-Identifier: MIT */
/*
 * Kinds of a program's own, and functions that mark their objects.
 *
 * A descriptor says where references lie; its lowest two bits say how:
 *   GC_DS_LENGTH      the first so many bytes; 0: nowhere
 *   GC_DS_BITMAP      word i, if bit 63 - i is set
 *   GC_DS_PROC        a mark function says: GC_MAKE_PROC
 *   GC_DS_PER_OBJECT  the descriptor lies in the object, so many bytes from its start; or,
 *                     negative, in what the object's first word points to,
 *                     -(offset + GC_INDIR_PER_OBJ_BIAS)
 */
#ifndef GC_MARK_H
#define GC_MARK_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GC_PROC_BYTES 100

struct GC_ms_entry {
    void *opaque;
};

/** Calls GC_MARK_AND_PUSH for each reference in the object, and returns what the last one
 * returned. Runs on several threads at once, with the program stopped; of an object that is free
 * again all words but the first are 0. */
typedef struct GC_ms_entry *(*GC_mark_proc)(GC_word *object, struct GC_ms_entry *stack,
                                            struct GC_ms_entry *limit, GC_word environment);

#define GC_LOG_MAX_MARK_PROCS 6
#define GC_MAX_MARK_PROCS (1 << GC_LOG_MAX_MARK_PROCS)
#define GC_RESERVED_MARK_PROCS 8
#define GC_GCJ_RESERVED_MARK_PROC_INDEX 0

#define GC_DS_TAG_BITS 2
#define GC_DS_TAGS ((1 << GC_DS_TAG_BITS) - 1)
#define GC_DS_LENGTH 0
#define GC_DS_BITMAP 1
#define GC_DS_PROC 2
#define GC_DS_PER_OBJECT 3
#define GC_INDIR_PER_OBJ_BIAS 0x10
#define GC_MAKE_PROC(index, environment)                                                           \
    ((((environment) << GC_LOG_MAX_MARK_PROCS | (index)) << GC_DS_TAG_BITS) | GC_DS_PROC)

/* No object lies outside of them. */
GC_API void *GC_least_plausible_heap_addr;
GC_API void *GC_greatest_plausible_heap_addr;

GC_API struct GC_ms_entry *GC_CALL GC_mark_and_push(void *object, struct GC_ms_entry *stack,
                                                    struct GC_ms_entry *limit, void **source);
#define GC_MARK_AND_PUSH(object, stack, limit, source)                                             \
    ((GC_word)(object) >= (GC_word)GC_least_plausible_heap_addr &&                                 \
             (GC_word)(object) <= (GC_word)GC_greatest_plausible_heap_addr                         \
         ? GC_mark_and_push(object, stack, limit, source)                                          \
         : (stack))

/** Bytes that GC_debug_malloc puts in front of an object. */
GC_API GC_ATTR_CONST size_t GC_CALL GC_get_debug_header_size(void);
#define GC_USR_PTR_FROM_BASE(base) ((void *)((char *)(base) + GC_get_debug_header_size()))
#ifdef GC_BUILD
GC_API const size_t GC_debug_header_size;
#else
GC_API GC_ATTR_DEPRECATED size_t GC_debug_header_size;
#endif

/** What GC_new_kind wants of its first argument. */
GC_API void **GC_CALL GC_new_free_list(void);
GC_API void **GC_CALL GC_new_free_list_inner(void);

/** A kind. adjust: the object's size is added to the descriptor. clear: objects are zeroed, here
 * always. The _inner ones are for who has the allocation lock. */
GC_API unsigned GC_CALL GC_new_kind(void **free_list, GC_word descriptor, int adjust, int clear)
    GC_ATTR_NONNULL(1);
GC_API unsigned GC_CALL GC_new_kind_inner(void **free_list, GC_word descriptor, int adjust,
                                          int clear) GC_ATTR_NONNULL(1);
GC_API unsigned GC_CALL GC_new_proc(GC_mark_proc mark);
GC_API unsigned GC_CALL GC_new_proc_inner(GC_mark_proc mark);

GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_generic_malloc(size_t bytes, int kind);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_generic_malloc_ignore_off_page(size_t bytes, int kind);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_generic_malloc_uncollectable(size_t bytes, int kind);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_generic_or_special_malloc(size_t bytes, int kind);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_debug_generic_or_special_malloc(size_t bytes, int kind, GC_EXTRA_PARAMS);
#ifdef GC_DEBUG
#define GC_GENERIC_OR_SPECIAL_MALLOC(bytes, kind)                                                  \
    GC_debug_generic_or_special_malloc(bytes, kind, GC_EXTRAS)
#else
#define GC_GENERIC_OR_SPECIAL_MALLOC(bytes, kind) GC_generic_or_special_malloc(bytes, kind)
#endif

/** @return the object's kind; its size, too, if bytes is not NULL. */
GC_API int GC_CALL GC_get_kind_and_size(const void *object, size_t *bytes) GC_ATTR_NONNULL(1);

/** For reports: writes at most GC_TYPE_DESCR_LEN bytes. */
typedef void(GC_CALLBACK *GC_describe_type_fn)(void *object, char *text);
#define GC_TYPE_DESCR_LEN 40
GC_API void GC_CALL GC_register_describe_type_fn(int kind, GC_describe_type_fn describe);

GC_API void *GC_CALL GC_clear_stack(void *value);

/** Called as a collection begins, in a thread of the program. */
typedef void(GC_CALLBACK *GC_start_callback_proc)(void);
GC_API void GC_CALL GC_set_start_callback(GC_start_callback_proc run);
GC_API GC_start_callback_proc GC_CALL GC_get_start_callback(void);

/** For toggle references' and disclaim functions, and those of the program's own weak tables: with
 * the program stopped, after marking. */
GC_API int GC_CALL GC_is_marked(const void *object) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_clear_mark_bit(const void *object) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_set_mark_bit(const void *object) GC_ATTR_NONNULL(1);

/** More roots (also stored to GC_push_other_roots by old programs): run with the program stopped,
 * as marking begins; calls GC_push_all and its kin. */
typedef void(GC_CALLBACK *GC_push_other_roots_proc)(void);
GC_API GC_push_other_roots_proc GC_push_other_roots;
GC_API void GC_CALL GC_set_push_other_roots(GC_push_other_roots_proc push);
GC_API GC_push_other_roots_proc GC_CALL GC_get_push_other_roots(void);
GC_API void GC_CALL GC_push_all(void *low, void *high);
GC_API void GC_CALL GC_push_all_eager(void *low, void *high);
GC_API void GC_CALL GC_push_conditional(void *low, void *high, int all);
GC_API void GC_CALL GC_push_finalizer_structures(void);

/** Called with each object that the last collection left. For who has the allocation lock. */
typedef void(GC_CALLBACK *GC_reachable_object_proc)(void *object, size_t bytes, void *data);
GC_API void GC_CALL GC_enumerate_reachable_objects_inner(GC_reachable_object_proc see, void *data)
    GC_ATTR_NONNULL(1);

GC_API void GC_CALL GC_incr_bytes_allocd(size_t bytes);
GC_API void GC_CALL GC_incr_bytes_freed(size_t bytes);
GC_API int GC_CALL GC_is_tmp_root(void *address);
GC_API void GC_CALL GC_print_trace(GC_word gc_no);
GC_API void GC_CALL GC_print_trace_inner(GC_word gc_no);

#ifdef __cplusplus
}
#endif

#endif
