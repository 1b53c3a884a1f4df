/* SPDX-License-Identifier: MIT */
/*
 * Control: cycles that the program asks for or holds back, the settings of the pacer while the heap
 * runs, and notices of memory. Part of gait.h, which includes it.
 */
#ifndef GAIT_GAIT_CONTROL_H
#define GAIT_GAIT_CONTROL_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------ */
/* Control                                                                                    */

/**
 * Collect: on return a full cycle that began after the call has marked, swept and settled weak
 * references. A safepoint. In the child of a fork the first call starts the collector's threads;
 * where the OS gives none, it returns without a cycle, and the next one tries again.
 */
GAIT_API void gait_collect(gait_mutator *mutator);

/**
 * Have no cycle begin until gait_no_collect_end, whoever asks for one: what is there when the call
 * returns, or comes meanwhile, stays. They nest; a thread's last end, or its detaching, lets the
 * heap go if no other thread holds it. A safepoint: the call waits, in native code, until a cycle
 * that marks has ended marking.
 *
 * Meanwhile gait_collect of any thread returns without a cycle. The memory limit is passed, and
 * nobody waits for it; free memory is given back to keep it, as ever. When the OS, or the reserved
 * range, gives no more, gait_alloc calls the out-of-memory handler without having collected, then
 * returns NULL. A cycle that became due begins soon after the end.
 */
GAIT_API void gait_no_collect_begin(gait_mutator *mutator);

/** Take back a gait_no_collect_begin of this mutator; without one it stops the process. */
GAIT_API void gait_no_collect_end(gait_mutator *mutator);

/**
 * Does a cycle mark, or is it about to? Within gait_config.stop the answer is exact: true, and a
 * cycle stops the program; false, and a heap snapshot does. Elsewhere it may be another a moment
 * later.
 * Thread rule: any thread, attached or not.
 */
GAIT_API bool gait_is_marking(const gait_heap *heap);

/**
 * Collect, then give all free pages back to the OS. A safepoint.
 * @return bytes given back by this call.
 */
GAIT_API size_t gait_free_os_memory(gait_mutator *mutator);

/**
 * Set GOGC: heap growth, in percent of the live heap and its roots, before the next cycle ends.
 * @param percent  GAIT_GOGC_OFF (any negative value): no cycle except for the limit; GAIT_KEEP:
 * read.
 * @return the setting before the call.
 * Thread rule: any thread, attached or not. Holds from the next allocation slow path on; if it was
 * lowered, and a cycle is due, that begins by itself.
 */
#define GAIT_KEEP INT32_MIN
GAIT_API int32_t gait_set_gogc(gait_heap *heap, int32_t percent);

/**
 * Set the soft limit on the memory that this heap holds.
 * @param limit_bytes  GAIT_NO_LIMIT removes the limit; negative only reads it.
 * @return the limit in force before the call, bytes.
 * Thread rule: any thread, attached or not. Never makes an allocation fail. Free memory above it is
 * given back soon after the call, by a thread of the library; if the limit was lowered below what
 * is held, a cycle begins by itself, though no thread allocates. Source: Go 1.19 GC guide, "Memory
 * limit".
 */
GAIT_API int64_t gait_set_memory_limit(gait_heap *heap, int64_t limit_bytes);

/**
 * Set the number of CPUs that the collector may take for its own.
 * @param procs  1 .. 1024; any other value only reads it.
 * @return the setting before the call.
 * Thread rule: any thread. Holds from the next cycle on.
 */
GAIT_API int32_t gait_set_max_procs(gait_heap *heap, int32_t procs);

/**
 * Set the least heap: GOGC's goal is at least so much. For a small live heap beside much memory,
 * whose cycles would be many and give back little. The memory limit rules above it: its goal counts
 * where it is lower. With GOGC off there is no goal to lift, and this does nothing.
 * @param bytes  of the live heap as a cycle ends; 0: off; negative only reads it.
 * @return the setting before the call.
 * Thread rule: any thread, attached or not. Holds from the next allocation slow path on.
 */
GAIT_API int64_t gait_set_min_heap(gait_heap *heap, int64_t bytes);

/**
 * Set a floor of GOGC under a limit: however near the limit is to what is live, collect no oftener
 * than GOGC=percent would. Where that needs more memory than the limit, the limit is passed, and no
 * thread waits for cycles to keep it. A floor above GOGC has the effect of GOGC.
 * @param percent  0: off; negative (GAIT_KEEP) only reads it.
 * @return the setting before the call.
 * Thread rule: as of gait_set_min_heap.
 */
GAIT_API int32_t gait_set_gogc_floor(gait_heap *heap, int32_t percent);

/**
 * Set whether mutators assist. Off: no mutator marks, nor waits for a cycle to begin; a cycle ends
 * where the collector's own threads bring it to an end, past its goal if the program is fast.
 * At the memory limit mutators wait, without marking, as they do with assists: the limit, and
 * nothing else, bounds memory then.
 * @param on  1 or 0; any other value only reads it.
 * @return the setting before the call.
 * Thread rule: as of gait_set_min_heap.
 */
GAIT_API int gait_set_assists(gait_heap *heap, int on);

/**
 * Have notices queued, as finalizers are: gait_run_finalizers runs them, before any finalizer, and
 * gait_wait_finalizers returns for them. What holds already as this is called comes as a notice:
 * memory that is high, a limiter that is limiting.
 *
 * A notice that comes about again while one of its sort waits is queued once, at the queue's end: a
 * program that runs them late hears what holds last. Notices that wait are dropped with the heap;
 * the child of a fork has them as its parent has.
 *
 * @param notice  NULL: none from now on; those that wait are dropped.
 * Thread rule: any thread, attached or not.
 */
GAIT_API void gait_set_notice(gait_heap *heap, gait_notice_fn notice, void *data);

/**
 * Set the threshold of GAIT_NOTICE_MEMORY_HIGH, in memory as the limit counts it (total_bytes of
 * gait_stats): spans, arenas, off-heap, foreign, all of it. Passing it gives one notice; the next
 * comes after memory has fallen an eighth below. With both of these the lower one counts. Memory
 * that grows is seen as it is taken; that it has fallen, within a second.
 * @param bytes    GAIT_NO_LIMIT: never; negative only reads it.
 * @param percent  of the memory limit, up to 1000: above 100 it says that the limit is passed by
 *                 so much; 0, or without a limit: never; negative only reads it.
 * @return the setting before the call.
 * Thread rule: any thread, attached or not.
 */
GAIT_API int64_t gait_set_notice_memory(gait_heap *heap, int64_t bytes);
GAIT_API double gait_set_notice_percent(gait_heap *heap, double percent);

#ifdef __cplusplus
}
#endif

#endif
