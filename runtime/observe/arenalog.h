/* SPDX-License-Identifier: MIT */
/*
 * Arena logs: GAIT_DEBUG=arenalog=FILE. The format is <gait/arenalog.h>.
 *
 * Mutators tell of their arenas, so nothing here may keep one waiting: events go into a ring
 * (platform/ring.h); the log's own thread makes lines of them and has them written (writer.h). One
 * that finds no room there is dropped and counted.
 *
 * The rest is as with recordings (pacerlog.h).
 */
#ifndef GAIT_RUNTIME_ARENALOG_H
#define GAIT_RUNTIME_ARENALOG_H

#include <gait/arenalog.h>

#include "../control/control.h"

struct arenalog;

/** As pacerlog_start and pacerlog_forked. */
void arenalog_start(gait_heap *heap);
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
