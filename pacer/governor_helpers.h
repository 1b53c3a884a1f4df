/* SPDX-License-Identifier: MIT */
/*
 * The governor's rules for helpers: how many mark at a moment, at which priority, and what a marker
 * learns from having been preempted. Pure, as governor.h; a marker asks between two bursts.
 *
 * A helper of normal priority takes its share of a CPU from whoever runs there. One of idle
 * priority takes only what nobody wants, and may be kept off its CPU for a second with work in its
 * hands that the whole cycle waits for.
 */
#ifndef PACER_GOVERNOR_HELPERS_H
#define PACER_GOVERNOR_HELPERS_H

#include <stdbool.h>
#include <stdint.h>

/* ---- How many ----------------------------------------------------------- */

/** Who is there. */
struct gait_governor_crew {
    int32_t procs;     /**< CPUs                                                              */
    int32_t dedicated; /**< helpers that every cycle has: gait_governor_helpers               */
    int32_t running;   /**< mutators that are not in native code                              */
    bool stopped;      /**< the world is                                                      */
    bool awaited;      /**< a thread sleeps until the cycle is done                           */
    bool limited;      /**< the CPU limiter holds marking down, and nobody waits              */
    bool busy;         /**< other threads want the CPUs: gait_governor_is_busy                */
};

/** Helpers that may mark now, beside the collector's own thread. */
struct gait_governor_marking {
    int32_t normal; /**< at normal priority                */
    int32_t idle;   /**< at idle priority, unless they rest */
};

struct gait_governor_marking gait_governor_marking(const struct gait_governor_crew *crew);

/** Are so many markers, the collector's thread included, beside those who run? */
bool gait_governor_has_cpu(const struct gait_governor_crew *crew, int32_t markers);

/* ---- What preempted markers say ----------------------------------------- */

struct gait_governor_contention {
    int64_t preempted_ns;  /**< when a marker of normal priority was preempted last         */
    int64_t busy_until_ns; /**< other threads want the CPUs                                 */
    int64_t rest_ns;       /**< how long idle helpers rest, or rested last                  */
    int64_t rest_until_ns; /**< until when                                                  */
    int64_t idle_ns;       /**< CPU time that helpers of idle priority had since that began */
};

/** A marker's burst has ended. */
struct gait_governor_burst {
    int64_t now_ns;
    int64_t cpu_ns;  /**< that it had                               */
    int64_t lost_ns; /**< beyond it: the marker was preempted       */
    bool idle;       /**< at idle priority                          */
};

/** Does a burst change anything but idle_ns? Most do not. */
bool gait_governor_was_preempted(const struct gait_governor_burst *burst);

/** Learn from a burst that was preempted. @return whether that was an exception, for a marker of
 * normal priority: it had not happened of late. */
bool gait_governor_preempted(struct gait_governor_contention *contention,
                             const struct gait_governor_burst *burst);

#endif
