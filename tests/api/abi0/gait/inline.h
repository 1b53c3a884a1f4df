/* SPDX-License-Identifier: MIT */
/*
 * The fast paths: allocation, write barrier, poll, shadow-stack frames.
 *
 * They work on gait_mutator_head, the frozen first part of a mutator. Only the mutator's own
 * thread writes it, but for `poll`, which the collector sets. Its layout is part of the ABI.
 */
#ifndef GAIT_INLINE_H
#define GAIT_INLINE_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GAIT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define GAIT_INLINE static inline __attribute__((always_inline, unused))
#else
#define GAIT_UNLIKELY(x) (x)
#define GAIT_INLINE static inline
#endif

/** A run of zeroed free memory in a span of one class and kind: allocation takes from cursor. */
struct gait_run {
    char *cursor;
    char *end;
};

/** A shadow-stack frame: count words from slots on are roots while the frame is pushed. */
struct gait_frame {
    struct gait_frame *previous;
    gait_word *slots;
    size_t count;
};

/** The frozen prefix of struct gait_mutator. */
struct gait_mutator_head {
    uint32_t poll;                         /* not 0: a safepoint is asked for (atomic)           */
    uint32_t barrier;                      /* not 0: marking is on; written at safepoints        */
    struct gait_frame *frames;             /* the youngest shadow-stack frame                    */
    struct gait_run *runs[GAIT_KINDS_MAX]; /* [kind]: one run per size class; never NULL         */
};

/* Size classes: 16, 24 … 128 by 8, then eight steps to each doubling, up to 32 KiB. */
#define GAIT_SMALL_MAX_BYTES 32768
#define GAIT_SIZE_CLASSES 81 /* 0 is none, 1 is unused, 2 is 16 bytes … 80 is 32 KiB */

/** The size class of a request of 1 .. GAIT_SMALL_MAX_BYTES bytes; folds for constants. */
GAIT_INLINE unsigned gait_size_class(size_t bytes) {
    if (bytes <= 128)
        return bytes <= 16 ? 2 : (unsigned)((bytes + 7) >> 3);
    unsigned shift = 60u - (unsigned)__builtin_clzll((unsigned long long)(bytes - 1));
    return ((shift - 4) << 3) + (unsigned)((bytes - 1) >> shift) + 9;
}

/** The size of a class's cells, bytes. */
GAIT_INLINE size_t gait_class_bytes(unsigned size_class) {
    if (size_class <= 16)
        return (size_t)size_class << 3;
    unsigned step = size_class - 17;
    return (size_t)(9 + (step & 7)) << (4 + (step >> 3));
}

/** The part of gait_alloc that is not inline: refills a run, collects, assists. */
GAIT_API void *gait_alloc_slow(gait_mutator *mutator, gait_kind kind, size_t bytes);

/**
 * Allocate a zeroed object. A safepoint.
 *
 * @param bytes  0 counts as 1; the cell may be larger (at most 12.5 % of it is lost beyond the
 *               rounding to words), and all of it may be used: gait_object_bytes.
 * @return the object, aligned to 8 bytes (to 16 where bytes is a multiple of 16), or NULL when a
 *         full collection and the out-of-memory handler did not help.
 */
GAIT_INLINE void *gait_alloc(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    if (bytes - 1 < GAIT_SMALL_MAX_BYTES) {
        unsigned size_class = gait_size_class(bytes);
        struct gait_run *run = &head->runs[kind][size_class];
        char *object = run->cursor;
        size_t cell_bytes = gait_class_bytes(size_class);
        if ((size_t)(run->end - object) >= cell_bytes) {
            run->cursor = object + cell_bytes;
            return object;
        }
    }
    return gait_alloc_slow(mutator, kind, bytes);
}

/** The part of gait_poll that is not inline. */
GAIT_API void gait_poll_slow(gait_mutator *mutator);

/** Let the collector in, if it asks: to be called at loop back-edges. A safepoint. */
GAIT_INLINE void gait_poll(gait_mutator *mutator) {
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    /* relaxed: a request that is seen late only delays the collector */
    if (GAIT_UNLIKELY(__atomic_load_n(&head->poll, __ATOMIC_RELAXED)))
        gait_poll_slow(mutator);
}

/** The part of gait_store that is not inline: shades what the slot held and what it gets. */
GAIT_API void gait_barrier(gait_mutator *mutator, const gait_word *slot, gait_word value);

/** Store a word that may be a reference into an object or a static root slot. */
GAIT_INLINE void gait_store(gait_mutator *mutator, gait_word *slot, gait_word value) {
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    if (GAIT_UNLIKELY(head->barrier))
        gait_barrier(mutator, slot, value);
    /* release: a marker that reads the reference sees the object's zeroed memory and its span */
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

/**
 * Store into the object that this thread has just allocated: after its gait_alloc, before any
 * other safepoint and before a reference to it is stored anywhere. No barrier is needed then.
 */
GAIT_INLINE void gait_init(gait_word *slot, gait_word value) {
    __atomic_store_n(slot, value, __ATOMIC_RELAXED); /* published by the store that links it */
}

/** Replace *expected by desired, atomically. @return whether it was; else *expected is read. */
GAIT_API bool gait_compare_exchange(gait_mutator *mutator, gait_word *slot, gait_word *expected,
                                    gait_word desired);

/** Move count words within or between objects, as memmove does, with the barrier. */
GAIT_API void gait_move(gait_mutator *mutator, gait_word *to, const gait_word *from, size_t count);

/** Store value to count words, with the barrier. */
GAIT_API void gait_fill(gait_mutator *mutator, gait_word *to, gait_word value, size_t count);

/** Push a frame whose count words from slots on are roots until gait_pop_frame. */
GAIT_INLINE void gait_push_frame(gait_mutator *mutator, struct gait_frame *frame, gait_word *slots,
                                 size_t count) {
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    frame->previous = head->frames;
    frame->slots = slots;
    frame->count = count;
    head->frames = frame;
}

/** Pop the youngest frame. */
GAIT_INLINE void gait_pop_frame(gait_mutator *mutator) {
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    head->frames = head->frames->previous;
}

#ifdef __cplusplus
}
#endif

#endif
