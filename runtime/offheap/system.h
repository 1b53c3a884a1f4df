/* SPDX-License-Identifier: MIT */
/*
 * What off-heap memory asks of the operating system and the C library: locks, call stacks. Only
 * this part of the library includes their headers.
 *
 *   .inv.order: a thread holds one of these locks at a time, and calls nothing of the core with it;
 *   but around fork, where all are taken, in the order of state_hold.
 */
#ifndef GAIT_OFFHEAP_SYSTEM_H
#define GAIT_OFFHEAP_SYSTEM_H

#include <pthread.h>
#include <stddef.h>

struct offheap_lock {
    pthread_mutex_t mutex;
};

#define OFFHEAP_LOCK_START                                                                         \
    { PTHREAD_MUTEX_INITIALIZER }

void system_lock_init(struct offheap_lock *lock);
void system_lock_destroy(struct offheap_lock *lock);
void system_lock(struct offheap_lock *lock);
void system_unlock(struct offheap_lock *lock);

/** The addresses that the calling function will return to, and its callers, without the first
 * `skipped`. @return how many. */
size_t system_call_stack(void **frames, size_t most, size_t skipped);

/** "name+0x12 < caller+0x34 < …" of a call stack; program and offset where there is no name. Cut
 * where it does not fit. */
void system_describe(void *const *frames, size_t count, char *text, size_t text_bytes);

#endif
