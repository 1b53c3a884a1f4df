/* SPDX-License-Identifier: MIT */
/*
 * What comes back to life: objects that a cycle found dead, with all that they lead to.
 *
 * It is marking that goes on after the flip: the word of each pair that had the marks has the
 * allocations now, and the other one still those of before, so that a marker sets just the bits of
 * cells that were allocated and are dead. It takes neither barriers nor handshakes:
 *
 *   .inv.private: what is dead at the flip is reachable by the collector alone: from no root, no
 *   live object and, since weak words to it read 0 from the flip on, by no weak word. It becomes a
 *   mutator's when its finalizer is taken, and by then all of it is allocated.
 *
 * The collector's, between weak_settle and sweeping, when no marker has work. Argued in
 * docs/design/weak.md.
 */
#ifndef GAIT_REVIVE_H
#define GAIT_REVIVE_H

#include "marker.h"

/** Begin. */
void revive_begin(struct marker *marker);

/** An object is to come back: its address, without tags. */
void revive_object(struct marker *marker, uintptr_t object);

/** Bring all of it back. @return bytes that were dead. */
size_t revive_end(struct marker *marker);

#endif
