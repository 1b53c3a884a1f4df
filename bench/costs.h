/* SPDX-License-Identifier: MIT */
/* What the two halves of bench-costs share. */
#ifndef BENCH_COSTS_H
#define BENCH_COSTS_H

#include <gait/gait.h>

#include "bench.h"

#define COSTS_TRIALS_MOST 100

extern uint64_t costs_trials; /* constant after main has read it */

/** A heap with minor cycles on or off and words of GAIT_DEBUG, or the end. */
gait_heap *costs_heap(const char *minor, const char *debug);

/** The same with flags of gait_config. */
gait_heap *costs_heap_of(const char *minor, const char *debug, uint32_t flags);

gait_kind costs_kind(gait_heap *heap, const char *name, gait_layout layout);

/** An object, or the end. */
static inline void *costs_object(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    void *object = gait_alloc(mutator, kind, bytes);
    if (!object)
        bench_die("out of memory");
    return object;
}

/** Print the median of ns; sorts them. */
void costs_print(const char *name, double *values, size_t count);

/** costs_beside.c: what needs another thread. */
void costs_beside(void);

/** costs_calls.c: links, hooks, the barrier by objects. */
void costs_calls(void);

#endif
