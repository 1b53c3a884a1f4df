/* SPDX-License-Identifier: MIT */
/*
 * The mutators of a heap: attach, detach, states, handshakes, stopping.
 *
 * A handshake has every mutator run an action once, each at a safepoint of its own; for one in
 * native code the collector runs it. A stop waits until no mutator is running. Both hold the lock
 * WORLD throughout, so that no mutator comes or goes meanwhile; a thread that wants to detach is
 * in native code before it takes the lock.
 *
 * A thread may have mutators in several heaps (program_thread.h), and waits in one of them only
 * while it is native in all: else the collectors of two heaps could wait for each other's mutators
 * in a circle.
 *
 *   .inv.news: from the end of a cycle to its program's own next poll, a mutator that runs has
 *   `poll` set. So a program that looks for what cycles leave to be done only where it polls sees
 *   each, also where the collector was answered within allocations.
 *
 *   .inv.linear: a handshake or a stop costs a constant for each mutator, and a system call only
 *   where somebody sleeps. Those that must answer are waited for one after another; one that
 *   answers while another is waited for wakes nobody.
 *
 * In a heap whose threads the program stops by means of its own, they are in native code, as far as
 * is said here, while they run the program's code; each call of the library is a way in and out.
 *
 *   .inv.inside: what the program's means stop is not in the library: it holds none of its locks,
 *   and all that its mutator has is whole.
 *
 * One thread, the collector, asks; see docs/design/world.md for why no request is lost.
 */
#ifndef GAIT_WORLD_H
#define GAIT_WORLD_H

#include "mutator.h"

/* How the program's own means stop the heap's threads; stop is NULL: they poll. Constant. */
struct world_hooks {
    void (*stop)(void *data);
    void (*start)(void *data);
    gait_roots_fn roots; /* of all threads that are stopped; may be NULL */
    void *data;
    size_t heap_bytes; /* of the heap's structure: its locks lie in it */
};

/* How the collector looks for mutators that have not answered; policy's. */
struct world_looks {
    int64_t look_ns;      /* between two looks: a bound on a wake that was missed */
    int64_t look_most_ns; /* the most that such a time counts: in more, the collector was preempted
                             itself, which says little of the mutator */
    int64_t held_up_ns;   /* the world is held up by one that has not answered for so long */
    int64_t tell_ns;      /* it is told of, */
    int64_t tell_again;   /* and whenever that has become so many times as long */
};

struct world {
    struct lock lock; /* rank WORLD: the list, and each mutator's place in it */
    struct world_hooks hooks;
    unsigned heap_number; /* constant; for the timeline */
    gait_mutator *first;
    AO_t count;                            /* mutators attached; a figure */
    AO_t running;                          /* of these, not in native code; a figure */
    unsigned handshake;                    /* atomic: number of the current or last handshake */
    void (*action)(gait_mutator *mutator); /* of that handshake; released with its number */
    unsigned stopping;                     /* atomic, waited on: not 0 while the world is stopped */
    unsigned stops;                        /* atomic, waited on: raised as a stop ends */
    AO_t awaited;                          /* the mutator that the collector waits for, or 0 */
    unsigned answers;                      /* atomic, waited on: raised when that one answers */
    int64_t stop_begin_ns;                 /* the collector's */
    struct world_looks looks;              /* constant */
    /* Is told of one that has not answered for long, with the lock held; may be NULL. Constant. */
    void (*tell_silent)(const gait_mutator *mutator, int64_t silent_ns);
    /* For how long the collector has looked for one answer, ns, twice; odd: that mutator was on its
     * CPU for held_up_ns of it. Unordered: a figure. */
    AO_t silence;
};

void world_init(struct world *world, const struct world_looks *looks);
void world_destroy(struct world *world);

/** Have every mutator run action. The collector only; not while the world is stopped. */
void world_handshake(struct world *world, void (*action)(gait_mutator *mutator));

/** Have the CPU time of all mutators' threads, up to now, in that of the process, for recordings.
 * The collector. */
void world_settle_cpu(struct world *world);

/** Has some mutator not answered for so long that nobody should wait for what the collector wanted?
 * Any thread. */
bool world_is_held_up(const struct world *world);

/** The same, where the limit would be passed for it: only by one that was on its CPU for so long,
 * so that it does not poll. Of one that the OS keeps off its CPU nobody knows when it answers:
 * whoever is at the limit waits for it as for the collector. */
bool world_is_held_up_at_limit(const struct world *world);

/** As world_is_held_up, of one that has not answered for most_ns. */
bool world_is_silent(const struct world *world, int64_t most_ns);

/** Stop all mutators; let them go on. The collector only. Where the program's means stop threads,
 * between the two nothing takes a lock that is not the library's own: malloc's, stdio's, the
 * loader's. */
void world_stop(struct world *world);

/** As world_stop, unless a mutator does not answer for most_ns: then the stop is taken back.
 * @return false: all go on. Such a thread's polls stay slow until it is asked again. */
bool world_stop_within(struct world *world, int64_t most_ns);

/** @return how long they were stopped, ns: without the time that their threads need to get up, and
 * that this one is not on a CPU since one of them took its place. */
int64_t world_start(struct world *world);

/** Have no mutator in the library, whatever the program's code does; let them in again. As a stop,
 * except that threads which the program's means stop go on to run. For fork. */
void world_close(struct world *world);
int64_t world_open(struct world *world);

/** May a thread that rests take locks of the heap's? Not where the program's means may stop it
 * there: .inv.inside. (Locks that a cycle has from its beginning on, it may.) */
static inline bool world_lets_rest_with_locks(const struct world *world) {
    return world->hooks.stop == NULL;
}

/** Do threads of this heap count as NATIVE while they run the program's code? */
static inline bool world_has_hooks(const struct world *world) { return world->hooks.stop != NULL; }

/** Add a mutator in state RUNNING; prepare runs with the lock held. Not by a mutator that runs. */
void world_add(struct world *world, gait_mutator *mutator, void (*prepare)(gait_mutator *mutator));

/** Remove one of the calling thread; finish runs with the lock held. */
void world_remove(struct world *world, gait_mutator *mutator,
                  void (*finish)(gait_mutator *mutator));

/** The same by a thread that has the world stopped. */
void world_drop(struct world *world, gait_mutator *mutator, void (*finish)(gait_mutator *mutator));

/** Begin and end a native region of one mutator, by its thread; each is a safepoint, except one
 * that lies within another. Leaving waits while the world is stopped. */
void world_enter_native(gait_mutator *mutator);
void world_leave_native(gait_mutator *mutator);

/** Answer what is asked of the thread's running mutators: the slow part of a poll of the program's,
 * which is this mutator's. */
void world_answer_polled(gait_mutator *mutator);

/** The slow part of world_poll. */
void world_poll_slow(gait_mutator *mutator);

/** Every other safepoint: let the collector in, if it asks. gait_poll is the program's alone: it
 * lowers `poll` where that says that a cycle has ended (.inv.news). */
static inline void world_poll(gait_mutator *mutator) {
    if (__builtin_expect(AO_int_load(&mutator->head.poll), 0)) /* unordered: seen late, it delays */
        world_poll_slow(mutator);
}

/** The thread's functions have ended: end its native regions, without answering. */
void world_end_regions(void);

/**
 * The calling thread is about to wait for something that needs other threads: all of its running
 * mutators, in whatever heaps, are NATIVE until world_resume, which answers nothing.
 */
void world_rest(void);
void world_resume(void);

#endif
