/* SPDX-License-Identifier: MIT */
/*
 * fork: the child has the forking thread alone, and must be able to allocate and collect.
 */
#ifndef GAIT_FORK_H
#define GAIT_FORK_H

#include <gait/gait.h>

/** Is fork followed? Not if there was no memory for it as the program was loaded. */
bool fork_is_followed(void);

/** Add a heap to those that fork has to care for, or take it out. Not by a running mutator. */
void fork_add(gait_heap *heap);
void fork_remove(gait_heap *heap);

/** The list, without its lock: for a signal handler, which can't wait. NULL: the end. */
gait_heap *fork_heaps(void);
gait_heap *fork_next(const gait_heap *heap);

#endif
