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

#ifdef __cplusplus
}
#endif

#endif
