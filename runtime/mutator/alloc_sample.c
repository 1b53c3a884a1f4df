/* SPDX-License-Identifier: MIT */
/*
 * Samples of allocation, on the thread that allocates. See alloc_sample.h.
 */
#include "alloc_sample.h"

#include <math.h>

/* Below this rate each allocation is looked at by itself, and no run of many is made: a run would
 * be nearly sure to be sampled, and all that is in it counted for one of them. */
#define EACH_BYTES 16384

/* What samples may take of a thread's time, and below which part of that they may come faster. */
#define COST_MOST 0.01
#define COST_FASTER 0.25

/* How many of the last samples say what they cost. */
#define COST_OF 16

#define STRETCH_MOST 4096.0

bool alloc_samples_each(const gait_heap *heap) {
    size_t rate = AO_load(&heap->samples.rate_bytes);
    return rate != 0 && rate < EACH_BYTES;
}

/* A number from above 0 to 1: xorshift64* (Vigna 2016). */
static double draw(struct sampler *sampler) {
    sampler->random ^= sampler->random >> 12;
    sampler->random ^= sampler->random << 25;
    sampler->random ^= sampler->random >> 27;
    uint64_t bits = sampler->random * UINT64_C(2685821657736338717) >> 11;
    return ((double)bits + 1) / 9007199254740992.0; /* 2^53 */
}

/* At a rate of 1 each allocation is sampled, and stands for itself. */
static double mean_bytes(const struct sampler *sampler) {
    return sampler->rate_bytes == 1 ? 0 : sampler->stretch * (double)sampler->rate_bytes;
}

static void draw_distance(struct sampler *sampler) {
    sampler->left_bytes = -log(draw(sampler)) * mean_bytes(sampler);
}

/* What a sample of so many bytes stands for. */
static double stands_for(const struct sampler *sampler, size_t taken_bytes) {
    double bytes = (double)taken_bytes, mean = mean_bytes(sampler);
    return mean > 0 ? bytes / -expm1(-bytes / mean) : bytes;
}

static void begin(gait_mutator *mutator, size_t rate_bytes) {
    struct sampler *sampler = &mutator->sampler;
    *sampler = (struct sampler){
        .caller = sampler->caller,
        .rate_bytes = rate_bytes,
        .stretch = 1,
        .random = (uint64_t)(uintptr_t)mutator * UINT64_C(0x9e3779b97f4a7c15) ^
                  (uint64_t)platform_now_ns(),
        .since_ns = platform_now_ns(),
    };
    sampler->random |= 1;
    draw_distance(sampler);
}

/* .inv.cost */
static void learn_cost(struct sampler *sampler, int64_t begin_ns, int64_t end_ns) {
    sampler->cost_ns += end_ns - begin_ns;
    if (++sampler->count % COST_OF != 0)
        return;
    int64_t all_ns = end_ns - sampler->since_ns;
    double share = all_ns > 0 ? (double)sampler->cost_ns / (double)all_ns : 1;
    bool each = sampler->rate_bytes < EACH_BYTES; /* asked for in so many words */
    if (share > COST_MOST && sampler->stretch < STRETCH_MOST && !each)
        sampler->stretch *= 2;
    else if (share < COST_MOST * COST_FASTER && sampler->stretch > 1)
        sampler->stretch /= 2;
    sampler->since_ns = end_ns;
    sampler->cost_ns = 0;
}

/* Who tells stacks, or the unwinder. */
static void take_stack(gait_mutator *mutator, struct sample_stack *stack) {
    struct samples *samples = &mutator->heap->samples;
    lock_acquire(&samples->lock);
    gait_profile_frames_fn frames = samples->frames;
    void *data = samples->frames_data;
    lock_release(&samples->lock);
    size_t depth = 0;
    if (frames)
        MUTATOR_CALL_OUT(mutator,
                         depth = frames(mutator, stack->at.frames, GAIT_PROFILE_DEPTH, data));
    stack->of_embedder = depth > 0;
    stack->depth = depth < GAIT_PROFILE_DEPTH ? depth : GAIT_PROFILE_DEPTH;
    if (depth > 0)
        return;
    const void *caller = mutator->sampler.caller;
    /* out: unwinders may want the loader's lock, which is held as the world is stopped */
    MUTATOR_CALL_OUT(mutator, stack->depth =
                                  platform_unwind(stack->at.addresses, GAIT_PROFILE_DEPTH, caller));
    if (stack->depth == 0) { /* code without tables lies on the way */
        stack->at.addresses[0] = (uintptr_t)caller;
        stack->depth = 1;
    }
}

static __attribute__((noinline)) void take_sample(gait_mutator *mutator, gait_kind kind,
                                                  const void *object, size_t object_bytes,
                                                  size_t taken_bytes) {
    struct sampler *sampler = &mutator->sampler;
    int64_t begin_ns = platform_now_ns();
    struct sample_stack stack;
    take_stack(mutator, &stack);
    double bytes = stands_for(sampler, taken_bytes);
    samples_add(&mutator->heap->samples, object, kind, &stack, bytes / (double)object_bytes, bytes);
    learn_cost(sampler, begin_ns, platform_now_ns());
    draw_distance(sampler);
}

void alloc_sample(gait_mutator *mutator, gait_kind kind, const void *object, size_t object_bytes,
                  size_t taken_bytes) {
    struct sampler *sampler = &mutator->sampler;
    size_t rate = AO_load(&mutator->heap->samples.rate_bytes);
    if (rate != sampler->rate_bytes && rate != 0)
        begin(mutator, rate);
    sampler->left_bytes -= (double)taken_bytes;
    if (sampler->left_bytes <= 0)
        take_sample(mutator, kind, object, object_bytes, taken_bytes);
}
