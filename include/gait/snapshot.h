/* SPDX-License-Identifier: MIT */
/*
 * Relative references: what a structure that is moved as a whole is linked by.
 *
 * A gait_rel32 holds how far its target lies from itself, in four bytes. It stays right when the
 * memory that holds both is copied or mapped elsewhere as one piece, in this process or another.
 *
 *   .inv.relative: a gait_rel32 and its target lie in the same arena. The collector doesn't know
 *   it: it keeps nothing alive, needs no barrier, and may lie in plain bytes.
 *
 * One that is copied alone (by assignment, or with a structure by memcpy) leads elsewhere: it is
 * read by gait_rel32_get and written by gait_rel32_set anew.
 */
#ifndef GAIT_SNAPSHOT_H
#define GAIT_SNAPSHOT_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A relative reference; 0: none, as zeroed memory has it. Else the distance from itself to the
 * target in units of four bytes, plus one if that is not negative: so it may refer to itself.
 */
typedef int32_t gait_rel32;

/** So far from itself a relative reference leads forward, bytes: 8 GiB less 8. Backward: 8 GiB. */
#define GAIT_REL32_MOST_BYTES (((int64_t)INT32_MAX - 1) * 4)

/**
 * What a relative reference leads to; NULL: nothing.
 * Thread rule: any thread; as a plain read of four bytes.
 */
GAIT_INLINE void *gait_rel32_get(const gait_rel32 *slot) {
    int64_t units = *slot;
    if (units == 0)
        return NULL;
    units -= units > 0;
    return (void *)((uintptr_t)slot + (uintptr_t)(units * 4));
}

/**
 * Have a relative reference lead to target, a multiple of four as its own address is; NULL: to
 * nothing.
 * @return false: target is too far away, or not a multiple of four: *slot is as before.
 * Thread rule: as a plain write of four bytes.
 */
GAIT_INLINE bool gait_rel32_set(gait_rel32 *slot, const void *target) {
    if (!target) {
        *slot = 0;
        return true;
    }
    int64_t distance = (int64_t)((uintptr_t)target - (uintptr_t)slot);
    if (distance % 4 != 0 || distance > GAIT_REL32_MOST_BYTES ||
        distance < -GAIT_REL32_MOST_BYTES - 8)
        return false;
    *slot = (gait_rel32)(distance / 4 + (distance >= 0));
    return true;
}

#ifdef __cplusplus
}
#endif

#endif
