/* SPDX-License-Identifier: MIT */
/*
 * Steps of a cycle that more than one file takes; cycle.c has them. The collector's.
 */
#ifndef GAIT_CYCLE_STEPS_H
#define GAIT_CYCLE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

typedef struct gait_heap gait_heap;
struct gait_visitor;
struct marker;

/** Phase 5: until marking gives no more work by itself. stopped: the world is.
 * @return how many blocks had been published before the last look at ephemerons began: as long as
 * there are no more, nothing was marked since, and no work is in anybody's hands. */
AO_t cycle_mark(gait_heap *heap, bool stopped);

/** The same in a stop, from the last round of marking on, and until no finalizer brings objects
 * back any more. */
void cycle_mark_stopped(gait_heap *heap);

/** End a stop: count it as a pause. @return its length, ns. */
int64_t cycle_start_the_world(gait_heap *heap);

/** Push what finalizers keep; or, if there are early links, only what is queued: the last pass of
 * the next cycle_mark with the world stopped settles these, then pushes the rest. */
void cycle_push_finalizers(gait_heap *heap, struct marker *marker);

/** Visit what threads hold that the program's means have stopped. @return bytes. */
size_t cycle_push_stopped_roots(gait_heap *heap, struct gait_visitor *visitor);

/** Run act, which stops the world. A thread that the program's means stop may hold the loader's
 * lock: where libraries' data is to be visited, it is stopped with that held. */
void cycle_stop_and(gait_heap *heap, void (*act)(void *data));

#endif
