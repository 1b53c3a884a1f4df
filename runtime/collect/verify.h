/* SPDX-License-Identifier: MIT */
/*
 * gccheckmark: a second, independent search of the heap that holds marking to its promise.
 */
#ifndef GAIT_VERIFY_H
#define GAIT_VERIFY_H

#include <gait/gait.h>

/**
 * Search all that is reachable, with the world stopped, after marking and before the bits turn
 * over. An object that is found and not marked is told to the log, with the shortest path from a
 * root to it, and the process aborts. Without the memory that the search needs, one line says so
 * and nothing is checked.
 *
 * Needs a bit per 16 bytes of heap, and 16 bytes for each object that waits to be looked at.
 */
void verify_marks(gait_heap *heap);

#endif
