/* SPDX-License-Identifier: MIT */
/*
 * gctrace and gcpacertrace: a cycle as lines in the heap's log, in the format that Go documents.
 */
#ifndef GAIT_GCTRACE_H
#define GAIT_GCTRACE_H

#include "../control/control.h"

/** As observe_begin, observe_cycle, observe_swept, observe_unwatched and
 * observe_silent say. */
void gctrace_begin(gait_heap *heap, const struct cycle_record *record);
void gctrace_cycle(gait_heap *heap, const struct cycle_record *record);
void gctrace_swept(gait_heap *heap, const struct cycle_record *record);
void gctrace_unwatched(gait_heap *heap);
void gctrace_silent(gait_heap *heap, const char *phase, const gait_mutator *mutator,
                    int64_t silent_ns);

#endif
