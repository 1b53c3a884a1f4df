/* SPDX-License-Identifier: MIT */
/*
 * Samples of what is allocated in arenas, for the heap profile.
 *
 * The fast path moves a cursor and knows nothing of samples. So at each end of a bump the distance
 * to the next sample is drawn, and the window there ends before it: whoever goes past it comes to
 * the slow path, and is the one that is sampled. An object of b bytes is met with the probability
 * 1 - exp(-b / mean), and stands for b divided by that.
 *
 *   .inv.distance: an end has no sample before its distance is used up. A distance may be drawn
 *   anew at any time, since the distribution has no memory: so nothing is carried over a reset, or
 *   the end of an arena, and yet no byte is more likely to be sampled than another.
 *
 * Windows that were opened before sampling began may pass a distance: then a new one is drawn.
 */
#ifndef GAIT_ARENA_SAMPLE_H
#define GAIT_ARENA_SAMPLE_H

#include "arenas.h"

/** Before the slow path of a bump takes so many bytes: are they sampled? Sets its windows' bounds,
 * and what arena_sample_taken asks. Whose the bump is. */
void arena_sample_look(gait_mutator *mutator, struct arena_sampler *sampler, struct bump *bump,
                       size_t bytes, bool low);

/** After it: where fast allocation goes on. */
static inline void arena_sample_left(struct arena_sampler *sampler, const struct bump *bump) {
    sampler->cursors[0] = bump->head->high;
    sampler->cursors[1] = bump->head->low;
}

/** Is there anything to do, as a bump is looked at? */
static inline bool arena_is_sampled(const gait_mutator *mutator,
                                    const struct arena_sampler *sampler) {
    return AO_load(&mutator->heap->samples.rate_bytes) != 0 || sampler->rate_bytes != 0;
}

/** The allocation has come to start: if the look said so, it is a sample. kind: NULL, plain bytes.
 * With no shard taken. */
void arena_sample_taken(gait_mutator *mutator, struct arena_own *own, const gait_kind *kind,
                        const void *start);

/** A reset, or the end: nothing of it is live. */
void arena_samples_end(struct arena_own *own);

#endif
