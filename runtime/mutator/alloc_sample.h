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
 * So it may grow where samples are dear (.inv.cost): a thread takes no more than about 1 % of its
 * time for them.
 */
#ifndef GAIT_ALLOC_SAMPLE_H
#define GAIT_ALLOC_SAMPLE_H

#include "../instance.h"

/** Is anything sampled? Unordered. */
static inline bool alloc_is_sampled(const gait_heap *heap) {
    return AO_load(&heap->samples.rate_bytes) != 0;
}

/** Are runs to be of one cell: is the rate so small that each allocation is looked at? */
bool alloc_samples_each(const gait_heap *heap);

/** An object was made, for which so many bytes were taken; its allocation bit is set. */
void alloc_sample(gait_mutator *mutator, gait_kind kind, const void *object, size_t object_bytes,
                  size_t taken_bytes);

#endif
