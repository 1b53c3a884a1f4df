/* SPDX-License-Identifier: MIT */
/*
 * fork: the child has the forking thread alone, and must be able to allocate and collect.
 */
#ifndef GAIT_FORKING_H
#define GAIT_FORKING_H

#include <gait/gait.h>

/** Add a heap to those that fork has to care for, or take it out. */
void forking_add(gait_heap *heap);
void forking_remove(gait_heap *heap);

#endif
