/* SPDX-License-Identifier: MIT */
/*
 * Draws arena logs. See life_plot.h.
 *
 * Time is cut into columns, about one for each point of the picture's width: a lane shows the most
 * that was held within a column, and one mark for all events of a sort that fall in it. So a log of
 * millions of events makes no larger picture than one of thousands. A collection is as wide as it
 * was long, but at least a column.
 */
#include "life_plot.h"

#include "command.h"
#include "gnuplot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS 800
#define WIDTH 1000
#define TOP_HEIGHT 300 /* the panel of sums, with the title */
#define LANE_HEIGHT 44
#define REST_HEIGHT 90 /* below and above the lanes */
/** Of a lane's height: what is held goes up to so much; marks stand below its base. */
#define HELD_SHARE 0.68
#define MARKS_SHARE 0.12
#define MIB 1048576.0
#define NS 1e-9

struct lane {
    double held_bytes, peak_bytes;
    int column; /* most_bytes is known before this one, and counts up to it */
    double most_bytes[COLUMNS];
    bool reset[COLUMNS], freed[COLUMNS], leaked[COLUMNS];
};

struct picture {
    const struct life_log *log;
    struct lane *lanes; /* one for each name that has one, then that of the others, then the sum */
    size_t named, shown;
    size_t *lane_of; /* [name] */
    bool collecting[COLUMNS];
    double column_s;
    FILE *script;
};

/* ---- Columns ------------------------------------------------------------ */

static int column_of(const struct picture *picture, int64_t time_ns) {
    double column = (double)time_ns * NS / picture->column_s;
    return column < COLUMNS - 1 ? (int)column : COLUMNS - 1;
}

/** What the lane holds stays so up to this column. */
static void advance(struct lane *lane, int column) {
    while (lane->column < column)
        lane->most_bytes[++lane->column] = lane->held_bytes;
}

static void change(struct lane *lane, int column, const struct life_event *event) {
    advance(lane, column);
    lane->held_bytes += (double)event->change_bytes;
    if (lane->held_bytes > lane->most_bytes[column])
        lane->most_bytes[column] = lane->held_bytes;
    if (lane->held_bytes > lane->peak_bytes)
        lane->peak_bytes = lane->held_bytes;
    lane->reset[column] |= event->type == GAIT_ARENALOG_reset;
    lane->freed[column] |= event->type == GAIT_ARENALOG_free;
    lane->leaked[column] |= event->type == GAIT_ARENALOG_leak;
}

static void fill(struct picture *picture) {
    const struct life_log *log = picture->log;
    int begun = -1; /* the column in which the cycle that runs has begun */
    for (size_t i = 0; i < log->event_count; i++) {
        const struct life_event *event = &log->events[i];
        int column = column_of(picture, event->time_ns);
        if (life_is_arena(event->type)) {
            change(&picture->lanes[picture->lane_of[event->name]], column, event);
            change(&picture->lanes[picture->shown], column, event);
        } else if (event->type == GAIT_ARENALOG_begin) {
            begun = column;
        } else {
            for (int c = begun < 0 ? column : begun; c <= column; c++)
                picture->collecting[c] |= event->type == GAIT_ARENALOG_end || begun >= 0;
            begun = -1;
        }
    }
    for (int c = begun < 0 ? COLUMNS : begun; c < COLUMNS; c++)
        picture->collecting[c] = true; /* it has no end in the log */
    for (size_t i = 0; i <= picture->shown; i++)
        advance(&picture->lanes[i], COLUMNS - 1);
}

/* ---- Data --------------------------------------------------------------- */

/** Where columns have it: begin, height, length of each run. */
static void put_runs(const struct picture *picture, const bool *columns, double height) {
    for (int c = 0; c < COLUMNS; c++) {
        int from = c;
        while (c < COLUMNS && columns[c])
            c++;
        if (c > from)
            fprintf(picture->script, "%.9g %.6g %.9g\n", from * picture->column_s, height,
                    (c - from) * picture->column_s);
    }
}

static void put_collections(const struct picture *picture) {
    fputs("$gc << EOD\n", picture->script);
    put_runs(picture, picture->collecting, 0);
    fputs("-2 0 1\nEOD\n", picture->script);
}

/** Heap and off-heap as cycles began and ended: of each column the first of both. */
static void put_heap(const struct picture *picture) {
    int shown[2] = {-1, -1};
    fputs("$heap << EOD\n", picture->script);
    for (size_t i = 0; i < picture->log->event_count; i++) {
        const struct life_event *event = &picture->log->events[i];
        int column = column_of(picture, event->time_ns);
        int *last = &shown[event->type == GAIT_ARENALOG_begin];
        if (life_is_arena(event->type) || column == *last)
            continue;
        *last = column;
        fprintf(picture->script, "%.9g %.6g %.6g\n", (double)event->time_ns * NS,
                (double)event->held_bytes / MIB, (double)event->offheap_bytes / MIB);
    }
    fputs("\n-1 0 0\nEOD\n", picture->script); /* apart: no line leads there */
}

/** A lane's outline: a point where it changes, and one just before. */
static void put_lane(const struct picture *picture, size_t index) {
    const struct lane *lane = &picture->lanes[index];
    double base = index < picture->shown ? (double)(picture->shown - 1 - index) : 0;
    double scale = index == picture->shown ? MIB : lane->peak_bytes / HELD_SHARE;
    double before = -1;
    fprintf(picture->script, "$lane%zu << EOD\n", index);
    for (int c = 0; c < COLUMNS; c++) {
        double height = scale > 0 ? lane->most_bytes[c] / scale : 0;
        if (before >= 0 && height != before)
            fprintf(picture->script, "%.9g %.6g %g\n", c * picture->column_s, base + before, base);
        if (height != before)
            fprintf(picture->script, "%.9g %.6g %g\n", c * picture->column_s, base + height, base);
        before = height;
    }
    fprintf(picture->script, "%.9g %.6g %g\nEOD\n", COLUMNS * picture->column_s, base + before,
            base);
}

static void put_marks(const struct picture *picture) {
    static const char *const names[] = {"resets", "frees", "leaks"};
    for (int sort = 0; sort < 3; sort++) {
        fprintf(picture->script, "$%s << EOD\n", names[sort]);
        for (size_t i = 0; i < picture->shown; i++) {
            const struct lane *lane = &picture->lanes[i];
            const bool *marks = sort == 0 ? lane->reset : sort == 1 ? lane->freed : lane->leaked;
            put_runs(picture, marks, (double)(picture->shown - 1 - i) - MARKS_SHARE);
        }
        fputs("-2 -1 1\nEOD\n", picture->script); /* never empty: gnuplot would say so */
    }
}

/* ---- Panels ------------------------------------------------------------- */

static void plot_sums(const struct picture *picture) {
    const struct life_log *log = picture->log;
    double most = log->peak_bytes;
    for (size_t i = 0; i < log->event_count; i++) {
        const struct life_event *event = &log->events[i];
        if (life_is_arena(event->type))
            continue;
        most = fmax(most, (double)event->held_bytes);
        most = fmax(most, (double)event->offheap_bytes);
    }
    fprintf(picture->script,
            "set title 'Memory' offset 0,-0.7\nset ylabel 'MiB'\nset yrange [0:%g]\n"
            "plot $lane%zu using 1:2 with filledcurves y1=0 fs solid 0.35 lc rgb '" GNUPLOT_BLUE
            "' title 'held by arenas',"
            " $heap using 1:2 with lines lw 1.5 lc rgb '" GNUPLOT_GREY
            "' title 'live heap, at cycles',"
            " $heap using 1:3 with lines lw 1.5 lc rgb '" GNUPLOT_GREEN
            "' title 'off-heap, at cycles'\n",
            most > 0 ? 1.05 * most / MIB : 1, picture->shown);
}

static void plot_lanes(const struct picture *picture, const uint32_t *order) {
    FILE *script = picture->script;
    size_t others = picture->log->name_count - picture->named;
    fputs("set termoption noenhanced\nset title 'Arenas by name: held, up to the peak on the "
          "right' offset 0,-0.7\n"
          "unset ylabel\nset xlabel 'seconds'\nset link y2\nset ytics scale 0 (",
          script);
    for (size_t i = 0; i < picture->shown; i++) {
        char text[48];
        const char *label = text;
        snprintf(text, sizeof(text), "%zu other names", others);
        if (i < picture->named)
            label = picture->log->names[order[i]].text;
        gnuplot_text(script, *label ? label : "(no name)");
        fprintf(script, " %g%s", (double)(picture->shown - 1 - i) + HELD_SHARE / 2,
                i + 1 < picture->shown ? ", " : ")\nset y2tics scale 0 (");
    }
    for (size_t i = 0; i < picture->shown; i++)
        fprintf(script, "'%.4g MiB' %g%s", picture->lanes[i].peak_bytes / MIB,
                (double)(picture->shown - 1 - i) + HELD_SHARE / 2,
                i + 1 < picture->shown ? ", " : ")\n");
    fprintf(
        script,
        "set yrange [%g:%zu]\nplot $gc using 1:(0):1:($1+$3):(-1):(%zu) with boxxyerror fs solid "
        "0.25 noborder lc rgb '" GNUPLOT_RED "' title 'collections'",
        -2 * MARKS_SHARE, picture->shown, picture->shown);
    static const char *const colours[] = {GNUPLOT_BLUE, GNUPLOT_GREEN, GNUPLOT_PURPLE};
    for (size_t i = 0; i < picture->shown; i++)
        fprintf(script,
                ", $lane%zu using 1:3:2 with filledcurves fs solid 0.55 noborder lc rgb '%s' "
                "notitle",
                i, i < picture->named ? colours[i % 3] : GNUPLOT_GREY);
    fputs(
        ", $resets using 1:2:3:(0) with vectors nohead lw 4 lc rgb '" GNUPLOT_SKY
        "' title 'resets', $frees using 1:2:3:(0) with vectors nohead lw 4 lc rgb '" GNUPLOT_ORANGE
        "' title 'freed', $leaks using 1:2:1:($1+$3):($2-0.1):($2+0.2) with boxxyerror lc rgb "
        "'" GNUPLOT_RED "' fs solid 1 border lc rgb '" GNUPLOT_RED "' title 'leaked'\n",
        script);
}

void life_plot(const struct life_log *log, const uint32_t *order, size_t lanes, const char *path) {
    struct picture picture = {.log = log, .named = lanes};
    picture.shown = lanes + (log->name_count > lanes);
    picture.lanes = command_allocate(picture.shown + 1, sizeof(*picture.lanes));
    picture.lane_of = command_allocate(log->name_count, sizeof(*picture.lane_of));
    for (size_t i = 0; i < log->name_count; i++)
        picture.lane_of[order[i]] = i < lanes ? i : lanes;
    picture.column_s = (log->end_ns > 0 ? (double)log->end_ns * NS : 1) / COLUMNS;
    fill(&picture);
    double lanes_height = (double)picture.shown * LANE_HEIGHT + REST_HEIGHT;
    double height = TOP_HEIGHT + (picture.shown ? lanes_height : 0);
    struct gnuplot gnuplot = gnuplot_open(path, WIDTH, (int)height);
    picture.script = gnuplot.script;
    put_collections(&picture);
    put_heap(&picture);
    for (size_t i = 0; i <= picture.shown; i++)
        put_lane(&picture, i);
    put_marks(&picture);
    fprintf(picture.script,
            "set xrange [0:%.9g]\nset lmargin 32\nset rmargin 26\nset multiplot\n"
            "set key outside right top Left reverse samplen 2\nset size 1,%g\nset origin 0,%g\n",
            COLUMNS * picture.column_s, TOP_HEIGHT / height, 1 - TOP_HEIGHT / height);
    plot_sums(&picture);
    if (picture.shown) {
        fprintf(picture.script, "set size 1,%g\nset origin 0,0\n", lanes_height / height);
        plot_lanes(&picture, order);
    }
    fputs("unset multiplot\n", picture.script);
    gnuplot_close(&gnuplot);
    free(picture.lane_of);
    free(picture.lanes);
}
