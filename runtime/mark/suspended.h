/* SPDX-License-Identifier: MIT */
/*
 * gccheckmark's look at suspended coroutines: do their roots change by gait_store alone?
 *
 * While every mutator's barrier is on, the words that a suspended coroutine's callback and frames
 * visit are noted, and compared with what they visit when it is resumed, scanned or freed, or
 * marking ends. A word that came or went in between was shaded by a barrier, or the rule was
 * broken; and what was shaded is marked when marking ends. So a change is suspect, and one whose
 * object has no mark in the end is reported. A change whose object was marked for another reason
 * stays unseen: this reports no right program, and of a wrong one in the cycles in which it
 * matters.
 */
#ifndef GAIT_SUSPENDED_H
#define GAIT_SUSPENDED_H

#include "coroutines.h"

/* A word that came into a suspended coroutine's roots, or went. */
struct suspect {
    gait_word word;
    bool conservative;
    bool went;
};

/** Note what it visits. The coroutine's lock is held, or the world is stopped; likewise below. */
void suspended_note(struct gait_coroutine *coroutine);

/** Add what has changed since to the suspects of its roots, and forget what was noted. Nothing if
 * nothing was noted. */
void suspended_compare(struct gait_coroutine *coroutine);

/** Note all suspended coroutines. The collector, after every mutator's barrier has been turned on
 * and no store from before is under way. */
void suspended_note_all(struct roots *roots);

/** Compare all of them. The world is stopped. */
void suspended_compare_all(struct roots *roots);

/** The suspects so far. */
const struct suspect *suspended_suspects(const struct roots *roots, size_t *count);

/** Forget the suspects, and what is noted: marking has ended. The world is stopped. */
void suspended_forget(struct roots *roots);

/** Free what was noted of one coroutine. */
void suspended_drop(struct gait_coroutine *coroutine);

#endif
