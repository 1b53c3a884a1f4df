/* SPDX-License-Identifier: MIT */
/*
 * The second half of marking in a heap with an object barrier. changes.c describes it.
 */
#ifndef GAIT_CHANGES_H
#define GAIT_CHANGES_H

typedef struct gait_heap gait_heap;

/** Mark all that is reachable, when roots were pushed. The world is stopped afterwards. The
 * collector. */
void changes_mark(gait_heap *heap);

/** What is left of runs becomes black. With the world stopped, and all found. */
void changes_blacken(gait_heap *heap);

#endif
