/* SPDX-License-Identifier: MIT */
/*
 * Samples of allocation, on the thread that allocates. See alloc_sample.h.
 */
#include "alloc_sample.h"

#include <math.h>

#include "program_thread.h"

/* What samples may take of a thread's CPU time, and below which part of that they may come faster.
 * What an unwinder drives out of the caches costs the program at least as much again, and is not
 * measured here: at 0.005 a program that did nothing but allocate took 0.8 to 1.1 % more CPU time
 * in all (docs/costs.md). All of it is to be less than 1 %. */
#define COST_MOST 0.0025
#define COST_FASTER 0.25

/* How many of the last samples say what they cost. */
#define COST_OF 16

#define STRETCH_MOST 4096.0

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
    sampler->left_bytes = (int64_t)(-log(draw(sampler)) * mean_bytes(sampler));
}

double alloc_sample_weight(double bytes, double mean) {
    return mean > 0 && bytes > 0 ? bytes / -expm1(-bytes / mean) : bytes;
}

static void begin(struct sampler *sampler, size_t rate_bytes) {
    *sampler = (struct sampler){
        .caller = sampler->caller,
        .rate_bytes = rate_bytes,
        .stretch = 1,
        .random = (uint64_t)(uintptr_t)sampler * UINT64_C(0x9e3779b97f4a7c15) ^
                  (uint64_t)platform_now_ns(),
        .since_cpu_ns = platform_thread_cpu_ns(),
    };
    sampler->random |= 1;
    draw_distance(sampler);
}

/* Has the rate changed? Then all begins anew. */
static bool keep_up(struct sampler *sampler, const gait_heap *heap) {
    size_t rate = AO_load(&heap->samples.rate_bytes);
    if (rate == sampler->rate_bytes || rate == 0)
        return false;
    begin(sampler, rate);
    return true;
}

/* .inv.cost. A sample takes some microseconds, of which the clock says enough; that of the thread's
 * CPU time is a system call, so it is asked once for all of them. Of a few samples one may have
 * been preempted, and on a busy machine another one beside it: the two longest are left out.
 * Whoever has said a rate gets it, and pays for it. */
static void learn_cost(struct sampler *sampler, const struct samples *samples, int64_t ns) {
    if (!AO_load(&samples->bounded)) {
        sampler->stretch = 1;
        return;
    }
    int64_t *longest_ns = sampler->longest_ns;
    if (ns > longest_ns[0]) {
        longest_ns[1] = longest_ns[0];
        longest_ns[0] = ns;
    } else if (ns > longest_ns[1]) {
        longest_ns[1] = ns;
    }
    sampler->cost_ns += ns;
    if (++sampler->count % COST_OF != 0)
        return;
    int64_t now_ns = platform_thread_cpu_ns(), all_ns = now_ns - sampler->since_cpu_ns;
    double others_ns = (double)(sampler->cost_ns - longest_ns[0] - longest_ns[1]);
    double cost_ns = others_ns * COST_OF / (COST_OF - 2);
    double share = all_ns > 0 ? cost_ns / (double)all_ns : 1;
    if (share < COST_MOST * COST_FASTER && sampler->stretch > 1)
        sampler->stretch /= 2;
    /* at once, so that a program of a tenth of a second does not pay for the way there */
    for (; share > COST_MOST && sampler->stretch < STRETCH_MOST; share /= 2)
        sampler->stretch *= 2;
    sampler->since_cpu_ns = now_ns;
    sampler->cost_ns = longest_ns[0] = longest_ns[1] = 0;
}

/* Whose stack is taken. */
struct sampled_by {
    gait_heap *heap;
    gait_mutator *mutator; /* RUNNING; NULL: the thread has none, or it is in native code */
    const void *caller;    /* the allocation returns there */
};

static void unwind(const struct sampled_by *by, struct sample_stack *stack) {
    stack->depth = platform_unwind(stack->at.addresses, GAIT_PROFILE_DEPTH, by->caller);
    if (stack->depth > 0)
        return;
    stack->at.addresses[0] = (uintptr_t)by->caller; /* code without tables lies on the way */
    stack->depth = 1;
}

/* What names stacks, or the unwinder. */
static void take_stack(const struct sampled_by *by, struct sample_stack *stack) {
    struct samples *samples = &by->heap->samples;
    stack->of_embedder = false;
    if (!by->mutator) {
        unwind(by, stack);
        return;
    }
    lock_acquire(&samples->lock);
    gait_profile_frames_fn frames = samples->frames;
    void *data = samples->frames_data;
    lock_release(&samples->lock);
    size_t depth = 0;
    if (frames)
        MUTATOR_CALL_OUT(by->mutator,
                         depth = frames(by->mutator, stack->at.frames, GAIT_PROFILE_DEPTH, data));
    stack->of_embedder = depth > 0;
    stack->depth = depth < GAIT_PROFILE_DEPTH ? depth : GAIT_PROFILE_DEPTH;
    if (depth == 0) /* out: unwinders may want the loader's lock, held as the world is stopped */
        MUTATOR_CALL_OUT(by->mutator, unwind(by, stack));
}

static __attribute__((noinline)) bool take_sample(struct sampler *sampler,
                                                  const struct sampled_by *by,
                                                  const struct sample_of *of,
                                                  struct sample **list) {
    int64_t begin_ns = platform_now_ns();
    struct sample_stack stack;
    take_stack(by, &stack);
    bool added = samples_add(&by->heap->samples, of, &stack, list);
    learn_cost(sampler, &by->heap->samples, platform_now_ns() - begin_ns);
    draw_distance(sampler);
    return added;
}

static struct sampled_by by_mutator(gait_mutator *mutator) {
    return (struct sampled_by){mutator->heap, mutator, mutator->sampler.caller};
}

void alloc_sample_slow(gait_mutator *mutator, gait_kind kind, const void *object,
                       size_t object_bytes, size_t taken_bytes) {
    struct sampler *sampler = &mutator->sampler;
    if (keep_up(sampler, mutator->heap))
        sampler->left_bytes -= (int64_t)taken_bytes;
    if (sampler->left_bytes > 0)
        return;
    struct sampled_by by = by_mutator(mutator);
    double bytes = alloc_sample_weight((double)taken_bytes, mean_bytes(sampler));
    /* the next cycle's flip, or the one after that: samples.h, .inv.first */
    unsigned births = mutator_is_marking(mutator) ? 2 : 1;
    struct sample_of of = {.memory = GAIT_PROFILE_OBJECTS,
                           .has_kind = true,
                           .kind = kind,
                           .start = object,
                           .judged_epoch = space_epoch(&mutator->heap->space) + births,
                           .objects = bytes / (double)object_bytes,
                           .bytes = bytes};
    take_sample(sampler, &by, &of, NULL);
}

/* ---- Arenas ---- */

double alloc_sample_mean(gait_mutator *mutator) {
    keep_up(&mutator->sampler, mutator->heap);
    return mean_bytes(&mutator->sampler);
}

double alloc_sample_distance(gait_mutator *mutator, double mean) {
    return -log(draw(&mutator->sampler)) * mean;
}

void alloc_sample_arena(gait_mutator *mutator, const gait_kind *kind, const char *name,
                        const void *start, double bytes, double weight_bytes,
                        struct sample **list) {
    struct sampled_by by = by_mutator(mutator);
    struct sample_of of = {.memory = GAIT_PROFILE_ARENA,
                           .has_kind = kind != NULL,
                           .kind = kind ? *kind : 0,
                           .tag = name,
                           .start = start,
                           .objects = weight_bytes / bytes,
                           .bytes = weight_bytes};
    take_sample(&mutator->sampler, &by, &of, list);
}

/* ---- Beside the heap ---- */

/* Of each thread, attached or not; of all heaps, since a distance may be drawn anew at any time. */
static _Thread_local struct sampler beside;

bool alloc_sample_beside(gait_heap *heap, const struct sample_of *of, size_t bytes,
                         const void *caller) {
    struct sampler *sampler = &beside;
    keep_up(sampler, heap);
    sampler->left_bytes -= (int64_t)bytes;
    if (sampler->left_bytes > 0)
        return false;
    gait_mutator *mutator = program_thread_find(heap);
    bool running = mutator && AO_int_load(&mutator->state) == MUTATOR_RUNNING;
    struct sampled_by by = {heap, running ? mutator : NULL, caller};
    double weight = alloc_sample_weight((double)bytes, mean_bytes(sampler));
    struct sample_of sampled = *of;
    sampled.objects = bytes > 0 ? weight / (double)bytes : 1;
    sampled.bytes = weight;
    if (!sampled.tag)
        sampled.tag = "";
    return take_sample(sampler, &by, &sampled, NULL);
}
