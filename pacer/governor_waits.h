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

#include <stdbool.h>
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

/** For which start it waits that is late: of a cycle that marks, or may (sweeping: what the last
 * one found can be used). */
enum gait_governor_wait gait_governor_for_start(bool marking, bool sweeping);

/** For which dead. awaited: a cycle has just ended that was waited for, to keep the limit;
 * passes_limit: the memory would pass it all the same. */
enum gait_governor_wait gait_governor_for_dead(bool awaited, bool passes_limit);

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
    int64_t idle_ns; /**< without anything that happens, where that is looked at; 0: no bound    */
};

struct gait_governor_patience gait_governor_patience(enum gait_governor_wait what,
                                                     const struct gait_governor_waited *waited);

/** How long a mutator that owes marking goes on with it before it takes so many bytes, piece by
 * piece; 0: one piece is enough. */
int64_t gait_governor_pays_ns(uint64_t want_bytes);

/** A mutator that was told to mark has done so. */
struct gait_governor_marked {
    bool at_limit;      /**< as gait_governor_assist said before                               */
    bool beyond;        /**< with at_limit: gait_governor_is_beyond, now                       */
    bool starved;       /**< it did less, since others hold all the work there is              */
    int64_t debt_bytes; /**< gait_governor_debt, now                                             */
    int64_t pays_ns;    /**< left of gait_governor_pays_ns                                     */
};

/** What it does then. */
enum gait_governor_then {
    GAIT_GOVERNOR_THEN_TAKE,         /**< the memory: its debt, or a piece of it, is paid   */
    GAIT_GOVERNOR_THEN_ASK,          /**< again, after a safepoint                          */
    GAIT_GOVERNOR_THEN_WAIT,         /**< FOR_WORK, and ask again                           */
    GAIT_GOVERNOR_THEN_WAIT_AT_LIMIT /**< FOR_WORK_AT_LIMIT, and ask again                  */
};

enum gait_governor_then gait_governor_after_marking(const struct gait_governor_marked *marked);

/** How a thread that waits for another one looks whether it is there. */
struct gait_governor_looks {
    int64_t answer_ns;    /**< the collector, for mutators' answers: a bound on a wake that was
                               missed, not a rate                                              */
    int64_t held_up_ns;   /**< a mutator that has not answered for so long holds the world up:
                               nobody waits for what was wanted of it                          */
    int64_t tell_ns;      /**< it is told of after so long                                     */
    int64_t tell_again;   /**< and whenever that has become so many times as long              */
    int64_t cycle_ns;     /**< one that waits for a cycle's end to keep the limit: whether the world
                               is held up                                                      */
    int64_t reads_ns;     /**< a mutator whose weak reads make work: that markers have done it; for
                               each 512 words, this at most,                                   */
    int64_t closing_ns;   /**< where that keeps marking from its end, for each 64 words,       */
    int64_t reads_nap_ns; /**< and so long between two looks                                 */
    int64_t forced_ns;    /**< one that waits for a forced cycle: whether a thread runs it       */
    int64_t held_ns;      /**< one that holds cycles back: whether the one that marks has ended  */
    int64_t collector_ns; /**< the collector's thread: at the clock, for periodic cycles, and at
                               a limit in percent                                              */
    int64_t scavenger_ns; /**< the scavenger's: at what is due                                 */
};

struct gait_governor_looks gait_governor_looks(void);

/** By how much the time that somebody has waited grows from one look to the next, look_ns apart,
 * that were since_ns apart. What was more, it was itself kept from its CPU (or the process was
 * stopped): that says nothing of whom it waits for. */
int64_t gait_governor_waited_ns(int64_t since_ns, int64_t look_ns);

#endif
