/* SPDX-License-Identifier: MIT */
/*
 * libgait-gc from inside: one heap for the process, its threads, and what the files share. All of
 * it stands on Gait's public headers. docs/design/compat.md argues why it is right.
 *
 *   .inv.still: between stop and start (stop.c) each registered thread but those in GC_do_blocking
 *   stands in a signal handler, at whatever instruction it was. What the collector's thread reads
 *   then of this library's tables is guarded by the lock TABLES, which it takes before it stops
 *   anyone.
 *
 *   .inv.locks: ALLOC, COLLECT, TABLES, in this order. Whoever has one of the last two calls
 *   nothing of Gait's: each of its calls may wait for the collector, which waits for the lock. The
 *   collector's thread itself, between stop and start, may call what a root callback may.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <gait/gait.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GC_BUILD
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#define GC_REQUIRE_WCSDUP
#include "include/gc/gc.h"
#include "include/gc/gc_mark.h"

#define COMPAT_NOINLINE __attribute__((noinline))
#define COMPAT_LIKELY(x) __builtin_expect(!!(x), 1)
#define COMPAT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COMPAT_TLS __thread __attribute__((tls_model("initial-exec")))

/* ---- The heap: init.c ---- */

extern gait_heap *compat_heap; /* NULL: not made yet; constant then */
extern bool compat_tells;      /* GAIT_DEBUG=gccompat=1; constant once there is a heap */

/** The heap exists from here on. Any thread. */
void compat_init(void);

/** A number of bytes of the environment, with k, m or g behind it; otherwise, if it is not there.
 */
GC_word compat_environment(const char *name, GC_word otherwise);

/* ---- Messages: messages.c ---- */

/** With GAIT_DEBUG=gccompat=1, one line, once for each call: it was accepted and has no effect. */
void compat_without_meaning(const char *call, const char *why);
#define WITHOUT_MEANING(why)                                                                       \
    do {                                                                                           \
        static bool told_;                                                                         \
        if (!__atomic_exchange_n(&told_, true, __ATOMIC_RELAXED))                                  \
            compat_without_meaning(__func__, why);                                                 \
    } while (0)

/** A line of a report: GC_set_log_fd, stderr. */
void compat_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** By the program's function, if it set one, and abort. */
_Noreturn void compat_abort(const char *text);

/* ---- Threads: threads.c ---- */

struct thread {
    gait_mutator *mutator; /* constant while it is registered                            */
    pthread_t handle;      /* constant                                                   */
    int number;            /* the kernel's; constant, except for a fork                     */
    char *base, *low;      /* its stack; low NULL: not known. Lock TABLES                */
    char *signal_low, *signal_high; /* GC_register_altstack; lock TABLES                          */
    char *here;                 /* what lies above is scanned: set as it stops, or goes native */
    bool blocking;              /* in GC_do_blocking: not stopped. Lock TABLES                */
    unsigned stands;            /* atomic: the stop in which it stands; its thread's          */
    unsigned paused;            /* atomic: not 0, it is to stand; waited on; lock TABLES      */
    unsigned stands_paused;     /* atomic: for which value of paused it stands; its thread's  */
    char *dead_low, *dead_high; /* within what is scanned: registers that hold nothing */
    volatile int calls;         /* it is in so many calls of Gait's: not paused there; its own */
    bool locked;         /* it has ALLOC and COLLECT, by compat_alloc_lock; its own           */
    bool holds;          /* it holds collections off; its own */
    bool ended;          /* it is gone without a word, and so is its stack. Lock TABLES */
    struct thread *next; /* lock TABLES                                                */
};

/* NULL: the calling thread is not registered. */
extern COMPAT_TLS struct thread *compat_thread_here;
/* Its mutator's runs; NULL, too, where each allocation is to take the slow path. */
extern COMPAT_TLS struct gait_mutator_head *compat_head_here;

/** The calling thread's; registers it if need be, and makes the heap. */
struct thread *compat_thread_mine(void);

/** @return GC_SUCCESS, GC_DUPLICATE; base NULL: as the system says. */
int compat_thread_register(char *base);
/* All that are registered: lock TABLES. */
extern struct thread *compat_threads;
/** The thread that has this handle. With TABLES held. */
struct thread *compat_threads_find(pthread_t handle);
void compat_threads_child(void);

/* ---- What threads return: results.c ---- */

struct result;

/** The calling thread, which GC_pthread_create has started, gets a record; it returns a value; it
 * ends. */
void compat_result_begin(void);
void compat_result_set(void *value);
void compat_result_end(void);
/** Not NULL: the calling thread has one. */
void *compat_result_mine(void);

/** Before pthread_join, and after it. NULL: there is none, which is as good. */
struct result *compat_result_claim(pthread_t handle);
void compat_result_unclaim(struct result *result);
void compat_result_joined(struct result *result);
/** pthread_detach. @return as that. */
int compat_result_detach(pthread_t handle);
/** With TABLES held. */
void compat_results_visit(gait_visitor *visitor);
void compat_results_child(void);

/* ---- Locks: blocking.c ---- */

void compat_alloc_lock(void); /* ALLOC, then COLLECT */
void compat_alloc_unlock(void);
void compat_alloc_lock_anew(void); /* in a fork's child */
void compat_collect_lock(void);
void compat_collect_unlock(void);
void compat_tables_lock(void);
void compat_tables_unlock(void);
/* How many of them the calling thread has, or waits for: it is not paused there. */
extern COMPAT_TLS volatile int compat_locks_here;

/** A thread ends within GC_do_blocking. */
void compat_blocking_end(struct thread *thread);

/* ---- Stopping: stop.c, fork.c ---- */

void compat_stop_configure(gait_config *config);
void compat_stop_init(void);
/** Stand, if GC_suspend_thread asks the calling thread to. */
void compat_stop_if_paused(struct thread *thread);
/** Let the calling thread be stopped, whatever mask of signals it was started with. */
void compat_stop_allow(void);

/* Around calls of Gait's, except for inline ones: the collector is let in, .inv.alloc in
 * blocking.c; and who stood in one by GC_suspend_thread would have it wait. */
static inline void call_begin(struct thread *thread) {
    thread->calls = thread->calls + 1;
    __asm__ volatile("" ::: "memory"); /* the handler runs on this thread */
    if (COMPAT_UNLIKELY(thread->locked))
        compat_collect_unlock();
}
static inline void call_end(struct thread *thread) {
    if (COMPAT_UNLIKELY(thread->locked))
        compat_collect_lock();
    __asm__ volatile("" ::: "memory");
    thread->calls = thread->calls - 1;
    if (COMPAT_UNLIKELY(thread->paused))
        compat_stop_if_paused(thread);
}

void compat_fork_init(void);

/* ---- Roots: roots.c ---- */

/* The visitor of the callback that runs on this thread: GC_push_all, mark functions. */
extern COMPAT_TLS gait_visitor *compat_visitor_here;

void compat_roots_init(void);
/** Look which libraries there are, and run act while none of them can go. With TABLES held, and the
 * program running. */
void compat_roots_refresh(void (*act)(void));
/** All but stacks. With the program stopped. */
void compat_roots_visit(gait_visitor *visitor);
void compat_roots_visit_memory(gait_visitor *visitor, const void *low, const void *high);

/* ---- Kinds: kinds.c; how descriptors are read: descriptors.c ---- */

/* By libgc's numbers; a program's own follow. */
enum {
    KIND_ATOMIC,
    KIND_NORMAL,
    KIND_UNCOLLECTABLE,
    KIND_ATOMIC_UNCOLLECTABLE,
    KIND_TYPED,       /* its descriptor is its last word            */
    KIND_TYPED_ARRAY, /* its descriptor, count and size at its end  */
    KIND_TABLE,       /* its first word leads to its descriptor     */
    KINDS_FIXED,
    KINDS_MAX = 64
};

extern gait_kind compat_kind_gait[KINDS_MAX]; /* Gait's number; constant once the kind is there */
void compat_kinds_init(void);
/** @return libgc's number of a kind of Gait's. */
unsigned compat_kind_number(gait_kind kind);
bool compat_kind_is_known(int kind);

void compat_descriptor_visit(gait_visitor *visitor, GC_word descriptor, void *object, size_t bytes);
void compat_descriptor_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data);
void compat_typed_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data);
void compat_typed_array_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data);
void compat_table_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data);

/* ---- Allocation: alloc.c ---- */

/* What lies in front of an uncollectable object. 16 bytes: the object stays aligned. */
struct uncollectable {
    gait_handle *handle;
    size_t unused;
};

/** An object of a kind by libgc's number. The out-of-memory function was asked. */
void *compat_alloc(unsigned kind, size_t bytes);
void *compat_alloc_uncollectable(unsigned kind, size_t bytes);
/** And how large its cell is; 0: it is the out-of-memory function's. */
void *compat_alloc_whole(unsigned kind, size_t bytes, size_t *cell_bytes);
/** The bytes of Gait's object that begins at an address; 0: none does. */
size_t compat_cell_bytes(const void *address);

/** The object that an address lies in, as the program knows it; its kind and size. NULL: none. */
void *compat_object_find(const void *address, unsigned *kind, size_t *bytes);
/** Of Gait's object: where the program's begins, and the bytes of its cell that are the program's.
 */
void *compat_object_shown(void *cell, unsigned kind, size_t *bytes);

/* ---- Settings: settings.c, collect.c ---- */

void compat_settings_init(void);
/** What the program stored to libgc's variables, as far as it means something. */
void compat_settings_apply(void);
void compat_settings_forget(struct thread *thread); /* it ends */
void compat_settings_child(void);                   /* of a fork */
bool compat_limit_is_reached(size_t bytes);
bool compat_displacement_is_known(size_t bytes);

/* ---- Debugging objects: debug.c ---- */

/** Of Gait's object: what GC_debug_malloc gave out, and where; NULL: it did not. */
void *compat_debug_object(void *base, const char **file, GC_word *line, size_t *bytes);
/** Say so if it was written to behind its end. @return whether all is well. */
bool compat_debug_check(void *base);

/* ---- What a cycle leads to: notices.c, finalizers.c, toggles.c, leaks.c ---- */

/** The program's functions that are due: finalizers, notices. Called by an allocation. */
extern int compat_notices_due; /* atomic: not 0, and compat_notices_run does something */
void compat_notices_run(void);
/** Of the collector's thread, around a cycle's stop. */
void compat_notices_stopping(void);
void compat_notices_stopped(void);
void compat_notices_marked(void); /* what is reachable is known: with the last stop it is over */
void compat_notices_starting(void);
void compat_notices_started(void);

void compat_finalizers_visit(gait_visitor *visitor);
void compat_finalizers_run_due(void);
void compat_toggles_decide(void); /* with TABLES held, and the program running */
void compat_toggles_visit(gait_visitor *visitor);
void compat_toggles_forget_dead(void);

#endif
