/* SPDX-License-Identifier: MIT */
/*
 * fork: before it, every heap of the process is brought to rest; after it, the child drops the
 * mutators and collector threads that it did not get.
 *
 * At rest means: the forking thread counts as native; no cycle runs, since the gate is held; the
 * world is stopped, so that no mutator is inside the library; and each lock is held that a thread
 * in native code or the scavenger might have. So fork waits for the end of a running cycle, and
 * the child finds every structure whole.
 */
#include "forking.h"

#include "instance.h"

static struct lock heaps_lock; /* rank HEAPS: guards heaps, and is held across fork */
static gait_heap *heaps;
static AO_t registered; /* 0: not yet, 1: by some thread now, 2: done */

/* ---- Around fork ---- */

static void heap_rest(gait_heap *heap) {
    gait_mutator *mutator = gait_current(heap);
    heap->forking_native = mutator && AO_int_load(&mutator->state) == MUTATOR_RUNNING;
    if (heap->forking_native)
        gait_enter_native(mutator);
    lock_acquire(&heap->cycle.gate);
    world_stop(&heap->world);
    lock_acquire(&heap->roots.lock);
    lock_acquire(&heap->control.lock);
    lock_acquire(&heap->finalizers.lock);
    lock_acquire(&heap->kinds.lock);
    lock_acquire(&heap->cycle.scavenge_lock);
    lock_acquire(&heap->space.lock);
    lock_acquire(&heap->queue.lock);
    lock_acquire(&heap->cycle.lock);
    lock_acquire(&heap->oom_lock);
    lock_acquire(&heap->spare_lock);
}

static void heap_resume(gait_heap *heap) {
    lock_release(&heap->spare_lock);
    lock_release(&heap->oom_lock);
    lock_release(&heap->cycle.lock);
    lock_release(&heap->queue.lock);
    lock_release(&heap->space.lock);
    lock_release(&heap->cycle.scavenge_lock);
    lock_release(&heap->kinds.lock);
    lock_release(&heap->finalizers.lock);
    lock_release(&heap->control.lock);
    lock_release(&heap->roots.lock);
    world_start(&heap->world);
    lock_release(&heap->cycle.gate);
    if (heap->forking_native)
        gait_leave_native(gait_current(heap));
}

static void prepare(void) {
    lock_acquire(&heaps_lock);
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        heap_rest(heap);
}

static void parent(void) {
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        heap_resume(heap);
    lock_release(&heaps_lock);
}

/* The mutators whose threads the child does not have. */
static void drop_lost_mutators(gait_heap *heap) {
    gait_mutator *mine = gait_current(heap);
    for (gait_mutator *mutator = heap->world.first, *next; mutator; mutator = next) {
        next = mutator->next;
        if (mutator == mine)
            continue;
        world_drop(&heap->world, mutator, cycle_mutator_leaves);
        mutator_keep_locked(mutator); /* its lock is held: heap_rest */
    }
}

static void child(void) {
    for (gait_heap *heap = heaps; heap; heap = heap->next) {
        drop_lost_mutators(heap);
        cycle_threads_lost(heap);
        heap_resume(heap);
    }
    lock_release(&heaps_lock);
}

/* ---- The list ---- */

static void register_once(void) {
    if (AO_load_acquire(&registered) == 2)
        return;
    if (AO_compare_and_swap_full(&registered, 0, 1)) {
        lock_init(&heaps_lock, LOCK_HEAPS, "heaps");
        if (platform_at_fork(prepare, parent, child) < 0)
            platform_fatal("fork can't be followed: no memory for its handlers");
        AO_store_release(&registered, 2);
    }
    while (AO_load_acquire(&registered) != 2)
        platform_yield();
}

void forking_add(gait_heap *heap) {
    register_once();
    lock_acquire(&heaps_lock);
    heap->next = heaps;
    heaps = heap;
    lock_release(&heaps_lock);
}

void forking_remove(gait_heap *heap) {
    lock_acquire(&heaps_lock);
    gait_heap **link = &heaps;
    while (*link != heap)
        link = &(*link)->next;
    *link = heap->next;
    lock_release(&heaps_lock);
}
