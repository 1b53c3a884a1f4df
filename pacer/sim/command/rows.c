/* SPDX-License-Identifier: MIT */
/*
 * Rows of a sweep: on the screen, in files, which of them nothing beats, and which are next
 * to the chosen one.
 */
#include "rows.h"

#include "command.h"
#include "grid.h"
#include "shown.h"
#include "table.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576.0

static const char *const VALUE_NAMES[] = {
    [ROW_CYCLES] = "cycles",
    [ROW_WALL] = "wall_s",
    [ROW_GC_CPU] = "gc_cpu_s",
    [ROW_GC_SHARE] = "gc_share",
    [ROW_PEAK_HEAP] = "peak_heap_bytes",
    [ROW_PEAK_TOTAL] = "peak_total_bytes",
    [ROW_MEAN_TOTAL] = "mean_total_bytes",
    [ROW_LIMITING] = "limiting_s",
    [ROW_STALLED] = "stalled_s",
    [ROW_FINISHED] = "finished",
};

/** Names of a summary's values. @return how many. */
static int value_names(struct summary_line lines[RECORD_SUMMARY]) {
    struct model_result none = {0};
    return record_summary(&none, lines);
}

double row_value(const struct row *row, enum row_value value) {
    struct summary_line lines[RECORD_SUMMARY];
    int count = value_names(lines);
    for (int i = 0; i < count; i++)
        if (strcmp(lines[i].name, VALUE_NAMES[value]) == 0)
            return row->values[i];
    return 0;
}

/* ---- Pareto ------------------------------------------------------------- */

static int compare_peaks(const void *a, const void *b) {
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
    double peak = row_value(x, ROW_PEAK_TOTAL) - row_value(y, ROW_PEAK_TOTAL);
    double share = row_value(x, ROW_GC_SHARE) - row_value(y, ROW_GC_SHARE);
    double order = peak != 0 ? peak : share;
    return (order > 0) - (order < 0);
}

void rows_pareto(struct rows *rows) {
    struct row **sorted = command_allocate((size_t)rows->count, sizeof(*sorted));
    size_t count = 0;
    for (int i = 0; i < rows->count; i++)
        if (rows->list[i].present && row_value(&rows->list[i], ROW_FINISHED) != 0)
            sorted[count++] = &rows->list[i];
    qsort(sorted, count, sizeof(*sorted), compare_peaks);
    double least = 2; /* above any share */
    for (size_t i = 0; i < count; i++) {
        double share = row_value(sorted[i], ROW_GC_SHARE);
        sorted[i]->pareto = share < least;
        least = share < least ? share : least;
    }
    free(sorted);
}

/* ---- Neighbours --------------------------------------------------------- */

/** Values of one setting around the chosen one: the nearest below and above, and the same again. */
struct bracket {
    int64_t below, own, above;
    bool shared; /* another row has it */
};

/** GOGC in which off is the most. */
static int64_t gogc_order(int32_t gogc) { return gogc < 0 ? INT64_MAX : gogc; }

static void bracket_add(struct bracket *bracket, int64_t value) {
    if (value < bracket->own && value > bracket->below)
        bracket->below = value;
    if (value > bracket->own && value < bracket->above)
        bracket->above = value;
    bracket->shared = bracket->shared || value == bracket->own;
}

static bool bracket_has(const struct bracket *bracket, int64_t value) {
    return value >= bracket->below && value <= bracket->above;
}

void rows_neighbours(struct rows *rows) {
    const struct row *chosen = &rows->list[rows->chosen];
    struct bracket gogc = {INT64_MIN, gogc_order(chosen->gogc), INT64_MAX, false};
    struct bracket limit = {INT64_MIN, chosen->limit, INT64_MAX, false};
    for (int i = 0; i < rows->count; i++) {
        if (i == rows->chosen)
            continue;
        bracket_add(&gogc, gogc_order(rows->list[i].gogc));
        bracket_add(&limit, rows->list[i].limit);
    }
    bool on_grid = gogc.shared && limit.shared;
    for (int i = 0; i < rows->count; i++) {
        struct row *row = &rows->list[i];
        bool same_gogc = row->gogc == chosen->gogc, same_limit = row->limit == chosen->limit;
        row->neighbour = i != rows->chosen && bracket_has(&gogc, gogc_order(row->gogc)) &&
                         bracket_has(&limit, row->limit) && (same_gogc || same_limit || !on_grid);
    }
}

/* ---- Screen ------------------------------------------------------------- */

static void print_row(const struct rows *rows, const struct row *row) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT];
    printf("%8s %12s %8.0f %9.3f %9.3f %7.2f %10.2f %10.2f %10.2f %9.3f %9.3f %s%s%s%s\n",
           units_gogc(row->gogc, gogc), units_limit(row->limit, limit), row_value(row, ROW_CYCLES),
           row_value(row, ROW_WALL), row_value(row, ROW_GC_CPU), row_value(row, ROW_GC_SHARE) * 100,
           row_value(row, ROW_PEAK_HEAP) / MIB, row_value(row, ROW_PEAK_TOTAL) / MIB,
           row_value(row, ROW_MEAN_TOTAL) / MIB, row_value(row, ROW_LIMITING),
           row_value(row, ROW_STALLED), row->pareto ? "P" : "",
           row == &rows->list[rows->chosen] ? "*" : "", row->neighbour ? "+" : "",
           row_value(row, ROW_FINISHED) != 0 ? "" : " given up");
}

void rows_print(const struct rows *rows) {
    shown_put(stdout, rows->title);
    printf("%smodel ", rows->title[0] ? ": " : "");
    shown_put(stdout, rows->model); /* of a file, after a merge */
    printf(", %d settings\n\n", rows->count);
    printf("%8s %12s %8s %9s %9s %7s %10s %10s %10s %9s %9s\n", "GOGC", "limit", "cycles", "wall",
           "GC CPU", "GC CPU", "peak heap", "peak total", "mean total", "limiting", "stalled");
    printf("%8s %12s %8s %9s %9s %7s %10s %10s %10s %9s %9s\n", "percent", "bytes", "", "s", "s",
           "%", "MiB", "MiB", "MiB", "s", "s");
    for (int i = 0; i < rows->count; i++)
        print_row(rows, &rows->list[i]);
    printf("\n*  the scenario's own settings\n+  next to them in the grid\nP  no other setting has "
           "both less GC CPU time and a "
           "lower peak of memory\n");
}

/* ---- Files -------------------------------------------------------------- */

void rows_write(const struct rows *rows, FILE *file) {
    struct summary_line lines[RECORD_SUMMARY];
    int count = value_names(lines);
    fputs("sweep\tpoints\tchosen\tpoint\tgogc\tlimit\tmodel", file);
    for (int i = 0; i < count; i++)
        fprintf(file, "\t%s", lines[i].name);
    fputs("\ttitle\n", file);
    for (int point = 0; point < rows->count; point++) {
        const struct row *row = &rows->list[point];
        if (!row->present)
            continue;
        char text[UNITS_TEXT];
        fprintf(file, "%016" PRIx64 "\t%d\t%d\t%d", rows->id, rows->count, rows->chosen, point);
        fprintf(file, "\t%" PRId32 "\t%" PRId64 "\t%s", row->gogc, row->limit, rows->model);
        for (int i = 0; i < count; i++)
            fprintf(file, "\t%s", units_double(row->values[i], text));
        putc('\t', file);
        shown_put(file, rows->title);
        putc('\n', file);
    }
}

/** The first row says what sweep it is. */
static void rows_begin(struct rows *rows, const struct table *table, uint64_t id) {
    rows->id = id;
    rows->count = (int)table_i64_in(table, "points", 1, GRID_MOST_POINTS + 1);
    rows->chosen = (int)table_i64_in(table, "chosen", 0, rows->count - 1);
    rows->list = command_allocate((size_t)rows->count, sizeof(*rows->list));
    snprintf(rows->title, sizeof(rows->title), "%s", table_text(table, "title"));
    snprintf(rows->model, sizeof(rows->model), "%s", table_text(table, "model"));
}

void rows_read(struct rows *rows, const char *path) {
    struct table table;
    struct summary_line lines[RECORD_SUMMARY];
    int count = value_names(lines);
    table_open(&table, path);
    while (table_next(&table)) {
        const char *text = table_text(&table, "sweep");
        char *end;
        uint64_t id = strtoull(text, &end, 16);
        if (end == text || *end)
            table_fail(&table, "not the name of a sweep", text);
        if (!rows->list)
            rows_begin(rows, &table, id);
        if (id != rows->id || table_i64(&table, "points") != rows->count)
            table_fail(&table, "another sweep than the rows before", text);
        struct row *row = &rows->list[table_i64_in(&table, "point", 0, rows->count - 1)];
        if (row->present)
            table_fail(&table, "there twice: point", table_text(&table, "point"));
        row->present = true;
        row->gogc = (int32_t)table_i64_in(&table, "gogc", -1, INT32_MAX);
        row->limit = table_i64_in(&table, "limit", 0, INT64_MAX);
        for (int i = 0; i < count; i++)
            row->values[i] = table_double(&table, lines[i].name);
    }
}

bool rows_to_screen(const char *tsv, const char *plot) {
    const struct command_output outputs[] = {{"--tsv", tsv}, {"--plot", plot}};
    return command_to_screen(outputs, 2);
}

void rows_finish(struct rows *rows, const char *tsv, const char *plot) {
    rows_pareto(rows);
    rows_neighbours(rows);
    if (!rows_to_screen(tsv, plot))
        rows_print(rows);
    if (tsv) {
        FILE *file = command_open(tsv);
        rows_write(rows, file);
        command_close(file, tsv);
    }
    if (plot)
        rows_plot(rows, plot);
}
