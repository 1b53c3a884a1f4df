/* SPDX-License-Identifier: MIT */
/*
 * fork: before it, every heap of the process is brought to rest; after it, the child drops the
 * mutators and collector threads that it did not get.
 *
 * At rest means: the forking thread counts as native; no cycle runs, since the gate is held; the
 * world is stopped, so that no mutator is inside the library; and each lock is held that a thread
 * in native code or the scavenger might have. So fork waits for the end of a running cycle, and
 * the child finds every structure whole. What it finds word by word: docs/design/world.md.
 *
 *   .inv.heaps: a thread that waits for the list of heaps is NATIVE in all: whoever holds it may be
 *   a thread that forks, and wait for a cycle, and so for every mutator that runs. For the same
 *   reason no heap is created or destroyed by a thread that is RUNNING anywhere: both wait for
 * threads.
 *
 * A heap that another thread was creating or destroying is not on the list: the child neither uses
 * it nor frees it. Its descriptors are closed there, as all of the library's.
 */
#include "fork.h"

#include "../instance.h"
#include "../mutator/spare.h"
#include "../observe/at_exit.h"
#include "../observe/observe.h"
#include "../platform/perturb.h"
#include "arenas.h"
#include "clones.h"

static struct lock heaps_lock; /* rank HEAPS: guards heaps, and is held across fork */
static gait_heap *heaps;       /* links are released, for fork_heaps */
static bool followed;          /* constant: the handlers are registered */
static int64_t process_cpu_ns; /* of the process that forks, at the fork; lock HEAPS */

/* ---- Around fork ---- */

/* Locks that threads in native code, or of no mutator, may hold, by rising rank. */
static const size_t lock_offsets[] = {
    offsetof(gait_heap, roots.lock),
    offsetof(gait_heap, control.lock),
    offsetof(gait_heap, finalizers.lock.lock),
    offsetof(gait_heap, links.lock.lock),
    offsetof(gait_heap, kinds.lock),
    offsetof(gait_heap, scavenger.lock),
    offsetof(gait_heap, arenas.lock),
    offsetof(gait_heap, space.lock),
    offsetof(gait_heap, cycle.figures.lock),
    offsetof(gait_heap, control.notices.lock),
    offsetof(gait_heap, oom_lock),
    offsetof(gait_heap, spares.lock),
    offsetof(gait_heap, samples.lock),
    offsetof(gait_heap, expected.lock),
};
#define LOCKS (sizeof lock_offsets / sizeof lock_offsets[0])

static struct lock *lock_of(gait_heap *heap, size_t i) {
    return (struct lock *)((char *)heap + lock_offsets[i]);
}

static void prepare(void) {
    mutator_save_stack();
    world_rest();
    lock_forbid(NULL, 0); /* it may be stopped until it has the gates, and then no more */
    PERTURB(FORK_PREPARE);
    lock_acquire(&heaps_lock);
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        lock_acquire(&heap->collector.gate);
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        world_close(&heap->world);
    PERTURB(FORK_STOPPED);
    for (size_t i = 0; i < LOCKS; i++)
        for (gait_heap *heap = heaps; heap; heap = heap->next)
            if (lock_of(heap, i) == &heap->space.lock)
                space_lock_whole(&heap->space);
            else if (lock_of(heap, i) == &heap->arenas.lock)
                arenas_lock_whole(&heap->arenas);
            else
                lock_acquire(lock_of(heap, i));
    observe_hold_process();
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        observe_hold(heap);
    libraries_hold();
    platform_own_hold();
    process_cpu_ns = platform_process_cpu_ns();
}

static void locks_release(void) {
    for (size_t i = LOCKS; i-- > 0;)
        for (gait_heap *heap = heaps; heap; heap = heap->next)
            lock_release(lock_of(heap, i));
}

static void resume(void) {
    for (gait_heap *heap = heaps; heap; heap = heap->next) {
        world_open(&heap->world);
        lock_release(&heap->collector.gate);
    }
    lock_release(&heaps_lock);
    world_resume();
}

static void parent(void) {
    PERTURB(FORK_PARENT);
    platform_own_let_go();
    libraries_let_go();
    for (gait_heap *heap = heaps; heap; heap = heap->next)
        observe_let_go(heap);
    observe_let_go_process();
    locks_release();
    resume();
}

/* The mutators whose threads the child does not have. */
static void drop_lost_mutators(gait_heap *heap) {
    gait_mutator *mine = gait_current(heap);
    AO_store(&heap->collector.held, mine && mine->no_collect > 0);
    for (gait_mutator *mutator = heap->world.first, *next; mutator; mutator = next) {
        next = mutator->next;
        if (mutator == mine) {
            mutator->cpu_clock = platform_thread_clock(); /* the thread has another number here */
            continue;
        }
        mutator_drop_roots(mutator); /* its coroutine has stopped as well, without roots */
        if (mutator->outside)        /* NATIVE, and counted among those that run; others rest */
            counter_sub(&heap->world.running, 1);
        world_drop(&heap->world, mutator, cycle_mutator_leaves);
        arena_making_drop(mutator);
        clones_free(mutator);
        mutator->no_collect = 0;
        spare_keep(mutator);
    }
}

static void child(void) {
    PERTURB(FORK_CHILD);
    platform_own_lost(); /* all of them, also those of heaps that are not on the list */
    at_exit_forget();
    platform_child_forked();
    libraries_lost();
    observe_forked();
    for (gait_heap *heap = heaps; heap; heap = heap->next) {
        libraries_forked(heap);
        observe_lost(heap);
    }
    locks_release(); /* nobody else is there, and dropping a mutator takes locks by rank */
    int64_t cpu_ns = process_cpu_ns - platform_process_cpu_ns();
    for (gait_heap *heap = heaps; heap; heap = heap->next) {
        drop_lost_mutators(heap);
        collector_lost(heap);
        control_process_is_new(&heap->control, cpu_ns);
    }
    resume();
}

/* ---- The list ---- */

/* As the program is loaded: later, another thread could fork meanwhile. And before the embedder's
 * own handlers, so that those run while the heaps can be used. */
__attribute__((constructor)) static void register_handlers(void) {
    lock_init(&heaps_lock, LOCK_HEAPS, "heaps");
    followed = platform_at_fork(prepare, parent, child) == 0;
}

bool fork_is_followed(void) { return followed; }

void fork_add(gait_heap *heap) {
    lock_acquire(&heaps_lock);
    heap->next = heaps;
    __atomic_store_n(&heaps, heap, __ATOMIC_RELEASE);
    lock_release(&heaps_lock);
}

void fork_remove(gait_heap *heap) {
    lock_acquire(&heaps_lock);
    gait_heap **link = &heaps;
    while (*link != heap)
        link = &(*link)->next;
    __atomic_store_n(link, heap->next, __ATOMIC_RELEASE);
    lock_release(&heaps_lock);
}

gait_heap *fork_heaps(void) { return __atomic_load_n(&heaps, __ATOMIC_ACQUIRE); }

gait_heap *fork_next(const gait_heap *heap) {
    return __atomic_load_n(&heap->next, __ATOMIC_ACQUIRE);
}
