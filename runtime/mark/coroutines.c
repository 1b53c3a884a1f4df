/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that do not run. See coroutines.h.
 */
#include "coroutines.h"

#include "../heap/counted.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "suspended.h"

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

/* With the coroutine's lock held, or the world stopped. @return bytes. */
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
        marker_shade(marker, &word, 1);
    else if (marker_is_white(marker, word))
        marker_push(marker, word);
}

/* With its lock held: scan it, or what may have changed since it was scanned. */
static size_t shade_roots(struct gait_coroutine *coroutine, struct marker *marker, bool changed) {
    struct shader shader = {visitor_of(marker->space, marker->value_mask, shade), marker};
    shader.visitor.changed = changed ? marker->space : NULL;
    size_t bytes = visit(coroutine, &shader.visitor);
    bool moved = shader.visitor.places != coroutine->places;
    coroutine->places = shader.visitor.places;
    return changed && moved ? shade_roots(coroutine, marker, false) : bytes;
}

/* With its lock held: scan it, if there is a marker and it was not in this cycle. */
static size_t scan(struct gait_coroutine *coroutine, struct marker *marker, unsigned cycle,
                   bool changed) {
    if (!marker || coroutine->scanned == cycle)
        return 0;
    changed = changed && coroutine->scanned == cycle - 1; /* .inv.unchanged */
    coroutine->scanned = cycle;
    return shade_roots(coroutine, marker, changed);
}

bool coroutine_free(struct roots *roots, struct gait_coroutine *coroutine, struct marker *marker,
                    unsigned cycle, size_t *bytes) {
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
    lock_release(&coroutine->lock);
    if (running)
        return false;
    lock_destroy(&coroutine->lock);
    counted_free(roots->metadata_bytes, coroutine, sizeof *coroutine);
    return true;
}

void coroutines_destroy(struct roots *roots) {
    for (struct gait_coroutine *coroutine = roots->coroutines, *next; coroutine; coroutine = next) {
        next = coroutine->next;
        suspended_drop(coroutine);
        lock_destroy(&coroutine->lock);
        counted_free(roots->metadata_bytes, coroutine, sizeof *coroutine);
    }
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

size_t coroutines_push(struct roots *roots, struct marker *marker, unsigned cycle, bool changed) {
    coroutines_rewind(roots);
    size_t bytes = 0;
    for (struct gait_coroutine *coroutine; (coroutine = coroutines_next(roots));) {
        PERTURB(COROUTINE_SCAN);
        if (!coroutine->running) {
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
        if (!coroutine->running)
            visit(coroutine, visitor);
}
