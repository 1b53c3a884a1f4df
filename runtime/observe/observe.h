/* SPDX-License-Identifier: MIT */
/*
 * What a heap prints about its cycles: gctrace and gcpacertrace, in the format that Go documents.
 *
 * Every function runs on the collector's thread, holds no lock, and does nothing unless the heap's
 * options ask for it. A line is written by one call and pushed out at once: stdio's own lock keeps
 * the lines of several heaps apart. A log that can't be written is no error.
 */
#ifndef GAIT_OBSERVE_H
#define GAIT_OBSERVE_H

#include "../control.h"

/** Marking is about to begin: control_begin has filled its part of the record. */
void observe_begin(gait_heap *heap, const struct cycle_record *record);

/** Marking has ended and the world runs again: the record is complete. */
void observe_cycle(gait_heap *heap, const struct cycle_record *record);

/** The sweeping that follows the cycle has ended. */
void observe_swept(gait_heap *heap, const struct cycle_record *record);

#endif
