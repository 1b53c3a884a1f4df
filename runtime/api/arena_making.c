/* SPDX-License-Identifier: MIT */
/*
 * Arenas that a mutator is making. Each chunk that one begins with is taken at a safepoint, where
 * an out-of-memory handler may leave by longjmp; what was left so is found here, and given back.
 *
 *   .inv.making: as long as an arena is made, a frame of no words is pushed that lies in its
 *   record, which no longjmp takes away. One whose frame is not pushed any more was left: nobody
 *   else knows it, and its bumps are whole, as they are at each safepoint.
 */
#include "arenas.h"

void arena_give_up(gait_mutator *mutator, struct arena_own *own) {
    struct arena_call call = {.mutator = mutator, .own = own};
    if (own->range.pages > 0) {
        arena_range_give(own);
        return;
    }
    for (unsigned i = 0; arena_bump(own, i); i++) {
        if (!arena_bump(own, i)->current)
            continue;
        for (struct bump_chunk *chunk = bump_close(arena_bump(own, i)), *next; chunk;
             chunk = next) {
            next = chunk->next;
            arena_source.give(&call, chunk);
        }
    }
    if (own->shards)
        arena_shards_free(own);
}

void arena_discard(gait_mutator *mutator, struct arena_own *own) {
    arena_give_up(mutator, own);
    arenas_drop(&own->heap->arenas, &own->record);
}

static void drop(gait_mutator *mutator, bool all) {
    for (struct arena_own **link = &mutator->making, *own; (own = *link);) {
        if (!all && (own->making.coroutine != mutator->coroutine ||
                     mutator_has_frame(mutator, &own->making.frame))) {
            link = &own->making.next;
            continue;
        }
        *link = own->making.next;
        arena_discard(mutator, own);
    }
}

void arena_making_drop(gait_mutator *mutator) { drop(mutator, true); }

void arena_making_look(gait_mutator *mutator) { drop(mutator, false); }

void arena_making_begin(gait_mutator *mutator, struct arena_own *own) {
    own->making.coroutine = mutator->coroutine;
    own->making.next = mutator->making;
    mutator->making = own;
    gait_push_frame(mutator, &own->making.frame, NULL, 0);
}

void arena_making_end(gait_mutator *mutator, struct arena_own *own) {
    struct arena_own **link = &mutator->making;
    while (*link != own)
        link = &(*link)->making.next;
    *link = own->making.next;
    gait_pop_frame(mutator);
}
