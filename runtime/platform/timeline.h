/* SPDX-License-Identifier: MIT */
/*
 * The timeline: what the collector and the threads that it involves do, from when to when. Told
 * here by whoever does it, on its own thread; read by observe/trace.h. One for the process, since a
 * thread may work for several heaps. While nobody reads, telling costs a load and a branch.
 *
 * The same places are probes for tracers of the system, if the library is built so: each has the
 * arguments begin, ns of CLOCK_MONOTONIC, and value. They fire at the end of what they tell of.
 * Each has a semaphore, a number that a tracer raises while it listens, so that nothing but a load
 * and a branch is added here either: the clock is not looked at for nobody.
 */
#ifndef GAIT_TIMELINE_H
#define GAIT_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "platform.h"

/* X(kind, what is told of it by value; "": nothing). */
#define TIMELINE_KINDS(X)                                                                          \
    X(cycle, "number")       /* marking, from its first phase to its end   */                      \
    X(phase, "")             /* of a cycle; value: its name, a string      */                      \
    X(handshake, "mutators") /* the collector asks each mutator            */                      \
    X(stop, "mutators")      /* all mutators are stopped                   */                      \
    X(burst, "bytes")        /* a helper marks                             */                      \
    X(assist, "bytes")       /* a mutator marks for what it allocates      */                      \
    X(wait_work, "")         /* a mutator in debt waits for work           */                      \
    X(wait_cycle, "")        /* a mutator waits for a cycle's end          */                      \
    X(sweep, "")             /* the collector sweeps                       */                      \
    X(nap, "")               /* marking or sweeping lets others have a CPU  */                     \
    X(scavenge, "bytes")     /* memory goes back to the system             */                      \
    X(limiter, "on")         /* the CPU limiter begins (1) or ends (0)     */                      \
    X(live_bytes, "bytes")   /* the live heap now                          */                      \
    X(goal_bytes, "bytes")   /* the goal now                               */                      \
    X(total_bytes, "bytes")  /* memory now                                 */

#ifdef GAIT_USDT
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#define TIMELINE_SEMAPHORE(kind, value) extern volatile unsigned short gait_##kind##_semaphore;
TIMELINE_KINDS(TIMELINE_SEMAPHORE)
#undef TIMELINE_SEMAPHORE
#define TIMELINE_PROBE(kind, begin_ns, value) DTRACE_PROBE2(gait, kind, begin_ns, value)
#define TIMELINE_PROBED(kind) ((AO_t)gait_##kind##_semaphore)
#else
#define TIMELINE_PROBE(kind, begin_ns, value) ((void)0)
#define TIMELINE_PROBED(kind) ((AO_t)0)
#endif

enum timeline_kind {
#define TIMELINE_KIND(kind, value) TIMELINE_##kind,
    TIMELINE_KINDS(TIMELINE_KIND)
#undef TIMELINE_KIND
        TIMELINE_KIND_COUNT
};

struct timeline_event {
    int64_t begin_ns, end_ns; /* equal: a moment */
    uint64_t value;
    unsigned kind; /* enum timeline_kind */
    int thread;    /* the system's number of it */
};

struct ring;

/* Where events go; NULL: nobody reads. Written with timeline_open and timeline_close. */
extern volatile AO_t timeline_ring;

/** Have events go into a ring from now on. @return false: they go into another one. */
bool timeline_open(struct ring *ring);

/** Have them go nowhere. Some thread may still be about to put one: the ring is not freed. */
void timeline_close(struct ring *ring);

/** In the child of a fork: its thread has another number. */
void timeline_forked(void);

void timeline_add(enum timeline_kind kind, int64_t begin_ns, uint64_t value);

/** Does somebody read, by a ring? For what is counted for a trace alone. */
static inline bool timeline_is_open(void) { return AO_load(&timeline_ring) != 0; }

/** Now, for whoever begins what is told when it ends; 0: nobody reads, by a ring or a probe. */
#define TIMELINE_BEGIN(kind)                                                                       \
    (__builtin_expect((AO_load(&timeline_ring) | TIMELINE_PROBED(kind)) != 0, 0)                   \
         ? platform_now_ns()                                                                       \
         : 0)

/** It has ended. A begin_ns of 0 means that nobody read then: it isn't told, and value is not
 * looked at. */
#define TIMELINE_END(kind, begin_ns, value)                                                        \
    do {                                                                                           \
        if (begin_ns) {                                                                            \
            TIMELINE_PROBE(kind, begin_ns, value);                                                 \
            if (timeline_is_open())                                                                \
                timeline_add(TIMELINE_##kind, begin_ns, value);                                    \
        }                                                                                          \
    } while (0)

/** Sleep, and tell that it was a nap: who marks or sweeps lets others have a CPU. */
static inline void timeline_nap(int64_t ns) {
    int64_t begin_ns = TIMELINE_BEGIN(nap);
    platform_sleep_ns(ns);
    TIMELINE_END(nap, begin_ns, 0);
}

/** Something is so at this moment. */
#define TIMELINE_NOW(kind, value)                                                                  \
    do {                                                                                           \
        int64_t timeline_now = TIMELINE_BEGIN(kind);                                               \
        TIMELINE_END(kind, timeline_now, value);                                                   \
    } while (0)

#endif
