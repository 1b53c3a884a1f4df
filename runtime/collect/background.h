/* SPDX-License-Identifier: MIT */
/*
 * Marking and sweeping in the background. The collector's thread calls these while it runs a cycle,
 * but for background_help, which is what its helpers run.
 */
#ifndef GAIT_BACKGROUND_H
#define GAIT_BACKGROUND_H

#include "cycle.h"

/** Is there no marking work, published or in anybody's hands? What is made later is noticed by the
 * count of published blocks. */
bool background_is_out(struct mark_queue *queue);

/** Mark until there is no work anywhere. stopped: the world is. */
void background_mark(gait_heap *heap, bool stopped);

/** Sweep all that is left to sweep. */
void background_sweep(gait_heap *heap);

/** Let helpers begin; have no more begin. */
void background_wake(gait_heap *heap);
void background_rest(gait_heap *heap);

/** After background_rest: wait until no helper is at it any more. stopped: the world is. */
void background_await_rest(gait_heap *heap, bool stopped);

/** What a helper's thread runs; argument: its struct cycle_helper. */
void background_help(void *argument);

#endif
