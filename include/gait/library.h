/* SPDX-License-Identifier: MIT */
/*
 * For libraries that belong to a heap, as libgait-offheap does: state of theirs that goes when the
 * heap goes, memory of theirs that the limit holds, fork, running out of memory, messages. Programs
 * need none of it.
 *
 *   .inv.counted: what a library counts is part of the heap's off-heap bytes from the moment of the
 *   call in the figures, and after at most 64 KiB more on each of 16 shards in the sum that the
 *   limit holds. Goal and trigger follow that sum at once.
 *   .inv.rest: a library's fork hooks run while every heap rests: no thread is inside the core, and
 *   the world is stopped. The library calls nothing of the core with a lock held that its
 *   fork_prepare takes.
 */
#ifndef GAIT_LIBRARY_H
#define GAIT_LIBRARY_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GAIT_LIBRARIES_MAX 8

/** What the core calls. Each may be NULL. */
typedef struct gait_library {
    size_t struct_bytes; /* sizeof(gait_library) */
    /* the heap is destroyed: no thread uses it, and of this library's functions on it only
     * gait_library_count and gait_library_log may be called. Frees the state */
    void (*destroy)(gait_heap *heap, void *state);
    /* the process ends and the heap was not destroyed; other threads may run: gait_library_at_exit
     */
    void (*at_exit)(gait_heap *heap, void *state);
    /* around fork, .inv.rest: take all locks; let them go, in the parent and in the child */
    void (*fork_prepare)(void);
    void (*fork_parent)(void);
    void (*fork_child)(void);
    /* how many bytes that lie outside the heap this cleanup will free, with this data; 0: it is not
     * the library's. For heap snapshots: while the world is stopped, or in a copy of the process;
     * so it takes no lock, and calls nothing of the core */
    size_t (*cleanup_bytes)(gait_cleanup_fn cleanup, const void *data);
} gait_library;

/**
 * Make a library known to the process. It stays, and is not unloaded.
 *
 * @return its number, the same for the same structure; GAIT_E_FULL (GAIT_LIBRARIES_MAX are known),
 *         GAIT_E_INVALID (struct_bytes; a field that is newer than the core and not 0).
 * Thread rule: any thread.
 */
GAIT_API int gait_library_register(const gait_library *library);

/** A library's state in a heap, or NULL: none was set. Thread rule: any thread; lock-free. */
GAIT_API void *gait_library_state(gait_heap *heap, int library);

/**
 * Set a library's state, if the heap has none of it.
 * @return the state that the heap has from then on: another thread may have been first, and then
 *         the caller frees its own.
 * Thread rule: any thread; lock-free.
 */
GAIT_API void *gait_library_set_state(gait_heap *heap, int library, void *state);

/** Have at_exit called for this heap. @return 0, GAIT_E_FULL. Thread rule: any thread, once per
 * heap and library. In a fork's child it is forgotten. */
GAIT_API int gait_library_at_exit(gait_heap *heap, int library);

/**
 * Count memory that a library has taken (or, negative, given back) for a heap: .inv.counted.
 * Some instructions, on a counter of the thread's; now and then, where there is a limit, the pacer
 * hears of it, free pages are given back to the OS, and a cycle may be asked for. Not a safepoint.
 * Thread rule: any thread, attached or not.
 */
GAIT_API void gait_library_count(gait_heap *heap, ptrdiff_t bytes);

/**
 * Memory was taken that the heap profile may sample (gait/profile.h, GAIT_PROFILE_OFFHEAP).
 *
 * @param name    whose it is; copied.
 * @param caller  whom the library's function returns to: the stack of a sample begins there.
 * @return whether it was sampled: then gait_library_unsample is called before it is given back.
 * Thread rule: any thread, attached or not. Not a safepoint. While nothing is sampled it costs a
 * load and a branch.
 */
GAIT_API bool gait_library_sample(gait_heap *heap, const void *memory, size_t bytes,
                                  const char *name, const void *caller);

/** Memory that was sampled is about to end. Thread rule: as gait_library_sample. */
GAIT_API void gait_library_unsample(gait_heap *heap, const void *memory);

/** What all libraries have counted: exact when no thread is counting. Thread rule: any thread. */
GAIT_API uint64_t gait_library_counted(gait_heap *heap);

/**
 * There was no memory: do what gait_alloc does. The first time (failures 0) a full collection, and
 * a wait, as long as it goes on, for the cleanups that another thread runs; then the out-of-memory
 * handler as long as it says so, and the same again.
 *
 * @param bytes     what was asked for: for the handler.
 * @param failures  how often this request has failed before this time.
 * @return true: try once more; false: return NULL.
 * Thread rule: the mutator's thread, not in native code (gait_is_running). A safepoint.
 */
GAIT_API bool gait_out_of_memory(gait_mutator *mutator, size_t bytes, unsigned failures);

/** Is the calling thread's mutator running: not in native code, neither by a region of its own nor
 * taken along? Thread rule: the mutator's thread. */
GAIT_API bool gait_is_running(gait_mutator *mutator);

/** Does a static slot or a range of roots lie in these bytes? For checks: takes time with the
 * number of roots. Thread rule: any thread. */
GAIT_API bool gait_has_roots_in(gait_heap *heap, const void *low, size_t bytes);

/** The value of a word=N of GAIT_DEBUG (gait_config.debug, GODEBUG) as the heap was created with
 * it; 0: off, or there is no such word. Thread rule: any thread. */
GAIT_API uint32_t gait_debug_setting(gait_heap *heap, const char *word);

/** Write "gait: …" as a line to the heap's log, now; control characters are written as \x1b, and
 * what is longer than 500 bytes is cut. Thread rule: any thread. */
GAIT_API void gait_library_log(gait_heap *heap, const char *text);

/** Write "gait: …" as a line to stderr and abort: for a caller's bug. */
GAIT_API void gait_library_fatal(const char *text) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
