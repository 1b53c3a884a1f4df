/* SPDX-License-Identifier: MIT */
/*
 * A tab-separated table. Numbers must fill their cell: a cell that is not
 * wholly a number in range ends the program.
 */
#include "table.h"

#include "command.h"
#include "shown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void table_fail(const struct table *table, const char *message, const char *detail) {
    fflush(stdout);
    shown_line(stderr, "%s:%d: %s: %s", table->path, table->line, message, detail);
    exit(COMMAND_FAILED);
}

/** Cut `line` at its tabs. @return how many pieces. */
static int table_split(const struct table *table, char *line, char **pieces) {
    line[strcspn(line, "\r\n")] = '\0';
    int count = 0;
    for (char *rest = line; rest; count++) {
        if (count == TABLE_MAX_COLUMNS)
            table_fail(table, "too many columns", line);
        pieces[count] = rest;
        rest = strchr(rest, '\t');
        if (rest)
            *rest++ = '\0';
    }
    return count;
}

static bool table_read(struct table *table, char *line) {
    if (!fgets(line, TABLE_MAX_LINE, table->file))
        return false;
    table->line++;
    if (strlen(line) == TABLE_MAX_LINE - 1)
        table_fail(table, "line too long", line);
    return true;
}

void table_open(struct table *table, const char *path) {
    *table = (struct table){.path = path};
    table->file = fopen(path, "r");
    if (!table->file)
        table_fail(table, "cannot open", strerror(errno));
    if (!table_read(table, table->header))
        table_fail(table, "no header", "empty file");
    table->columns = table_split(table, table->header, table->names);
}

bool table_next(struct table *table) {
    do {
        if (!table_read(table, table->row)) {
            fclose(table->file);
            return false;
        }
    } while (table->row[strspn(table->row, "\r\n")] == '\0');
    int cells = table_split(table, table->row, table->cells);
    if (cells != table->columns)
        table_fail(table, "cells differ in number from the header's", table->row);
    return true;
}

static int table_find(const struct table *table, const char *name) {
    for (int i = 0; i < table->columns; i++)
        if (strcmp(table->names[i], name) == 0)
            return i;
    return -1;
}

bool table_has(const struct table *table, const char *name) { return table_find(table, name) >= 0; }

const char *table_text(const struct table *table, const char *name) {
    int column = table_find(table, name);
    if (column < 0)
        table_fail(table, "no such column", name);
    return table->cells[column];
}

/** Check that strtoX, which stopped at `end`, took the whole cell. */
static void table_check(const struct table *table, const char *name, const char *cell,
                        const char *end) {
    if (end == cell || *end || errno == ERANGE)
        table_fail(table, "not a number in range in column", name);
}

int64_t table_i64(const struct table *table, const char *name) {
    const char *cell = table_text(table, name);
    char *end;
    errno = 0;
    int64_t value = strtoll(cell, &end, 10);
    table_check(table, name, cell, end);
    return value;
}

uint64_t table_u64(const struct table *table, const char *name) {
    const char *cell = table_text(table, name);
    char *end;
    errno = 0;
    uint64_t value = strtoull(cell, &end, 10);
    table_check(table, name, cell, *cell == '-' ? cell : end);
    return value;
}

double table_double(const struct table *table, const char *name) {
    const char *cell = table_text(table, name);
    char *end;
    errno = 0;
    double value = strtod(cell, &end);
    table_check(table, name, cell, end);
    return value;
}

int64_t table_i64_in(const struct table *table, const char *name, int64_t least, int64_t most) {
    int64_t value = table_i64(table, name);
    if (value < least || value > most)
        table_fail(table, "out of range in column", name);
    return value;
}

double table_double_in(const struct table *table, const char *name, double least, double most) {
    double value = table_double(table, name);
    if (!(value >= least && value <= most))
        table_fail(table, "out of range in column", name);
    return value;
}
