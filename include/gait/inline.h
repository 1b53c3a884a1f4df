/* SPDX-License-Identifier: MIT */
/*
 * The fast paths: allocation, write barrier, poll, shadow-stack frames.
 *
 * They work on gait_mutator_head, the frozen first part of a mutator. Only the mutator's own
 * thread writes it, except `poll`, which the collector sets. Its layout is part of the ABI.
 */
#ifndef GAIT_INLINE_H
#define GAIT_INLINE_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A run of free memory in a span of one class and kind, zeroed: allocation takes from cursor. */
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
    uint32_t poll;                         /* not 0: gait_poll has something to do (atomic)      */
    uint32_t barrier;                      /* not 0: marking is on, native code, or cards        */
    struct gait_frame *frames;             /* the youngest shadow-stack frame                    */
    struct gait_run *runs[GAIT_KINDS_MAX]; /* [kind]: one run per size class; never NULL         */
    /* what follows is not in the first headers; used where barrier says so */
    unsigned char *cards; /* the card table: a byte for each 512 bytes of addresses, atomic    */
    uintptr_t card_mask;  /* which bits of an address / 512 choose the byte                    */
};

/** The frozen prefix of struct gait_heap. */
struct gait_heap_head {
    size_t pending; /* jobs for gait_run_finalizers; atomic */
};

/* barrier is just this: marking is off, and stores are remembered by cards. */
#define GAIT_BARRIER_CARDS 4u
#define GAIT_CARD_SHIFT 9

/** Remember that a slot was stored to. Two threads that write to neighbouring objects share a cache
 * line of cards: so the byte is written only where it says nothing yet. */
GAIT_INLINE void gait_card_dirty(unsigned char *cards, uintptr_t card_mask, uintptr_t slot) {
    unsigned char *card = &cards[slot >> GAIT_CARD_SHIFT & card_mask];
    /* relaxed: the collector looks after a handshake */
    if (!__atomic_load_n(card, __ATOMIC_RELAXED))
        __atomic_store_n(card, 1, __ATOMIC_RELAXED);
}

/**
 * Check of a mutator's state, as every function that is not inline does it: one line that names the
 * call, and the end, unless the mutator is this thread's and not in native code. The inline
 * functions meet it on their slow paths; those of a file that defines GAIT_CHECKED before it
 * includes this header, at every call.
 */
GAIT_API void gait_check(gait_mutator *mutator, const char *call);
#ifdef GAIT_CHECKED
#define GAIT_CHECK(mutator) gait_check(mutator, __func__)
#else
#define GAIT_CHECK(mutator) ((void)0)
#endif

/* Gait's own tests delay a thread here. */
#ifndef GAIT_BEFORE_STORE
#define GAIT_BEFORE_STORE ((void)0)
#endif

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

/* Define GAIT_PAST_END before this header is included, and what that file allocates, or resizes,
 * has a byte more than it asks for: so a pointer that is one past the end of what was asked for
 * leads to the object, where a word may point inside one, and not to what lies behind it. For C
 * programs whose loops end at such pointers. The collector's work is the same; an object whose size
 * was a cell's takes the next larger one. */
#ifdef GAIT_PAST_END
#define GAIT_ROOM(bytes) ((bytes) + ((bytes) != SIZE_MAX))
#else
#define GAIT_ROOM(bytes) (bytes)
#endif

/** The part of gait_alloc that is not inline: refills a run, collects, assists. */
GAIT_API void *gait_alloc_slow(gait_mutator *mutator, gait_kind kind, size_t bytes);

/**
 * Allocate an object, zeroed unless its kind is raw. A safepoint.
 *
 * @param bytes  0 counts as 1; the cell may be larger, and all of it may be used:
 *               gait_object_bytes. It has 16 bytes at least; up to 32 KiB at most 1/9 of a larger
 *               one is lost beyond the rounding to words; beyond, objects take pages of 8 KiB.
 * @return the object, aligned to 8 bytes (to 16 where bytes is a multiple of 16), or NULL when a
 *         full collection and the out-of-memory handler did not help.
 */
GAIT_INLINE void *gait_alloc(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    size_t room = GAIT_ROOM(bytes);
    if (room - 1 < GAIT_SMALL_MAX_BYTES) {
        unsigned size_class = gait_size_class(room);
        struct gait_run *run = &head->runs[kind][size_class];
        char *object = run->cursor;
        size_t cell_bytes = gait_class_bytes(size_class);
        if ((size_t)(run->end - object) >= cell_bytes) {
            run->cursor = object + cell_bytes;
            return object;
        }
    }
    return gait_alloc_slow(mutator, kind, room);
}

/* The largest alignment of gait_alloc_aligned. */
#define GAIT_ALIGN_MAX 4096

/** The part of gait_alloc_aligned that is not inline: one line and the end, the alignment is none.
 */
GAIT_API void gait_alloc_aligned_slow(gait_mutator *mutator, size_t align);

/**
 * Allocate an object, as gait_alloc, whose address is a multiple of align. A safepoint.
 *
 * @param align  a power of two up to GAIT_ALIGN_MAX; any other one stops the process.
 * @return as gait_alloc. The object takes a multiple of align bytes: a few bytes at a large
 *         alignment are better a part of something larger.
 */
GAIT_INLINE void *gait_alloc_aligned(gait_mutator *mutator, gait_kind kind, size_t bytes,
                                     size_t align) {
    if (GAIT_UNLIKELY(align == 0 || (align & (align - 1)) != 0 || align > GAIT_ALIGN_MAX))
        gait_alloc_aligned_slow(mutator, align);
    size_t room = GAIT_ROOM(bytes);
    /* cells lie at multiples of their size in spans that are aligned to pages; that a multiple of
     * align is a size of cells, or rounded up to one that is a multiple, too, follows from the
     * classes: each is a multiple of an eighth of the power of two below it */
    size_t rounded = room == 0 ? align : (room + align - 1) & ~(align - 1);
    if (rounded < room)
        rounded = SIZE_MAX - align; /* there is no such memory */
#ifdef GAIT_PAST_END
    rounded -= 1; /* gait_alloc adds it */
#endif
    return gait_alloc(mutator, kind, rounded);
}

/** The part of gait_realloc that is not inline. */
GAIT_API void *gait_realloc_slow(gait_mutator *mutator, void *object, size_t bytes);

/**
 * Give an object another size. A safepoint.
 *
 * It stays where it is if its cell has the room, or, of more than 32 KiB, if the pages behind it
 * are free; else a new object of its kind gets what both have room for, and the old one is freed
 * (gait_free, which see: what is registered for the old address does not move along). No other
 * thread uses the object meanwhile. One that moves is aligned as by gait_alloc.
 *
 * What is new reads as zero, unless its kind is raw: all that the object had not been asked for
 * before, unless the program has stored there. (In a kind with references a word that is there in
 * part is there.)
 * The object is not a fresh one: it is stored to by gait_store, not by gait_init.
 *
 * @param object  an object of this heap; any other address stops the process with one line.
 * @param bytes   0 counts as 1.
 * @return the object or the new one; NULL when there is no memory: the object is as it was.
 */
GAIT_INLINE void *gait_realloc(gait_mutator *mutator, void *object, size_t bytes) {
    return gait_realloc_slow(mutator, object, GAIT_ROOM(bytes));
}

/** The part of gait_poll that is not inline. */
GAIT_API void gait_poll_slow(gait_mutator *mutator);

/**
 * Let the collector in, if it asks: to be called at loop back-edges. A safepoint.
 *
 * From the end of each cycle to the next call the mutator's `poll` is not 0, also where the
 * collector was answered within allocations: a program may look there for finalizers to run.
 */
GAIT_INLINE void gait_poll(gait_mutator *mutator) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    /* relaxed: a request that is seen late only delays the collector */
    if (GAIT_UNLIKELY(__atomic_load_n(&head->poll, __ATOMIC_RELAXED)))
        gait_poll_slow(mutator);
}

/** The part of gait_store that is not inline: shades what the slot held and what it gets, while
 * marking is on, and remembers the slot. */
GAIT_API void gait_barrier(gait_mutator *mutator, const gait_word *slot, gait_word value);

/** Store a word that may be a reference into an object or a static root slot. */
GAIT_INLINE void gait_store(gait_mutator *mutator, gait_word *slot, gait_word value) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    uint32_t barrier = head->barrier;
    if (GAIT_UNLIKELY(barrier)) {
        if (barrier == GAIT_BARRIER_CARDS)
            gait_card_dirty(head->cards, head->card_mask, (uintptr_t)slot);
        else
            gait_barrier(mutator, slot, value);
    }
    GAIT_BEFORE_STORE;
    /* release: a marker that reads the reference sees the object's zeroed memory and its span */
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

/** Store a word and its tag, of an object of kind GAIT_TAGGED: the only way to change either. */
GAIT_INLINE void gait_store_tagged(gait_mutator *mutator, gait_word *slot, gait_word value,
                                   unsigned char *tag, unsigned char tag_value) {
    gait_store(mutator, slot, value);
    /* relaxed: a marker that sees the old tag with the new word, or the other way round, either
     * skips what the barrier has shaded or follows what is no reference */
    __atomic_store_n(tag, tag_value, __ATOMIC_RELAXED);
}

/** The part of gait_shade that is not inline. */
GAIT_API void gait_shade_slow(gait_mutator *mutator, gait_word word);

/**
 * Protect a word that this thread got neither from an object, a static slot, a handle or a weak
 * word nor from roots of its own: out of a C variable that another thread wrote, a queue in plain
 * memory, the roots of a suspended coroutine. The collector may have scanned this thread's roots
 * before, and look at the giver's when the word has gone from there.
 *
 * The receiver calls it: after it has read the word, before its next safepoint. The giver holds
 * the word in a root until then; C memory alone keeps nothing. A call by the giver does not help:
 * marking may begin in between. Not needed in a heap created with GAIT_STOP_THE_WORLD.
 *
 * @return word. Not a safepoint.
 */
GAIT_INLINE gait_word gait_shade(gait_mutator *mutator, gait_word word) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    if (GAIT_UNLIKELY(head->barrier))
        gait_shade_slow(mutator, word);
    return word;
}

/**
 * Store into the object that this thread has just allocated: after its gait_alloc, before any
 * other safepoint and before a reference to it is stored anywhere. No barrier is needed then.
 */
GAIT_INLINE void gait_init(gait_word *slot, gait_word value) {
    __atomic_store_n(slot, value, __ATOMIC_RELAXED); /* published by the store that links it */
}

/** The same of a word and its tag, of an object of kind GAIT_TAGGED. */
GAIT_INLINE void gait_init_tagged(gait_word *slot, gait_word value, unsigned char *tag,
                                  unsigned char tag_value) {
    gait_init(slot, value);
    __atomic_store_n(tag, tag_value, __ATOMIC_RELAXED);
}

/** Replace *expected by desired, atomically. @return whether it was; else *expected is read. */
GAIT_API bool gait_compare_exchange(gait_mutator *mutator, gait_word *slot, gait_word *expected,
                                    gait_word desired);

/* More words than this are moved or filled in pieces, with safepoints between. */
#define GAIT_PIECE_WORDS 1024

/**
 * Move count words within or between objects, as memmove does, with the barrier. A safepoint if
 * count is more than GAIT_PIECE_WORDS: the objects that to and from lie in are kept alive by the
 * call; other threads may see the move half done.
 */
GAIT_API void gait_move(gait_mutator *mutator, gait_word *to, const gait_word *from, size_t count);

/** Store value to count words, with the barrier. A safepoint as gait_move is; the object that value
 * refers to is kept alive too. */
GAIT_API void gait_fill(gait_mutator *mutator, gait_word *to, gait_word value, size_t count);

/**
 * Push a frame whose count words from slots on are roots until gait_pop_frame. Nobody writes to the
 * frame meanwhile: code that wants other slots or another count pops it and pushes it anew.
 *
 * Frames lie on the C stack, so a way out of a function that passes by gait_pop_frame leaves a
 * frame whose memory is used anew: longjmp, a C++ exception, a Scheme's escape. Whoever catches
 * takes gait_frames_save before, where setjmp is called, and gait_frames_restore after; in C++ a
 * destructor may pop instead. A frame that was left behind stops the process at the next safepoint
 * with one line, where it can be seen: it lies below the running function, on the thread's own
 * stack or, in a heap that scans C stacks, on a coroutine's.
 */
GAIT_INLINE void gait_push_frame(gait_mutator *mutator, struct gait_frame *frame, gait_word *slots,
                                 size_t count) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    frame->previous = head->frames;
    frame->slots = slots;
    frame->count = count;
    __atomic_signal_fence(__ATOMIC_RELEASE); /* its thread may be stopped here: gait_config.stop */
    head->frames = frame;
}

/** Pop the youngest frame. */
GAIT_INLINE void gait_pop_frame(gait_mutator *mutator) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    head->frames = head->frames->previous;
}

/** Which frames were pushed at a moment. */
struct gait_frames {
    struct gait_frame *youngest;
    gait_word reserved; /* 0 */
};

/** The frames that are pushed now. */
GAIT_INLINE struct gait_frames gait_frames_save(gait_mutator *mutator) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    struct gait_frames saved = {head->frames, 0};
    return saved;
}

/**
 * Drop, without reading them, all frames that were pushed since gait_frames_save. Called where
 * control arrives, before the next safepoint; on the same coroutine, or the thread itself, as the
 * saving call: code that jumps from one to another calls gait_coroutine_switch first. In native
 * code no jump passes over a frame: the collector may read it at any time.
 *
 * A finalizer, a cleanup and an out-of-memory handler may be left so: gait_run_finalizers and
 * gait_alloc end in the middle, the heap is whole, and the finalizer counts as run. A scan or root
 * callback may not.
 */
GAIT_INLINE void gait_frames_restore(gait_mutator *mutator, struct gait_frames saved) {
    GAIT_CHECK(mutator);
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    head->frames = saved.youngest;
}

/**
 * Is there something for gait_run_finalizers: a finalizer, a cleanup or a notice? One load, for
 * loops that look often. One that has come a moment ago may be seen a moment later.
 * Thread rule: any thread, attached or not.
 */
GAIT_INLINE bool gait_finalizers_pending(const gait_heap *heap) {
    const struct gait_heap_head *head = (const struct gait_heap_head *)heap;
    /* relaxed: it only says whether to look; a thread that takes a job takes a lock */
    return __atomic_load_n(&head->pending, __ATOMIC_RELAXED) != 0;
}

#ifdef __cplusplus
}
#endif

#include <gait/frozen.h>

#endif
