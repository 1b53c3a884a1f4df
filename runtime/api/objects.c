/* SPDX-License-Identifier: MIT */
/*
 * Questions about objects, and what is asked when there is no memory for one. What is said about
 * each function is in gait.h.
 */
#include <gait/gait.h>

#include "../instance.h"
#include "../platform/platform.h"

/* Takes no lock, and writes nothing: so it is open to a thread that a program's own means may stop
 * in the middle (world.md, .inv.inside). What it looks at is then as it was, except for the bits,
 * which may have turned over and been swept: it looks again. */
static bool find_object(gait_heap *heap, const void *address, struct cell *cell) {
    const struct space *space = &heap->space;
    bool found;
    unsigned epoch;
    do {
        epoch = AO_int_load_acquire(&space->epoch); /* before the bits */
        found = space_holds(space, (uintptr_t)address) &&
                space_cell(space, (uintptr_t)address, cell) && cell_allocated(cell, epoch);
        AO_nop_read(); /* pairs with the flip, which is released by the end of the stop */
    } while (AO_int_load(&space->epoch) != epoch);
    return found;
}

void *gait_object_base(gait_heap *heap, const void *address) {
    struct cell cell;
    return find_object(heap, address, &cell) ? cell.start : NULL;
}

gait_kind gait_object_kind(gait_heap *heap, const void *object) {
    struct cell cell;
    if (!find_object(heap, object, &cell))
        platform_fatal("gait_object_kind: %p is not an object", object);
    return ENTRY_KIND(cell.entry);
}

size_t gait_object_bytes(gait_heap *heap, const void *object) {
    struct cell cell;
    if (!find_object(heap, object, &cell))
        platform_fatal("gait_object_bytes: %p is not an object", object);
    return entry_cell_bytes(&heap->space, cell.entry, cell.head);
}

void gait_alloc_aligned_slow(gait_mutator *mutator, size_t align) {
    (void)mutator;
    platform_fatal("gait_alloc_aligned: %zu is no power of two up to %d", align, GAIT_ALIGN_MAX);
}

void gait_set_oom_handler(gait_heap *heap, gait_oom_fn handler, void *data) {
    HEAP_CALL(heap);
    lock_acquire(&heap->oom_lock);
    heap->oom_handler = handler;
    heap->oom_data = data;
    lock_release(&heap->oom_lock);
}
