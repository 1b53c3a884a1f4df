/* SPDX-License-Identifier: MIT */
/*
 * Perturbed schedules: delays a thread on purpose between two steps of what threads do together.
 *
 * PERTURB(POINT) stands between two such steps. In checked builds (GAIT_CHECKS) a seed decides who
 * waits there, when and for how long; while nothing is armed a point costs one relaxed load. In all
 * other builds there is nothing: no code, no name.
 *
 *   GAIT_PERTURB=SEED[:POINTS[:MICROSECONDS]]     such as 17, 17:sweep+weak.read or 0:all:500
 *
 * SEED 0 is one of the clock; the seed is printed. POINTS are words of the table joined by `+`; a
 * word without a dot names all points of that group. MICROSECONDS is the longest delay. A process
 * that has more rights than its caller reads none of it.
 *
 *   .inv.same: the n-th passage of the k-th thread through a point waits equally long whenever the
 *   seed is the same. What threads do with it is up to the OS: the same seed makes the same failure
 *   likely, not certain.
 *
 * Most passages don't wait, some yield, fewer sleep for 10 to 100 us, few for up to the longest. A
 * point that is passed often waits seldom: its rate is in the table. Each seed has a quarter of the
 * points wait 32 times as often as the others: two rare delays that belong together are found
 * sooner so (swarm testing: Groce and others 2012). Points that were named all do.
 */
#ifndef GAIT_PERTURB_H
#define GAIT_PERTURB_H

#ifdef GAIT_CHECKS

#include "atomic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * X(constant, word, rate): the rate is how often the point is passed. RARE: a few times a cycle;
 * OFTEN: by each thread, chunk or block of a cycle; ALWAYS: for a run of cells, a barrier, a word.
 */
#define PERTURB_POINTS(X)                                                                          \
    /* the collector asks; docs/design/world.md */                                                 \
    X(HANDSHAKE_NUMBERED, "handshake.numbered", RARE) /* before polls are raised */                \
    X(HANDSHAKE_POLLED, "handshake.polled", RARE)     /* before mutators are looked at */          \
    X(HANDSHAKE_LOOK, "handshake.look", OFTEN)        /* before each mutator is looked at */       \
    X(HANDSHAKE_ASK, "handshake.ask", OFTEN)          /* it runs, before its poll is raised */     \
    X(HANDSHAKE_AWAIT, "handshake.await", OFTEN)      /* named, before it is looked at again */    \
    X(STOP_STOPPED, "stop.stopped", RARE)                                                          \
    X(STOP_STARTED, "stop.started", RARE) /* before those that wait are woken */                   \
    /* it acts for a mutator in native code */                                                     \
    X(ACT_HELD, "act.held", OFTEN)                                                                 \
    X(ACT_ACTED, "act.acted", OFTEN)       /* before the mutator is let go */                      \
    X(ACT_RELEASED, "act.released", OFTEN) /* before it is woken */                                \
    /* a mutator answers */                                                                        \
    X(ANSWER_CLEARED, "answer.cleared", OFTEN) /* poll is 0, the request is not read */            \
    X(ANSWER_ACTED, "answer.acted", OFTEN)     /* before it says so */                             \
    X(ANSWER_LOOK, "answer.look", OFTEN)       /* before it looks whether it is waited for */      \
    X(ANSWER_SAID, "answer.said", OFTEN)       /* before the collector is woken */                 \
    X(NATIVE_BEGIN, "native.begin", OFTEN)     /* before the state says so */                      \
    X(NATIVE_BEGUN, "native.begun", OFTEN)     /* before requests are looked for */                \
    X(NATIVE_TOLD, "native.told", OFTEN)                                                           \
    X(NATIVE_CLEARED, "native.cleared", OFTEN) /* poll is 0, the state is not RUNNING */           \
    X(NATIVE_LEFT, "native.left", OFTEN)                                                           \
    X(NATIVE_LEAVE, "native.leave", OFTEN)     /* the state says so, stops are not looked for */   \
    X(NATIVE_REFUSED, "native.refused", OFTEN) /* stopped: before the wait */                      \
    X(ATTACH_REST, "attach.rest", OFTEN)                                                           \
    X(ATTACH_PREPARED, "attach.prepared", OFTEN)                                                   \
    X(ATTACH_LISTED, "attach.listed", OFTEN)                                                       \
    X(DETACH_NATIVE, "detach.native", OFTEN)                                                       \
    X(DETACH_DROPPED, "detach.dropped", OFTEN)                                                     \
    /* a cycle; cycle.c describes it */                                                            \
    X(CYCLE_BEGIN, "cycle.begin", RARE)                                                            \
    X(CYCLE_BARRIERS, "cycle.barriers", RARE) /* joiners have barriers, others not yet */          \
    X(CYCLE_BLACK, "cycle.black", RARE)                                                            \
    X(CYCLE_ROOTS, "cycle.roots", RARE) /* stacks are scanned, shared roots not */                 \
    X(CYCLE_HELPED, "cycle.helped", RARE)                                                          \
    X(CYCLE_DRAINED, "cycle.drained", RARE)                                                        \
    X(CYCLE_QUIET, "cycle.quiet", RARE)                                                            \
    X(CYCLE_FLIP, "cycle.flip", RARE)                                                              \
    X(CYCLE_FLIPPED, "cycle.flipped", RARE)                                                        \
    X(CYCLE_SETTLE, "cycle.settle", RARE)                                                          \
    X(CYCLE_SETTLED, "cycle.settled", RARE)                                                        \
    X(CYCLE_OPEN, "cycle.open", RARE)                                                              \
    X(CYCLE_DONE, "cycle.done", RARE)                                                              \
    /* marking work */                                                                             \
    X(HELP_LOOK, "help.look", OFTEN)    /* it is helping, before it looks at the queue */          \
    X(HELP_BURST, "help.burst", OFTEN)  /* there was work, before it joins */                      \
    X(MARK_BEGIN, "mark.begin", OFTEN)  /* before it counts as active */                           \
    X(MARK_BEGUN, "mark.begun", OFTEN)  /* before it knows the epoch */                            \
    X(MARK_END, "mark.end", OFTEN)      /* before its work is published */                         \
    X(MARK_ENDED, "mark.ended", OFTEN)  /* before it is active no more */                          \
    X(MARK_TAKEN, "mark.taken", OFTEN)  /* holds a block */                                        \
    X(MARK_BATCH, "mark.batch", ALWAYS) /* before the marks are set */                             \
    X(QUEUE_OPEN, "queue.open", RARE)                                                              \
    X(QUEUE_CLOSE, "queue.close", RARE)                                                            \
    X(QUEUE_JOIN, "queue.join", OFTEN)       /* it is open, before one is counted */               \
    X(QUEUE_PUBLISH, "queue.publish", OFTEN) /* counted, not there */                              \
    X(QUEUE_POP, "queue.pop", OFTEN)         /* before the swap */                                 \
    X(NEWS_TELL, "news.tell", OFTEN)         /* there is something, before waiters are counted  */ \
    X(NEWS_COUNTED, "news.counted", OFTEN)   /* before the word is read */                         \
    X(NEWS_WOKEN, "news.woken", OFTEN)       /* before it counts no more, and looks */             \
    /* barriers, weak references, finalizers */                                                    \
    X(BARRIER_READ, "barrier.read", ALWAYS)   /* what the slot held, before it is noted */         \
    X(STORE, "store", ALWAYS)                 /* in gait_store, before the store */                \
    X(BARRIER_NOTED, "barrier.noted", ALWAYS) /* before the store */                               \
    X(BARRIER_FLUSH, "barrier.flush", OFTEN)                                                       \
    X(WEAK_READ, "weak.read", ALWAYS)   /* before it is looked whether it is dead */               \
    X(WEAK_ALIVE, "weak.alive", ALWAYS) /* before it is shaded */                                  \
    X(WEAK_CLAIMED, "weak.claimed", OFTEN)                                                         \
    X(WEAK_SETTLE, "weak.settle", ALWAYS) /* it is dead, before the swap */                        \
    X(LIVENESS, "liveness", OFTEN)        /* before a hook is called */                            \
    X(REVIVE, "revive", OFTEN) /* objects are to come back, before the first bit is set */         \
    X(FINALIZERS_PASS, "finalizers.pass", OFTEN)                                                   \
    X(PASS_LET_IN, "pass.let-in", OFTEN)                                                           \
    X(FINALIZERS_TAKE, "finalizers.take", OFTEN)                                                   \
    X(COROUTINE_SUSPEND, "coroutine.suspend", OFTEN)                                               \
    X(COROUTINE_BETWEEN, "coroutine.between", OFTEN)                                               \
    X(COROUTINE_RESUME, "coroutine.resume", OFTEN)                                                 \
    X(COROUTINE_SCAN, "coroutine.scan", OFTEN)                                                     \
    X(COROUTINE_REACHED, "coroutine.reached", OFTEN)                                               \
    X(CARDS_TAKEN, "cards.taken", OFTEN)     /* clean again, before what they cover is scanned */  \
    X(WRITTEN_LOOK, "written.look", RARE)    /* before the kernel is asked which were */           \
    X(WRITTEN_TAKEN, "written.taken", RARE)  /* watched again, before what they hold is read */    \
    X(RANGE_PIECE, "range.piece", OFTEN)     /* counted, before it is looked whether it is gone */ \
    X(RANGE_REMOVED, "range.removed", OFTEN) /* before users are waited for */                     \
    /* arenas */                                                                                   \
    X(ARENA_LEAVE, "arena.leave", OFTEN) /* before its owner looks whether it is claimed */        \
    X(ARENA_APART, "arena.apart", OFTEN) /* claimed, not on the list */                            \
    X(ARENA_CLAIM, "arena.claim", OFTEN) /* before the claim */                                    \
    X(ARENA_WALK, "arena.walk", OFTEN)   /* claimed, before its pieces are looked at */            \
    X(ARENA_PIECE, "arena.piece", OFTEN) /* scanned, before it says so */                          \
    X(ARENA_NOTED, "arena.noted", RARE)  /* what is new has dirty cards, before threads answer */  \
    X(ARENA_SETTLE, "arena.settle", OFTEN)                                                         \
    X(ARENA_REUSE, "arena.reuse", OFTEN)                                                           \
    X(ARENA_OF, "arena.of", ALWAYS) /* a page's entry says arena, before it is asked whose */      \
    /* memory */                                                                                   \
    X(SWEEP_FORGET, "sweep.forget", OFTEN) /* a span's kept marks are about to be cleared */       \
    X(SWEEP_OPEN, "sweep.open", RARE)      /* the cursor is reset, sweeping is closed */           \
    X(SWEEP_ACTIVE, "sweep.active", OFTEN) /* before a chunk is claimed */                         \
    X(SWEEP_CHUNK, "sweep.chunk", OFTEN)   /* before its first span */                             \
    X(SWEEP_CLAIMED, "sweep.claimed", OFTEN)                                                       \
    X(SWEEP_BITS, "sweep.bits", OFTEN)   /* counted, before it says it is swept */                 \
    X(SWEEP_SWEPT, "sweep.swept", OFTEN) /* before its pages are given away, or offered */         \
    X(REFILL_SWEPT, "refill.swept", ALWAYS)                                                        \
    X(REFILL_FOUND, "refill.found", ALWAYS) /* free cells, before they are zeroed */               \
    X(REFILL_ZEROED, "refill.zeroed", ALWAYS)                                                      \
    X(REFILL_SET, "refill.set", ALWAYS) /* allocated, not yet black */                             \
    X(SPAN_TAKEN, "span.taken", OFTEN)  /* from a list or the page heap, before it is a span */    \
    X(SPAN_DISOWN, "span.disown", OFTEN)                                                           \
    X(LARGE_DONE, "large.done", OFTEN)                                                             \
    X(HOLD_BEGINNING, "hold.beginning", RARE) /* a cycle is to begin; is it held back? */          \
    X(HOLD_HELD, "hold.held", RARE)           /* it is held back; does one begin? */               \
    X(FREE_SWEPT, "free.swept", OFTEN)        /* before a cell that is freed loses its bits */     \
    X(FREE_UNALLOCATED, "free.unallocated", OFTEN) /* its mark may be set still */                 \
    X(ARENA_SHARD, "arena.shard", OFTEN)           /* it is taken */                               \
    X(CHUNK_MADE, "chunk.made", OFTEN) /* its descriptor leads to it, its entries not yet */       \
    X(CHUNK_PUSH, "chunk.push", OFTEN) /* before the swap */                                       \
    X(CHUNK_POP, "chunk.pop", OFTEN)   /* likewise */                                              \
    X(PAGES_TAKEN, "pages.taken", OFTEN)                                                           \
    X(PAGES_GIVE, "pages.give", OFTEN)                                                             \
    X(PAGES_SCAVENGE, "pages.scavenge", OFTEN) /* out of the runs, before the OS is asked */       \
    /* asking for cycles; fork */                                                                  \
    X(THREADS_START, "threads.start", RARE)                                                        \
    X(LIBRARY_FLUSH, "library.flush", OFTEN) /* out of a shard, not in the total */                \
    X(REQUEST, "request", OFTEN)                                                                   \
    X(FORK_PREPARE, "fork.prepare", RARE)                                                          \
    X(FORK_STOPPED, "fork.stopped", RARE)                                                          \
    X(FORK_PARENT, "fork.parent", RARE)                                                            \
    X(FORK_CHILD, "fork.child", RARE)                                                              \
    X(OWN_CLOSE, "own.close", RARE)                                                                \
    /* a pair of arenas */                                                                         \
    X(PAIR_SWAP, "pair.swap", ALWAYS) /* the root is set, before the side is published */          \
    X(PAIR_LOOK, "pair.look", ALWAYS) /* before it is looked whether the last readers left */      \
    X(PAIR_READ, "pair.read", ALWAYS) /* counted, before the root is read */                       \
    X(PAIR_DONE, "pair.done", ALWAYS) /* before it is told */                                      \
    /* an event on its way into a ring, and out */                                                 \
    X(RING_TICKET, "ring.ticket", ALWAYS)      /* the slot is free, before it is taken */          \
    X(RING_FILL, "ring.fill", ALWAYS)          /* taken, before it is filled */                    \
    X(TIMELINE_CLAIM, "timeline.claim", OFTEN) /* the ring is this thread's, nobody knows whose */ \
    X(TIMELINE_PUT, "timeline.put", OFTEN)     /* the slot is filled, before it says so */         \
    X(TIMELINE_TAKEN, "timeline.taken", OFTEN) /* read, before the slot is free again */           \
    X(RING_TAKEN, "ring.taken", ALWAYS)        /* its event is read, before it is free again */    \
    X(SAMPLES_SETTLE, "samples.settle", OFTEN) /* the lock let go between two pieces */            \
    X(EXPECTED_SETTLE, "expected.settle", OFTEN) /* likewise */                                    \
    /* the platform itself */                                                                      \
    X(WAIT, "wait", OFTEN) /* what is waited for was looked at, before the OS sleeps */            \
    X(WAKE, "wake", OFTEN) /* stored, before the OS wakes */                                       \
    X(LOCK_WANTED, "lock.wanted", ALWAYS)                                                          \
    X(LOCK_TAKEN, "lock.taken", ALWAYS)                                                            \
    X(LOCK_RELEASED, "lock.released", ALWAYS)

enum perturb_point {
#define X(constant, word, rate) PERTURB_##constant,
    PERTURB_POINTS(X)
#undef X
        PERTURB_POINT_COUNT
};

/** The longest delay unless it is said, us. */
#define PERTURB_LONGEST_US 4000

/**
 * Begin to delay threads by this seed, at these points (as in GAIT_PERTURB; NULL: all). Threads are
 * counted anew. Thread rule: while no other thread is at a point.
 * @return negative: no such point, nothing changed.
 */
int perturb_arm(uint64_t seed, const char *points, size_t longest_us);

/** Arm from text in the form of GAIT_PERTURB. @return negative: malformed, nothing changed. */
int perturb_arm_text(const char *text);

/** Delay nobody any more. */
void perturb_disarm(void);

/** How many passages through a point have waited since the last perturb_arm. */
size_t perturb_delays(enum perturb_point point);

/* The rest is for the macro alone. */

/** Not 0: armed. Written by perturb_arm; unordered reads only begin or end late. */
extern volatile AO_t perturb_armed;

/** Wait, or don't, as the seed says. errno is kept. */
void perturb_pass(enum perturb_point point);

#define PERTURB(point)                                                                             \
    (__builtin_expect(AO_load(&perturb_armed) != 0, 0) ? perturb_pass(PERTURB_##point) : (void)0)

#else

#define PERTURB(point) ((void)0)

#endif

#endif
