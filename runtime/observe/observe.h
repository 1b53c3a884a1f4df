/* SPDX-License-Identifier: MIT */
/*
 * Who watches a heap: its log (heap_log.h) with gctrace and gcpacertrace, its recording
 * (pacerlog.h), its arena log (arenalog.h). What happens is told here, once; here is known who is
 * to hear of it. Nobody is, unless the options ask for it.
 *
 * Of single arenas the mutators tell arenalog.h.
 */
#ifndef GAIT_OBSERVE_H
#define GAIT_OBSERVE_H

#include "../control/control.h"
#include "line.h"

struct arena;

/* ---- A heap's life, in this order ---- */

/** Before the collector is there. @return negative: no memory or thread. */
int observe_start(gait_heap *heap);

/** The collector runs: files begin. */
void observe_runs(gait_heap *heap);

/** The heap is about to end: nobody asks from outside any more. Who was answered over HTTP may have
 * been attached for that, so this comes before attached threads are counted. */
void observe_closes(gait_heap *heap);

/** The collector's threads are about to end: the last words of files. */
void observe_stops(gait_heap *heap);

/** They have ended, if they ever ran: all ends. */
void observe_end(gait_heap *heap);

/* ---- A cycle; the collector's thread ---- */

/** Marking is about to begin: control_begin has filled its part of the record. */
void observe_begin(gait_heap *heap, const struct cycle_record *record);

/** Marking has ended and the world runs again: the record is complete. */
void observe_cycle(gait_heap *heap, const struct cycle_record *record);

/** The sweeping that follows the cycle has ended. */
void observe_swept(gait_heap *heap, const struct cycle_record *record);

/** A handshake or a stop of this phase waits for a mutator that has not answered for so long. */
void observe_silent(gait_heap *heap, const char *phase, const gait_mutator *mutator,
                    int64_t silent_ns);

/** The heap is to mark beside the program by pages that the kernel saw written, and can't: at all,
 * as it is created, or in this cycle. */
void observe_unwatched(gait_heap *heap);

/** An arena was leaked, and is ended by the collector (option arenaleaks). heap: a gait_heap. */
void observe_leaked(void *heap, const struct arena *arena);

/* ---- Reports of others ---- */

/** Add a line to the heap's log, or write at once what was added: heap_log.h. */
void observe_line(gait_heap *heap, struct line *line);
void observe_flush(gait_heap *heap);

/* ---- Around fork, with the list of heaps locked ---- */

/** What is the process's, before that of each heap; locks of rank LOG may be held, none above. */
void observe_hold_process(void);
void observe_let_go_process(void);

void observe_hold(gait_heap *heap);
void observe_let_go(gait_heap *heap);

/** In the child, once, in place of observe_let_go_process; and for each heap in place of letting
 * go: logs and files are the parent's. */
void observe_forked(void);
void observe_lost(gait_heap *heap);

#endif
