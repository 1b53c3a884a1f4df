/* SPDX-License-Identifier: MIT */
/*
 * The phases of a cycle, numbered as cycle.c describes them.
 */
#ifndef GAIT_PHASE_H
#define GAIT_PHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "../platform/atomic.h"

enum cycle_phase {
    PHASE_IDLE,         /* no cycle runs                                       */
    PHASE_FINISH_SWEEP, /* 1: what the last one left is swept                  */
    PHASE_BARRIERS,     /* 2: barriers go on                                   */
    PHASE_ROOTS,        /* 3: each mutator's roots; it allocates black         */
    PHASE_SHARED_ROOTS, /* 4: all others; from here on anybody may mark        */
    PHASE_MARK,         /* 5                                                   */
    PHASE_FLUSH,        /* 6: barriers' words                                  */
    PHASE_STOP,         /* 7: the world is stopped, and the bits turn over     */
    PHASE_SETTLE,       /* 8: weak words, finalizers, arenas; barriers are off */
    PHASE_SWEEP,        /* 9                                                   */
    PHASE_COUNT
};

/* One word of each heap. Only the collector's thread changes it, and only to the next phase. */
struct phase_word {
    unsigned now;         /* atomic: enum cycle_phase */
    int64_t begin_ns;     /* for the timeline; the collector's */
    unsigned heap_number; /* likewise; constant */
};

/** Go on to another phase. release: a thread that sees it sees what the collector did before. The
 * collector.
 */
void phase_enter(struct phase_word *phase, enum cycle_phase next);

/** "roots", for messages. */
const char *phase_name(enum cycle_phase phase);

/** The phase. Any thread; acquire pairs with phase_enter. */
static inline enum cycle_phase phase_now(const struct phase_word *phase) {
    return (enum cycle_phase)AO_int_load_acquire(&phase->now);
}

/** Are barriers on, or going on? A thread that attaches has them then. */
static inline bool phase_has_barriers(enum cycle_phase phase) {
    return phase >= PHASE_BARRIERS && phase <= PHASE_STOP;
}

/** Are new objects black, for a thread that attaches? */
static inline bool phase_is_black(enum cycle_phase phase) {
    return phase >= PHASE_ROOTS && phase <= PHASE_STOP;
}

/** Were all mutators' roots scanned, and marking not ended: may anybody mark? */
static inline bool phase_lets_mark(enum cycle_phase phase) {
    return phase >= PHASE_SHARED_ROOTS && phase <= PHASE_STOP;
}

#endif
