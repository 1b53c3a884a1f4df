/* SPDX-License-Identifier: MIT */
/*
 * The picture of a sweep: each setting a point, GC CPU time against peak memory; the front of those
 * that nothing beats, the chosen setting, and its neighbours in the grid. These lie close together,
 * so they are named in the key, each with a sign of its own.
 */
#include "gnuplot.h"
#include "rows.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>

#define PARETO_WIDTH 1100
#define PARETO_HEIGHT 620
#define MIB 1048576.0
/** Axes on which the highest value is so many times the lowest, or more, are logarithmic. */
#define PARETO_LOG_RATIO 4
/** Logarithmic axes of more decades have tics at powers of ten alone. */
#define PARETO_FINE_DECADES 4
/** Linear axes: room beyond the points, of their span; and the least span, of the highest value. */
#define PARETO_ROOM 0.05
#define PARETO_LEAST_SPAN 0.02

static double row_x(const struct row *row) { return row_value(row, ROW_PEAK_TOTAL) / MIB; }
static double row_y(const struct row *row) { return row_value(row, ROW_GC_SHARE) * 100; }

/* ---- Axes --------------------------------------------------------------- */

/** The nth of the numbers 1, 2, 5, 10, 20, 50 ..., and below 1 likewise: that of n = 0 is 1. */
static double round_number(int n) {
    static const double digits[] = {1, 2, 5};
    int decade = (int)floor(n / 3.0);
    return digits[n - 3 * decade] * pow(10, decade);
}

/** The range from one round number to another, with tics at those between. */
static void put_log_axis(FILE *script, char axis, double low, double high) {
    int first = 3 * (int)floor(log10(low)), last = first;
    while (round_number(first + 1) <= low)
        first++;
    while (round_number(last) < high)
        last++;
    bool fine = last - first <= 3 * PARETO_FINE_DECADES;
    fprintf(script, "set logscale %c 10\nset %crange [%.9g:%.9g]\nset %ctics (", axis, axis,
            round_number(first), round_number(last), axis);
    const char *comma = "";
    for (int n = first; n <= last; n++)
        if (fine || n % 3 == 0) {
            fprintf(script, "%s%.9g", comma, round_number(n));
            comma = ", ";
        }
    fputs(")\n", script);
}

static void put_linear_axis(FILE *script, char axis, double low, double high) {
    double least = high > 0 ? PARETO_LEAST_SPAN * high : 1;
    double spread = high - low < least ? least / 2 : 0;
    double room = PARETO_ROOM * (high - low + 2 * spread) + spread;
    fprintf(script, "set %crange [%.9g:%.9g]\n", axis, low > room ? low - room : 0, high + room);
}

static void put_axis(FILE *script, const struct rows *rows, char axis,
                     double (*value)(const struct row *)) {
    double low = INFINITY, high = 0;
    for (int i = 0; i < rows->count; i++) {
        low = fmin(low, value(&rows->list[i]));
        high = fmax(high, value(&rows->list[i]));
    }
    fprintf(script, "set format %c '%%g'\n", axis);
    if (low > 0 && high >= PARETO_LOG_RATIO * low)
        put_log_axis(script, axis, low, high);
    else
        put_linear_axis(script, axis, low, high);
}

/* ---- Points ------------------------------------------------------------- */

static int compare_peaks(const void *a, const void *b) {
    double x = row_x(*(const struct row *const *)a), y = row_x(*(const struct row *const *)b);
    return (x > y) - (x < y);
}

/** The rows that nothing beats, or all, by peak, as a block of data. */
static void put_block(FILE *script, const struct rows *rows, const char *name, bool pareto) {
    const struct row **list = calloc((size_t)rows->count, sizeof(*list));
    size_t count = 0;
    for (int i = 0; list && i < rows->count; i++)
        if (!pareto || rows->list[i].pareto)
            list[count++] = &rows->list[i];
    if (list)
        qsort(list, count, sizeof(*list), compare_peaks);
    fprintf(script, "$%s << EOD\n", name);
    for (size_t i = 0; i < count; i++)
        fprintf(script, "%.9g %.9g\n", row_x(list[i]), row_y(list[i]));
    fputs("EOD\n", script);
    free(list);
}

/** One row, with its settings and what they come to in the key. */
static void plot_row(FILE *script, const struct row *row, const char *sign) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT];
    fprintf(script,
            ", '+' using (%.9g):(%.9g) every ::::0 with points %s title '%s / %s: %.1f %%, %.0f "
            "MiB'",
            row_x(row), row_y(row), sign, units_gogc(row->gogc, gogc),
            units_limit(row->limit, limit), row_y(row), row_x(row));
}

static void plot_heading(FILE *script, const char *text) {
    fprintf(script, ", keyentry title ' ', keyentry title '%s'", text);
}

static void plot_neighbours(FILE *script, const struct rows *rows) {
    int count = 0;
    for (int i = 0; i < rows->count; i++) {
        if (!rows->list[i].neighbour)
            continue;
        if (count == 0)
            plot_heading(script, "next to it in the grid:");
        char sign[80]; /* gnuplot's points 4, 6, 8 ... are hollow */
        snprintf(sign, sizeof(sign), "pt %d ps 1.3 lw 1.5 lc rgb '" GNUPLOT_PURPLE "'",
                 4 + 2 * (count++ % 6));
        plot_row(script, &rows->list[i], sign);
    }
}

void rows_plot(const struct rows *rows, const char *path) {
    struct gnuplot gnuplot = gnuplot_open(path, PARETO_WIDTH, PARETO_HEIGHT);
    FILE *script = gnuplot.script;
    put_block(script, rows, "all", false);
    put_block(script, rows, "front", true);
    put_axis(script, rows, 'x', row_x);
    put_axis(script, rows, 'y', row_y);
    char title[SCENARIO_TEXT + 60];
    snprintf(title, sizeof(title), "%s%sGC CPU time against peak memory", rows->title,
             rows->title[0] ? ": " : "");
    fputs("set title ", script);
    gnuplot_text(script, title);
    fputs(" noenhanced font ',13'\n"
          "set xlabel 'peak memory under the limit, MiB'\n"
          "set ylabel 'GC CPU time, % of all CPU time used'\n"
          "set key outside right top Left reverse samplen 2\n"
          "plot $all using 1:2 with points pt 7 ps 0.4 lc rgb '#999999' title 'settings tried',"
          " $front using 1:2 with linespoints pt 7 ps 0.5 lw 1.5 lc rgb '" GNUPLOT_BLUE
          "' title 'nothing beats these'",
          script);
    plot_heading(script, "chosen (GOGC / limit):");
    plot_row(script, &rows->list[rows->chosen], "pt 5 ps 1.2 lc rgb '" GNUPLOT_RED "'");
    plot_neighbours(script, rows);
    putc('\n', script);
    gnuplot_close(&gnuplot);
}
