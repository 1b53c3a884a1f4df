/* SPDX-License-Identifier: MIT */
/*
 * The lock of a table that the collector passes over beside mutators that look things up in it.
 *
 * A pass holds it for a piece of some 50 us at most, and lets those in that want it before it goes
 * on. A mutex is not fair: a thread that waits for it is woken too late to get it in between.
 */
#ifndef GAIT_PASS_LOCK_H
#define GAIT_PASS_LOCK_H

#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"

/* Records that a pass looks at per hold of the lock: some 5 us where their objects' bits are in the
 * cache, 50 us where none is. */
#define PASS_RECORDS 256
/* How long a pass waits where others want the lock: a thread that was woken runs by then. */
#define PASS_LET_IN_NS 20000

struct pass_lock {
    struct lock lock;
    AO_t wanted; /* threads that wait for it; unordered: a pass looks again */
};

/* By a thread that looks something up. */
static inline void pass_lock_want(struct pass_lock *lock) {
    counter_add(&lock->wanted, 1);
    lock_acquire(&lock->lock);
    counter_sub(&lock->wanted, 1);
}

/* By a pass, between two pieces. */
static inline void pass_lock_let_in(struct pass_lock *lock) {
    lock_release(&lock->lock);
    PERTURB(PASS_LET_IN);
    if (AO_load(&lock->wanted) > 0)
        platform_sleep_ns(PASS_LET_IN_NS);
    lock_acquire(&lock->lock);
}

#endif
