/* SPDX-License-Identifier: MIT */
/*
 * A mutator: one thread's attachment to a heap.
 *
 * States: RUNNING, only its thread touches it; NATIVE, its thread touches nothing of the heap, and
 * the collector may hold it; HELD, the collector acts in its place and its thread waits to go on.
 * DETACHED mutators are kept, so that their late use is seen; they are attached again.
 * NATIVE -> HELD -> NATIVE by the collector, NATIVE <-> RUNNING by the thread, by compare-and-swap.
 *
 * All fields are used by whoever has the mutator: its thread while RUNNING, the collector while
 * HELD or while the world is stopped. Exceptions are named.
 */
#ifndef GAIT_MUTATOR_H
#define GAIT_MUTATOR_H

#include <gait/inline.h>

#include "heap/cache.h"
#include "mark/coroutines.h"
#include "mark/marker.h"

/* Words that the barrier collects before they are looked at. Go's is 512; a store adds two. */
#define BARRIER_WORDS 512

enum mutator_state { MUTATOR_RUNNING, MUTATOR_NATIVE, MUTATOR_HELD, MUTATOR_DETACHED };

/* A call of the out-of-memory handler. While it is under way, its frame (of no words) is among
 * those that are pushed; it lies here, and not on the stack, since a handler may be left by
 * longjmp. */
struct oom_call {
    struct gait_frame frame;
    char *low;                 /* the handler's C stack frames lie below; NULL: no call */
    gait_coroutine *coroutine; /* that ran */
};

struct gait_mutator {
    struct gait_mutator_head head; /* first: the inline functions' part */
    gait_heap *heap;               /* constant */
    unsigned state;                /* atomic: enum mutator_state, waited on by its thread */
    unsigned handshake;            /* atomic: number of the last handshake answered */
    struct cache cache;
    struct marker marker; /* roots, assists, barrier: used within one call at a time */
    size_t barrier_count;
    gait_word barrier_words[BARRIER_WORDS];

    gait_roots_fn visit_roots; /* of the thread, whatever runs on it; NULL: none */
    void *visit_data;
    gait_coroutine *coroutine;      /* what runs; NULL: the thread itself */
    struct gait_frame *base_frames; /* of the thread itself, while a coroutine runs */
    struct c_stack stack;           /* the thread's own */
    struct c_stack *running_stack;  /* that runs: the thread's, or the coroutine's */
    bool scans_stack;               /* C stacks are scanned; constant */
    size_t stack_bytes;             /* scanned at the last root scan */

    struct oom_call oom_call; /* its thread's; alloc.c */

    int64_t assist_credit_bytes; /* allocation that is paid for; negative: debt */
    unsigned late_waits;         /* waits for a cycle to begin, since the last one that did */
    uint32_t stress_count;       /* gcstress: allocations since the last forced cycle */
    AO_t assist_cpu_ns;          /* read unordered: figures */

    struct world *world;       /* constant */
    gait_mutator *thread_next; /* the other heaps' mutators of its thread; its thread's */
    bool resting;              /* NATIVE only while its thread waits: world_rest; its thread's */
    gait_mutator *next;        /* world's list; lock WORLD */
    gait_mutator *previous;
};

/* One line that says how a mutator was misused, and the end. call: the public function. */
_Noreturn void mutator_misused(const gait_mutator *mutator, const char *call);

/* The first line of every public function that works with a mutator: it runs, or the process ends
 * with one line that names the call. A detached mutator's memory is kept for just that. */
static inline void mutator_check_as(const gait_mutator *mutator, const char *call) {
    if (__builtin_expect(AO_int_load(&mutator->state) != MUTATOR_RUNNING, 0))
        mutator_misused(mutator, call); /* its own thread's store is seen; no other may call */
}
#define mutator_check(mutator) mutator_check_as(mutator, __func__)

/** Look at the words that the barrier collected: the white ones are published as work. */
void mutator_flush_barrier(gait_mutator *mutator);

/** If the barrier is on, have a word looked at by the next flush: it becomes strong. Its thread
 * only. */
void mutator_shade(gait_mutator *mutator, gait_word word);

/** Push all roots of this mutator; its state was saved by mutator_save_stack. */
void mutator_scan_roots(gait_mutator *mutator);

/** Visit the same roots with any visitor: verify.c. */
void mutator_visit_roots(gait_mutator *mutator, struct gait_visitor *visitor);

/** Drop all roots: its thread's functions that had them may have ended. Its thread only. */
void mutator_drop_roots(gait_mutator *mutator);

/* Remember the frame that ends at frame_end, the calling function's, for one mutator (NULL: for all
 * running ones of this thread). Stops the process if the C stack is none that the mutator was told
 * of, or if a shadow-stack frame lies below: in a function that has been left. */
void mutator_save_frame(gait_mutator *mutator, char *frame_end);

/**
 * Remember registers and the stack pointer of the program, for conservative scanning. In the public
 * function that it called: when that has returned, the registers that it saved are the program's
 * again, and where it saved them is overwritten; so they are copied.
 */
static inline __attribute__((always_inline)) void mutator_save_stack(void) {
    REGISTERS_SAVE_IN_FRAME();
    mutator_save_frame(NULL, REGISTERS_FRAME_END());
}

#endif
