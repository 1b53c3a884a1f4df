/* SPDX-License-Identifier: MIT */
/*
 * What a heap has of an object, for tests that look at it while it runs.
 */
#ifndef GAIT_TESTS_CELLS_H
#define GAIT_TESTS_CELLS_H

#include "instance.h"

/* Is there an object which begins here? */
static inline bool object_lives(gait_heap *heap, gait_word object) {
    struct cell cell;
    return space_holds(&heap->space, object) && space_cell(&heap->space, object, &cell) &&
           cell.start == (char *)object && cell_allocated(&cell, space_epoch(&heap->space));
}

/* Does a minor cycle take it for live without looking? */
static inline bool object_is_old(gait_heap *heap, gait_word object) {
    struct cell cell;
    return space_cell(&heap->space, object, &cell) && cell_marked(&cell, space_epoch(&heap->space));
}

#endif
