/* SPDX-License-Identifier: MIT */
/*
 * Mutators: attach, detach, native code, polls. What is said about each function is in gait.h.
 */
#include <gait/gait.h>

#include "../error.h"
#include "../instance.h"
#include "../mutator/spare.h"
#include "../platform/timeline.h"
#include "arenas.h"
#include "clones.h"

gait_mutator *gait_current(gait_heap *heap) { return program_thread_find(heap); }

gait_heap *gait_mutator_heap(gait_mutator *mutator) {
    if (AO_int_load(&mutator->state) == MUTATOR_DETACHED)
        mutator_misused(mutator, __func__);
    return mutator->heap;
}

/* What it is told of its C stack. @return negative: the heap scans stacks, and this one is not
 * known: then the thread may not be attached. */
static int find_stack(gait_mutator *mutator) {
    void *low, *high;
    mutator->scans_stack = mutator->heap->flags & GAIT_CONSERVATIVE_STACKS;
    mutator->running_stack = &mutator->own.c;
    if (platform_stack_bounds(&low, &high) < 0)
        return mutator->scans_stack ? -1 : 0;
    mutator->own.c.low = low;
    mutator->own.c.high = high;
    return 0;
}

/* With the lock WORLD held. */
static void leaves(gait_mutator *mutator) {
    mutator_drop_roots(mutator);
    cycle_mutator_leaves(mutator);
}

static void detach(gait_mutator *mutator) {
    arena_making_drop(mutator);
    /* before it waits: the functions that had them may have ended already */
    if (AO_int_load(&mutator->state) == MUTATOR_RUNNING)
        mutator_drop_roots(mutator);
    timeline_end_steps(); /* the heap may be gone when the thread tells something next */
    world_remove(&mutator->heap->world, mutator, leaves);
    clones_free(mutator);
    if (mutator->no_collect > 0)
        collector_let_go(mutator->heap);
    mutator->no_collect = 0;
    spare_keep(mutator);
}

/* Of all mutators first, before anything waits: a thread that waits in one heap counts as native in
 * all. */
static void thread_ends(bool last) {
    struct program_thread *thread = program_thread_here();
    for (gait_mutator *mutator = thread->first; mutator; mutator = mutator->thread_next)
        if (AO_int_load(&mutator->state) == MUTATOR_RUNNING)
            mutator_drop_roots(mutator);
    world_end_regions(); /* until then the copies of its frames are scanned */
    for (gait_mutator *mutator = thread->first; mutator; mutator = mutator->thread_next) {
        if (mutator->outside)
            world_go_in(mutator);
        mutator_drop_roots(mutator);
    }
    while (last && thread->first)
        detach(thread->first);
    for (gait_mutator *mutator = thread->first; mutator; mutator = mutator->thread_next)
        if (world_has_hooks(mutator->world))
            world_go_out(mutator);
}

gait_mutator *gait_attach_explained(gait_heap *heap, char *error, size_t error_bytes) {
    gait_mutator *mutator = gait_current(heap);
    if (mutator)
        return mutator;
    if (!(mutator = spare_take(heap))) {
        error_say(error, error_bytes, "gait_attach: no memory");
        return NULL;
    }
    mutator->heap = heap;
    mutator->stripe = foreign_stripe(&heap->space.foreign, program_thread_here());
    cache_init(&mutator->cache, &heap->space, mutator->head.runs, heap->options.gcstress != 0);
    mutator->cache.whites = heap->object_barrier;
    mutator->head.cards = heap->space.cards.bytes;
    mutator->head.card_mask = heap->space.cards.mask;
    marker_init(&mutator->marker, &heap->space, &heap->queue, heap->value_mask);
    if (find_stack(mutator) < 0) {
        error_say(
            error, error_bytes,
            "gait_attach: the system does not tell where the thread's C stack lies, and the heap "
            "scans C stacks");
        goto no_thread;
    }
    if (program_thread_follow(thread_ends) < 0) {
        error_say(error, error_bytes,
                  "gait_attach: the thread's end can't be followed: it is in its last round of "
                  "thread-specific destructors, or there is no key or memory for one");
        goto no_thread;
    }
    mutator->thread = program_thread_here();
    mutator_save_stack();
    world_add(&heap->world, mutator, cycle_mutator_joins);
    if (world_has_hooks(&heap->world))
        world_go_out(mutator);
    return mutator;
no_thread:
    spare_keep(mutator);
    return NULL;
}

gait_mutator *gait_attach(gait_heap *heap) { return gait_attach_explained(heap, NULL, 0); }

void gait_detach(gait_mutator *mutator) {
    if (mutator->thread != program_thread_here())
        mutator_misused(mutator, __func__);
    if (mutator->outside)
        world_go_in(mutator);
    mutator_save_stack(); /* it may have to wait: of the thread's mutators in other heaps */
    detach(mutator);
}

void gait_enter_native(gait_mutator *mutator) {
    /* it may be in native code already, but not by a region of its own */
    if (mutator->thread != program_thread_here() || mutator->native)
        mutator_misused(mutator, __func__);
    mutator->from_outside = mutator->outside;
    if (mutator->outside)
        world_go_in(mutator);
    mutator_save_stack();
    world_enter_native(mutator);
}

void gait_leave_native(gait_mutator *mutator) {
    if (mutator->thread != program_thread_here())
        mutator_misused(mutator, __func__);
    if (!mutator->native)
        platform_fatal("gait_leave_native: the mutator is not in native code");
    mutator_save_stack(); /* it may have to wait: of the thread's mutators in other heaps */
    world_leave_native(mutator);
    if (mutator->from_outside)
        world_go_out(mutator);
}

void gait_stopped_at(gait_mutator *mutator, void *stack_top) {
    mutator_stopped_at(mutator, stack_top);
}

void gait_poll_slow(gait_mutator *mutator) {
    mutator_check_fast(mutator, "gait_poll");
    mutator_save_stack();
    world_answer_polled(mutator);
}

void gait_check(gait_mutator *mutator, const char *call) {
    if (mutator->thread != program_thread_here() || !mutator->outside)
        mutator_check_thread(mutator, call);
}
