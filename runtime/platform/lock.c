/* SPDX-License-Identifier: MIT */
/*
 * Ranked locks over pthread mutexes. In checked builds each thread keeps a list of the locks that
 * it holds, last taken first, threaded through the locks themselves: a lock is on one list at most,
 * that of its holder, so the list needs no guard and no room of its own.
 */
#include "lock.h"

#include "perturb.h"
#include "platform.h"

#ifdef GAIT_CHECKS

static _Thread_local struct lock *held; /* of this thread alone */

/* Of this thread alone: lock_forbid. */
static _Thread_local uintptr_t forbidden_start, forbidden_bytes;

void lock_forbid(const void *start, size_t bytes) {
    forbidden_start = (uintptr_t)start;
    forbidden_bytes = start ? bytes : 0;
}

/** Stop the process if waiting for this lock breaks the order. */
static void check_order(const struct lock *lock) {
    if ((uintptr_t)lock - forbidden_start < forbidden_bytes)
        platform_fatal("lock %s is taken by a thread that may be stopped while it holds it",
                       lock->name);
    bool all_heaps = false;
    for (const struct lock *other = held; other; other = other->next)
        all_heaps |= other->rank == LOCK_HEAPS;
    for (const struct lock *other = held; other; other = other->next) {
        if (other == lock)
            platform_fatal("lock %s is taken twice by one thread", lock->name);
        if (other->rank > lock->rank || (other->rank == lock->rank && !all_heaps))
            platform_fatal("lock %s (rank %d) is taken while %s (rank %d) is held", lock->name,
                           (int)lock->rank, other->name, (int)other->rank);
    }
}

static void note_taken(struct lock *lock) {
    lock->next = held;
    held = lock;
}

/** Take the lock off this thread's list. @return false: it was not there. */
static bool note_released(struct lock *lock) {
    struct lock **link = &held;
    while (*link && *link != lock)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = lock->next;
    lock->next = NULL;
    return true;
}

static void check_holder(struct lock *lock) {
    if (!note_released(lock))
        platform_fatal("lock %s is released by a thread that does not hold it", lock->name);
}

static void set_identity(struct lock *lock, enum lock_rank rank, const char *name) {
    lock->rank = rank;
    lock->name = name;
    lock->next = NULL;
}

#else

void lock_forbid(const void *start, size_t bytes) { (void)start, (void)bytes; }
static void check_order(const struct lock *lock) { (void)lock; }
static void note_taken(struct lock *lock) { (void)lock; }
static bool note_released(struct lock *lock) {
    (void)lock;
    return true;
}
static void check_holder(struct lock *lock) { (void)lock; }
static void set_identity(struct lock *lock, enum lock_rank rank, const char *name) {
    (void)lock, (void)rank, (void)name;
}

#endif

/* The default mutex of Linux: none of its functions fails for a caller that keeps the rules. */

void lock_init(struct lock *lock, enum lock_rank rank, const char *name) {
    pthread_mutex_init(&lock->mutex, NULL);
    set_identity(lock, rank, name);
}

void lock_destroy(struct lock *lock) { pthread_mutex_destroy(&lock->mutex); }

void lock_acquire(struct lock *lock) {
    check_order(lock);
    PERTURB(LOCK_WANTED);
    pthread_mutex_lock(&lock->mutex);
    note_taken(lock);
    PERTURB(LOCK_TAKEN);
}

bool lock_try(struct lock *lock) {
    if (pthread_mutex_trylock(&lock->mutex) != 0)
        return false;
    note_taken(lock);
    return true;
}

void lock_release(struct lock *lock) {
    check_holder(lock);
    pthread_mutex_unlock(&lock->mutex);
    PERTURB(LOCK_RELEASED);
}

void lock_reset(struct lock *lock, enum lock_rank rank, const char *name) {
    note_released(lock);
    lock_init(lock, rank, name);
}
