/* SPDX-License-Identifier: MIT */
/*
 * Comparing and printing of result cells. Doubles are printed with 17 digits, which name one
 * double.
 */
#include "results.h"

#include "command.h"
#include "shown.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void results_add(struct results *results, struct result result) {
    results->list[results->count++] = result;
}

void results_u64(struct results *results, const char *column, uint64_t value) {
    results_add(results, (struct result){column, RESULT_U64, {.u64 = value}});
}

void results_i64(struct results *results, const char *column, int64_t value) {
    results_add(results, (struct result){column, RESULT_I64, {.i64 = value}});
}

void results_double(struct results *results, const char *column, double value) {
    results_add(results, (struct result){column, RESULT_DOUBLE, {.real = value}});
}

void results_text(struct results *results, const char *column, const char *value) {
    results_add(results, (struct result){column, RESULT_TEXT, {.text = value}});
}

static const char *result_text(const struct result *result, char out[UNITS_TEXT]) {
    switch (result->type) {
    case RESULT_U64:
        snprintf(out, UNITS_TEXT, "%" PRIu64, result->value.u64);
        return out;
    case RESULT_I64:
        snprintf(out, UNITS_TEXT, "%" PRId64, result->value.i64);
        return out;
    case RESULT_DOUBLE:
        snprintf(out, UNITS_TEXT, "%.17g", result->value.real);
        return out;
    default:
        return result->value.text;
    }
}

/** The same double; and where the cell has all 17 digits, the same digits. */
static bool double_agrees(const struct table *table, const char *column, double value) {
    char text[UNITS_TEXT];
    const char *cell = table_text(table, column);
    double expected = table_double(table, column);
    snprintf(text, sizeof(text), "%.17g", value);
    if (strlen(text) == strlen(cell))
        return strcmp(text, cell) == 0;
    return expected == value || (isnan(expected) && isnan(value));
}

static bool result_agrees(const struct table *table, const struct result *result) {
    switch (result->type) {
    case RESULT_U64:
        return table_u64(table, result->column) == result->value.u64;
    case RESULT_I64:
        return table_i64(table, result->column) == result->value.i64;
    case RESULT_DOUBLE:
        return double_agrees(table, result->column, result->value.real);
    default:
        return strcmp(table_text(table, result->column), result->value.text) == 0;
    }
}

static void results_compare(struct results *results) {
    const struct table *table = results->table;
    char text[UNITS_TEXT];
    for (int i = 0; i < results->count; i++) {
        const struct result *result = &results->list[i];
        if (!table_has(table, result->column))
            continue;
        results->compared++;
        if (result_agrees(table, result))
            continue;
        results->differing++;
        shown_line(stdout, "%s:%d: %s: %s is %s, expected %s", table->path, table->line,
                   table_text(table, results->row_column), result->column,
                   result_text(result, text), table_text(table, result->column));
    }
}

static const struct result *results_find(const struct results *results, const char *column) {
    for (int i = 0; i < results->count; i++)
        if (strcmp(results->list[i].column, column) == 0)
            return &results->list[i];
    return NULL;
}

/** One line: the table's columns, then results that it has no column for. */
static void results_print(const struct results *results, bool heading) {
    const struct table *table = results->table;
    char text[UNITS_TEXT];
    for (int i = 0; i < table->columns; i++) {
        const struct result *result = results_find(results, table->names[i]);
        const char *cell = result && !heading ? result_text(result, text) : table->cells[i];
        fputs(i ? "\t" : "", stdout);
        shown_put(stdout, heading ? table->names[i] : cell);
    }
    for (int i = 0; i < results->count; i++)
        if (!table_has(table, results->list[i].column))
            printf("\t%s",
                   heading ? results->list[i].column : result_text(&results->list[i], text));
    putchar('\n');
}

void results_row(struct results *results) {
    if (results->print) {
        if (results->compared++ == 0) /* rows, here */
            results_print(results, true);
        results_print(results, false);
    } else {
        results_compare(results);
    }
    results->count = 0;
}

int results_finish(const struct results *results) {
    if (results->print)
        return COMMAND_OK;
    shown_line(stdout, "%s: %" PRId64 " results compared, %" PRId64 " differ", results->table->path,
               results->compared, results->differing);
    return results->compared > 0 && results->differing == 0 ? COMMAND_OK : COMMAND_FAILED;
}
