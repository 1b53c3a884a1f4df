/* SPDX-License-Identifier: MIT */
/*
 * Atomics are libatomic_ops': the order is in the name. Words are AO_t (size_t); AO_int_… and
 * AO_char_… work on unsigned and unsigned char.
 */
#ifndef GAIT_ATOMIC_H
#define GAIT_ATOMIC_H

#include <atomic_ops.h>
#include <stddef.h>

/* Counts that many threads change and any may read: unordered, a stale value is an old figure. */
static inline void counter_add(volatile AO_t *counter, size_t amount) {
    (void)AO_fetch_and_add(counter, amount);
}

static inline void counter_sub(volatile AO_t *counter, size_t amount) {
    (void)AO_fetch_and_add(counter, (AO_t)0 - amount);
}

#endif
