/* SPDX-License-Identifier: MIT */
/*
 * Mutators that were detached are kept for the next attach, so that late use of one can be
 * recognized. So many as a program may confuse, not as many as it ever had: the one detached first
 * is freed.
 */
#ifndef GAIT_SPARE_H
#define GAIT_SPARE_H

#include "../instance.h"

void spare_init(gait_heap *heap);

/** Free all of them. */
void spare_free(gait_heap *heap);

/** A mutator that was detached, or a fresh one; all zero. NULL: no memory. */
gait_mutator *spare_take(gait_heap *heap);

/** Keep a mutator that was detached: its state says so from here on. */
void spare_keep(gait_mutator *mutator);

#endif
