/* SPDX-License-Identifier: MIT */
/*
 * A second, independent search of the heap: gccheckmark holds marking to its promise, gcfloat
 * measures how much of what is marked is garbage.
 */
#ifndef GAIT_VERIFY_H
#define GAIT_VERIFY_H

#include <gait/gait.h>

/**
 * Search all that is reachable, with the world stopped, after marking and before the bits turn
 * over. An object that is found and not marked is reported to the log, with the shortest path from
 * a root to it, and the process aborts. Without the memory that the search needs, one line says so
 * and nothing is checked.
 *
 * What memory it needs: search.h.
 */
void verify_marks(gait_heap *heap);

/**
 * Before a minor cycle marks, with the world stopped: each reference from an object that is marked
 * to one that is not lies on a dirty card, or the process aborts, and the log says which do not. A
 * word that is no reference but has the value of one is reported too.
 */
void verify_cards(gait_heap *heap);

/**
 * Bytes of objects that a stopped mark would find now: from the roots as they are, while the world
 * is stopped, after the bits have turned over and before weak references are settled. Its memory is
 * verify_marks's. What died while marking ran, or was born marked and died, is not among it.
 *
 * Only what is marked is counted: a conservative root that leads to anything else is older than
 * the cycle.
 *
 * @return 0: there was no memory for it, and one line says so.
 */
size_t verify_found_bytes(gait_heap *heap);

#endif
