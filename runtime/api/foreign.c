/* SPDX-License-Identifier: MIT */
/*
 * Foreign memory: counting, and what follows from it. What is said about each function is in
 * gait/foreign.h, how it is counted in heap/foreign.h.
 */
#include <gait/foreign.h>

#include "../instance.h"
#include "../mutator/alloc_room.h"

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

void gait_foreign_add(gait_mutator *mutator, size_t bytes) {
    mutator_check(mutator);
    bool step = bytes >= FOREIGN_STEP_BYTES ||
                mutator->foreign_rest_bytes + (int64_t)bytes >= (int64_t)FOREIGN_STEP_BYTES;
    if (step) {
        struct alloc_need need = {.bytes = bytes, .page_bytes = bytes};
        world_poll(mutator);
        alloc_make_room(mutator, &need);
    }
    count_added(mutator->stripe, bytes, __func__);
    control_foreign_added(&mutator->heap->control, mutator, bytes);
    mutator->foreign_rest_bytes += (int64_t)bytes;
    if (step) {
        int64_t rest = mutator->foreign_rest_bytes;
        mutator->foreign_rest_bytes = 0;
        publish(mutator->heap, rest);
    }
}

void gait_foreign_sub(gait_mutator *mutator, size_t bytes) {
    mutator_check(mutator);
    size_checked(bytes, __func__);
    struct foreign_stripe *stripe = mutator->stripe;
    size_t taken = AO_fetch_and_add_release(&stripe->taken_bytes, bytes) + bytes;
    if (taken > AO_load(&stripe->added_bytes)) {
        /* half of what there is then may go before the next look: others take as well */
        if (mutator->foreign_free_bytes < bytes)
            mutator->foreign_free_bytes =
                foreign_check(&mutator->heap->space.foreign, __func__) / 2;
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

static struct foreign_stripe *stripe_here(gait_heap *heap) {
    return foreign_stripe(&heap->space.foreign, program_thread_here());
}

void gait_heap_foreign_add(gait_heap *heap, size_t bytes) {
    HEAP_CALL(heap);
    count_added(stripe_here(heap), bytes, __func__);
    publish(heap, (int64_t)bytes);
}

void gait_heap_foreign_sub(gait_heap *heap, size_t bytes) {
    HEAP_CALL(heap);
    size_checked(bytes, __func__);
    (void)AO_fetch_and_add_release(&stripe_here(heap)->taken_bytes, bytes);
    foreign_check(&heap->space.foreign, __func__);
    publish(heap, -(int64_t)bytes);
}
