/* SPDX-License-Identifier: MIT */
/*
 * Arenas that nobody freed (option arenaleaks), as lines in the heap's log.
 */
#ifndef GAIT_ARENA_LEAKS_H
#define GAIT_ARENA_LEAKS_H

#include <gait/gait.h>

/** A heap begins: its arenas are reported if the process ends before it. */
void arena_leaks_start(gait_heap *heap);

/** It ends: report them now. */
void arena_leaks_end(gait_heap *heap);

#endif
