/* SPDX-License-Identifier: MIT */
/*
 * Coroutines. While one runs it is part of its mutator, and not looked at here.
 *
 * What a suspended one saved is guarded by its own lock, so that nobody waits for the scan of
 * another one's stack. Its roots must be scanned once per cycle: with its mutator, by
 * coroutines_push after all mutators were scanned, or by the mutator that resumes or frees it
 * before that.
 *
 * One that is tied to an object is no root by itself, nor, when that is dead, by anything: its
 * stack is as a part of that object. The object's scan function leads to it (gait_visit_coroutine),
 * on any marker, whose place it is not to wait for a lock; so it is noted only
 * (mark_queue.reached), and the collector scans it when work has run out.
 *
 *   .inv.reached: one that was noted is work of marking until it was looked at. Its memory stays
 *   until no marker marks, though it is freed meanwhile.
 *
 *   .inv.suspended: from the cycle's scan of a suspended coroutine on, what its roots refer to is
 *   protected as what a scanned stack refers to; before it, as what is in a static slot. So whoever
 *   changes the roots of a suspended coroutine does it by gait_store, and whoever takes a word out
 *   of them shades it (docs/design/marking.md, Coroutines).
 */
#ifndef GAIT_COROUTINES_H
#define GAIT_COROUTINES_H

#include "../platform/lock.h"
#include "roots.h"
#include "stack.h"

/* What its callback and its frames visited: suspended.h. */
struct noted_word {
    gait_word word;
    bool conservative;
};
struct suspended_notes {
    struct noted_word *words;
    size_t count;
    size_t room;
};

struct gait_coroutine {
    struct roots *roots;         /* constant */
    struct lock lock;            /* rank COROUTINE: what it saved, scanned, running, notes */
    struct gait_coroutine *next; /* the list; lock ROOTS */
    struct gait_coroutine *previous;
    struct stack stack; /* its callback is constant, and the bounds of its C stack: both NULL, if it
                           has none of its own that is scanned. While it runs, its mutator's */
    unsigned scanned;   /* the cycle in which it was scanned; 0: never, or before it ran last */
    uint64_t places;    /* as gait_visitor has it, when its callback was called last */
    gait_word object;   /* that it is tied to; 0: it is a root by itself */
    unsigned noted_reached;              /* atomic: it is in mark_queue.reached, ... */
    struct gait_coroutine *reached_next; /* ... linked by this, which the former guards */
    bool running;
    bool dead;  /* its object is: it is freed by a cleanup, and no root until then */
    bool gone;  /* freed while a cycle marked: in roots.gone, by next */
    bool noted; /* there are notes: gccheckmark, while marking */
    struct suspended_notes notes;
};

/** A coroutine that is not running. Its constant fields are set. NULL: no memory. */
struct gait_coroutine *coroutine_new(struct roots *roots, gait_roots_fn visit, void *data,
                                     char *stack_low, char *stack_high);

/**
 * Free one that is not running. marker: not NULL if the barrier of the calling mutator is on; then
 * its roots are pushed, unless they were in this cycle: what the program has read out of them may
 * be on a stack that was scanned before. later: markers may mark; what they may have noted is
 * dropped by coroutines_bury. *bytes: how many were visited. @return false: it is
 * running.
 */
bool coroutine_free(struct roots *roots, struct gait_coroutine *coroutine, struct marker *marker,
                    unsigned cycle, bool later, size_t *bytes);

/** Frees all. */
void coroutines_destroy(struct roots *roots);

/** Have one that runs or not be a part of an object from now on. @return false: it is already. */
bool coroutine_tie(struct gait_coroutine *coroutine, gait_word object);

/** An object leads to it. Any marker, in the middle of its work. */
void coroutine_note_reached(struct mark_queue *queue, struct gait_coroutine *coroutine);

/** Push the roots of those that were noted, unless they run or were scanned in this cycle. The
 * collector, between two rounds of marking. *bytes: how many were visited. @return whether some had
 * been noted. */
bool coroutines_push_reached(struct mark_queue *queue, struct marker *marker, unsigned cycle,
                             size_t *bytes);

/** All is settled, and nothing swept: those whose objects are dead are no roots from here on. Their
 * objects' addresses may be others' soon. The collector. */
void coroutines_settle(struct roots *roots, const struct space *space, gait_word value_mask);

/** No marker marks any more: drop those that were freed meanwhile. The collector. */
void coroutines_bury(struct roots *roots);

/**
 * A mutator suspends a coroutine, whose C stack it has saved already. cycle: the one in which the
 * mutator's roots, and so the coroutine's, were scanned; 0: not in this one: then the coroutine is
 * scanned once more, whoever scanned it before, since this mutator may have put new white objects
 * on its stack.
 */
void coroutine_suspend(struct gait_coroutine *coroutine, struct gait_frame *frames, unsigned cycle);

/**
 * A mutator resumes a coroutine. marker: not NULL if the mutator's own roots were scanned in this
 * cycle; then a coroutine that was not is scanned with it now. *bytes: how many were visited.
 * @return false: it is running.
 */
bool coroutine_resume(struct gait_coroutine *coroutine, struct marker *marker, unsigned cycle,
                      size_t *bytes);

/** Push the roots of all suspended coroutines that were not scanned in this cycle, and are not tied
 * to a white object. changed: of
 * those that were scanned in the last one and have not run since, what holds what it held then may
 * be left out. The collector, after all mutators were scanned in it. @return bytes visited. */
size_t coroutines_push(struct roots *roots, struct marker *marker, unsigned cycle, bool changed);

/** Begin to look at all coroutines; the next one, with its lock held, or NULL at the end. The
 * collector. */
void coroutines_rewind(struct roots *roots);
struct gait_coroutine *coroutines_next(struct roots *roots);

/** Visit those of all suspended ones with any visitor; of one that an object leads to. Nothing runs
 * beside: the world is stopped. */
void coroutines_visit(struct roots *roots, struct gait_visitor *visitor);
void coroutine_visit_reached(struct gait_visitor *visitor, struct gait_coroutine *coroutine);

#endif
