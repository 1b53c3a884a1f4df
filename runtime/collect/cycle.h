/* SPDX-License-Identifier: MIT */
/*
 * The collection cycle, and the threads that run it. The phases are told in cycle.c.
 */
#ifndef GAIT_CYCLE_H
#define GAIT_CYCLE_H

#include <gait/stats.h>

#include "../control/control.h"
#include "../platform/platform.h"

#define CYCLE_HELPERS_MAX 16

/* A thread that helps to mark. */
struct cycle_helper {
    gait_heap *heap;
    struct platform_thread thread;
    struct marker marker;
    struct cycle_helpers *helpers; /* the ones that it belongs to */
    unsigned number;               /* among them, from 0 */
};

/* Helpers of one sort. A thread is started by the first cycle that wants it, and sleeps through
 * those that do not. Dedicated ones mark whenever there is work; idle ones at idle priority, which
 * a thread can't leave again, and only while a CPU is idle. */
struct cycle_helpers {
    bool idle;        /* constant */
    unsigned started; /* threads that there are: the first of the array; the collector's */
    unsigned wanted;  /* atomic: of these, so many help in this cycle */
    struct cycle_helper helpers[CYCLE_HELPERS_MAX];
};

struct cycle {
    gait_heap *heap;
    struct platform_thread collector;
    struct platform_thread scavenger;
    struct marker marker; /* the collector's */
    int64_t begin_cpu_ns; /* its CPU time up to which count_rest has counted; the collector's */
    struct cycle_helpers dedicated; /* beside the collector's thread, which is the first of them */
    struct cycle_helpers idle;

    unsigned wanted;     /* atomic: forced cycles asked for */
    unsigned done;       /* atomic, waited on: of these, those that are done */
    unsigned finished;   /* atomic, waited on: raised as each cycle has been swept */
    unsigned wake;       /* atomic, waited on by the collector: raised to wake it */
    unsigned due;        /* atomic: the trigger was reached */
    unsigned shutdown;   /* atomic: threads are to end */
    unsigned helping;    /* atomic, waited on by helpers: odd while there may be work */
    unsigned scavenge;   /* atomic, waited on by the scavenger: raised to wake it */
    unsigned barrier_on; /* mutators attach with the barrier on; changes under WORLD or stopped */
    unsigned black;      /* and allocate black; likewise */
    unsigned scanned;    /* atomic: all mutators' roots were scanned, so that anybody may mark */
    AO_t set_aside_ns;   /* when the OS last set a marker aside; markers write it, unordered */
    AO_t busy_until_ns;  /* no CPU counts as idle before; likewise */
    AO_t unhelped_until_ns; /* idle helpers rest before; likewise */
    AO_t black_bytes;       /* allocated black by mutators that are gone since */
    AO_t stack_bytes;       /* roots of mutators and coroutines visited in this cycle */

    unsigned threads; /* atomic: not 0: the collector's threads are there; 0 after a fork */

    struct lock gate;           /* rank CYCLE: held while a cycle runs */
    struct lock scavenge_lock;  /* rank SWEEP: held while pages are given back */
    struct cycle_record record; /* of the running or last cycle; the collector's */
    struct lock lock;           /* rank LOG: what follows, for figures */
    uint64_t cycles;
    uint64_t forced_cycles;
    struct cycle_record last;
    uint64_t pauses;
    uint64_t pause_total_ns;
    uint64_t pause_max_ns;
    uint64_t pause_histogram[GAIT_PAUSE_BUCKETS];
};

/** Make ready and start the collector's threads. @return negative: no threads to be had. */
int cycle_init(gait_heap *heap);

/** End the threads; marking that is under way is given up. */
void cycle_destroy(gait_heap *heap);

/** In a fork's child: the threads are gone, and started again when a cycle is asked for. */
void cycle_threads_lost(gait_heap *heap);

/** Have as many helpers as the number of CPUs asks for; as many as there are threads to be had. The
 * collector, before marking. */
void cycle_want_helpers(gait_heap *heap);

/** Run a cycle, with the gate held. The collector's thread. */
void cycle_run(gait_heap *heap, bool forced, bool periodic);

/** Are the threads to end? Does somebody wait for a forced cycle? */
static inline bool cycle_is_shutdown(const struct cycle *cycle) {
    return AO_int_load_acquire(&cycle->shutdown) != 0;
}
static inline bool cycle_is_awaited(const struct cycle *cycle) {
    return AO_int_load_acquire(&cycle->wanted) != AO_int_load(&cycle->done);
}

/** May a running mutator mark? Until its next safepoint, if so. */
bool cycle_lets_mark(const gait_mutator *mutator);

/** Ask for a cycle, since the trigger was reached. Any thread. */
void cycle_request(gait_heap *heap);

/** The same, and wait until a cycle has ended since cycle.finished was this, but so long at most,
 * and not while a mutator holds it up. Not by a running mutator. */
void cycle_await(gait_heap *heap, unsigned finished, int64_t most_ns);

/** Ask for a full cycle that begins after the call, and wait for it. Not by a running mutator. */
void cycle_force(gait_heap *heap);

/** Give up to bytes of free pages back to the OS. Not by a running mutator. @return how many. */
size_t cycle_scavenge(gait_heap *heap, size_t bytes);

/** Have the scavenger look at what is due: after a cycle, or another goal. Any thread. */
void cycle_wake_scavenger(gait_heap *heap);

/** Memory of an arena went into quarantine; open: the scavenger is to make more of it inaccessible.
 * Asks for a cycle when much has gathered. Any thread. */
void cycle_quarantined(gait_heap *heap, bool open);

/** An arena was made. Asks for a cycle when so many have come since the last one that some may be
 * leaked: the heap's own growth may never ask for one. Any thread. */
void cycle_arena_created(gait_heap *heap);

/** How a mutator joins and leaves: world_add's prepare and world_remove's finish. */
void cycle_mutator_joins(gait_mutator *mutator);
void cycle_mutator_leaves(gait_mutator *mutator);

#endif
