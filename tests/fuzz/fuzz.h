/* SPDX-License-Identifier: MIT */
/*
 * The random mutator: what its parts share.
 *
 *   plan    what a round does, from its seed
 *   round   the heaps and threads of a round, its end, what must hold then
 *   actor   a thread of a round; it has a mutator in each heap
 *   owner   a part of the model: the objects that one holder of roots alone can reach. An actor has
 *           one per heap, each coroutine has one, and each heap has one that all share by a lock
 *   node    an object as the model knows it
 *   op      an operation that an actor does at random
 *
 * Whoever works on an owner has it for himself, so the model is exact: which objects must be alive,
 * and what every word of them holds. What crosses threads without a lock is in ops_mail.c, and
 * checks itself.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#include <gait/arena.h>

struct coroutine;
struct node;
struct owner;

#define MAIL_SLOTS 8
#define STACK_WORDS 8
#define SEGMENT_WORDS 6

/* An object on its way from thread to thread through plain memory. */
struct hand {
    unsigned state; /* atomic */
    gait_word word; /* written by the one that made it HELD, read by that which made it READ */
};

#define VIEWS_KEPT 3

/* A pair of arenas, and what its writer knows. */
struct frames {
    struct gait_arena_pair *pair; /* constant */
    bool traced;                  /* constant */
    pthread_mutex_t lock;         /* its holder is the writer; guards what follows */
    struct piece *first;          /* of the frame that is being filled */
    unsigned pieces, number;      /* it has; its number, from 1 */
    unsigned kept;                /* bit by bit: views that are not given back */
    gait_arena_view views[VIEWS_KEPT];
    unsigned frame_of[VIEWS_KEPT];
};

/* A heap of the round, with what belongs to all its threads. */
struct heap {
    gait_heap *gait;
    const struct heap_plan *plan;
    unsigned index;
    gait_kind kinds[KINDS_PLANNED];
    struct owner *shared;
    pthread_mutex_t shared_lock; /* guards *shared */
    gait_word mail[MAIL_SLOTS];  /* static roots; atomic */
    struct hand hand;
    struct frames frames;
    struct coroutine *coroutines[COROUTINES_MAX];
    gait_handle *ballast; /* what the out-of-memory handler drops */
    gait_handle *list;    /* of list_length links: constant while the actors are there */
    size_t list_length;
    struct ring *rings; /* atomic: pushed on */
    unsigned walks;     /* of the hook, which runs on one thread */
};

#define LOG_LINES 48
#define VISITORS_MAX 3

struct actor {
    unsigned number; /* visitors: from the number and operation of whom they visit */
    unsigned op;     /* the one that runs: with the number, the seed of its random numbers */
    gait_mutator *mutators[HEAPS_MAX]; /* NULL: not attached */
    struct owner *owners[HEAPS_MAX];
    gait_word (*stack_words)[STACK_WORDS]; /* on its C stack: roots, where that is scanned */
    pthread_t visitors[VISITORS_MAX];
    unsigned visiting;
    bool child;          /* of a fork: no threads */
    bool visitor;        /* comes and goes within a round */
    unsigned operations; /* to do */
    struct actor *next;
    struct {
        unsigned op;
        const char *what;
        uint64_t detail;
    } log[LOG_LINES]; /* a ring; read by whoever fails */
    unsigned logged;
};

struct round {
    struct plan plan;
    struct heap heaps[HEAPS_MAX];
    pthread_mutex_t lock; /* guards owners and actors */
    struct owner *owners; /* all that were made; a hook reads it without */
    struct actor *actors; /* likewise */
    double late_s;        /* from then on actors end early, on a slow machine */
    bool ended;           /* atomic: the actors have ended */
};

extern struct round *the_round;

/* What an operation works on. */
struct context {
    struct actor *actor;
    struct heap *heap;
    struct owner *owner;
    gait_mutator *mutator;
    uint64_t random;
    bool nested; /* within another operation */
};

/* ---- Operations ---- */

enum {
    OP_ANY = 0,          /* on any owner                       */
    OP_OWN = 1 << 0,     /* only on an actor's own             */
    OP_THREADS = 1 << 1, /* starts threads or processes        */
    OP_ALWAYS = 1 << 2   /* in every round                     */
};

struct op {
    const char *name;
    void (*run)(struct context *context);
    unsigned weight; /* beside others: once in so many; 0 ends a table */
    unsigned flags;
};

/** All operations, and how many they are. */
extern const struct op all_ops[];
extern const unsigned ops_count;

/** Do one operation that is enabled and fits the context. */
void op_run(struct context *context, unsigned flags_allowed);

/** The context of an actor's operation, with random numbers of its own. */
struct context actor_context(struct actor *actor, unsigned heap);

/** Note in the actor's log what is done. */
void note(struct context *context, const char *what, uint64_t detail);

/* ---- Threads and rounds ---- */

/** A new actor of the round. */
struct actor *actor_new(unsigned number);

/** Attach to, or detach from a heap. Detaching drops the roots that end with a mutator. */
void actor_attach(struct actor *actor, unsigned heap);
void actor_detach(struct actor *actor, unsigned heap);

/** The body of a thread: an actor's operations. */
void *actor_main(void *actor);

/** In the child of a fork: some operations more. */
void actor_act_as_child(struct actor *actor);

/** Wait in native code for the visitors that an actor has started: for all, or until one more has
 * room. */
void actor_await_visitors(struct actor *actor, bool all);

/** Play one round of the plan, or end the program. */
void round_play(const struct plan *plan);

/** Seconds of a clock that goes on. */
double now_seconds(void);

/** Whether the round has taken so long that its actors end where they are. */
bool round_is_late(void);

/* ---- Failure ---- */

/** How this program is called, for the line that says how to see a failure again. */
extern const char *program_name;

/** Print what failed, how to see it again and what was done last, and end. */
_Noreturn void fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Print plan and logs: for a failure and a signal. */
void report_round(void);

/** From now on a signal that ends the program says so, with the seed; on this thread also where its
 * stack is at its end. Each other thread calls the second one. */
void faults_catch(void);
void faults_catch_here(void);

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(__FILE__, __LINE__, __VA_ARGS__);                                                 \
    } while (0)

#endif
