/* SPDX-License-Identifier: MIT */
/*
 * Which allocations are sampled for the heap profile. See gait/profile.h.
 *
 * A thread draws the distance to its next sample, in bytes, from an exponential distribution, and
 * each refill of a run, and each large object, takes what it has from that. Since such a
 * distribution has no memory, a refill of b bytes is sampled with the probability
 *
 *     p = 1 - exp(-b / mean)
 *
 * and stands for b / p bytes: the sums are right in the mean, whatever the mean is at the moment.
 * So it may grow where samples are dear (.inv.cost): COST_MOST says how much of its time a thread
 * may take for them.
 *
 * In arenas nothing is fetched ahead of which one could be sure that it is used; there each object
 * of b bytes is sampled by itself (api/arena_sample.h), as is each block beside the heap.
 */
#ifndef GAIT_ALLOC_SAMPLE_H
#define GAIT_ALLOC_SAMPLE_H

#include "../instance.h"

/** Is anything sampled? Unordered. */
static inline bool alloc_is_sampled(const gait_heap *heap) {
    return AO_load(&heap->samples.rate_bytes) != 0;
}

/* Below this rate each allocation is looked at by itself, and no run of many is made: a run would
 * be nearly sure to be sampled, and all that is in it counted for one of them. */
#define ALLOC_SAMPLES_EACH_BYTES 16384

/** Are runs to be of one cell: is the rate so small that each allocation is looked at? */
static inline bool alloc_samples_each(const gait_heap *heap) {
    size_t rate = AO_load(&heap->samples.rate_bytes);
    return rate != 0 && rate < ALLOC_SAMPLES_EACH_BYTES;
}

/** The mean distance of samples, in bytes, as it is now; 0: each allocation is one. */
double alloc_sample_mean(gait_mutator *mutator);

/** A distance to the next one. */
double alloc_sample_distance(gait_mutator *mutator, double mean_bytes);

/** What a sample of so many bytes stands for, where so many lie between two in the mean. */
double alloc_sample_weight(double bytes, double mean_bytes);

/**
 * Memory of an arena was sampled.
 * @param kind   NULL: plain bytes
 * @param bytes  what the allocation takes; it stands for weight_bytes
 * @param list   where the arena has its samples
 */
void alloc_sample_arena(gait_mutator *mutator, const gait_kind *kind, const char *name,
                        const void *start, double bytes, double weight_bytes, struct sample **list);

/**
 * Memory beside the heap was taken, by any thread.
 * @param of      memory, tag (NULL: "") and start
 * @param caller  whom the call returns to
 * @return whether it was sampled: then samples_forget is told of its end, unless start is NULL.
 */
bool alloc_sample_beside(gait_heap *heap, const struct sample_of *of, size_t bytes,
                         const void *caller);

/** The part of alloc_sample that is not inline: the distance is used up, or the rate another one.
 */
void alloc_sample_slow(gait_mutator *mutator, gait_kind kind, const void *object,
                       size_t object_bytes, size_t taken_bytes);

/** An object was made, for which so many bytes were taken; its allocation bit is set. In each
 * refill: a call here took 6 ns of some 350, with what it did (`bench-gait alloc shape=mixed`). */
static inline void alloc_sample(gait_mutator *mutator, gait_kind kind, const void *object,
                                size_t object_bytes, size_t taken_bytes) {
    struct sampler *sampler = &mutator->sampler;
    size_t rate = AO_load(&mutator->heap->samples.rate_bytes);
    if (__builtin_expect(rate == 0, 1))
        return;
    sampler->left_bytes -= (int64_t)taken_bytes;
    if (__builtin_expect(sampler->left_bytes <= 0 || rate != sampler->rate_bytes, 0))
        alloc_sample_slow(mutator, kind, object, object_bytes, taken_bytes);
}

#endif
