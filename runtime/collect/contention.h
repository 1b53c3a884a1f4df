/* SPDX-License-Identifier: MIT */
/*
 * Contention: how markers see that other threads want their CPUs. A marker measures each burst. It
 * was preempted for as long as the burst took beyond its CPU time.
 */
#ifndef GAIT_CONTENTION_H
#define GAIT_CONTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "../platform/atomic.h"

/* Markers write these and read them unordered: a value that is lost or old makes one burst more, or
 * one less. */
struct contention {
    AO_t preempted_ns;      /* when a marker of normal priority was preempted last */
    AO_t busy_until_ns;     /* no CPU counts as idle before */
    AO_t unhelped_until_ns; /* helpers of idle priority rest before */
};

/** A burst that ended now was preempted for so long. idle: at idle priority. @return whether that
 * was an exception: such a thing had not happened of late. */
bool contention_note(struct contention *contention, int64_t now_ns, int64_t preempted_ns,
                     bool idle);

/** Do other threads want the CPUs? */
static inline bool contention_is_busy(const struct contention *contention, int64_t now_ns) {
    return now_ns < (int64_t)AO_load(&contention->busy_until_ns);
}

/** Are helpers of idle priority to rest? */
static inline bool contention_is_unhelped(const struct contention *contention, int64_t now_ns) {
    return now_ns < (int64_t)AO_load(&contention->unhelped_until_ns);
}

#endif
