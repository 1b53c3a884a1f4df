/* SPDX-License-Identifier: MIT */
/*
 * The part of an arena that allocation works on: two windows of zeroed memory in its newest chunk.
 *
 *   chunk   start … | low → low_end | … | high_end ← high | … end
 *
 * What may hold references is taken from low on, upwards; plain bytes from high on, downwards. So
 * the part of a chunk that may hold references is one piece, and scanning it stops at the last of
 * them. A window that has not enough left is no error: the slow path moves it on, or takes another
 * chunk.
 *
 *   .inv.window: low <= low_end <= high_end <= high. Memory in the windows is zero and was handed
 *   out to nobody. low and high are multiples of the unit.
 *
 * Its layout is part of the ABI. This header needs the compiler's own headers only, and no heap.
 */
#ifndef GAIT_ARENA_HEAD_H
#define GAIT_ARENA_HEAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GAIT_ARENA_INLINE static inline __attribute__((always_inline, unused))
#else
#define GAIT_ARENA_INLINE static inline
#endif

/** The frozen prefix of an arena. Its owner's; but low is read by markers. */
struct gait_arena_head {
    char *low;            /* next free byte for references; atomic: released by each change */
    char *low_end;        /* end of its window */
    char *high;           /* end of what is free for plain bytes */
    char *high_end;       /* where its window begins */
    const uint8_t *kinds; /* [kind]: where its objects go; constant */
    size_t mask;          /* sizes are rounded up to a unit of ~mask + 1: 8 or 16 bytes; constant */
};

/* What head.kinds says. */
enum {
    GAIT_ARENA_KIND_SLOW, /* ask the slow path: it may refuse the kind  */
    GAIT_ARENA_KIND_REFS, /* may hold references: low                   */
    GAIT_ARENA_KIND_LEAF  /* holds none: high                           */
};

/* A size that the compiler knows, and that is a multiple of each unit, is not rounded. */
#if defined(__GNUC__)
#define GAIT_ARENA_IS_KNOWN(condition) (__builtin_constant_p(condition) && (condition))
#define GAIT_ARENA_IS_WHOLE(bytes) GAIT_ARENA_IS_KNOWN((bytes) % 16 == 0)
#define GAIT_ARENA_IS_NOT_0(place) ((place) ? (void)0 : __builtin_unreachable())
#else
#define GAIT_ARENA_IS_KNOWN(condition) 0
#define GAIT_ARENA_IS_WHOLE(bytes) 0
#define GAIT_ARENA_IS_NOT_0(place) ((void)0)
#endif

/** Take bytes from the high window; alignment: a power of two. NULL: it has not enough, or bytes or
 * alignment is 0. */
GAIT_ARENA_INLINE void *gait_arena_take_high(struct gait_arena_head *head, size_t bytes,
                                             size_t alignment) {
    uintptr_t high = (uintptr_t)head->high, end = (uintptr_t)head->high_end;
    uintptr_t start = high - bytes;
    if (!GAIT_ARENA_IS_WHOLE(bytes) || !GAIT_ARENA_IS_KNOWN(alignment <= 8 && alignment != 0))
        start &= head->mask & (0 - alignment);
    /* below the window, or past 0: as a distance from its end it is too large */
    if (start - end >= high - end)
        return (void *)0;
    head->high = (char *)start;
    GAIT_ARENA_IS_NOT_0(start);
    return (void *)start;
}

/** Take bytes from the low window. NULL: it has not enough, or bytes is 0. */
GAIT_ARENA_INLINE void *gait_arena_take_low(struct gait_arena_head *head, size_t bytes) {
    char *low = head->low;
    size_t whole = bytes;
    if (!GAIT_ARENA_IS_WHOLE(bytes))
        whole = (bytes + ~head->mask) & head->mask;
    if (whole - 1 >= (size_t)(head->low_end - low))
        return (void *)0;
    /* release: a marker that sees the object below low sees its memory zeroed */
    __atomic_store_n(&head->low, low + whole, __ATOMIC_RELEASE);
    GAIT_ARENA_IS_NOT_0(low);
    return low;
}

#ifdef __cplusplus
}
#endif

#endif
