/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that do not run. See coroutines.h.
 */
#include "coroutines.h"

#include "../heap/counted.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "suspended.h"
#include "weak.h"

struct gait_coroutine *coroutine_new(struct roots *roots, gait_roots_fn visit, void *data,
                                     char *stack_low, char *stack_high) {
    struct gait_coroutine *coroutine = counted_alloc(roots->metadata_bytes, sizeof *coroutine);
    if (!coroutine)
        return NULL;
    lock_init(&coroutine->lock, LOCK_COROUTINE, "coroutine");
    coroutine->roots = roots;
    coroutine->stack =
        (struct stack){.visit = visit, .data = data, .c = {.low = stack_low, .high = stack_high}};
    lock_acquire(&roots->lock);
    coroutine->next = roots->coroutines;
    if (coroutine->next)
        coroutine->next->previous = coroutine;
    roots->coroutines = coroutine;
    lock_release(&roots->lock);
    return coroutine;
}

/* With the coroutine's lock held, or the world stopped. Not the object that it is tied to: who
 * leads here may keep what the object holds for its finalizer, and not the object. @return bytes.
 */
static size_t visit(struct gait_coroutine *coroutine, struct gait_visitor *visitor) {
    return stack_visit_frames(visitor, coroutine->stack.frames) +
           stack_visit_rest(visitor, &coroutine->stack);
}

/* Pushes what is white, and nothing else: a program may make, resume and free coroutines as fast as
 * it can, and marking ends when nothing is published any more. */
struct shader {
    struct gait_visitor visitor; /* first: shade casts */
    struct marker *marker;
};

static void shade(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct marker *marker = ((struct shader *)visitor)->marker;
    if (conservative)
        marker_shade(marker, &word, 1, true);
    else if (marker_is_white(marker, word))
        marker_push(marker, word);
}

static void reach(struct gait_visitor *visitor, gait_coroutine *coroutine) {
    coroutine_note_reached(((struct shader *)visitor)->marker->queue, coroutine);
}

/* With its lock held: scan it, or what may have changed since it was scanned. */
static size_t shade_roots(struct gait_coroutine *coroutine, struct marker *marker, bool changed) {
    struct shader shader = {visitor_of(marker->space, marker->value_mask, shade), marker};
    shader.visitor.reach = reach;
    shader.visitor.changed = changed ? marker->space : NULL;
    size_t bytes = visit(coroutine, &shader.visitor);
    bool moved = shader.visitor.places != coroutine->places;
    coroutine->places = shader.visitor.places;
    return changed && moved ? shade_roots(coroutine, marker, false) : bytes;
}

/* With its lock held: scan it, if there is a marker and it was not in this cycle. */
static size_t scan(struct gait_coroutine *coroutine, struct marker *marker, unsigned cycle,
                   bool changed) {
    if (!marker || coroutine->scanned == cycle || coroutine->dead)
        return 0;
    changed = changed && coroutine->scanned == cycle - 1; /* .inv.unchanged */
    coroutine->scanned = cycle;
    return shade_roots(coroutine, marker, changed);
}

static void drop(struct roots *roots, struct gait_coroutine *coroutine) {
    suspended_drop(coroutine);
    lock_destroy(&coroutine->lock);
    counted_free(roots->metadata_bytes, coroutine, sizeof *coroutine);
}

bool coroutine_free(struct roots *roots, struct gait_coroutine *coroutine, struct marker *marker,
                    unsigned cycle, bool later, size_t *bytes) {
    lock_acquire(&coroutine->lock); /* waits while another thread scans it */
    bool running = coroutine->running;
    if (!running) {
        suspended_compare(coroutine);
        *bytes = scan(coroutine, marker, cycle, false);
        lock_acquire(&roots->lock);
        if (coroutine->previous)
            coroutine->previous->next = coroutine->next;
        else
            roots->coroutines = coroutine->next;
        if (coroutine->next)
            coroutine->next->previous = coroutine->previous;
        if (roots->cursor == coroutine)
            roots->cursor = coroutine->next;
        lock_release(&roots->lock);
    }
    /* a marker may have read it out of its object: .inv.reached */
    bool stays = !running && later && coroutine->object;
    coroutine->gone = stays;
    lock_release(&coroutine->lock);
    if (running)
        return false;
    if (stays) {
        lock_acquire(&roots->lock);
        coroutine->next = roots->gone;
        roots->gone = coroutine;
        lock_release(&roots->lock);
    } else {
        drop(roots, coroutine);
    }
    return true;
}

void coroutines_bury(struct roots *roots) {
    lock_acquire(&roots->lock);
    struct gait_coroutine *list = roots->gone, *next;
    roots->gone = NULL;
    lock_release(&roots->lock);
    for (; list; list = next) {
        next = list->next;
        drop(roots, list);
    }
}

void coroutines_destroy(struct roots *roots) {
    coroutines_bury(roots);
    for (struct gait_coroutine *coroutine = roots->coroutines, *next; coroutine; coroutine = next) {
        next = coroutine->next;
        drop(roots, coroutine);
    }
}

/* ---- Those that are tied to objects ---- */

bool coroutine_tie(struct gait_coroutine *coroutine, gait_word object) {
    lock_acquire(&coroutine->lock);
    bool tied = !coroutine->object;
    if (tied)
        coroutine->object = object;
    lock_release(&coroutine->lock);
    return tied;
}

void coroutine_note_reached(struct mark_queue *queue, struct gait_coroutine *coroutine) {
    if (!AO_int_compare_and_swap_full(&coroutine->noted_reached, 0, 1))
        return; /* an object may be scanned twice */
    PERTURB(COROUTINE_REACHED);
    AO_t first;
    do {
        first = AO_load(&queue->reached);
        coroutine->reached_next = (struct gait_coroutine *)first;
        /* release: pairs with the taking of all, in coroutines_push_reached */
    } while (!AO_compare_and_swap_release(&queue->reached, first, (AO_t)coroutine));
}

bool coroutines_push_reached(struct mark_queue *queue, struct marker *marker, unsigned cycle,
                             size_t *bytes) {
    AO_t first;
    do
        first = AO_load(&queue->reached);
    while (first && !AO_compare_and_swap_full(&queue->reached, first, 0));
    *bytes = 0;
    for (struct gait_coroutine *coroutine = (struct gait_coroutine *)first, *next; coroutine;
         coroutine = next) {
        PERTURB(COROUTINE_SCAN);
        lock_acquire(&coroutine->lock);
        next = coroutine->reached_next;
        AO_int_store_release(&coroutine->noted_reached, 0);
        if (!coroutine->running && !coroutine->gone) {
            suspended_compare(coroutine);
            *bytes += scan(coroutine, marker, cycle, false);
            /* not where it comes back: nobody marks, so stores to it need no barrier */
            if (coroutine->roots->checks_suspended && cycle != space_epoch(marker->space))
                suspended_note(coroutine);
        }
        lock_release(&coroutine->lock);
    }
    return first != 0;
}

void coroutine_suspend(struct gait_coroutine *coroutine, struct gait_frame *frames,
                       unsigned cycle) {
    lock_acquire(&coroutine->lock);
    coroutine->stack.frames = frames;
    coroutine->scanned = cycle;
    if (coroutine->roots->checks_suspended && cycle) /* every mutator's barrier is on */
        suspended_note(coroutine);
    PERTURB(COROUTINE_SUSPEND);
    coroutine->running = false;
    lock_release(&coroutine->lock);
}

bool coroutine_resume(struct gait_coroutine *coroutine, struct marker *marker, unsigned cycle,
                      size_t *bytes) {
    lock_acquire(&coroutine->lock);
    bool resumed = !coroutine->running;
    if (resumed) {
        suspended_compare(coroutine);
        *bytes = scan(coroutine, marker, cycle, false);
        if (marker && coroutine->object && marker_is_white(marker, coroutine->object))
            marker_push(marker, coroutine->object); /* it lives from here on */
        PERTURB(COROUTINE_RESUME);
        coroutine->running = true;
    }
    lock_release(&coroutine->lock);
    return resumed;
}

void coroutines_rewind(struct roots *roots) {
    lock_acquire(&roots->lock);
    roots->cursor = roots->coroutines;
    lock_release(&roots->lock);
}

/* Whoever frees a coroutine holds its lock before the list's, so the list's has to be let go where
 * the former is taken. */
struct gait_coroutine *coroutines_next(struct roots *roots) {
    for (;;) {
        lock_acquire(&roots->lock);
        struct gait_coroutine *coroutine = roots->cursor;
        bool taken = coroutine && lock_try(&coroutine->lock);
        if (taken)
            roots->cursor = coroutine->next;
        lock_release(&roots->lock);
        if (taken || !coroutine)
            return coroutine;
        platform_yield();
    }
}

/* One whose object is white is reached with it, or dies. An object that a scanned mutator made is
 * black, and is not scanned; and one that was not scanned yet may have left its only reference to a
 * white birth in this coroutine. An old one is not scanned either. */
static bool is_root(const struct gait_coroutine *coroutine, const struct marker *marker) {
    return !coroutine->object || (!coroutine->dead && !marker_is_white(marker, coroutine->object));
}

void coroutines_settle(struct roots *roots, const struct space *space, gait_word value_mask) {
    coroutines_rewind(roots);
    for (struct gait_coroutine *coroutine; (coroutine = coroutines_next(roots));) {
        if (coroutine->object && weak_is_dead(space, value_mask, coroutine->object))
            coroutine->dead = true;
        lock_release(&coroutine->lock);
    }
}

size_t coroutines_push(struct roots *roots, struct marker *marker, unsigned cycle, bool changed) {
    coroutines_rewind(roots);
    size_t bytes = 0;
    for (struct gait_coroutine *coroutine; (coroutine = coroutines_next(roots));) {
        PERTURB(COROUTINE_SCAN);
        if (!coroutine->running && is_root(coroutine, marker)) {
            suspended_compare(coroutine);
            bytes += scan(coroutine, marker, cycle, changed);
            if (roots->checks_suspended)
                suspended_note(coroutine);
        }
        lock_release(&coroutine->lock);
    }
    return bytes;
}

void coroutines_visit(struct roots *roots, struct gait_visitor *visitor) {
    for (struct gait_coroutine *coroutine = roots->coroutines; coroutine;
         coroutine = coroutine->next)
        if (!coroutine->running && !coroutine->object) {
            visitor_own(visitor, coroutine, true);
            visit(coroutine, visitor);
        }
    visitor_own(visitor, NULL, false);
}

void coroutine_visit_reached(struct gait_visitor *visitor, struct gait_coroutine *coroutine) {
    if (!coroutine->running)
        visit(coroutine, visitor);
}
