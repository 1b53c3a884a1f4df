/* SPDX-License-Identifier: MIT */
/*
 * Notices: what a program asked to be told, and the queue of what it has not been told yet.
 *
 * When memory is high is the governor's rule. It is asked wherever memory changes, from
 * allocations too, so a look costs a comparison: the two thresholds are published, and only a
 * thread that finds the other state than the one that was told takes the lock and looks again.
 *
 *   .inv.once: the state changes under the lock, after a new look at memory: of threads that pass
 *   the threshold together one queues the notice.
 *   .inv.order: a sort of notice is queued once; when it comes about again it moves to the end. So
 *   the queue needs no memory, and what is run last is what holds.
 *
 * They are run by gait_run_finalizers, never here. Their number is in the finalizers, whose waiters
 * wait for both.
 */
#ifndef GAIT_NOTICES_H
#define GAIT_NOTICES_H

#include <gait/gait.h>

#include "../mark/finalizers.h"
#include "../platform/lock.h"

#define NOTICE_SORTS 5

struct notices {
    struct lock lock;              /* rank LOG: what follows, down to limiting */
    struct finalizers *finalizers; /* constant */
    gait_notice_fn notify;         /* NULL: none is queued */
    void *data;
    int64_t bytes; /* the program's thresholds */
    double percent;
    uint64_t order[NOTICE_SORTS]; /* when a sort was queued; 0: it is not */
    uint64_t last;                /* given to the youngest */
    bool cycles;                  /* cycles are told of */
    bool limiting;                /* the limiter, as it was looked at last */
    AO_t high;      /* not 0: memory is; written under the lock, read unordered: old for a moment */
    AO_t at_bytes;  /* memory that is high; likewise, as is the next */
    AO_t low_bytes; /* below this it is not */
    AO_t times_high; /* how often it has become so; a figure, as is the next */
    AO_t times_limited;
    AO_t limited_cycle; /* the last one in or before which it has begun to limit; 0: never */
};

struct control;

void notices_init(struct notices *notices, struct finalizers *finalizers, int64_t bytes,
                  double percent);
void notices_destroy(struct notices *notices);

/** Set what is run, and tell it what holds. NULL: nothing; what waits is dropped. */
void notices_set(struct control *control, gait_notice_fn notify, void *data);

/** Set a threshold; negative, or no number: it stays. @return the one before. */
int64_t notices_set_bytes(struct control *control, int64_t bytes);
double notices_set_percent(struct control *control, double percent);

/** Have cycles told of, or not; another value: as it is. @return the setting before. */
int notices_set_cycles(struct control *control, int on);

/** A cycle was swept. */
void notices_cycle(struct control *control);

/** The limit has changed, of which the threshold may be a share. With the lock CONTROL held. */
void notices_limit_changed(struct control *control, int64_t limit_bytes);

/** Memory is so much: is another state due than the one that holds? Cheap. */
static inline bool notices_differ(const struct notices *notices, size_t total_bytes) {
    return AO_load(&notices->high) ? total_bytes < AO_load(&notices->low_bytes)
                                   : total_bytes >= AO_load(&notices->at_bytes);
}

/** Is there a threshold to look at? */
static inline bool notices_look(const struct notices *notices) {
    return AO_load(&notices->at_bytes) != SIZE_MAX || AO_load(&notices->high);
}

/** Memory may have passed the threshold, or will with so much more. Any thread. */
void notices_memory(struct control *control, size_t more_bytes);

/** The CPU limiter limits, or does not. */
void notices_limiter(struct control *control, bool limiting, uint64_t cycle);

/** A notice to be run. */
struct notice_job {
    gait_notice notice;
    gait_notice_fn notify;
    void *data;
};

/** Take the first. @return false: there is none. */
bool notices_take(struct notices *notices, struct notice_job *job);

#endif
