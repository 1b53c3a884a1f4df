/* SPDX-License-Identifier: MIT */
/*
 * A mutator: one thread's attachment to a heap.
 *
 * States: RUNNING, only its thread touches it; NATIVE, its thread touches nothing of the heap, and
 * the collector may hold it; HELD, the collector acts in its place; AWAITED, the same, and its
 * thread waits to go on. DETACHED mutators are kept, so that their late use is seen; they are
 * attached again. NATIVE -> HELD -> NATIVE by the collector, HELD -> AWAITED and NATIVE <-> RUNNING
 * by the thread; each change that two may want is a compare-and-swap.
 *
 * All fields are used by whoever has the mutator: its thread while RUNNING, the collector while
 * HELD or while the world is stopped. Exceptions are named.
 */
#ifndef GAIT_MUTATOR_H
#define GAIT_MUTATOR_H

#include <gait/inline.h>

#include "../heap/cache.h"
#include "../mark/coroutines.h"
#include "../mark/frame_copy.h"
#include "../mark/marker.h"
#include "program_thread.h"

/* Words that the barrier collects before they are looked at. Go's is 512; a store adds two. */
#define BARRIER_WORDS 512

/* Checked builds: objects that gait_free left to the next cycle, and knows again. Guess. */
#define MUTATOR_LEFT 64

enum mutator_state {
    MUTATOR_RUNNING,
    MUTATOR_NATIVE,
    MUTATOR_HELD,
    MUTATOR_AWAITED,
    MUTATOR_DETACHED
};

/* Bits of head.barrier: marking is on; for gait_store to meet the check, it is not RUNNING; stores
 * are remembered by cards. The collector writes the first and the last, its thread the second, each
 * while the mutator is its own. */
enum { MUTATOR_BARRIER = 1, MUTATOR_AWAY = 2, MUTATOR_CARDS = GAIT_BARRIER_CARDS };

/* A call of the out-of-memory handler. While it is under way, its frame (of no words) is among
 * those that are pushed; it lies here, and not on the stack, since a handler may be left by
 * longjmp. */
struct oom_call {
    struct gait_frame frame;
    char *low;                 /* the handler's C stack frames lie below; NULL: no call */
    gait_coroutine *coroutine; /* that ran */
};

/* Samples of allocation; its thread's. See alloc_sample.h. */
struct sampler {
    const void *caller; /* where the allocation that is under way returns to */
    size_t rate_bytes;  /* for which the rest holds */
    int64_t left_bytes; /* to the next sample */
    double stretch;     /* of the rate, so that samples cost little */
    uint64_t random;
    int64_t since_cpu_ns;           /* of the thread, when the last ones began */
    int64_t cost_ns, longest_ns[2]; /* what they took, and the two longest of them */
    uint32_t count;
    double due_bytes; /* of an arena's allocation that is under way and sampled; 0: it is not */
    double due_weight_bytes;
};

struct gait_mutator {
    struct gait_mutator_head head; /* first: the inline functions' part. head.poll is not 0 while a
                                      sibling is asked for something, it has news, or it is not
                                      RUNNING */
    /* what a handshake looks at, close together */
    unsigned state;           /* atomic: enum mutator_state, waited on by its thread */
    unsigned handshake;       /* atomic: number of the last handshake answered */
    gait_mutator *next;       /* world's list; lock WORLD */
    gait_mutator *previous;   /* likewise */
    gait_mutator *asked_next; /* likewise: those that were asked and have not answered */
    struct world *world;      /* constant */
    gait_heap *heap;          /* constant */
    size_t barrier_count;
    size_t read_count;         /* of these, what weak reads gave */
    gait_coroutine *coroutine; /* what runs; NULL: the thread itself */
    bool scans_stack;          /* C stacks are scanned; constant */
    struct stack own;          /* the thread's own: its callback is visited whatever runs on it, its
                                  frames stand still while a coroutine runs */

    /* its thread's; see program_thread.h */
    struct program_thread *thread; /* constant while attached */
    gait_mutator *thread_next;     /* lock THREAD of its thread */
    int cpu_clock;                 /* platform_thread_clock; constant while attached */
    gait_mutator *native_by;       /* whose region took it out of RUNNING; NULL: none did */
    bool native;                   /* a region of its own has begun */
    bool resting;                  /* NATIVE only while its thread waits: world_rest */
    bool from_outside;             /* its own native region, from the program's code */
    bool outside;                  /* NATIVE only while its thread runs the program's code, which
                                      the program's means stop anywhere: world.h, .inv.inside */
    unsigned told_stop;            /* the stop that gait_stopped_at was called in, from 1 */
    bool has_news;                 /* a cycle has ended that its program has not polled since */

    struct cache cache;
    struct marker marker; /* roots, assists, barrier: used within one call at a time */
    gait_word barrier_words[BARRIER_WORDS];

    bool copied;                      /* the copies are its frames: it went native since */
    struct frame_copy thread_copy;    /* of the thread's own frames */
    struct frame_copy coroutine_copy; /* of the running coroutine's */
    struct c_stack *running_stack;    /* that runs: the thread's, or the coroutine's */
    size_t stack_bytes;               /* scanned at the last root scan */

    struct oom_call oom_call; /* its thread's; alloc.c */

    struct clone *clones;     /* graphs that are being copied; its thread's; api/arena_clone.c */
    struct arena_own *making; /* arenas that are; likewise; api/arena_making.c */

    struct tally_rest tally;      /* what it was handed of late: the space's has not heard of it */
    size_t unlooked_bytes;        /* allocated since it looked whether a cycle is due */
    int64_t assist_credit_bytes;  /* allocation that is paid for; negative: debt */
    size_t turn_bytes;            /* allocated since it looked whether its turn to mark has come, */
    int64_t turn_due_ns;          /* which it has then, by the monotonic clock                    */
    int64_t late_ns;              /* waited before it took memory, since its last root scan; */
    int64_t starved_ns;           /* of that not: for work, and none came */
    bool runs_finalizers;         /* has run some or waited for them: nobody else is waited for */
    size_t freed_bytes;           /* by gait_free, not yet told control */
    size_t freed_scannable_bytes; /* of these, in kinds with references */
#ifdef GAIT_CHECKS
    const void *left[MUTATOR_LEFT]; /* a ring: freed by the program, not yet by a cycle */
    unsigned left_count;            /* so far in this epoch */
    unsigned left_epoch;
#endif
    size_t foreign_free_bytes;     /* may be taken back without a look at what there is */
    int64_t foreign_rest_bytes;    /* foreign memory that the sum has not heard of */
    struct foreign_stripe *stripe; /* constant while attached */
    uint32_t no_collect;           /* gait_no_collect_begin less _end; its thread's */
    uint32_t stress_count;         /* gcstress: allocations since the last forced cycle */
    struct sampler sampler;
    AO_t assist_cpu_ns; /* read unordered: figures */
};

/** Is this frame pushed? Its thread. */
static inline bool mutator_has_frame(const gait_mutator *mutator, const struct gait_frame *frame) {
    const struct gait_frame *at = mutator->head.frames;
    while (at && at != frame)
        at = at->previous;
    return at != NULL;
}

/* One line that says how a mutator was misused, and the end. call: the public function. */
_Noreturn void mutator_misused(const gait_mutator *mutator, const char *call);

/* Of a heap with world hooks: a call of the library begins and ends. world.c. */
void world_go_in(gait_mutator *mutator);
void world_go_out(gait_mutator *mutator);

/* The first line of every public function that works with a mutator is mutator_check: it runs, on
 * this thread, or the process ends with one line that names the call. A detached mutator's memory
 * is kept for just that. mutator_check_fast is for what must be fast, and does not look at the
 * thread; mutator_check_as and mutator_check_thread are for what a heap with world hooks has not.
 */
static inline void mutator_check_as(const gait_mutator *mutator, const char *call) {
    if (__builtin_expect(AO_int_load(&mutator->state) != MUTATOR_RUNNING, 0))
        mutator_misused(mutator, call); /* its own thread's store is seen; no other may call */
}
static inline void mutator_check_thread(const gait_mutator *mutator, const char *call) {
    if (__builtin_expect(mutator->thread != program_thread_here(), 0))
        mutator_misused(mutator, call);
    mutator_check_as(mutator, call);
}

/* The same, and until the function returns the mutator counts as RUNNING where its thread came from
 * the program's code of a heap with world hooks. */
struct mutator_call {
    gait_mutator *outside; /* where it came from; NULL: it was RUNNING before */
};
static inline void mutator_call_end(struct mutator_call *call) {
    if (__builtin_expect(call->outside != NULL, 0))
        world_go_out(call->outside);
}
static inline struct mutator_call mutator_call_as(gait_mutator *mutator, const char *name) {
    struct mutator_call call = {NULL};
    if (__builtin_expect(AO_int_load(&mutator->state) == MUTATOR_RUNNING, 1))
        return call;
    if (!mutator->outside)
        mutator_misused(mutator, name);
    world_go_in(mutator);
    call.outside = mutator;
    return call;
}
static inline struct mutator_call mutator_call_thread(gait_mutator *mutator, const char *name) {
    if (__builtin_expect(mutator->thread != program_thread_here(), 0))
        mutator_misused(mutator, name);
    return mutator_call_as(mutator, name);
}
#define MUTATOR_CALL struct mutator_call call_ __attribute__((cleanup(mutator_call_end), unused))
#define mutator_check(mutator) MUTATOR_CALL = mutator_call_thread(mutator, __func__)
#define mutator_check_fast(mutator, name) MUTATOR_CALL = mutator_call_as(mutator, name)

/* In the middle of a call: run a function of the program's. It may be left by longjmp. */
#define MUTATOR_CALL_OUT(mutator, call)                                                            \
    do {                                                                                           \
        mutator_call_out(mutator);                                                                 \
        call;                                                                                      \
        mutator_call_in(mutator);                                                                  \
    } while (0)
void mutator_call_out(gait_mutator *mutator);
void mutator_call_in(gait_mutator *mutator);

/** Is its barrier on? Its thread, or the one that has it. */
static inline bool mutator_is_marking(const gait_mutator *mutator) {
    return (mutator->head.barrier & MUTATOR_BARRIER) != 0;
}

/** Look at the words that the barrier collected: the white ones are published as work, or, where
 * its thread may mark (cycle_lets_mark) and they lead nowhere, marked. @return whether any became
 * work. */
bool mutator_flush_barrier(gait_mutator *mutator, bool may_mark);

/** If the barrier is on, have a word looked at by the next flush: it becomes strong. Its thread
 * only. */
void mutator_shade(gait_mutator *mutator, gait_word word);

/** The same of what a weak read gives. Where marking can't keep up with such words, it waits:
 * marking.md, .inv.pace. */
void mutator_shade_read(gait_mutator *mutator, gait_word word);

/** If stores are remembered, remember those to count words from slots on. Its thread only. */
void mutator_remember(gait_mutator *mutator, const gait_word *slots, size_t count);

/** Push all roots of this mutator; its state was saved by mutator_save_stack. */
void mutator_scan_roots(gait_mutator *mutator);

/** Visit the same roots with any visitor. */
void mutator_visit_roots(gait_mutator *mutator, struct gait_visitor *visitor);

/** Those of all mutators, and what threads hold that the program's means have stopped. With the
 * world stopped. */
void mutators_visit_roots(const struct world *world, struct gait_visitor *visitor);

/** Its thread is about to go native: what the collector reads then is copied. */
void mutator_copy_frames(gait_mutator *mutator);

/** The program's means have stopped its thread, whose stack stands still from top on. By that
 * thread, wherever it was stopped, or by whoever stopped it. */
void mutator_stopped_at(gait_mutator *mutator, char *top);

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
