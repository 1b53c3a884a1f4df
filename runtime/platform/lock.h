/* SPDX-License-Identifier: MIT */
/*
 * Ranked mutual exclusion. A thread takes locks in rising rank, one of each rank; checked builds
 * (GAIT_CHECKS) stop a thread that does not, with the names of both locks. Since every thread
 * climbs the same ladder, none can wait in a circle.
 *
 * One exception, for fork: a thread that holds LOCK_HEAPS may take several locks of one rank (those
 * of all heaps), rank by rank. Only one thread at a time can do so, so the ladder still holds.
 */
#ifndef GAIT_LOCK_H
#define GAIT_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every lock of the library, in the order in which a thread may take them. */
enum lock_rank {
    LOCK_HEAPS,      /* the list of heaps of the process (fork)                  */
    LOCK_CYCLE,      /* the thread that drives a cycle                           */
    LOCK_WORLD,      /* the list of mutators and their blocked states            */
    LOCK_THREAD,     /* the mutators of one thread                               */
    LOCK_COROUTINE,  /* one coroutine's roots while it does not run              */
    LOCK_ROOTS,      /* static roots and handles                                 */
    LOCK_CONTROL,    /* the pacer's state                                        */
    LOCK_FINALIZERS, /* finalizer tables and queue                               */
    LOCK_LINKS,      /* links                                                    */
    LOCK_KINDS,      /* the table of kinds                                       */
    LOCK_SWEEP,      /* background sweeping and scavenging                       */
    LOCK_CENTRAL,    /* the spans of one class and kind                          */
    LOCK_NOTED,      /* chunks of traced arenas, where stores are plain          */
    LOCK_ARENAS,     /* records of arenas, and their quarantine                  */
    LOCK_PAGES,      /* the page heap                                            */
    LOCK_MARK,       /* the shared queue of marking work                         */
    LOCK_LOG,        /* figures and small tables; records of a recording         */
    LOCK_OUTPUT,     /* what waits to be written to a file                       */
};

struct lock {
    pthread_mutex_t mutex;
#ifdef GAIT_CHECKS
    enum lock_rank rank; /* constant after lock_init                               */
    const char *name;    /* constant after lock_init                               */
    struct lock *next;   /* what its holder took before it; guarded by this lock   */
#endif
};

/** name: a string that outlives the lock. Never fails. */
void lock_init(struct lock *lock, enum lock_rank rank, const char *name);

/** The lock is free and nobody wants it any more. */
void lock_destroy(struct lock *lock);

void lock_acquire(struct lock *lock);

/**
 * Take the lock if it is free. Exempt from the rank check, since it can't wait; what is acquired
 * after it is checked against it all the same. @return true: taken.
 */
bool lock_try(struct lock *lock);

/**
 * The locks that lie in [start, start + bytes) are forbidden to the calling thread, which may be
 * stopped anywhere by means of the program's: checked builds stop it if it takes one. NULL: none
 * are.
 */
void lock_forbid(const void *start, size_t bytes);

/** Release a lock that the calling thread holds, in any order. */
void lock_release(struct lock *lock);

/**
 * After fork, in the child: make a lock that some vanished thread, or this one, may hold a fresh
 * one.
 */
void lock_reset(struct lock *lock, enum lock_rank rank, const char *name);

#endif
