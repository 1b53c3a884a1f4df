/* SPDX-License-Identifier: MIT */
/*
 * gait_free: when an object's memory may be used again, and what hears of it. docs/design/heap.md,
 * Freeing, has the argument.
 */
#include "alloc_free.h"

#include <gait/gait.h>

#include "../instance.h"

/* Control hears of so much at once, as of what is allocated: a run. */
#define TELL_BYTES ((size_t)8192)

/* ---- Objects that were freed, and wait for a cycle ---- */

/* Checked builds know an object again that is freed twice, or used by gait_realloc, while a cycle
 * has not freed its cell: the address is no other object's before the next one ends. */
#ifdef GAIT_CHECKS
static void left_note(gait_mutator *mutator, const void *object) {
    unsigned epoch = space_epoch(&mutator->heap->space);
    if (mutator->left_epoch != epoch)
        mutator->left_count = 0;
    mutator->left_epoch = epoch;
    mutator->left[mutator->left_count++ % MUTATOR_LEFT] = object;
}

static bool left_has(const gait_mutator *mutator, const void *object) {
    unsigned count = mutator->left_count < MUTATOR_LEFT ? mutator->left_count : MUTATOR_LEFT;
    if (mutator->left_epoch != space_epoch(&mutator->heap->space))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (mutator->left[i] == object)
            return true;
    return false;
}
#else
static void left_note(gait_mutator *mutator, const void *object) { (void)mutator, (void)object; }

static bool left_has(const gait_mutator *mutator, const void *object) {
    (void)mutator, (void)object;
    return false;
}
#endif

struct cell alloc_object(const gait_mutator *mutator, const void *object, const char *call) {
    const struct space *space = &mutator->heap->space;
    struct cell cell;
    if (!space_holds(space, (uintptr_t)object) || !space_cell(space, (uintptr_t)object, &cell))
        platform_fatal("%s: %p is not an object of this heap", call, object);
    if (!cell_allocated(&cell, space_epoch(space)) || left_has(mutator, cell.start))
        platform_fatal("%s: there is no object at %p: it was freed, or collected, before", call,
                       object);
    if (cell.start != (const char *)object)
        platform_fatal("%s: %p points inside the object at %p", call, object, (void *)cell.start);
    return cell;
}

/* ---- Freeing ---- */

void alloc_freed(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    mutator->freed_bytes += bytes;
    if (mutator->heap->kinds.kinds[kind].layout != GAIT_LEAF)
        mutator->freed_scannable_bytes += bytes;
    if (mutator->freed_bytes >= TELL_BYTES)
        control_freed(&mutator->heap->control, mutator);
}

bool alloc_may_free(const gait_mutator *mutator) {
    gait_heap *heap = mutator->heap;
    /* control's word spares the figures of a cycle that is beginning; nothing else rests on it */
    return !mutator_is_marking(mutator) && sweep_is_open(&heap->sweeper) &&
           !AO_load(&heap->control.marking);
}

/* What the cell counted as when it was allocated. */
static size_t counted_bytes(const struct space *space, const struct cell *cell) {
    unsigned size_class = ENTRY_CLASS(cell->entry);
    return size_class == CLASS_LARGE ? span_pages_now(&space->spans[cell->head]) << PAGE_SHIFT
                                     : class_table[size_class].cell_bytes;
}

void alloc_free(gait_mutator *mutator, const struct cell *cell) {
    gait_heap *heap = mutator->heap;
    size_t bytes = counted_bytes(&heap->space, cell);
    enum freed freed = FREED_LATER;
    samples_forget(&heap->samples, cell->start, GAIT_PROFILE_OBJECTS);
    expected_remove(&heap->expected, cell->start);
    if (AO_char_load(&heap->space.spans[cell->head].recorded))
        finalizers_drop(&heap->finalizers, cell->start);
    else if (alloc_may_free(mutator))
        freed = cell_free(&mutator->cache, cell, heap->options.clobberfree != 0);
    if (freed == FREED_NO_OBJECT)
        platform_fatal("gait_free: there is no object at %p yet", (void *)cell->start);
    if (freed == FREED)
        alloc_freed(mutator, (gait_kind)ENTRY_KIND(cell->entry), bytes);
    else
        left_note(mutator, cell->start);
}

void gait_free(gait_mutator *mutator, void *object) {
    mutator_check(mutator);
    struct cell cell = alloc_object(mutator, object, __func__);
    alloc_free(mutator, &cell);
}
