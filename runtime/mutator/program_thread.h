/* SPDX-License-Identifier: MIT */
/*
 * A thread of the program: its mutators, one for each heap that it is attached to.
 *
 *   .inv.siblings: a safepoint of one mutator is one of all that run on its thread. A collector
 *   that asks one of them raises `poll` of all; the slow part of a poll answers for all.
 *
 *   .inv.region: a native region takes all that run on its thread out of RUNNING, and when it ends
 *   lets those run again, except such as have begun a region of their own meanwhile. So regions of
 *   several heaps may overlap in any order; and one that is attached within a region runs: a
 *   library with a heap of its own may be called there.
 *
 * At a thread's end the library's hook runs first of all thread-specific destructors, as its key is
 * the first (as soon as the library is loaded), and then in each round: in the first one all roots
 * are dropped, since the functions that had them have ended, in the next one all is detached. In
 * between the other destructors may go on to use the mutators.
 *
 * The record is thread-local. It outlives the mutators of its thread, but not in a fork's child,
 * which must not look at the other threads' ones.
 */
#ifndef GAIT_PROGRAM_THREAD_H
#define GAIT_PROGRAM_THREAD_H

#include <gait/gait.h>

#include "../platform/lock.h"

struct program_thread {
    struct lock lock;        /* rank THREAD: the list; there while it is not empty */
    gait_mutator *first;     /* by thread_next; its thread changes it */
    unsigned count;          /* atomic: how many these are */
    unsigned rounds;         /* its thread's: of destructors that have begun */
    void (*ends)(bool last); /* its thread's: see program_thread_follow */
};

/** The calling thread's record. */
struct program_thread *program_thread_here(void);

/**
 * Hear of the calling thread's end: ends(false) runs in the first round, for dropping roots, and
 * ends(true) after it, for detaching. @return negative: impossible; or its last round is on.
 */
int program_thread_follow(void (*ends)(bool last));

/** Its mutator in this heap, or NULL. */
gait_mutator *program_thread_find(const gait_heap *heap);

/** Put one of the calling thread's mutators on its list, or take it off. */
void program_thread_add(gait_mutator *mutator);
void program_thread_remove(gait_mutator *mutator);

/** Ask a mutator that may be running to look for requests, at any safepoint of its thread. The
 * collector, with the lock WORLD. */
void program_thread_ask(gait_mutator *mutator);

#endif
