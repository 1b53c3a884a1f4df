/* SPDX-License-Identifier: MIT */
/*
 * Which phase follows which. See phase.h.
 */
#include "phase.h"

#include <assert.h>

#include "../platform/timeline.h"

#ifndef NDEBUG
#define THEN(phase) (1u << PHASE_##phase)
/* Where the world is stopped throughout, no barrier is needed: 2 and 6 are left out. */
static const unsigned follows[PHASE_COUNT] = {
    [PHASE_IDLE] = THEN(FINISH_SWEEP),
    [PHASE_FINISH_SWEEP] = THEN(BARRIERS) | THEN(ROOTS),
    [PHASE_BARRIERS] = THEN(ROOTS),
    [PHASE_ROOTS] = THEN(SHARED_ROOTS),
    [PHASE_SHARED_ROOTS] = THEN(MARK),
    [PHASE_MARK] = THEN(FLUSH) | THEN(STOP),
    [PHASE_FLUSH] = THEN(MARK) | THEN(STOP),
    [PHASE_STOP] = THEN(MARK) | THEN(SETTLE),
    [PHASE_SETTLE] = THEN(SWEEP),
    [PHASE_SWEEP] = THEN(IDLE),
};
#endif

void phase_enter(struct phase_word *phase, enum cycle_phase next) {
    unsigned before = AO_int_load(&phase->now);
    assert(follows[before] & 1u << next);
    AO_int_store_release(&phase->now, next);
    if (before != PHASE_IDLE)
        TIMELINE_END(phase, phase->heap_number, phase->begin_ns, (uintptr_t)phase_name(before));
    phase->begin_ns = TIMELINE_BEGIN(phase);
}

const char *phase_name(enum cycle_phase phase) {
    static const char *const names[PHASE_COUNT] = {
        "idle", "finish sweep", "barriers", "roots",  "shared roots",
        "mark", "flush",        "stop",     "settle", "sweep",
    };
    return phase < PHASE_COUNT ? names[phase] : "unknown";
}
