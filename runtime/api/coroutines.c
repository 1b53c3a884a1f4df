/* SPDX-License-Identifier: MIT */
/*
 * Coroutines as the embedder calls them. What is said about each function is in gait.h.
 */
#include <gait/gait.h>
#include <gait/tied.h>

#include "../instance.h"
#include "../platform/perturb.h"

gait_coroutine *gait_coroutine_new(gait_mutator *mutator, gait_roots_fn visit, void *data,
                                   void *stack_low, void *stack_high) {
    mutator_check(mutator);
    if ((stack_low || stack_high) && (uintptr_t)stack_low >= (uintptr_t)stack_high)
        platform_fatal("gait_coroutine_new: the C stack [%p, %p) is empty", stack_low, stack_high);
    if (!mutator->scans_stack)
        stack_low = stack_high = NULL;
    return coroutine_new(&mutator->heap->roots, visit, data, stack_low, stack_high);
}

/* As cycles are numbered for coroutines: by the epoch that this one ends with. */
static unsigned cycle_number(gait_mutator *mutator) {
    return space_epoch(&mutator->heap->space) + 1;
}

void gait_coroutine_tie(gait_mutator *mutator, gait_coroutine *coroutine, void *object) {
    mutator_check(mutator);
    if (!coroutine_tie(coroutine, (gait_word)object))
        platform_fatal("gait_coroutine_tie: the coroutine is tied to an object already");
}

void gait_coroutine_free(gait_mutator *mutator, gait_coroutine *coroutine) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    struct marker *marker = mutator_is_marking(mutator) ? &mutator->marker : NULL;
    size_t bytes;
    if (marker)
        marker_begin(marker);
    /* as what comes back to life is marked, too */
    bool later = marker || phase_now(&heap->cycle.phase) == PHASE_SETTLE;
    bool gone =
        coroutine_free(&heap->roots, coroutine, marker, cycle_number(mutator), later, &bytes);
    if (marker)
        marker_end(marker);
    if (!gone)
        platform_fatal("gait_coroutine_free: the coroutine is running");
    counter_add(&heap->cycle.stack_bytes, bytes);
}

/* What runs until now stands still from here on. */
static void suspend_running(gait_mutator *mutator, unsigned cycle) {
    if (mutator->coroutine)
        coroutine_suspend(mutator->coroutine, mutator->head.frames, cycle);
    else
        mutator->own.frames = mutator->head.frames;
    mutator->coroutine = NULL;
    mutator->running_stack = &mutator->own.c;
    mutator->head.frames = mutator->own.frames;
    frame_copy_forget(&mutator->coroutine_copy); /* .inv.copy: of one coroutine only */
}

void gait_coroutine_switch(gait_mutator *mutator, gait_coroutine *to) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    if (to == mutator->coroutine)
        return;
    /* of this mutator alone: the thread's others may have been told of the switch already */
    REGISTERS_SAVE_IN_FRAME();
    mutator_save_frame(mutator, REGISTERS_FRAME_END());
    /* black: this mutator's roots, and with them those of what runs, were scanned in this cycle */
    bool scanned = mutator->cache.black && !heap->object_barrier; /* else it is scanned again */
    unsigned cycle = scanned ? cycle_number(mutator) : 0;
    suspend_running(mutator, cycle);
    PERTURB(COROUTINE_BETWEEN);
    if (!to)
        return;
    struct marker *marker = scanned ? &mutator->marker : NULL;
    size_t bytes;
    if (marker)
        marker_begin(marker);
    bool resumed = coroutine_resume(to, marker, cycle, &bytes);
    if (marker)
        marker_end(marker);
    if (!resumed)
        platform_fatal("gait_coroutine_switch: the coroutine runs on another thread");
    counter_add(&heap->cycle.stack_bytes, bytes);
    mutator->coroutine = to;
    mutator->head.frames = to->stack.frames;
    if (to->stack.c.high)
        mutator->running_stack = &to->stack.c;
}
