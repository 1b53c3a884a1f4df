/* SPDX-License-Identifier: MIT */
/*
 * Samples of what is allocated in arenas. See arena_sample.h.
 */
#include "arena_sample.h"

#include "../mutator/alloc_sample.h"

static void begin(gait_mutator *mutator, struct arena_sampler *sampler, const struct bump *bump) {
    sampler->rate_bytes = AO_load(&mutator->heap->samples.rate_bytes);
    sampler->era = bump->era;
    sampler->mean_bytes = alloc_sample_mean(mutator);
    for (int end = 0; end < 2; end++)
        sampler->left_bytes[end] = alloc_sample_distance(mutator, sampler->mean_bytes);
}

/* What fast allocation has taken at an end since it was looked at last. */
static double passed_bytes(const struct arena_sampler *sampler, const struct bump *bump, bool low) {
    if (!bump->windows)
        return 0;
    return low ? (double)(bump->head->low - sampler->cursors[1])
               : (double)(sampler->cursors[0] - bump->head->high);
}

/* A window of so many bytes at most ends before the next sample. */
static size_t bound(double left_bytes, size_t mask) {
    return left_bytes < (double)BUMP_CHUNK_BYTES_MOST ? (size_t)left_bytes & mask
                                                      : BUMP_CHUNK_BYTES_MOST;
}

static void no_bounds(struct bump *bump) { bump->ahead_most[0] = bump->ahead_most[1] = SIZE_MAX; }

void arena_sample_look(gait_mutator *mutator, struct arena_sampler *sampler, struct bump *bump,
                       size_t bytes, bool low) {
    size_t rate = AO_load(&mutator->heap->samples.rate_bytes), mask = bump->head->mask;
    mutator->sampler.due_bytes = 0;
    if (rate == 0) {
        sampler->rate_bytes = 0;
        no_bounds(bump);
        return;
    }
    if (rate != sampler->rate_bytes || bump->era != sampler->era)
        begin(mutator, sampler, bump);
    else
        for (int end = 0; end < 2; end++) {
            sampler->left_bytes[end] -= passed_bytes(sampler, bump, end);
            if (sampler->left_bytes[end] < 0)
                sampler->left_bytes[end] = alloc_sample_distance(mutator, sampler->mean_bytes);
        }
    double whole = (double)((bytes + ~mask) & mask);
    sampler->left_bytes[low] -= whole;
    if (sampler->left_bytes[low] <= 0) {
        mutator->sampler.due_bytes = whole;
        mutator->sampler.due_weight_bytes = alloc_sample_weight(whole, sampler->mean_bytes);
        begin(mutator, sampler, bump); /* the mean is what it is now */
    }
    for (int end = 0; end < 2; end++)
        bump->ahead_most[end] = bound(sampler->left_bytes[end], mask);
}

void arena_sample_taken(gait_mutator *mutator, struct arena_own *own, const gait_kind *kind,
                        const void *start) {
    double bytes = mutator->sampler.due_bytes;
    if (__builtin_expect(bytes == 0, 1))
        return;
    mutator->sampler.due_bytes = 0;
    if (start)
        alloc_sample_arena(mutator, kind, own->record.name, start, bytes,
                           mutator->sampler.due_weight_bytes, &own->samples);
}

void arena_samples_end(struct arena_own *own) {
    samples_forget_list(&own->heap->samples, &own->samples);
}
