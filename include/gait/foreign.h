/* SPDX-License-Identifier: MIT */
/*
 * Memory that others allocate, counted: buffers of a C library behind small objects.
 *
 *   foreign memory   taken and given back by the program, as a rule in the cleanup of the object
 *                    that stands for it
 *
 * It is part of the live heap: cycles come as if objects of that size had been allocated, and the
 * limit holds the sum of the heap's memory and of this. As the cleanups that a cycle has queued
 * give it back, the heap goal falls.
 *
 * A heap profile shows which code adds it (gait/profile.h), and how much there is. What of it is
 * still there of which code, and by which name, it can only say of memory that has one:
 * gait_foreign_add_named.
 *
 * Each thread counts for itself. What has come to 32 KiB, and so each larger amount, counts at
 * once; of smaller ones the limit learns when they have come to that: it may be passed by 32 KiB
 * for each thread. gait_read_stats has the sum to the last byte.
 */
#ifndef GAIT_FOREIGN_H
#define GAIT_FOREIGN_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Count foreign memory that is about to be taken, or was taken just now. Before: then the limit
 * holds. Where the memory would pass it, the call waits for what a cycle, and cleanups that another
 * thread runs, give back; and while a cycle marks it marks for a part of what is counted, as an
 * allocation does. Each wait is bounded: the limit is soft.
 *
 * @param bytes  up to PTRDIFF_MAX; more stops the process.
 * Thread rule: an attached thread. A safepoint.
 */
GAIT_API void gait_foreign_add(gait_mutator *mutator, size_t bytes);

/**
 * Count that foreign memory was given back. Any thread may take back what another one added. More
 * than was added, of all threads together, stops the process with one line: as soon as one thread
 * takes back more than it added and there is not so much, at the latest as the next cycle begins.
 * Thread rule: an attached thread. Not a safepoint.
 */
GAIT_API void gait_foreign_sub(gait_mutator *mutator, size_t bytes);

/**
 * The same for threads that are not attached, or in native code: nothing waits, and each call
 * counts at once.
 * Thread rule: any thread.
 */
GAIT_API void gait_heap_foreign_add(gait_heap *heap, size_t bytes);
GAIT_API void gait_heap_foreign_sub(gait_heap *heap, size_t bytes);

/**
 * As gait_foreign_add, of memory that heap profiles show by a name until it is taken back.
 *
 * @param memory  where it lies, or any address that stands for it alone: that of a struct of the
 *                program's, of an object. Nothing is read there. Memory of which the address is not
 *                known before it is taken is counted right after. NULL: it is counted, and profiles
 *                leave it out.
 * @param name    what it is; copied. NULL: "".
 * Thread rule: an attached thread. A safepoint.
 */
GAIT_API void gait_foreign_add_named(gait_mutator *mutator, const void *memory, size_t bytes,
                                     const char *name);

/**
 * As gait_foreign_sub, of memory that was added by a name: all of it, by the address that was given
 * then, and before it is freed: another thread may have the same address right after.
 * Thread rule: an attached thread. Not a safepoint.
 */
GAIT_API void gait_foreign_sub_named(gait_mutator *mutator, const void *memory, size_t bytes);

/**
 * The same for threads that are not attached, or in native code: nothing waits, and each call
 * counts at once. What one call of these four has added any other may take back.
 * Thread rule: any thread.
 */
GAIT_API void gait_heap_foreign_add_named(gait_heap *heap, const void *memory, size_t bytes,
                                          const char *name);
GAIT_API void gait_heap_foreign_sub_named(gait_heap *heap, const void *memory, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
