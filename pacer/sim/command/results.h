/* SPDX-License-Identifier: MIT */
/**
 * The results of one row of a table of vectors, as check and replay-inputs use them: compared with
 * the row's own, or printed in their place.
 */
#ifndef COMMAND_RESULTS_H
#define COMMAND_RESULTS_H

#include "table.h"
#include "units.h"

#define RESULTS_MOST 16

enum result_type { RESULT_U64, RESULT_I64, RESULT_DOUBLE, RESULT_TEXT };

/** One result. */
struct result {
    const char *column;
    enum result_type type;
    union {
        uint64_t u64;
        int64_t i64;
        double real;
        const char *text;
    } value;
};

/** Results of a row, and the count over all rows. */
struct results {
    struct table *table;
    const char *row_column; /**< the column that names a row, for messages     */
    bool print;             /**< print instead of comparing                    */
    int count;
    struct result list[RESULTS_MOST];
    int64_t compared;
    int64_t differing;
};

void results_u64(struct results *results, const char *column, uint64_t value);
void results_i64(struct results *results, const char *column, int64_t value);
void results_double(struct results *results, const char *column, double value);
void results_text(struct results *results, const char *column, const char *value);

/** All results of the current row are there: compare or print them, and forget them. */
void results_row(struct results *results);

/** Print the totals. @return the exit status: 0 if something was compared and nothing differs. */
int results_finish(const struct results *results);

#endif
