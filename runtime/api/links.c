/* SPDX-License-Identifier: MIT */
/*
 * Links as the embedder calls them. What is said about each function is in links.h.
 */
#include <gait/links.h>

#include "../heap/free.h"
#include "../instance.h"

/* How long a look lasts at a link that the collector is about to decide on: a bound on a wake that
 * was missed. */
#define DECIDED_LOOK_NS 1000000

#define LINK_FLAGS (GAIT_LINK_LONG | GAIT_LINK_EARLY)

/* A slot is the program's memory, or lies in an object; nothing tells when an arena's is used
 * again. */
static bool is_slot(const gait_heap *heap, const gait_word *slot) {
    uintptr_t address = (uintptr_t)slot;
    struct cell cell;
    if (!slot || address % sizeof *slot != 0)
        return false;
    return !space_reserves(&heap->space, address) ||
           (space_holds(&heap->space, address) && space_cell(&heap->space, address, &cell) &&
            cell_allocated(&cell, space_epoch(&heap->space)));
}

/* A slot in an object is known by its address: that memory is not to be another's before the link
 * has ended. */
static void note_slot(gait_heap *heap, const gait_word *slot) {
    if (space_reserves(&heap->space, (uintptr_t)slot))
        space_note_record(&heap->space, slot);
}

/* One or none of them. */
static bool are_flags(uint32_t flags) {
    return (flags & ~(uint32_t)LINK_FLAGS) == 0 && flags != LINK_FLAGS;
}

/* An early link is cleared before marking has ended: the program has to stand still. */
static bool has_early(const gait_heap *heap) {
    return heap->flags & GAIT_STOP_THE_WORLD || world_has_hooks(&heap->world);
}

int gait_link_register(gait_mutator *mutator, gait_word *slot, void *target, uint32_t flags) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    if (!are_flags(flags) || (flags & GAIT_LINK_EARLY && !has_early(heap)) ||
        !is_slot(heap, slot) || !target || gait_object_base(heap, target) != target)
        return GAIT_E_INVALID;
    space_note_record(&heap->space, target);
    note_slot(heap, slot);
    if (flags & GAIT_LINK_EARLY)
        return links_set_early(&heap->links, slot, target);
    return links_set(&heap->links, slot, flags & GAIT_LINK_LONG, target);
}

int gait_link_unregister(gait_mutator *mutator, gait_word *slot, uint32_t flags) {
    mutator_check(mutator);
    if (!are_flags(flags))
        return GAIT_E_INVALID;
    return links_remove(&mutator->heap->links, slot, flags & GAIT_LINK_LONG);
}

int gait_link_move(gait_mutator *mutator, gait_word *from, gait_word *to, uint32_t flags) {
    mutator_check(mutator);
    if (!are_flags(flags) || !is_slot(mutator->heap, to))
        return GAIT_E_INVALID;
    note_slot(mutator->heap, to);
    return links_move(&mutator->heap->links, from, to, flags & GAIT_LINK_LONG);
}

void *gait_link_get(gait_mutator *mutator, const gait_word *slot, uint32_t flags) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    struct links *links = &heap->links;
    if (!are_flags(flags))
        return NULL;
    for (;;) {
        unsigned cleared = AO_int_load_acquire(&links->cleared); /* before the look at the link */
        bool undecided;
        uintptr_t target =
            links_target(links, &heap->space, slot, flags & GAIT_LINK_LONG, &undecided);
        if (!undecided) {
            mutator_shade_read(mutator, target);
            return (void *)target;
        }
        mutator_save_stack();
        world_rest(); /* the collector may want this thread's answer before it decides */
        platform_wait(&links->cleared, cleared, DECIDED_LOOK_NS);
        world_resume();
    }
}
