/* SPDX-License-Identifier: MIT */
/*
 * Foreign memory: counting, and what follows from it. What is said about each function is in
 * gait/foreign.h, how it is counted in heap/foreign.h.
 */
#include <gait/foreign.h>

#include "../instance.h"
#include "../mutator/alloc_room.h"
#include "../mutator/alloc_sample.h"

/* Tell the sum. full: partner of control_end, which compares it once more. */
static void publish(gait_heap *heap, int64_t bytes) {
    if (bytes > 0) /* room is made before the bytes count */
        control_before_grow(&heap->control, (size_t)bytes);
    (void)AO_fetch_and_add_full(&heap->space.foreign.sum_bytes, (AO_t)bytes);
    if (control_memory_changed(&heap->control))
        collector_request(heap);
}

static void size_checked(size_t bytes, const char *call) {
    if (bytes > PTRDIFF_MAX)
        platform_fatal("%s: %zu bytes", call, bytes);
}

static void count_added(struct foreign_stripe *stripe, size_t bytes, const char *call) {
    size_checked(bytes, call);
    (void)AO_fetch_and_add_release(&stripe->added_bytes, bytes);
}

/* ---- Samples ---- */

/* memory: NULL, of what has no name: it is not known again. */
static inline __attribute__((always_inline)) void sample(gait_heap *heap, const void *memory,
                                                         size_t bytes, const char *name) {
    if (alloc_is_sampled(heap))
        alloc_sample_beside(
            heap, &(struct sample_of){.memory = GAIT_PROFILE_FOREIGN, .tag = name, .start = memory},
            bytes, __builtin_return_address(0));
}

/* What has a name, or is left out, was counted; negative: taken back. */
static void count_named(struct foreign_stripe *stripe, size_t bytes) {
    counter_add(&stripe->named_bytes, bytes);
}

/* ---- By a mutator ---- */

static void add(gait_mutator *mutator, size_t bytes, const char *call) {
    bool step = bytes >= FOREIGN_STEP_BYTES ||
                mutator->foreign_rest_bytes + (int64_t)bytes >= (int64_t)FOREIGN_STEP_BYTES;
    if (step) {
        struct alloc_need need = {.bytes = bytes, .page_bytes = bytes};
        world_poll(mutator);
        alloc_make_room(mutator, &need);
    }
    count_added(mutator->stripe, bytes, call);
    control_foreign_added(&mutator->heap->control, mutator, bytes);
    mutator->foreign_rest_bytes += (int64_t)bytes;
    if (step) {
        int64_t rest = mutator->foreign_rest_bytes;
        mutator->foreign_rest_bytes = 0;
        publish(mutator->heap, rest);
    }
}

static void take_back(gait_mutator *mutator, size_t bytes, const char *call) {
    size_checked(bytes, call);
    struct foreign_stripe *stripe = mutator->stripe;
    size_t taken = AO_fetch_and_add_release(&stripe->taken_bytes, bytes) + bytes;
    if (taken > AO_load(&stripe->added_bytes)) {
        /* half of what there is then may go before the next look: others take as well */
        if (mutator->foreign_free_bytes < bytes)
            mutator->foreign_free_bytes = foreign_check(&mutator->heap->space.foreign, call) / 2;
        else
            mutator->foreign_free_bytes -= bytes;
    }
    mutator->foreign_rest_bytes -= (int64_t)bytes;
    if (mutator->foreign_rest_bytes <= -(int64_t)FOREIGN_STEP_BYTES) {
        int64_t rest = mutator->foreign_rest_bytes;
        mutator->foreign_rest_bytes = 0;
        publish(mutator->heap, rest);
    }
}

void gait_foreign_add(gait_mutator *mutator, size_t bytes) {
    mutator_check(mutator);
    add(mutator, bytes, __func__);
    sample(mutator->heap, NULL, bytes, "");
}

void gait_foreign_add_named(gait_mutator *mutator, const void *memory, size_t bytes,
                            const char *name) {
    mutator_check(mutator);
    add(mutator, bytes, __func__);
    count_named(mutator->stripe, bytes);
    if (memory)
        sample(mutator->heap, memory, bytes, name);
}

void gait_foreign_sub(gait_mutator *mutator, size_t bytes) {
    mutator_check(mutator);
    take_back(mutator, bytes, __func__);
}

void gait_foreign_sub_named(gait_mutator *mutator, const void *memory, size_t bytes) {
    mutator_check(mutator);
    samples_forget(&mutator->heap->samples, memory, GAIT_PROFILE_FOREIGN);
    count_named(mutator->stripe, -bytes);
    take_back(mutator, bytes, __func__);
}

/* ---- By any thread ---- */

static struct foreign_stripe *stripe_here(gait_heap *heap) {
    return foreign_stripe(&heap->space.foreign, program_thread_here());
}

static void add_here(gait_heap *heap, size_t bytes, const char *call) {
    count_added(stripe_here(heap), bytes, call);
    publish(heap, (int64_t)bytes);
}

static void take_back_here(gait_heap *heap, size_t bytes, const char *call) {
    size_checked(bytes, call);
    (void)AO_fetch_and_add_release(&stripe_here(heap)->taken_bytes, bytes);
    foreign_check(&heap->space.foreign, call);
    publish(heap, -(int64_t)bytes);
}

void gait_heap_foreign_add(gait_heap *heap, size_t bytes) {
    HEAP_CALL(heap);
    add_here(heap, bytes, __func__);
    sample(heap, NULL, bytes, "");
}

void gait_heap_foreign_add_named(gait_heap *heap, const void *memory, size_t bytes,
                                 const char *name) {
    HEAP_CALL(heap);
    add_here(heap, bytes, __func__);
    count_named(stripe_here(heap), bytes);
    if (memory)
        sample(heap, memory, bytes, name);
}

void gait_heap_foreign_sub(gait_heap *heap, size_t bytes) {
    HEAP_CALL(heap);
    take_back_here(heap, bytes, __func__);
}

void gait_heap_foreign_sub_named(gait_heap *heap, const void *memory, size_t bytes) {
    HEAP_CALL(heap);
    samples_forget(&heap->samples, memory, GAIT_PROFILE_FOREIGN);
    count_named(stripe_here(heap), -bytes);
    take_back_here(heap, bytes, __func__);
}
