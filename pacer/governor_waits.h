/* SPDX-License-Identifier: MIT */
/*
 * The governor's rules for waiting: how long a mutator that is about to take memory waits, and for
 * what. Pure, as governor.h.
 *
 * Each wait is bounded twice: for one allocation, and for all of a mutator from one root scan to
 * the next. Goals and limits are soft, and a program goes on whatever the OS does with the
 * collector's threads.
 */
#ifndef PACER_GOVERNOR_WAITS_H
#define PACER_GOVERNOR_WAITS_H

#include <stdint.h>

/** What a mutator waits for. */
enum gait_governor_wait {
    GAIT_GOVERNOR_FOR_START, /**< that the cycle which is late comes to marking         */
    GAIT_GOVERNOR_FOR_START_IN_SETTLING, /**< the same, and what the last one found is not settled
                                          */
    GAIT_GOVERNOR_FOR_WORK,          /**< that somebody shares marking, or did it in its place  */
    GAIT_GOVERNOR_FOR_WORK_AT_LIMIT, /**< the same, or else it would pass the limit             */
    GAIT_GOVERNOR_FOR_DEAD,          /**< that what a cycle found dead can be used              */
    GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT, /**< the same, or else it would pass the limit             */
    GAIT_GOVERNOR_FOR_END,           /**< that a cycle ends and gives room below the limit      */
    GAIT_GOVERNOR_FOR_CLEANUPS,      /**< that another thread runs those that a cycle queued    */
    GAIT_GOVERNOR_WAITS
};

/** What it has waited already. */
struct gait_governor_waited {
    uint64_t want_bytes; /**< that the program asks for                                         */
    int64_t here_ns;     /**< for this and the same, in this allocation                          */
    int64_t in_all_ns;   /**< since its roots were scanned last: for work, and none came; or for
                              all else together                                                */
};

/** How long it may wait. */
struct gait_governor_patience {
    int64_t most_ns; /**< more; 0: no longer                                                    */
    int64_t nap_ns;  /**< between two looks; 0: it is told                                      */
    int64_t idle_ns; /**< without anything that happens, for who looks at that; 0: no bound      */
};

struct gait_governor_patience gait_governor_patience(enum gait_governor_wait what,
                                                     const struct gait_governor_waited *waited);

/** How long a mutator that owes marking goes on with it before it takes so many bytes, piece by
 * piece; 0: one piece is enough. */
int64_t gait_governor_pays_ns(uint64_t want_bytes);

#endif
