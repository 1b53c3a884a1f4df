/* SPDX-License-Identifier: MIT */
/**
 * A tab-separated table with a header line, read row by row; cells are found by the name of their
 * column. Whatever is wrong ends the command with one line: "FILE:LINE: message: detail".
 */
#ifndef COMMAND_TABLE_H
#define COMMAND_TABLE_H

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

/** Read the next row that is not empty. @return false at the end of the file, which is closed. */
bool table_next(struct table *table);

/** Is there such a column? */
bool table_has(const struct table *table, const char *name);

/** The cell of the current row in the column `name`, as text or number. */
const char *table_text(const struct table *table, const char *name);
int64_t table_i64(const struct table *table, const char *name);
uint64_t table_u64(const struct table *table, const char *name);
double table_double(const struct table *table, const char *name);

/** table_i64 and table_double, which refuse what is outside least..most. */
int64_t table_i64_in(const struct table *table, const char *name, int64_t least, int64_t most);
double table_double_in(const struct table *table, const char *name, double least, double most);

/** Print one line "path:line: message: detail" and end with status 1. */
_Noreturn void table_fail(const struct table *table, const char *message, const char *detail);

#endif
