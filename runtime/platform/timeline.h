/* SPDX-License-Identifier: MIT */
/*
 * The timeline: what the collector and the threads that it involves do, from when to when. Told
 * here by whoever does it, on its own thread; read by observe/trace.h. One for the process, since a
 * thread may work for several heaps: each event says for which. While nobody reads, telling costs a
 * load and a branch.
 *
 * Each thread that tells something has a ring of its own, which one reader empties; what finds it
 * full is dropped and counted. Why nothing is lost or torn: docs/design/observe.md, .inv.own.
 *
 * The same places are probes for tracers of the system, if the library is built so: each has the
 * arguments begin, ns of CLOCK_MONOTONIC, value, and the heap's number. They fire at the end of
 * what they tell of. Each has a semaphore, a number that a tracer raises while it listens, so that
 * nothing but a load and a branch is added here either: the clock is not looked at for nobody.
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
    X(sweep, "ns")           /* the collector sweeps, or a mutator; so long */                     \
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
#define TIMELINE_PROBE(kind, heap, begin_ns, value) DTRACE_PROBE3(gait, kind, begin_ns, value, heap)
#define TIMELINE_PROBED(kind) ((AO_t)gait_##kind##_semaphore)
#else
#define TIMELINE_PROBE(kind, heap, begin_ns, value) ((void)0)
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
    unsigned heap; /* its number */
};

/* Whose events these are. */
struct timeline_thread {
    int number; /* the system's; 0: of threads without a ring */
    char name[PLATFORM_THREAD_NAME_BYTES];
};

/* Not 0: somebody reads. Written with timeline_open and timeline_close. */
extern volatile AO_t timeline_reads;

/* ---- The reader: one thread at a time, under a lock of the reader's ---- */

/** Have events noted from now on; none that was told before. @return false: there is a reader, or
 * the system has no key for the ends of threads. */
bool timeline_open(void);

/** Note events of this heap too, from now on; or no more. Those of other heaps take no room in the
 * rings, except for heaps whose number is the same modulo 256. */
void timeline_watch(unsigned heap);
void timeline_unwatch(unsigned heap);

/** Have them go nowhere. Some thread may still be about to put one; its heap is not one of those
 * that a later reader knows. */
void timeline_close(void);

struct timeline_taker {
    void (*event)(void *data, const struct timeline_thread *thread,
                  const struct timeline_event *event);
    void (*dropped)(void *data, const struct timeline_thread *thread, uint64_t events);
    void *data;
};

/** Take what was told before the call begins, of each thread in its order, and how many found no
 * room since the last call. */
void timeline_take(const struct timeline_taker *taker);

/** In the child of a fork, before its thread tells anything: the rings' threads are not there. */
void timeline_forked(void);

/* ---- Telling ---- */

void timeline_add(enum timeline_kind kind, unsigned heap, int64_t begin_ns, uint64_t value);

/** The same of one of many short steps: those of a thread that follow one another closely are one
 * event, whose value is for how long there were steps in it, ns. */
void timeline_add_step(enum timeline_kind kind, unsigned heap, int64_t begin_ns);

/** The calling thread's last steps are over. */
void timeline_end_steps(void);

/** Does somebody read, by rings? For what is counted for a trace alone. */
static inline bool timeline_is_open(void) { return AO_load(&timeline_reads) != 0; }

/** Now, for whoever begins what is told when it ends; 0: nobody reads, by a ring or a probe. */
#define TIMELINE_BEGIN(kind)                                                                       \
    (__builtin_expect((AO_load(&timeline_reads) | TIMELINE_PROBED(kind)) != 0, 0)                  \
         ? platform_now_ns()                                                                       \
         : 0)

/** It has ended, for the heap of that number. A begin_ns of 0 means that nobody read then: it isn't
 * told, and value is not looked at. */
#define TIMELINE_END(kind, heap, begin_ns, value)                                                  \
    do {                                                                                           \
        if (begin_ns) {                                                                            \
            TIMELINE_PROBE(kind, heap, begin_ns, value);                                           \
            if (timeline_is_open())                                                                \
                timeline_add(TIMELINE_##kind, heap, begin_ns, value);                              \
        }                                                                                          \
    } while (0)

/** As TIMELINE_END, of a short step. The probe fires for each, with what it took, ns. */
#define TIMELINE_STEP(kind, heap, begin_ns)                                                        \
    do {                                                                                           \
        if (begin_ns) {                                                                            \
            TIMELINE_PROBE(kind, heap, begin_ns, platform_now_ns() - (begin_ns));                  \
            if (timeline_is_open())                                                                \
                timeline_add_step(TIMELINE_##kind, heap, begin_ns);                                \
        }                                                                                          \
    } while (0)

/** Sleep, and tell that it was a nap: who marks or sweeps lets others have a CPU. */
static inline void timeline_nap(unsigned heap, int64_t ns) {
    int64_t begin_ns = TIMELINE_BEGIN(nap);
    platform_sleep_ns(ns);
    TIMELINE_END(nap, heap, begin_ns, 0);
}

/** Something is so at this moment. */
#define TIMELINE_NOW(kind, heap, value)                                                            \
    do {                                                                                           \
        int64_t timeline_now = TIMELINE_BEGIN(kind);                                               \
        TIMELINE_END(kind, heap, timeline_now, value);                                             \
    } while (0)

#endif
