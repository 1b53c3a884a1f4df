/* SPDX-License-Identifier: MIT */
/**
 * What the two replays share: a result column is either compared with the
 * table's (and a difference printed and counted) or, with --print, printed.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "table.h"

/** A replay under way. */
struct check {
    const struct table *table;
    const char *row_name; /**< scenario or sequence of the current row, for messages */
    bool print;           /**< print results instead of comparing them               */
    int64_t compared;     /**< result cells                                          */
    int64_t differing;    /**< of these                                              */
};

/** One result cell of the current row. */
void check_u64(struct check *check, const char *column, uint64_t value);
void check_i64(struct check *check, const char *column, int64_t value);
void check_double(struct check *check, const char *column, double value);
void check_bool(struct check *check, const char *column, bool value);

/** Print the totals. @return the exit status: 0 if something was compared and nothing differs. */
int check_finish(const struct check *check);

#endif
