/* SPDX-License-Identifier: MIT */
/*
 * Comparing and printing of result cells. Doubles are compared bit by bit with
 * the parsed cell: 17 digits name one double.
 */
#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/** Differences printed before only counting goes on. */
#define CHECK_MAX_SHOWN 20

static void check_cell(struct check *check, const char *column, const char *text, bool same) {
    if (check->print) {
        printf("\t%s", text);
        return;
    }
    check->compared++;
    if (same)
        return;
    if (check->differing++ < CHECK_MAX_SHOWN)
        printf("%s:%d: %s: %s is %s, expected %s\n", check->table->path, check->table->line,
               check->row_name, column, text, table_text(check->table, column));
}

void check_u64(struct check *check, const char *column, uint64_t value) {
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    check_cell(check, column, text, check->print || table_u64(check->table, column) == value);
}

void check_i64(struct check *check, const char *column, int64_t value) {
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, value);
    check_cell(check, column, text, check->print || table_i64(check->table, column) == value);
}

void check_double(struct check *check, const char *column, double value) {
    char text[64];
    snprintf(text, sizeof(text), "%.17g", value); /* as the tables are printed */
    bool same = true;
    if (!check->print) {
        double expected = table_double(check->table, column);
        same = memcmp(&expected, &value, sizeof(value)) == 0 || (isnan(expected) && isnan(value));
    }
    check_cell(check, column, text, same);
}

void check_bool(struct check *check, const char *column, bool value) {
    const char *text = value ? "true" : "false";
    check_cell(check, column, text,
               check->print || strcmp(table_text(check->table, column), text) == 0);
}

int check_finish(const struct check *check) {
    if (check->print)
        return 0;
    printf("%s: %" PRId64 " results compared, %" PRId64 " differ\n", check->table->path,
           check->compared, check->differing);
    return check->compared > 0 && check->differing == 0 ? 0 : 1;
}
