/* SPDX-License-Identifier: MIT */
/*
 * The collector: the thread that runs cycles, the requests to it, and the threads that wait for a
 * cycle.
 *
 * Requests come from any thread, and cost a wake at most. The thread looks at them, and at the
 * clock, and has cycle.c run. Calls go collector -> cycle -> workers, and none goes back; the
 * scavenger is woken when a cycle is done.
 *
 *   .inv.threads: a heap has no threads before it needs them: for its first cycle, its first arena,
 *   notices, or a limit that follows the machine. Until then no cycle runs, no page is free, and
 *   nothing is given back. The same holds in a fork's child, whose threads are gone. If none are
 *   available, the next thread that needs them tries again.
 *   .inv.held: no cycle begins while `held` is not 0. A thread that raises it looks then whether
 *   one is beginning; the thread says first that one is, then looks whether it is held. So one of
 *   them sees the other, and either none begins, or the one that holds waits until its marking has
 * ended.
 */
#ifndef GAIT_COLLECTOR_H
#define GAIT_COLLECTOR_H

#include <gait/gait.h>
#include <stdbool.h>

#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "../platform/platform.h"

struct collector {
    struct platform_thread thread;
    struct lock gate; /* rank CYCLE: held while a cycle runs */
    unsigned forced;  /* atomic: forced cycles asked for */
    unsigned done;    /* atomic, waited on: of these, those that are done */
    unsigned ended;   /* atomic, waited on: raised as each cycle has been swept */
    unsigned wake;    /* atomic, waited on by the thread: raised to wake it */
    unsigned due;     /* atomic: a cycle was asked for that nobody waits for; by which figures:
                         .inv.asked. 0: not since the last one began */
    unsigned whole;   /* atomic: the next cycle is to be a full one */
    unsigned look; /* atomic: settings were lowered: a cycle may be due, though nobody allocates */
    unsigned overdue;   /* atomic: a periodic cycle is due, and waits for an allocation */
    unsigned ending;    /* atomic: the thread is to end */
    AO_t held;          /* by so many mutators: no cycle begins; .inv.held */
    unsigned beginning; /* atomic: a cycle may begin, or runs */
    unsigned started;   /* atomic: not 0: the heap's threads are there; see .inv.threads */
};

/** Make ready. */
void collector_init(gait_heap *heap);

/** Start the heap's threads, if they are not there. Any thread. */
void collector_start(gait_heap *heap);

/** End the threads; a cycle that is under way is given up. */
void collector_destroy(gait_heap *heap);

/** In a fork's child: the threads are gone, and started again when a cycle is asked for. */
void collector_lost(gait_heap *heap);

/** Ask for a cycle, since the trigger was reached. Any thread. */
void collector_request(gait_heap *heap);

/** The same, unless a cycle is on, or one has ended since collector.ended was this. Any thread. */
void collector_request_unless(gait_heap *heap, unsigned ended);

/** The same, and wait until one has ended since collector.ended was this, but so long at most, and
 * not while a mutator holds it up. Not by a running mutator. @return for how long it was, ns,
 * by the governor's reckoning. */
int64_t collector_await(gait_heap *heap, unsigned ended, int64_t most_ns);

/** Ask for a full cycle that begins after the call, and wait for it. Not by a running mutator. */
void collector_force(gait_heap *heap);

/** Is a periodic cycle due that no thread looks for? Asked as a thread allocates. In a heap with
 * world hooks it is the only one to begin such a cycle: an idle program is not stopped. */
bool collector_is_overdue(gait_heap *heap);

/** Was a cycle asked for by collector_request that has not ended marking? */
bool collector_is_due(const gait_heap *heap);

/** Wait until there is none. Not by a running mutator. */
void collector_await_marked(gait_heap *heap);

/** GOGC or the limit was lowered. A cycle comes by itself, if one is due now: mutators that do not
 * allocate ask for none. Any thread. */
void collector_look(gait_heap *heap);

/** Have no cycle begin until collector_let_go; wait until one that marks has ended marking. Not by
 * a running mutator. */
void collector_hold(gait_heap *heap);

/** Take it back. What was asked for meanwhile begins if nobody else holds it. Any thread. */
void collector_let_go(gait_heap *heap);

/** May no cycle begin? Any thread; for one that would wait for a cycle. */
bool collector_is_held(const gait_heap *heap);

/** May a cycle begin, and is it said that it does? The collector's thread. */
bool collector_may_begin(struct collector *collector);

/** Memory of an arena went into quarantine; open: the scavenger is to make more of it inaccessible.
 * Asks for a cycle when much has gathered. Any thread. */
void collector_quarantined(gait_heap *heap, bool open);

/** An arena was made. Asks for a cycle when so many have come since the last one that some may be
 * leaked: the heap's own growth may never ask for one. Any thread. */
void collector_arena_created(gait_heap *heap);

#endif
