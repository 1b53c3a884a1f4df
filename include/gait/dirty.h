/* SPDX-License-Identifier: MIT */
/*
 * The barrier of programs that can say which object they have written, and no more: neither which
 * word, nor what it held.
 *
 * A heap that is created with GAIT_OBJECT_BARRIER takes plain stores into objects, each followed by
 * gait_dirty. Marking runs beside the program; as it ends, the world is stopped, and stacks and the
 * objects that were written of late are looked at once more: a longer pause than gait_store's.
 */
#ifndef GAIT_DIRTY_H
#define GAIT_DIRTY_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A flag of a heap. What is no object (static slots, ranges, handles, roots of suspended
 * coroutines, weak words and pairs) is stored to as in other heaps, and so may objects be: then
 * without gait_dirty. */
enum { GAIT_OBJECT_BARRIER = 1 << 4 };

/** The part of gait_dirty that is not inline. */
GAIT_API void gait_dirty_slow(gait_mutator *mutator, const void *object);

/**
 * Say that references were stored into an object by plain stores: after them, before the next
 * safepoint. Once for any number of stores. Not needed for the object just allocated, before the
 * next safepoint. A few ns while marking is on, or the next cycle may be a minor one; else a look
 * at one word. All of the object is looked at by the collector then, however large it is; of a
 * traced arena's, up to 64 KiB from there on, or all if it has a chunk of its own.
 *
 * Thread rule: the mutator's. Not a safepoint. In a heap without GAIT_OBJECT_BARRIER it is no
 * barrier, except with GAIT_STOP_THE_WORLD, which needs none.
 */
GAIT_INLINE void gait_dirty(gait_mutator *mutator, const void *object) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    if (GAIT_UNLIKELY(head->barrier))
        gait_dirty_slow(mutator, object);
}

#ifdef __cplusplus
}
#endif

#endif
