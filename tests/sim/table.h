/* SPDX-License-Identifier: MIT */
/**
 * A tab-separated table with a header line, read row by row; cells are found by
 * the name of their column. For test programs: whatever is wrong ends the
 * program with one line that names file, line and column.
 */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_MAX_COLUMNS 64
#define TABLE_MAX_LINE 4096

/** An open table and its current row. */
struct table {
    FILE *file;
    const char *path;               /**< for messages                            */
    int line;                       /**< of the current row, counted from 1      */
    int columns;                    /**< in the header                           */
    char header[TABLE_MAX_LINE];    /**< cut up into names                       */
    char row[TABLE_MAX_LINE];       /**< cut up into cells                       */
    char *names[TABLE_MAX_COLUMNS]; /**< into header                             */
    char *cells[TABLE_MAX_COLUMNS]; /**< into row; as many as names after a read */
};

/** Open `path` and read its header. */
void table_open(struct table *table, const char *path);

/** Read the next row. @return false at the end of the file, which is then closed. */
bool table_next(struct table *table);

/** Is there such a column? */
bool table_has(const struct table *table, const char *name);

/** The cell of the current row in the column `name`, as text or number. */
const char *table_text(const struct table *table, const char *name);
int64_t table_i64(const struct table *table, const char *name);
uint64_t table_u64(const struct table *table, const char *name);
double table_double(const struct table *table, const char *name);

/** Print one line "path:line: message" and end with status 2. */
_Noreturn void table_fail(const struct table *table, const char *message, const char *detail);

#endif
