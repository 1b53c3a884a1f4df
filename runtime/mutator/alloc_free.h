/* SPDX-License-Identifier: MIT */
/*
 * Freeing by the program.
 */
#ifndef GAIT_ALLOC_FREE_H
#define GAIT_ALLOC_FREE_H

#include "../heap/free.h"
#include "mutator.h"

/** The cell of an object that the program hands over, or the end with one line that names the call.
 */
struct cell alloc_object(const gait_mutator *mutator, const void *object, const char *call);

/** Free an object. What of it can't be at once is the next cycle's. */
void alloc_free(gait_mutator *mutator, const struct cell *cell);

/** May cells be freed now: does no marker run, and is nothing being settled? Until the next
 * safepoint. */
bool alloc_may_free(const gait_mutator *mutator);

/** So many bytes less are live. */
void alloc_freed(gait_mutator *mutator, gait_kind kind, size_t bytes);

#endif
