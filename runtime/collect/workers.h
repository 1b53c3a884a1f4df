/* SPDX-License-Identifier: MIT */
/*
 * Who marks beside the mutators: the collector's own thread, in bursts, and its helpers.
 *
 * Helpers are threads of two priorities, since a thread can't leave the idle one again. The first
 * of normal priority are the CPUs that every cycle may take; more of them help while nobody runs,
 * or somebody waits for the cycle. Those of idle priority take CPUs that nobody else wants. The
 * cycle opens and closes the work; each helper asks between two bursts whether it may go on. The
 * rules are in pacer/governor_helpers.h, their reasons in docs/design/control.md.
 *
 * Calls come from the cycle, and from the collector as its threads begin and end. None goes back.
 */
#ifndef GAIT_WORKERS_H
#define GAIT_WORKERS_H

#include "../control/contention.h"
#include "../mark/marker.h"
#include "../platform/platform.h"

#define WORKERS_MAX 16

struct workers_team;

/* A thread that helps to mark. */
struct helper {
    gait_heap *heap;
    struct platform_thread thread;
    struct marker marker;
    struct workers_team *team;
    unsigned number; /* in the team, from 0 */
};

/* Helpers of one priority. A thread is started by the first cycle that wants it, and sleeps through
 * those that do not. */
struct workers_team {
    bool idle;              /* at idle priority; constant */
    unsigned made;          /* helpers that are filled: the first of the array; the collector's */
    unsigned started;       /* threads that there are, of these; the collector's */
    unsigned wanted;        /* atomic: of these, so many help in this cycle */
    struct helper *helpers; /* [WORKERS_MAX]; constant */
};

struct workers {
    struct marker marker; /* of the collector's thread, which is before all helpers */
    struct workers_team normal;
    struct workers_team idle;
    unsigned
        dedicated;    /* helpers of normal priority that every cycle has; atomic, by workers_want */
    unsigned helping; /* atomic, waited on by helpers: odd while there may be work */
    unsigned ending;  /* atomic: threads are to end, and marking is given up */
    unsigned awaited; /* atomic: threads that sleep until a forced cycle is done */
    AO_t bursts;      /* of helpers that went on to the next; unordered: one with work has a CPU */
    struct contention contention;
};

void workers_init(gait_heap *heap);

/** Give up what is under way: marking and sweeping return soon, undone. Any thread. */
void workers_give_up(gait_heap *heap);
static inline bool workers_are_ending(const struct workers *workers) {
    return AO_int_load_acquire(&workers->ending) != 0;
}

/** After workers_give_up: wait until the helpers' threads have ended. */
void workers_end(gait_heap *heap);

/** In a fork's child: the helpers are gone. */
void workers_lost(gait_heap *heap);

/** Have as many helpers as the number of CPUs asks for; as many as there are threads available.
 * all: also those of normal priority that only help while mutators leave CPUs free. The collector,
 * before marking. */
void workers_want(gait_heap *heap, bool all);

/** Let helpers begin, if there is so much to mark that it is worth waking them; have no more begin.
 * The collector. */
void workers_open(gait_heap *heap, size_t bytes);
void workers_close(gait_heap *heap);

/** After workers_close: wait until no helper is at it any more. stopped: the world is. */
void workers_await_rest(gait_heap *heap, bool stopped);

/** Mark until there is no work anywhere. The collector. stopped: the world is. */
void workers_mark(gait_heap *heap, bool stopped);

/** What a helper's thread runs; argument: its struct helper. */
void workers_help(void *argument);

/** Bytes of the cells that all of them marked since the last call. The collector. */
uint64_t workers_take_marked(struct workers *workers);

/** A thread begins to wait for a cycle, and ends: marking is not held down meanwhile. */
static inline void workers_awaited(struct workers *workers) {
    AO_int_fetch_and_add1_full(&workers->awaited);
}
static inline void workers_not_awaited(struct workers *workers) {
    AO_int_fetch_and_sub1_full(&workers->awaited);
}

/** Is there a CPU for the collector's thread beside the mutators that run? */
bool workers_have_cpu(gait_heap *heap);

#endif
