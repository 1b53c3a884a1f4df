/* SPDX-License-Identifier: MIT */
/*
 * The interface of libgc 8.2 on Gait. A program that was written for libgc is compiled with these
 * headers, or was compiled with libgc's own: both have the same names, types and values.
 *
 * It is as long as the interface that programs expect in one header of this name.
 *
 * What each call comes to, and what differs from libgc: docs/compat.md. The calls in short:
 *
 *   - an object lives as long as something refers to it, to any of its bytes: registers and stacks
 *     of registered threads, static variables of the program and its libraries, roots that were
 *     added, uncollectable objects, and objects that live;
 *   - any registered thread may call each function; a thread that is not registered is, by its
 *     first call;
 *   - what returns a pointer returns NULL, or what the out-of-memory function returned, when there
 *     is no memory.
 *
 * It has more than 600 lines since the interface has so many names.
 */
#ifndef GC_H
#define GC_H

#include "gc_config_macros.h"
#include "gc_version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void *GC_PTR;
typedef unsigned long GC_word;
typedef long GC_signed_word;

/** major << 16 | minor << 8 | micro */
GC_API unsigned GC_CALL GC_get_version(void);

/* ------------------------------------------------------------------------------------------ */
/* Allocation                                                                                 */

/** Zeroed memory whose every word may be a reference. Aligned to 16 bytes. */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_malloc(size_t bytes);

/** Memory without references: never looked at. */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_malloc_atomic(size_t bytes);

/** Memory that lives, and what it refers to, until GC_free. */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_malloc_uncollectable(size_t bytes);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_malloc_atomic_uncollectable(size_t bytes);

/** For large objects that the program keeps a reference to the start of. Here as GC_malloc and
 * GC_malloc_atomic: references to the inside keep them too. */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_malloc_ignore_off_page(size_t bytes);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_malloc_atomic_ignore_off_page(size_t bytes);

/** Copies of strings, without references. */
GC_API GC_ATTR_MALLOC char *GC_CALL GC_strdup(const char *text);
GC_API GC_ATTR_MALLOC char *GC_CALL GC_strndup(const char *text, size_t most) GC_ATTR_NONNULL(1);

/** Aligned memory. posix_memalign: 0, EINVAL or ENOMEM. */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(2) void *GC_CALL GC_memalign(size_t align, size_t bytes);
GC_API int GC_CALL GC_posix_memalign(void **object, size_t align, size_t bytes) GC_ATTR_NONNULL(1);

/** A list of objects of one size, linked by their first words: GC_NEXT. */
GC_API GC_ATTR_MALLOC void *GC_CALL GC_malloc_many(size_t bytes);
#define GC_NEXT(object) (*(void **)(object))

/** Free an object that the program knows dead; NULL is let pass. */
GC_API void GC_CALL GC_free(void *object);

/** Another size, of the same kind: the object itself, or a copy. */
GC_API void *GC_CALL GC_realloc(void *object, size_t bytes) GC_ATTR_ALLOC_SIZE(2);

/** Where the object begins that an address lies in, or NULL; whether it lies in one; the object's
 * size, at least what was asked for. */
GC_API void *GC_CALL GC_base(void *address);
GC_API int GC_CALL GC_is_heap_ptr(const void *address);
GC_API size_t GC_CALL GC_size(const void *object) GC_ATTR_NONNULL(1);

/* What once told the collector of objects that rarely change. */
GC_API GC_ATTR_DEPRECATED void *GC_CALL GC_malloc_stubborn(size_t bytes);
GC_API GC_ATTR_DEPRECATED void GC_CALL GC_change_stubborn(const void *object);
GC_API void GC_CALL GC_end_stubborn_change(const void *object);
#define GC_MALLOC_STUBBORN(bytes) GC_MALLOC(bytes)
#define GC_NEW_STUBBORN(type) GC_NEW(type)
#define GC_CHANGE_STUBBORN(object) GC_change_stubborn(object)

/* The same with the place of the call, kept in front of the object, and a guard behind it. */
#define GC_EXTRAS __FILE__, __LINE__
#define GC_EXTRA_PARAMS const char *s, int i
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc(size_t bytes, GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc_atomic(size_t bytes, GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc_uncollectable(size_t bytes, GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc_atomic_uncollectable(size_t bytes,
                                                                         GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc_ignore_off_page(size_t bytes, GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc_atomic_ignore_off_page(size_t bytes,
                                                                           GC_EXTRA_PARAMS);
GC_API GC_ATTR_DEPRECATED void *GC_CALL GC_debug_malloc_stubborn(size_t bytes, GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC char *GC_CALL GC_debug_strdup(const char *text, GC_EXTRA_PARAMS);
GC_API GC_ATTR_MALLOC char *GC_CALL GC_debug_strndup(const char *text, size_t most, GC_EXTRA_PARAMS)
    GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_debug_realloc(void *object, size_t bytes, GC_EXTRA_PARAMS);
GC_API void GC_CALL GC_debug_free(void *object);
GC_API GC_ATTR_MALLOC void *GC_CALL GC_debug_malloc_replacement(size_t bytes);
GC_API void *GC_CALL GC_debug_realloc_replacement(void *object, size_t bytes);
GC_API GC_ATTR_DEPRECATED void GC_CALL GC_debug_change_stubborn(const void *object);
GC_API void GC_CALL GC_debug_end_stubborn_change(const void *object);

#ifdef GC_REQUIRE_WCSDUP
GC_API GC_ATTR_MALLOC wchar_t *GC_CALL GC_wcsdup(const wchar_t *text) GC_ATTR_NONNULL(1);
GC_API GC_ATTR_MALLOC wchar_t *GC_CALL GC_debug_wcsdup(const wchar_t *text, GC_EXTRA_PARAMS)
    GC_ATTR_NONNULL(1);
#endif

/* The macros that a program calls: GC_DEBUG chooses. */
#if defined(GC_DEBUG_REPLACEMENT)
#define GC_MALLOC(bytes) GC_debug_malloc_replacement(bytes)
#define GC_REALLOC(object, bytes) GC_debug_realloc_replacement(object, bytes)
#elif defined(GC_DEBUG)
#define GC_MALLOC(bytes) GC_debug_malloc(bytes, GC_EXTRAS)
#define GC_REALLOC(object, bytes) GC_debug_realloc(object, bytes, GC_EXTRAS)
#else
#define GC_MALLOC(bytes) GC_malloc(bytes)
#define GC_REALLOC(object, bytes) GC_realloc(object, bytes)
#endif
#ifdef GC_DEBUG
#define GC_MALLOC_ATOMIC(bytes) GC_debug_malloc_atomic(bytes, GC_EXTRAS)
#define GC_MALLOC_UNCOLLECTABLE(bytes) GC_debug_malloc_uncollectable(bytes, GC_EXTRAS)
#define GC_MALLOC_ATOMIC_UNCOLLECTABLE(bytes) GC_debug_malloc_atomic_uncollectable(bytes, GC_EXTRAS)
#define GC_MALLOC_IGNORE_OFF_PAGE(bytes) GC_debug_malloc_ignore_off_page(bytes, GC_EXTRAS)
#define GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(bytes)                                                    \
    GC_debug_malloc_atomic_ignore_off_page(bytes, GC_EXTRAS)
#define GC_STRDUP(text) GC_debug_strdup(text, GC_EXTRAS)
#define GC_STRNDUP(text, most) GC_debug_strndup(text, most, GC_EXTRAS)
#define GC_WCSDUP(text) GC_debug_wcsdup(text, GC_EXTRAS)
#define GC_FREE(object) GC_debug_free(object)
#define GC_END_STUBBORN_CHANGE(object) GC_debug_end_stubborn_change(object)
#define GC_PTR_STORE_AND_DIRTY(slot, value) GC_debug_ptr_store_and_dirty(slot, value)
#define GC_REGISTER_FINALIZER(object, run, data, old, old_data)                                    \
    GC_debug_register_finalizer(object, run, data, old, old_data)
#define GC_REGISTER_FINALIZER_IGNORE_SELF(object, run, data, old, old_data)                        \
    GC_debug_register_finalizer_ignore_self(object, run, data, old, old_data)
#define GC_REGISTER_FINALIZER_NO_ORDER(object, run, data, old, old_data)                           \
    GC_debug_register_finalizer_no_order(object, run, data, old, old_data)
#define GC_REGISTER_FINALIZER_UNREACHABLE(object, run, data, old, old_data)                        \
    GC_debug_register_finalizer_unreachable(object, run, data, old, old_data)
#define GC_GENERAL_REGISTER_DISAPPEARING_LINK(link, object)                                        \
    GC_general_register_disappearing_link(link, GC_base((void *)(object)))
#define GC_REGISTER_LONG_LINK(link, object) GC_register_long_link(link, GC_base((void *)(object)))
#define GC_REGISTER_DISPLACEMENT(bytes) GC_debug_register_displacement(bytes)
#else
#define GC_MALLOC_ATOMIC(bytes) GC_malloc_atomic(bytes)
#define GC_MALLOC_UNCOLLECTABLE(bytes) GC_malloc_uncollectable(bytes)
#define GC_MALLOC_ATOMIC_UNCOLLECTABLE(bytes) GC_malloc_atomic_uncollectable(bytes)
#define GC_MALLOC_IGNORE_OFF_PAGE(bytes) GC_malloc_ignore_off_page(bytes)
#define GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(bytes) GC_malloc_atomic_ignore_off_page(bytes)
#define GC_STRDUP(text) GC_strdup(text)
#define GC_STRNDUP(text, most) GC_strndup(text, most)
#define GC_WCSDUP(text) GC_wcsdup(text)
#define GC_FREE(object) GC_free(object)
#define GC_END_STUBBORN_CHANGE(object) GC_end_stubborn_change(object)
#define GC_PTR_STORE_AND_DIRTY(slot, value) GC_ptr_store_and_dirty(slot, value)
#define GC_REGISTER_FINALIZER(object, run, data, old, old_data)                                    \
    GC_register_finalizer(object, run, data, old, old_data)
#define GC_REGISTER_FINALIZER_IGNORE_SELF(object, run, data, old, old_data)                        \
    GC_register_finalizer_ignore_self(object, run, data, old, old_data)
#define GC_REGISTER_FINALIZER_NO_ORDER(object, run, data, old, old_data)                           \
    GC_register_finalizer_no_order(object, run, data, old, old_data)
#define GC_REGISTER_FINALIZER_UNREACHABLE(object, run, data, old, old_data)                        \
    GC_register_finalizer_unreachable(object, run, data, old, old_data)
#define GC_GENERAL_REGISTER_DISAPPEARING_LINK(link, object)                                        \
    GC_general_register_disappearing_link(link, object)
#define GC_REGISTER_LONG_LINK(link, object) GC_register_long_link(link, object)
#define GC_REGISTER_DISPLACEMENT(bytes) GC_register_displacement(bytes)
#endif
#define GC_NEW(type) ((type *)GC_MALLOC(sizeof(type)))
#define GC_NEW_ATOMIC(type) ((type *)GC_MALLOC_ATOMIC(sizeof(type)))
#define GC_NEW_UNCOLLECTABLE(type) ((type *)GC_MALLOC_UNCOLLECTABLE(sizeof(type)))

/* ------------------------------------------------------------------------------------------ */
/* Roots                                                                                      */

/** Memory [low, high) is scanned for references; or is not any more; or never is, though it is
 * static. */
GC_API void GC_CALL GC_add_roots(void *low, void *high);
GC_API void GC_CALL GC_remove_roots(void *low, void *high);
GC_API void GC_CALL GC_exclude_static_roots(void *low, void *high);
GC_API void GC_CALL GC_clear_exclusion_table(void);
GC_API void GC_CALL GC_clear_roots(void);

/** Asked for each writable segment of a library: 0 leaves it out. */
typedef int(GC_CALLBACK *GC_has_static_roots_func)(const char *library, void *segment,
                                                   size_t bytes);
GC_API void GC_CALL GC_register_has_static_roots_callback(GC_has_static_roots_func has_roots);

/** Not 0: libraries' static variables are no roots. */
GC_API GC_ATTR_DEPRECATED int GC_no_dls;
GC_API void GC_CALL GC_set_no_dls(int off);
GC_API int GC_CALL GC_get_no_dls(void);

/** References that many bytes into an object keep it, also where others to the inside don't. */
GC_API void GC_CALL GC_register_displacement(size_t bytes);
GC_API void GC_CALL GC_debug_register_displacement(size_t bytes);

/** 0: references to the inside of objects count on stacks and static variables only. */
GC_API GC_ATTR_DEPRECATED int GC_all_interior_pointers;
GC_API void GC_CALL GC_set_all_interior_pointers(int on);
GC_API int GC_CALL GC_get_all_interior_pointers(void);

/* ------------------------------------------------------------------------------------------ */
/* Finalizers and disappearing links                                                          */

typedef void(GC_CALLBACK *GC_finalization_proc)(void *object, void *data);

/**
 * Have run called, once, with the object and data after a collection found it unreachable; NULL
 * removes it. What was set before is stored to *old and *old_data, unless they are NULL.
 *
 *   finalizer    not before those of all objects that lead to it; never if it leads to itself
 *   ignore_self  the same, but that its own words which refer to it don't count
 *   no_order     whatever leads to it, if that is unreachable too
 *   unreachable  not before all that led to it has been finalized and is gone
 */
GC_API void GC_CALL GC_register_finalizer(void *object, GC_finalization_proc run, void *data,
                                          GC_finalization_proc *old, void **old_data)
    GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_register_finalizer_ignore_self(void *object, GC_finalization_proc run,
                                                      void *data, GC_finalization_proc *old,
                                                      void **old_data) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_register_finalizer_no_order(void *object, GC_finalization_proc run,
                                                   void *data, GC_finalization_proc *old,
                                                   void **old_data) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_register_finalizer_unreachable(void *object, GC_finalization_proc run,
                                                      void *data, GC_finalization_proc *old,
                                                      void **old_data) GC_ATTR_NONNULL(1);
/* for objects of GC_debug_malloc and its kin */
GC_API void GC_CALL GC_debug_register_finalizer(void *object, GC_finalization_proc run, void *data,
                                                GC_finalization_proc *old, void **old_data)
    GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_register_finalizer_ignore_self(void *object, GC_finalization_proc run,
                                                            void *data, GC_finalization_proc *old,
                                                            void **old_data) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_register_finalizer_no_order(void *object, GC_finalization_proc run,
                                                         void *data, GC_finalization_proc *old,
                                                         void **old_data) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_register_finalizer_unreachable(void *object, GC_finalization_proc run,
                                                            void *data, GC_finalization_proc *old,
                                                            void **old_data) GC_ATTR_NONNULL(1);

/** Run what waits. @return how many ran; whether any waits. */
GC_API int GC_CALL GC_invoke_finalizers(void);
GC_API int GC_CALL GC_should_invoke_finalizers(void);

/** Not 0: finalizers run only by GC_invoke_finalizers; else also within allocations. */
GC_API GC_ATTR_DEPRECATED int GC_finalize_on_demand;
GC_API void GC_CALL GC_set_finalize_on_demand(int on);
GC_API int GC_CALL GC_get_finalize_on_demand(void);

/** Not 0: GC_register_finalizer and _ignore_self register as _unreachable does. */
GC_API GC_ATTR_DEPRECATED int GC_java_finalization;
GC_API void GC_CALL GC_set_java_finalization(int on);
GC_API int GC_CALL GC_get_java_finalization(void);

/** Called, with finalize_on_demand, when finalizers begin to wait. */
typedef void(GC_CALLBACK *GC_finalizer_notifier_proc)(void);
GC_API GC_ATTR_DEPRECATED GC_finalizer_notifier_proc GC_finalizer_notifier;
GC_API void GC_CALL GC_set_finalizer_notifier(GC_finalizer_notifier_proc notify);
GC_API GC_finalizer_notifier_proc GC_CALL GC_get_finalizer_notifier(void);

/** Called for each object as its finalizer is queued. */
typedef void(GC_CALLBACK *GC_await_finalize_proc)(void *object);
GC_API void GC_CALL GC_set_await_finalize_proc(GC_await_finalize_proc await);
GC_API GC_await_finalize_proc GC_CALL GC_get_await_finalize_proc(void);

#define GC_SUCCESS 0
#define GC_DUPLICATE 1
#define GC_NO_MEMORY 2
#define GC_NO_THREADS 2
#define GC_UNIMPLEMENTED 3
#define GC_NOT_FOUND 4

/**
 * Have the word at link set to 0 when the object is unreachable; a long link when its memory goes,
 * after finalization. The link's own memory need not be of the collector; if it is, the link goes
 * with it. GC_register_disappearing_link: the object is the one that the link lies in.
 * @return GC_SUCCESS, GC_DUPLICATE (registered before: now for this object), GC_NO_MEMORY.
 */
GC_API int GC_CALL GC_register_disappearing_link(void **link) GC_ATTR_NONNULL(1);
GC_API int GC_CALL GC_general_register_disappearing_link(void **link, const void *object)
    GC_ATTR_NONNULL(1) GC_ATTR_NONNULL(2);
GC_API int GC_CALL GC_register_long_link(void **link, const void *object) GC_ATTR_NONNULL(1)
    GC_ATTR_NONNULL(2);

/** @return 1 if it was registered. */
GC_API int GC_CALL GC_unregister_disappearing_link(void **link);
GC_API int GC_CALL GC_unregister_long_link(void **link);

/** @return GC_SUCCESS, GC_DUPLICATE (to is registered), GC_NOT_FOUND. */
GC_API int GC_CALL GC_move_disappearing_link(void **from, void **to) GC_ATTR_NONNULL(2);
GC_API int GC_CALL GC_move_long_link(void **from, void **to) GC_ATTR_NONNULL(2);

/** References that are strong or weak, as the function says at each collection. */
typedef enum { GC_TOGGLE_REF_DROP, GC_TOGGLE_REF_STRONG, GC_TOGGLE_REF_WEAK } GC_ToggleRefStatus;
typedef GC_ToggleRefStatus(GC_CALLBACK *GC_toggleref_func)(void *object);
GC_API void GC_CALL GC_set_toggleref_func(GC_toggleref_func choose);
GC_API GC_toggleref_func GC_CALL GC_get_toggleref_func(void);
GC_API int GC_CALL GC_toggleref_add(void *object, int strong) GC_ATTR_NONNULL(1);

/* A pointer that the collector does not see. */
typedef GC_word GC_hidden_pointer;
#define GC_HIDE_POINTER(pointer) (~(GC_hidden_pointer)(pointer))
#define GC_REVEAL_POINTER(hidden) ((void *)GC_HIDE_POINTER(hidden))
#if defined(I_HIDE_POINTERS) || defined(GC_I_HIDE_POINTERS)
#define HIDE_POINTER(pointer) GC_HIDE_POINTER(pointer)
#define REVEAL_POINTER(hidden) GC_REVEAL_POINTER(hidden)
#endif

/* The pointer is in a register or on the stack up to here. */
#define GC_reachable_here(pointer) __asm__ __volatile__(" " : : "X"(pointer) : "memory")
GC_API void GC_CALL GC_noop1(GC_word word);

/** Run with no collection in between, one thread at a time. It allocates nothing. */
typedef void *(GC_CALLBACK *GC_fn_type)(void *data);
GC_API void *GC_CALL GC_call_with_alloc_lock(GC_fn_type run, void *data) GC_ATTR_NONNULL(1);
#ifdef GC_THREADS
GC_API void GC_CALL GC_alloc_lock(void);
GC_API void GC_CALL GC_alloc_unlock(void);
#else
#define GC_alloc_lock() (void)0
#define GC_alloc_unlock() (void)0
#endif

/* ------------------------------------------------------------------------------------------ */
/* Collection                                                                                 */

GC_API void GC_CALL GC_init(void);
GC_API int GC_CALL GC_is_init_called(void);
GC_API void GC_CALL GC_deinit(void);

/** Collect; give free memory back to the OS as well. */
GC_API void GC_CALL GC_gcollect(void);
GC_API void GC_CALL GC_gcollect_and_unmap(void);

/** Collect, unless the function says stop before the collection begins. @return whether it did. */
typedef int(GC_CALLBACK *GC_stop_func)(void);
GC_API int GC_CALL GC_try_to_collect(GC_stop_func stop) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_set_stop_func(GC_stop_func stop) GC_ATTR_NONNULL(1);
GC_API GC_stop_func GC_CALL GC_get_stop_func(void);

/** No collections until as many GC_enable. */
GC_API GC_ATTR_DEPRECATED int GC_dont_gc;
GC_API void GC_CALL GC_disable(void);
GC_API void GC_CALL GC_enable(void);
GC_API int GC_CALL GC_is_disabled(void);
GC_API void GC_CALL GC_set_disable_automatic_collection(int off);
GC_API int GC_CALL GC_get_disable_automatic_collection(void);

/** How often: a larger divisor collects oftener. 3, as it is at first, is GOGC's 100; what GOGC in
 * the environment says rules. */
GC_API GC_ATTR_DEPRECATED GC_word GC_free_space_divisor;
GC_API void GC_CALL GC_set_free_space_divisor(GC_word divisor);
GC_API GC_word GC_CALL GC_get_free_space_divisor(void);

/** Let the heap grow by so much before it is collected. @return 1. */
GC_API int GC_CALL GC_expand_hp(size_t bytes);
GC_API void GC_CALL GC_set_max_heap_size(GC_word bytes);

/** Memory of the program that the collector does not have, but its pace is to know of. */
GC_API GC_ATTR_DEPRECATED GC_word GC_non_gc_bytes;
GC_API void GC_CALL GC_set_non_gc_bytes(GC_word bytes);
GC_API GC_word GC_CALL GC_get_non_gc_bytes(void);

GC_API GC_ATTR_DEPRECATED GC_word GC_gc_no;
GC_API GC_word GC_CALL GC_get_gc_no(void);

/* Notices of the collector. The event's function runs on a thread of the library's, between
 * PRE_STOP_WORLD and POST_START_WORLD with threads stopped: it may use nothing of libc's that
 * locks. */
typedef void(GC_CALLBACK *GC_on_heap_resize_proc)(GC_word bytes);
GC_API GC_ATTR_DEPRECATED GC_on_heap_resize_proc GC_on_heap_resize;
GC_API void GC_CALL GC_set_on_heap_resize(GC_on_heap_resize_proc notify);
GC_API GC_on_heap_resize_proc GC_CALL GC_get_on_heap_resize(void);
typedef enum {
    GC_EVENT_START,
    GC_EVENT_MARK_START,
    GC_EVENT_MARK_END,
    GC_EVENT_RECLAIM_START,
    GC_EVENT_RECLAIM_END,
    GC_EVENT_END,
    GC_EVENT_PRE_STOP_WORLD,
    GC_EVENT_POST_STOP_WORLD,
    GC_EVENT_PRE_START_WORLD,
    GC_EVENT_POST_START_WORLD,
    GC_EVENT_THREAD_SUSPENDED,
    GC_EVENT_THREAD_UNSUSPENDED
} GC_EventType;
typedef void(GC_CALLBACK *GC_on_collection_event_proc)(GC_EventType event);
GC_API void GC_CALL GC_set_on_collection_event(GC_on_collection_event_proc notify);
GC_API GC_on_collection_event_proc GC_CALL GC_get_on_collection_event(void);
#ifdef GC_THREADS
typedef void(GC_CALLBACK *GC_on_thread_event_proc)(GC_EventType event, void *thread);
GC_API void GC_CALL GC_set_on_thread_event(GC_on_thread_event_proc notify);
GC_API GC_on_thread_event_proc GC_CALL GC_get_on_thread_event(void);
#endif

/** Report objects that were not freed and that nothing leads to. */
GC_API GC_ATTR_DEPRECATED int GC_find_leak;
GC_API void GC_CALL GC_set_find_leak(int on);
GC_API int GC_CALL GC_get_find_leak(void);

/* Collections in small steps: accepted; sweeping is beside the program as it is. */
#define GC_PROTECTS_POINTER_HEAP 1
#define GC_PROTECTS_PTRFREE_HEAP 2
#define GC_PROTECTS_STATIC_DATA 4
#define GC_PROTECTS_STACK 8
#define GC_PROTECTS_NONE 0
GC_API void GC_CALL GC_enable_incremental(void);
GC_API int GC_CALL GC_is_incremental_mode(void);
GC_API int GC_CALL GC_incremental_protection_needs(void);
GC_API void GC_CALL GC_start_incremental_collection(void);
GC_API int GC_CALL GC_collect_a_little(void);
GC_API void GC_CALL GC_set_manual_vdb_allowed(int on);
GC_API int GC_CALL GC_get_manual_vdb_allowed(void);
#define GC_TIME_UNLIMITED 999999
struct GC_timeval_s {
    unsigned long tv_ms;
    unsigned long tv_nsec;
};
GC_API GC_ATTR_DEPRECATED unsigned long GC_time_limit;
GC_API void GC_CALL GC_set_time_limit(unsigned long ms);
GC_API unsigned long GC_CALL GC_get_time_limit(void);
GC_API void GC_CALL GC_set_time_limit_tv(struct GC_timeval_s time);
GC_API struct GC_timeval_s GC_CALL GC_get_time_limit_tv(void);
GC_API void GC_CALL GC_set_rate(int rate);
GC_API int GC_CALL GC_get_rate(void);
GC_API void GC_CALL GC_set_max_prior_attempts(int attempts);
GC_API int GC_CALL GC_get_max_prior_attempts(void);
GC_API GC_ATTR_DEPRECATED int GC_full_freq;
GC_API void GC_CALL GC_set_full_freq(int cycles);
GC_API int GC_CALL GC_get_full_freq(void);

/* Kept and given back, without meaning here: docs/compat.md. */
GC_API GC_ATTR_DEPRECATED int GC_dont_expand;
GC_API void GC_CALL GC_set_dont_expand(int on);
GC_API int GC_CALL GC_get_dont_expand(void);
GC_API GC_ATTR_DEPRECATED int GC_use_entire_heap;
GC_API GC_ATTR_DEPRECATED GC_word GC_max_retries;
GC_API void GC_CALL GC_set_max_retries(GC_word retries);
GC_API GC_word GC_CALL GC_get_max_retries(void);
GC_API GC_ATTR_DEPRECATED int GC_dont_precollect;
GC_API void GC_CALL GC_set_dont_precollect(int on);
GC_API int GC_CALL GC_get_dont_precollect(void);
GC_API void GC_CALL GC_set_allocd_bytes_per_finalizer(GC_word bytes);
GC_API GC_word GC_CALL GC_get_allocd_bytes_per_finalizer(void);
GC_API void GC_CALL GC_set_pages_executable(int on);
GC_API int GC_CALL GC_get_pages_executable(void);
GC_API void GC_CALL GC_set_min_bytes_allocd(size_t bytes);
GC_API size_t GC_CALL GC_get_min_bytes_allocd(void);
GC_API void GC_CALL GC_set_force_unmap_on_gcollect(int on);
GC_API int GC_CALL GC_get_force_unmap_on_gcollect(void);

/* ------------------------------------------------------------------------------------------ */
/* Figures                                                                                    */

GC_API size_t GC_CALL GC_get_heap_size(void);
GC_API size_t GC_CALL GC_get_free_bytes(void);
GC_API size_t GC_CALL GC_get_unmapped_bytes(void);
GC_API size_t GC_CALL GC_get_bytes_since_gc(void);
GC_API size_t GC_CALL GC_get_expl_freed_bytes_since_gc(void);
GC_API size_t GC_CALL GC_get_total_bytes(void);
GC_API size_t GC_CALL GC_get_obtained_from_os_bytes(void);
GC_API size_t GC_CALL GC_get_memory_use(void);
GC_API void GC_CALL GC_get_heap_usage_safe(GC_word *heap_bytes, GC_word *free_bytes,
                                           GC_word *unmapped_bytes, GC_word *since_gc_bytes,
                                           GC_word *total_bytes);
struct GC_prof_stats_s {
    GC_word heapsize_full;
    GC_word free_bytes_full;
    GC_word unmapped_bytes;
    GC_word bytes_allocd_since_gc;
    GC_word allocd_bytes_before_gc;
    GC_word non_gc_bytes;
    GC_word gc_no;
    GC_word markers_m1;
    GC_word bytes_reclaimed_since_gc;
    GC_word reclaimed_bytes_before_gc;
    GC_word expl_freed_bytes_since_gc;
    GC_word obtained_from_os_bytes;
};
/** Fills as much of *stats as stats_bytes says; -1 in fields that are not known here.
 * @return bytes filled. */
GC_API size_t GC_CALL GC_get_prof_stats(struct GC_prof_stats_s *stats, size_t stats_bytes);
#ifdef GC_THREADS
GC_API size_t GC_CALL GC_get_prof_stats_unsafe(struct GC_prof_stats_s *stats, size_t stats_bytes);
#endif
/** Size of the cells for requests of i * 16 bytes, or -1 past the last class. */
GC_API size_t GC_CALL GC_get_size_map_at(int i);
GC_API void GC_CALL GC_start_performance_measurement(void);
GC_API unsigned long GC_CALL GC_get_full_gc_total_time(void);
GC_API void GC_CALL GC_dump(void);
GC_API void GC_CALL GC_dump_named(const char *name);
GC_API void GC_CALL GC_dump_regions(void);
GC_API void GC_CALL GC_dump_finalization(void);

/* ------------------------------------------------------------------------------------------ */
/* Out of memory, warnings, messages                                                          */

typedef void *(GC_CALLBACK *GC_oom_func)(size_t bytes);
GC_API GC_ATTR_DEPRECATED GC_oom_func GC_oom_fn;
GC_API void GC_CALL GC_set_oom_fn(GC_oom_func run) GC_ATTR_NONNULL(1);
GC_API GC_oom_func GC_CALL GC_get_oom_fn(void);
GC_API void GC_CALL GC_abort_on_oom(void);

/** format has one %lu or its like, for the word. */
typedef void(GC_CALLBACK *GC_warn_proc)(char *format, GC_word word);
GC_API void GC_CALL GC_set_warn_proc(GC_warn_proc warn) GC_ATTR_NONNULL(1);
GC_API GC_warn_proc GC_CALL GC_get_warn_proc(void);
GC_API void GC_CALLBACK GC_ignore_warn_proc(char *format, GC_word word);
GC_API void GC_CALL GC_set_log_fd(int descriptor);
typedef void(GC_CALLBACK *GC_abort_func)(const char *text);
GC_API GC_abort_func GC_on_abort;
GC_API void GC_CALL GC_set_abort_func(GC_abort_func run) GC_ATTR_NONNULL(1);
GC_API GC_abort_func GC_CALL GC_get_abort_func(void);

/* ------------------------------------------------------------------------------------------ */
/* Threads                                                                                    */

struct GC_stack_base {
    void *mem_base; /* the stack's cold end */
};
typedef void *(GC_CALLBACK *GC_stack_base_func)(struct GC_stack_base *base, void *data);
GC_API void *GC_CALL GC_call_with_stack_base(GC_stack_base_func run, void *data) GC_ATTR_NONNULL(1);
GC_API int GC_CALL GC_get_stack_base(struct GC_stack_base *base) GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_get_my_stackbottom(struct GC_stack_base *base) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_set_stackbottom(void *thread, const struct GC_stack_base *base)
    GC_ATTR_NONNULL(2);
GC_API GC_ATTR_DEPRECATED char *GC_stackbottom;

/** Run what waits, or computes without any object: no collection waits for the thread. Within it,
 * GC_call_with_gc_active runs what uses objects again. */
GC_API void *GC_CALL GC_do_blocking(GC_fn_type run, void *data) GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_call_with_gc_active(GC_fn_type run, void *data) GC_ATTR_NONNULL(1);

GC_API void GC_CALL GC_start_mark_threads(void);
#ifdef GC_THREADS
GC_API GC_ATTR_DEPRECATED int GC_parallel;
GC_API int GC_CALL GC_get_parallel(void);
GC_API void GC_CALL GC_set_markers_count(unsigned markers);
/** The signals by which threads are stopped and woken; set before GC_init. The second one is not
 * used: what is stopped waits for a word in memory. */
GC_API void GC_CALL GC_set_suspend_signal(int number);
GC_API void GC_CALL GC_set_thr_restart_signal(int number);
GC_API int GC_CALL GC_get_suspend_signal(void);
GC_API int GC_CALL GC_get_thr_restart_signal(void);
GC_API void GC_CALL GC_allow_register_threads(void);
/** @return GC_SUCCESS, GC_DUPLICATE (it was registered). */
GC_API int GC_CALL GC_register_my_thread(const struct GC_stack_base *base) GC_ATTR_NONNULL(1);
GC_API int GC_CALL GC_unregister_my_thread(void);
GC_API int GC_CALL GC_thread_is_registered(void);
/** The thread runs signal handlers on another stack. */
GC_API void GC_CALL GC_register_altstack(void *stack, GC_word stack_bytes, void *altstack,
                                         GC_word altstack_bytes);
/** All other registered threads stand still until GC_start_world_external. */
GC_API void GC_CALL GC_stop_world_external(void);
GC_API void GC_CALL GC_start_world_external(void);
#endif
GC_API void GC_CALL GC_set_handle_fork(int how);
GC_API void GC_CALL GC_atfork_prepare(void);
GC_API void GC_CALL GC_atfork_parent(void);
GC_API void GC_CALL GC_atfork_child(void);

/* ------------------------------------------------------------------------------------------ */
/* Checks of pointers                                                                         */

/** Each returns its first argument (GC_pre_incr, GC_post_incr: the new, the old pointer), and calls
 * the print function if: both don't lie in the same object; the slot is none that is scanned; the
 * pointer is neither to an object's start nor to a displacement. */
GC_API void *GC_CALL GC_same_obj(void *first, void *second);
GC_API void *GC_CALL GC_pre_incr(void **pointer, ptrdiff_t bytes) GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_post_incr(void **pointer, ptrdiff_t bytes) GC_ATTR_NONNULL(1);
GC_API void *GC_CALL GC_is_visible(void *slot);
GC_API void *GC_CALL GC_is_valid_displacement(void *pointer);
GC_API void(GC_CALLBACK *GC_same_obj_print_proc)(void *first, void *second);
GC_API void(GC_CALLBACK *GC_is_valid_displacement_print_proc)(void *pointer);
GC_API void(GC_CALLBACK *GC_is_visible_print_proc)(void *slot);

GC_API void GC_CALL GC_ptr_store_and_dirty(void *slot, const void *value);
GC_API void GC_CALL GC_debug_ptr_store_and_dirty(void *slot, const void *value);

#ifdef GC_DEBUG
#define GC_PTR_ADD3(x, n, type) ((type)GC_same_obj((x) + (n), (x)))
#define GC_PRE_INCR3(x, n, type)                                                                   \
    ((type)GC_pre_incr((void **)(&(x)), (ptrdiff_t)((n) * sizeof(*(x)))))
#define GC_POST_INCR3(x, n, type)                                                                  \
    ((type)GC_post_incr((void **)(&(x)), (ptrdiff_t)((n) * sizeof(*(x)))))
#define GC_PTR_ADD(x, n) GC_PTR_ADD3(x, n, __typeof__(x))
#define GC_PRE_INCR(x, n) GC_PRE_INCR3(x, n, __typeof__(x))
#define GC_POST_INCR(x) GC_POST_INCR3(x, 1, __typeof__(x))
#define GC_POST_DECR(x) GC_POST_INCR3(x, -1, __typeof__(x))
#define GC_PTR_STORE(slot, value)                                                                  \
    (*(void **)GC_is_visible((void *)(slot)) = GC_is_valid_displacement((void *)(value)))
#else
#define GC_PTR_ADD(x, n) ((x) + (n))
#define GC_PRE_INCR(x, n) ((x) += (n))
#define GC_POST_INCR(x) ((x)++)
#define GC_POST_DECR(x) ((x)--)
#define GC_PTR_STORE(slot, value) (*(void **)(slot) = (void *)(value))
#endif

/* ------------------------------------------------------------------------------------------ */
/* GC_INIT: what the program was compiled to want, then GC_init                               */

#ifdef GC_DONT_EXPAND
#define GC_INIT_CONF_DONT_EXPAND GC_set_dont_expand(1)
#else
#define GC_INIT_CONF_DONT_EXPAND (void)0
#endif
#ifdef GC_DONT_GC
#define GC_INIT_CONF_DONT_GC GC_disable()
#else
#define GC_INIT_CONF_DONT_GC (void)0
#endif
#ifdef GC_FREE_SPACE_DIVISOR
#define GC_INIT_CONF_FREE_SPACE_DIVISOR GC_set_free_space_divisor(GC_FREE_SPACE_DIVISOR)
#else
#define GC_INIT_CONF_FREE_SPACE_DIVISOR (void)0
#endif
#if defined(GC_MARKERS) && defined(GC_THREADS)
#define GC_INIT_CONF_MARKERS GC_set_markers_count(GC_MARKERS)
#else
#define GC_INIT_CONF_MARKERS (void)0
#endif
#if defined(GC_SIG_SUSPEND) && defined(GC_THREADS)
#define GC_INIT_CONF_SUSPEND_SIGNAL GC_set_suspend_signal(GC_SIG_SUSPEND)
#else
#define GC_INIT_CONF_SUSPEND_SIGNAL (void)0
#endif
#if defined(GC_SIG_THR_RESTART) && defined(GC_THREADS)
#define GC_INIT_CONF_THR_RESTART_SIGNAL GC_set_thr_restart_signal(GC_SIG_THR_RESTART)
#else
#define GC_INIT_CONF_THR_RESTART_SIGNAL (void)0
#endif
#ifdef GC_MAXIMUM_HEAP_SIZE
#define GC_INIT_CONF_MAXIMUM_HEAP_SIZE GC_set_max_heap_size(GC_MAXIMUM_HEAP_SIZE)
#else
#define GC_INIT_CONF_MAXIMUM_HEAP_SIZE (void)0
#endif
#ifdef GC_IGNORE_WARN
#define GC_INIT_CONF_IGNORE_WARN GC_set_warn_proc(GC_ignore_warn_proc)
#else
#define GC_INIT_CONF_IGNORE_WARN (void)0
#endif
#ifdef GC_INITIAL_HEAP_SIZE
#define GC_INIT_CONF_INITIAL_HEAP_SIZE (void)GC_expand_hp(GC_INITIAL_HEAP_SIZE)
#else
#define GC_INIT_CONF_INITIAL_HEAP_SIZE (void)0
#endif
#define GC_INIT()                                                                                  \
    {                                                                                              \
        GC_INIT_CONF_DONT_EXPAND;                                                                  \
        GC_INIT_CONF_DONT_GC;                                                                      \
        GC_INIT_CONF_FREE_SPACE_DIVISOR;                                                           \
        GC_INIT_CONF_MARKERS;                                                                      \
        GC_INIT_CONF_SUSPEND_SIGNAL;                                                               \
        GC_INIT_CONF_THR_RESTART_SIGNAL;                                                           \
        GC_INIT_CONF_MAXIMUM_HEAP_SIZE;                                                            \
        GC_init();                                                                                 \
        GC_INIT_CONF_IGNORE_WARN;                                                                  \
        GC_INIT_CONF_INITIAL_HEAP_SIZE;                                                            \
    }

#ifdef __cplusplus
}
#endif

#ifdef GC_PTHREADS
#include "gc_pthread_redirects.h"
#endif

#endif
