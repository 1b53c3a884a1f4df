/* SPDX-License-Identifier: MIT */
/*
 * Atomics are libatomic_ops': the order is in the name. Words are AO_t (size_t); AO_int_… and
 * AO_char_… work on unsigned and unsigned char.
 */
#ifndef GAIT_ATOMIC_H
#define GAIT_ATOMIC_H

#include <atomic_ops.h>

#endif
