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
#include "observe/pacerlog.h"
#include "platform/perturb.h"

static struct lock heaps_lock; /* rank HEAPS: guards heaps, and is held across fork */
static gait_heap *heaps;
static AO_t registered; /* 0: not yet, 1: by some thread now, 2: done */

/* ---- Around fork ---- */

/* Locks that threads in native code, or of no mutator, may hold, by rising rank. */
static const size_t lock_offsets[] = {
    offsetof(gait_heap, roots.lock),
    offsetof(gait_heap, control.lock),
    offsetof(gait_heap, finalizers.lock),
    offsetof(gait_heap, kinds.lock),
    offsetof(gait_heap, cycle.scavenge_lock),
    offsetof(gait_heap, space.lock),
    offsetof(gait_heap, queue.lock),
    offsetof(gait_heap, cycle.lock),
    offsetof(gait_heap, oom_lock),
    offsetof(gait_heap, spare_lock),
};
#define LOCKS (sizeof lock_offsets / sizeof lock_offsets[0])

static struct lock *lock_of(gait_heap *heap, size_t i) {
    return (struct lock *)((char *)heap + lock_offsets[i]);
}

static void prepare(void) {
    mutator_save_stack();
    world_rest();
    PERTURB(FORK_PREPARE);
    lock_acquire(&heaps_lock);
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        lock_acquire(&heap->cycle.gate);
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        world_stop(&heap->world);
    PERTURB(FORK_STOPPED);
    for (size_t i = 0; i < LOCKS; i++)
        for (gait_heap *heap = heaps; heap; heap = heap->next)
            lock_acquire(lock_of(heap, i));
}

static void locks_release(void) {
    for (size_t i = LOCKS; i-- > 0;)
        for (gait_heap *heap = heaps; heap; heap = heap->next)
            lock_release(lock_of(heap, i));
}

static void resume(void) {
    for (gait_heap *heap = heaps; heap; heap = heap->next) {
        world_start(&heap->world);
        lock_release(&heap->cycle.gate);
    }
    lock_release(&heaps_lock);
    world_resume();
}

static void parent(void) {
    PERTURB(FORK_PARENT);
    locks_release();
    resume();
}

/* The mutators whose threads the child does not have. */
static void drop_lost_mutators(gait_heap *heap) {
    gait_mutator *mine = gait_current(heap);
    for (gait_mutator *mutator = heap->world.first, *next; mutator; mutator = next) {
        next = mutator->next;
        if (mutator == mine)
            continue;
        world_drop(&heap->world, mutator, cycle_mutator_leaves);
        mutator_keep_locked(mutator); /* its lock is held: world_stop */
    }
}

static void child(void) {
    PERTURB(FORK_CHILD);
    locks_release(); /* nobody else is there, and dropping a mutator takes locks by rank */
    pacerlog_lost_all();
    for (gait_heap *heap = heaps; heap; heap = heap->next) {
        pacerlog_lost(heap);
        drop_lost_mutators(heap);
        cycle_threads_lost(heap);
    }
    resume();
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
