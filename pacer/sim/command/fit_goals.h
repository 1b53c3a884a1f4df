/* SPDX-License-Identifier: MIT */
/**
 * Which GOGC and which memory limit gave the goals of a trace.
 */
#ifndef COMMAND_FIT_GOALS_H
#define COMMAND_FIT_GOALS_H

#include "gctrace.h"

#define FIT_GOALS_OFF (-1)

/** What somebody knows of the settings. */
struct fit_known {
    bool has_gogc, has_limit;
    int32_t gogc_percent; /**< GAIT_PACER_GOGC_OFF: off */
    int64_t limit_bytes;  /**< GAIT_PACER_NO_LIMIT: off */
};

/** What the goals say. */
struct fit_goals {
    struct fit_known known;
    double gogc;        /**< percent; FIT_GOALS_OFF: off, or never what gave the goal */
    double limit_goal;  /**< the goal that a limit gave, with arenas and off-heap; 0: none did */
    size_t count;       /**< goals that were looked at                        */
    size_t by_gogc;     /**< of them, those that GOGC gave                    */
    size_t by_limit;    /**< and the limit                                    */
    size_t unexplained; /**< neither                                          */
    bool parity;        /**< GOGC is a share of what was marked, as Go has it */
    bool may_be_limit;  /**< the same goals could be a limit's                */
    bool is_pinned;     /**< the limit is below what lives, nobody knows where */
    double other_gogc;  /**< another GOGC that gave many goals; 0: none       */
    int64_t other_first, other_last; /**< cycles between which it did           */
};

struct fit_goals fit_goals(const struct gctrace *trace, const struct fit_known *known);

#endif
