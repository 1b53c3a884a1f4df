/* SPDX-License-Identifier: MIT */
/*
 * Detached mutators. See spare.h.
 */
#include "spare.h"

#include <string.h>

#include "../heap/counted.h"

/* A mutator takes some 10 KiB. Guess. */
#define SPARES_MOST 64

void spare_init(gait_heap *heap) { lock_init(&heap->spares.lock, LOCK_LOG, "spare mutators"); }

static void mutator_free(gait_heap *heap, gait_mutator *mutator) {
    counted_free(&heap->space.metadata_bytes, mutator, sizeof *mutator);
}

void spare_free(gait_heap *heap) {
    for (gait_mutator *mutator = heap->spares.youngest, *next; mutator; mutator = next) {
        next = mutator->next;
        mutator_free(heap, mutator);
    }
    lock_destroy(&heap->spares.lock);
}

static void oldest_free(gait_heap *heap) {
    struct spares *spares = &heap->spares;
    gait_mutator *mutator = spares->oldest;
    spares->oldest = mutator->previous;
    spares->oldest->next = NULL;
    spares->count--;
    mutator_free(heap, mutator);
}

gait_mutator *spare_take(gait_heap *heap) {
    struct spares *spares = &heap->spares;
    lock_acquire(&spares->lock);
    gait_mutator *mutator = spares->youngest;
    if (mutator) {
        spares->youngest = mutator->next;
        if (spares->youngest)
            spares->youngest->previous = NULL;
        else
            spares->oldest = NULL;
        spares->count--;
    }
    lock_release(&spares->lock);
    if (!mutator)
        return counted_alloc(&heap->space.metadata_bytes, sizeof *mutator);
    memset(mutator, 0, sizeof *mutator);
    return mutator;
}

void spare_keep(gait_mutator *mutator) {
    gait_heap *heap = mutator->heap;
    struct spares *spares = &heap->spares;
    lock_acquire(&spares->lock);
    AO_int_store(&mutator->state, MUTATOR_DETACHED);
    mutator->thread = NULL;
    frame_copy_free(&mutator->thread_copy);
    frame_copy_free(&mutator->coroutine_copy);
    /* the inline functions go their slow ways, which check the state */
    AO_int_store(&mutator->head.poll, 1);
    mutator->head.barrier = 1;
    mutator->previous = NULL;
    mutator->next = spares->youngest;
    if (spares->youngest)
        spares->youngest->previous = mutator;
    else
        spares->oldest = mutator;
    spares->youngest = mutator;
    if (++spares->count > SPARES_MOST)
        oldest_free(heap);
    lock_release(&spares->lock);
}
