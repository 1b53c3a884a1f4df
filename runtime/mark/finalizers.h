/* SPDX-License-Identifier: MIT */
/*
 * Finalizers and cleanups: which objects have some, and the queue of those to be run.
 *
 * One record per finalizer and per different cleanup, in two tables: an object has at most one
 * finalizer, and is its key; a cleanup is found by object, function and data together, so that one
 * of many is removed in constant time, and equal ones are counted in one record. Passes over all
 * records go through memory, not through the tables.
 *
 *   .inv.order: an object's cleanups are queued when it dies for good: after its finalizer, if it
 *   has one, was queued by an earlier cycle. One with an ordered finalizer is queued when nothing
 *   leads to it any more: neither another object with such a finalizer, nor one that comes back for
 *   another one. Those that resurrect come back first: rescue.h.
 *   .inv.queue: the object of a queued finalizer is allocated, and a root until it is taken.
 *   .inv.dead: when a cycle opens sweeping, the record of each object that died is queued. As long
 *   as a record is not, its object's address can't have got a new object.
 *   .inv.back: while an object that died comes back with what it leads to, its record is in no
 *   table search's way and not in the queue: it is queued when all of that is allocated.
 *
 * A record that is queued stays in its table at first: to settle a dead object takes no look at the
 * table, and so a tenth of the time, in which nobody may sweep; whoever looks for a record passes
 * queued ones over. finalizers_tidy takes cleanups out later, since their objects' addresses are
 * used again; a finalizer's stays until it is taken, as its object does.
 *
 * All of it is guarded by the lock FINALIZERS, except the figures.
 */
#ifndef GAIT_FINALIZERS_H
#define GAIT_FINALIZERS_H

#include "../heap/pool.h"
#include "../platform/lock.h"
#include "address_map.h"
#include "marker.h"
#include "pass_lock.h"

/* A finalizer (object is not NULL) or a cleanup, to be run once. */
struct finalizer_job {
    void *object;
    gait_finalizer_fn finalize; /* with an object */
    gait_cleanup_fn clean_up;   /* without */
    void *data;
};

struct finalizer_record;
struct object_record;

/* What gait_finalizer_replace says of an object; no function: it has none. */
struct finalizer_setting {
    gait_finalizer_fn finalize;
    void *data;
    uint32_t flags;
};

#define FINALIZER_FLAGS                                                                            \
    (GAIT_FINALIZER_UNORDERED | GAIT_FINALIZER_IGNORE_SELF | GAIT_FINALIZER_RESURRECT)

/* What the object leads to is not kept for the finalizer, but comes back with it. */
#define FINALIZER_COMES_BACK (GAIT_FINALIZER_UNORDERED | GAIT_FINALIZER_RESURRECT)

/* First in, first out. */
struct finalizer_queue {
    struct finalizer_record *first; /* NULL: empty */
    struct finalizer_record *last;
};

/* All finalizers, or all cleanups. */
struct finalizer_table {
    struct address_map map;
    struct pool pool; /* of its records */
};

struct finalizers {
    struct pass_lock lock; /* rank FINALIZERS */
    struct finalizer_table finalizers;
    struct finalizer_table cleanups;
    struct finalizer_queue queue;
    size_t unordered;               /* finalizers with a flag of FINALIZER_COMES_BACK */
    AO_t resurrecting;              /* with GAIT_FINALIZER_RESURRECT; read unordered by rescue.c */
    struct object_record *suspects; /* rescue.h; NULL: none; the head is the collector's */
    uint64_t registered;            /* finalizers so far: the youngest's order */
    bool weak_contents;             /* an object with a finalizer has weak words; the collector's */
    bool untidy;                    /* queued cleanups may be in the table; the collector's */
    AO_t queued;                    /* jobs in the queue; read unordered: a figure */
    AO_t notices;     /* others that wait to be run beside them (control/notices.h); likewise */
    AO_t *pending;    /* constant: of the heap's head, both together; unordered: see there */
    AO_t taken;       /* jobs taken from it, ever; unordered: figures of progress */
    AO_t served;      /* not 0: a thread has slept until there are jobs, and so will run them */
    unsigned signal;  /* atomic, waited on: raised with each batch, and by stop */
    unsigned stopped; /* atomic: nobody waits any more */
};

/** Records are counted in *metadata_bytes, what waits to be run in *pending. @return negative: no
 * memory. */
int finalizers_init(struct finalizers *finalizers, AO_t *metadata_bytes, AO_t *pending);
void finalizers_destroy(struct finalizers *finalizers);

/** Set, replace or (no function) remove an object's finalizer. The object is reachable. *old: what
 * it had. @return 0, GAIT_E_MEMORY, GAIT_E_MISSING. */
int finalizers_set(struct finalizers *finalizers, void *object,
                   const struct finalizer_setting *setting, struct finalizer_setting *old);

/** Remove an object's finalizer, if it has one. */
void finalizers_drop(struct finalizers *finalizers, void *object);

/** Read an object's finalizer. */
struct finalizer_setting finalizers_get(struct finalizers *finalizers, const void *object);

/** Add a cleanup to a reachable object. @return 0, GAIT_E_MEMORY. */
int finalizers_cleanup_add(struct finalizers *finalizers, void *object, gait_cleanup_fn clean_up,
                           void *data);

/** Remove all equal cleanups of an object. @return how many. */
size_t finalizers_cleanup_cancel(struct finalizers *finalizers, void *object,
                                 gait_cleanup_fn clean_up, void *data);

/**
 * While marking: push what objects with ordered finalizers refer to, but not these themselves, and
 * the objects of queued finalizers. Once per cycle, after all mutators have their barrier on: what
 * overflows is found by marker_rescan. In a heap with a barrier by objects once more in the last
 * stop; until then objects whose scan functions wait for it are left out (changes.c, .inv.called).
 */
void finalizers_push(struct finalizers *finalizers, struct marker *marker);

/** Of these only the objects of queued finalizers, which are roots. */
void finalizers_push_queued(struct finalizers *finalizers, struct marker *marker);

/**
 * Queue what is to be run for dead objects, and wake those that wait for it. The collector, after
 * weak_settle and before sweeping, beside running mutators; its marker and the queue are empty.
 * @return bytes of the objects that are kept for their finalizers, with all that was dead and comes
 * back with them.
 */
size_t finalizers_settle(struct finalizers *finalizers, struct marker *marker);

/** Are there unordered ones, whose objects come back with what they lead to? */
bool finalizers_are_unordered(struct finalizers *finalizers);

/**
 * Queue all finalizers that are not queued, the youngest first. While no cycle runs, so that all of
 * their objects are allocated, and none begins.
 * @return jobs in the queue.
 */
size_t finalizers_queue_all(struct finalizers *finalizers);

/** Take queued cleanups out of their table. The collector, after each finalizers_settle, when
 * nobody waits for it any more. */
void finalizers_tidy(struct finalizers *finalizers);

/**
 * Take the first job. Its object is no root any more: the caller makes it one of its own before
 * its next safepoint, and shades it if its barrier is on. @return false: there is none.
 */
bool finalizers_take(struct finalizers *finalizers, struct finalizer_job *job);

/** Jobs in the queue: a figure. */
size_t finalizers_queued(const struct finalizers *finalizers);

/** A notice was queued, and wakes threads that wait; it was taken out. */
void finalizers_notice_queued(struct finalizers *finalizers);
void finalizers_notice_taken(struct finalizers *finalizers);

/** Notices that are queued: a figure, and whether it is worth to look for one. */
static inline size_t finalizers_notices(const struct finalizers *finalizers) {
    return AO_load(&finalizers->notices);
}

/** Wait until there is a job, or a notice. Not by a running mutator. @return false: timeout (ns;
 * negative: none) or stopped. */
bool finalizers_wait(struct finalizers *finalizers, int64_t timeout_ns);

/** Are there jobs, and a thread that waits for such? */
static inline bool finalizers_are_served(const struct finalizers *finalizers) {
    return AO_load(&finalizers->queued) > 0 && AO_load(&finalizers->served);
}

/* How long that thread is waited for. */
struct served_wait {
    int64_t most_ns;
    int64_t nap_ns;      /* between two looks */
    int64_t nap_most_ns; /* the most that such a time counts */
    int64_t idle_ns;     /* if it takes none for so long, it serves no more until it waits again */
};

/** Wait for that thread to take all jobs; *some: it took any. Not by a running mutator.
 * @return how long that was, ns, as it counts. */
int64_t finalizers_await_served(struct finalizers *finalizers, const struct served_wait *wait,
                                bool *some);

/** Let every wait, also a later one, end with false. */
void finalizers_stop(struct finalizers *finalizers);

/** Have act called for each cleanup that is not queued, with the lock held. While no cycle settles.
 */
void finalizers_each_cleanup(struct finalizers *finalizers,
                             void (*act)(void *data, uintptr_t object, gait_cleanup_fn clean_up,
                                         void *of),
                             void *data);

/** Visit what finalizers_push pushes, with any visitor. Nothing runs beside: the world is stopped.
 */
void finalizers_visit(struct finalizers *finalizers, struct space *space,
                      struct gait_visitor *visitor);

#endif
