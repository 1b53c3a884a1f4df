/* SPDX-License-Identifier: MIT */
/*
 * The picture of a sweep: each setting a point, GC CPU time against peak memory; the front of those
 * that nothing beats, the chosen setting, and its neighbours in the grid by name.
 */
#include "gnuplot.h"
#include "rows.h"
#include "units.h"

#include <stdlib.h>

#define PARETO_WIDTH 900
#define PARETO_HEIGHT 620
#define MIB 1048576.0

static void put_point(FILE *script, const struct row *row) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT];
    fprintf(script, "%.9g %.9g \"%s / %s\"\n", row_value(row, ROW_PEAK_TOTAL) / MIB,
            row_value(row, ROW_GC_SHARE) * 100, units_gogc(row->gogc, gogc),
            units_limit(row->limit, limit));
}

/** GOGC in which off is the most. */
static int64_t gogc_order(int32_t gogc) { return gogc < 0 ? INT64_MAX : gogc; }

/** Is `row` next to the chosen one: the nearest above or below in one setting, equal in the other?
 */
static bool is_neighbour(const struct rows *rows, const struct row *row) {
    const struct row *chosen = &rows->list[rows->chosen];
    bool same_gogc = row->gogc == chosen->gogc, same_limit = row->limit == chosen->limit;
    if (same_gogc == same_limit)
        return false;
    int64_t own = same_gogc ? row->limit : gogc_order(row->gogc);
    int64_t centre = same_gogc ? chosen->limit : gogc_order(chosen->gogc);
    for (int i = 0; i < rows->count; i++) {
        const struct row *other = &rows->list[i];
        if (same_gogc ? other->gogc != chosen->gogc : other->limit != chosen->limit)
            continue;
        int64_t value = same_gogc ? other->limit : gogc_order(other->gogc);
        if ((centre < value && value < own) || (own < value && value < centre))
            return false;
    }
    return true;
}

static int compare_peaks(const void *a, const void *b) {
    double x = row_value(*(const struct row *const *)a, ROW_PEAK_TOTAL);
    double y = row_value(*(const struct row *const *)b, ROW_PEAK_TOTAL);
    return (x > y) - (x < y);
}

/** The rows that `takes` accepts, by peak, as a block of data. @return how many. */
static size_t put_block(FILE *script, const struct rows *rows, const char *name,
                        bool (*takes)(const struct rows *, const struct row *)) {
    const struct row **list = calloc((size_t)rows->count, sizeof(*list));
    size_t count = 0;
    for (int i = 0; list && i < rows->count; i++)
        if (takes(rows, &rows->list[i]))
            list[count++] = &rows->list[i];
    if (list)
        qsort(list, count, sizeof(*list), compare_peaks);
    fprintf(script, "$%s << EOD\n", name);
    for (size_t i = 0; i < count; i++)
        put_point(script, list[i]);
    fputs("EOD\n", script);
    free(list);
    return count;
}

static bool takes_all(const struct rows *rows, const struct row *row) {
    (void)rows;
    return row->present;
}

static bool takes_front(const struct rows *rows, const struct row *row) {
    (void)rows;
    return row->pareto;
}

static bool takes_chosen(const struct rows *rows, const struct row *row) {
    return row == &rows->list[rows->chosen];
}

void rows_plot(const struct rows *rows, const char *path) {
    struct gnuplot gnuplot = gnuplot_open(path, PARETO_WIDTH, PARETO_HEIGHT);
    FILE *script = gnuplot.script;
    put_block(script, rows, "all", takes_all);
    put_block(script, rows, "front", takes_front);
    size_t neighbours = put_block(script, rows, "neighbours", is_neighbour);
    put_block(script, rows, "chosen", takes_chosen);
    char title[SCENARIO_TEXT + 60];
    snprintf(title, sizeof(title), "%s%sGC CPU time against peak memory", rows->title,
             rows->title[0] ? ": " : "");
    fputs("set title ", script);
    gnuplot_text(script, title);
    fputs(" noenhanced font ',13'\n"
          "set xlabel 'peak memory under the limit, MiB'\n"
          "set ylabel 'GC CPU time, % of all CPU time used'\n"
          "set logscale xy 2\nset autoscale xfix\nset autoscale yfix\n"
          "set offsets graph 0.08, graph 0.14, graph 0.08, graph 0.06\n"
          "set xtics add autofreq\nset mxtics 10\nset format x '%g'\nset format y '%g'\n"
          "set key outside bottom center horizontal\n"
          "plot $all using 1:2 with points pt 7 ps 0.4 lc rgb '#bbbbbb' title 'settings tried',"
          " $front using 1:2 with linespoints pt 7 ps 0.5 lw 1.5 lc rgb '" GNUPLOT_BLUE
          "' title 'nothing beats these',",
          script);
    if (neighbours > 0) /* gnuplot 5.4 crashes on labels of an empty block */
        fputs(" $neighbours using 1:2 with points pt 6 ps 1.2 lw 1.5 lc rgb '" GNUPLOT_ORANGE
              "' title 'neighbours of the chosen one',"
              " $neighbours using 1:2:3 with labels noenhanced left offset 1,-0.8 font ',9'"
              " notitle,",
              script);
    fputs(" $chosen using 1:2 with points pt 5 ps 1.2 lc rgb '" GNUPLOT_RED
          "' title 'chosen: GOGC / limit',"
          " $chosen using 1:2:3 with labels noenhanced left offset 1,0.6 font ',10' notitle\n",
          script);
    gnuplot_close(&gnuplot);
}
