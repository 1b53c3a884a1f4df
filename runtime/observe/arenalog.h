/* SPDX-License-Identifier: MIT */
/*
 * Arena logs: GAIT_DEBUG=arenalog=FILE. The format is <gait/arenalog.h>.
 *
 * Mutators tell of their arenas, so nothing here may keep one waiting, not even a lock whose holder
 * the OS has put aside. Events go into a ring without locks (a bounded queue of many writers and
 * one reader: D. Vyukov, "Bounded MPMC queue", 2010); the log's own thread makes lines of them and
 * has them written (writer.h).
 *
 *   .inv.turn: slot i of the ring is to be filled by ticket t, t % RING = i, while its turn is t;
 *   then its turn is t + 1, and the reader's, who makes it t + RING. Turns are released by who
 *   leaves a slot, and acquired by who comes to it.
 *   .inv.ring: an event that finds the next slot not yet read is dropped and counted.
 *
 * The rest is as with recordings (pacerlog.h).
 */
#ifndef GAIT_RUNTIME_ARENALOG_H
#define GAIT_RUNTIME_ARENALOG_H

#include <gait/arenalog.h>

#include "../control/control.h"

struct arenalog;

/** Start a heap's log if its options ask for one; end it; forget it: as pacerlog_start, _end and
 * _free. */
void arenalog_start(gait_heap *heap);
void arenalog_end(gait_heap *heap);
void arenalog_free(gait_heap *heap);

/** Around fork, likewise. */
void arenalog_hold(gait_heap *heap);
void arenalog_let_go(gait_heap *heap);
void arenalog_lost(gait_heap *heap);
void arenalog_forked(void);

/**
 * Tell of an arena, if the heap has a log. Any thread; never waits.
 * @param bytes       as GAIT_ARENALOG_ARENA says
 * @param held_bytes  by the arena, after the event
 */
void arenalog_arena(gait_heap *heap, enum gait_arenalog_event event, uint64_t id, const char *name,
                    size_t bytes, size_t held_bytes);

/** Marking is about to begin; it has ended: with the heap's figures of now. The collector. */
void arenalog_begin(gait_heap *heap, const struct cycle_record *record);
void arenalog_cycle(gait_heap *heap, const struct cycle_record *record);

#endif
