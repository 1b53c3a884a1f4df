/* SPDX-License-Identifier: MIT */
/*
 * One collection cycle: its phases are described in cycle.c. The collector has it run; it has
 * workers mark.
 */
#ifndef GAIT_CYCLE_H
#define GAIT_CYCLE_H

#include "../control/control.h"
#include "figures.h"
#include "kept.h"
#include "phase.h"

struct cycle {
    struct phase_word phase;    /* published: any thread may look                          */
    AO_t black_bytes;           /* allocated black by mutators that are gone since         */
    AO_t gone_bytes;            /* marked by them                                          */
    AO_t stack_bytes;           /* roots of mutators and coroutines visited in this cycle  */
    unsigned closing;           /* atomic: marking has looked for its end in vain; a hint  */
    int64_t begin_cpu_ns;       /* its thread's CPU time that is counted; the collector's  */
    struct cycle_record record; /* of the running or last cycle; the collector's           */
    struct figures figures;     /* of all cycles                                           */
    struct kept_paths kept;     /* what keeps objects that should be dead                  */
    bool finalizers_wait;       /* what they keep is pushed after roots; the collector's   */
};

void cycle_init(gait_heap *heap);
void cycle_destroy(gait_heap *heap);

/** Begin a cycle, up to where the pacer knows that it marks; then run it to its end. With the gate
 * held; the collector's thread. whole: it is to be a full one, as a forced or periodic one is.
 * @return false: given up. */
void cycle_begin(gait_heap *heap, bool forced, bool periodic, bool whole);
bool cycle_run(gait_heap *heap);

/** May a running mutator mark? Until its next safepoint, if so. */
bool cycle_lets_mark(const gait_mutator *mutator);

/** How a mutator joins and leaves: world_add's prepare and world_remove's finish. */
void cycle_mutator_joins(gait_mutator *mutator);
void cycle_mutator_leaves(gait_mutator *mutator);

#endif
