/* SPDX-License-Identifier: MIT */
/*
 * Marking again what was written while all was marked: in a heap without a deletion barrier, where
 * what is loaded is protected by nothing but the stack that it is on. So stacks are scanned again
 * as marking ends, what is born is white until then, and marked objects on dirty cards are read
 * again. The program says which objects it has written, or the kernel says which pages
 * (heap->watches): such a program stores to its roots plainly, too. docs/design/objects.md.
 *
 *   .inv.called: scan functions of such a program run only with the world stopped: they may look at
 *   what a thread is in the middle of changing, anywhere. While marking that is the last stop, once
 *   at least for each marked object that has one: an object that the stop itself marks may be
 *   scanned as that, and again with its piece of cards. Those of what comes back run while the
 * cycle settles, which is then done stopped, too (settles_stopped of cycle.c).
 */
#include "changes.h"

#include "../instance.h"
#include "../platform/perturb.h"
#include "cycle_steps.h"

static void roots_scan_again(gait_mutator *mutator) {
    mutator_flush_barrier(mutator, cycle_lets_mark(mutator));
    cache_note_births(&mutator->cache);
    if (AO_int_load(&mutator->state) == MUTATOR_RUNNING)
        mutator_scan_roots(mutator);
    else
        mutator_visit_roots(mutator, &mutator->heap->workers.marker.visitor);
}

/* With the world stopped. */
static void push_stacks_again(gait_heap *heap) {
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next)
        roots_scan_again(mutator);
    cycle_push_stopped_roots(heap, &heap->workers.marker.visitor);
}

/* What has come into traced arenas has been initialised when threads have answered since. */
static void note_arenas(gait_heap *heap) {
    if (heap->space.cards.by_object)
        arenas_note(&heap->arenas, true);
}

/* Beside the program, except for a short stop where threads don't poll. */
static void shade_stacks(gait_heap *heap) {
    struct marker *marker = &heap->workers.marker;
    phase_enter(&heap->cycle.phase, PHASE_FLUSH);
    if (!world_has_hooks(&heap->world)) {
        marker_begin(marker);
        world_handshake(&heap->world, roots_scan_again);
        marker_end(marker);
        return;
    }
    world_stop(&heap->world);
    marker_begin(marker);
    push_stacks_again(heap);
    marker_end(marker);
    cycle_start_the_world(heap);
}

/* @return bytes that were written, if the kernel says. */
static size_t push_dirty(gait_heap *heap, size_t kinds) {
    struct marker *marker = &heap->workers.marker;
    size_t bytes = heap->watches ? written_to_cards(heap) : 0;
    marker_begin(marker);
    if (heap->space.cards.by_object)
        arenas_push_changed(&heap->arenas, marker);
    cards_push(marker, kinds);
    marker_end(marker);
    return bytes;
}

/* A number of no cycle: with it all coroutines are scanned, those that were already, too. */
#define EVERY_COROUTINE (~0u)

/* What is left of runs, with the world stopped and all found. */
void changes_blacken(gait_heap *heap) {
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next)
        cache_blacken(&mutator->cache);
}

/* With the world stopped: all that may have changed, until nothing is found any more. */
static void mark_the_rest(gait_heap *heap) {
    struct marker *marker = &heap->workers.marker;
    bool plain = heap->watches;
    AO_int_store(&heap->space.defers, 0); /* released by the queue with the first work */
    note_arenas(heap);
    marker_begin(marker);
    push_stacks_again(heap);
    if (plain)
        roots_visit_words(&heap->roots, &marker->visitor);
    coroutines_push(&heap->roots, marker, plain ? EVERY_COROUTINE : space_epoch(&heap->space) + 1,
                    false);
    cycle_push_finalizers(heap, marker); /* what was stored to one that is white has no card */
    marker_end(marker);
    push_dirty(heap, plain ? kinds_count(&heap->kinds) : 0);
    cycle_mark_stopped(heap);
    changes_blacken(heap);
}

static void stop_and_mark_the_rest(void *data) {
    gait_heap *heap = data;
    world_stop(&heap->world);
    phase_enter(&heap->cycle.phase, PHASE_STOP);
    mark_the_rest(heap);
}

/* What has changed since this was done last, beside the program. @return bytes that were written,
 * or that were read for it. */
static size_t mark_changed(gait_heap *heap) {
    const AO_t *work_bytes = &heap->space.cards.work_bytes;
    size_t before_bytes = AO_load(work_bytes);
    PERTURB(CYCLE_DRAINED);
    note_arenas(heap);
    shade_stacks(heap);
    size_t written_bytes = push_dirty(heap, 0);
    cycle_mark(heap, false);
    return heap->watches ? written_bytes : AO_load(work_bytes) - before_bytes;
}

/* From the end of the first marking on. */
void changes_mark(gait_heap *heap) {
    struct gait_governor_round round = {.bytes = UINT64_MAX, .by_pages = heap->watches};
    cycle_mark(heap, false);
    do {
        round.last_bytes = round.bytes;
        round.bytes = mark_changed(heap);
        round.rounds++;
    } while (control_looks_again(&round));
    PERTURB(CYCLE_QUIET);
    cycle_stop_and(heap, stop_and_mark_the_rest);
}
