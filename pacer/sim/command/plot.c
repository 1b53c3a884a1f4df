/* SPDX-License-Identifier: MIT */
/*
 * A run as a picture of five panels over one time axis: memory, what floats, GC CPU time by
 * purpose, the CPU limiter's bucket, pauses and assists.
 */
#include "gnuplot.h"
#include "record.h"
#include "units.h"

#include <math.h>

#define PLOT_WIDTH 1000
#define PLOT_HEIGHT 1375
#define MIB 1048576.0
/** Bars of CPU time. */
#define PLOT_BINS 300
/** Assists and waiting of less than this are not shown. */
#define PLOT_LEAST_S 1e-6
/** Goals and limits above this are none. */
#define PLOT_NO_BYTES 4e18

static double plot_bytes(double bytes) { return bytes < PLOT_NO_BYTES ? bytes / MIB : NAN; }

/** Time, memory in MiB, bucket in percent: the columns that panels use. */
static void put_samples(FILE *script, const struct record *record) {
    fputs("$samples << EOD\n", script);
    for (size_t i = 0; i < record->sample_count; i++) {
        const struct model_sample *s = &record->samples[i];
        fprintf(script, "%.9g %.6g %.6g %.6g %.6g %.6g %.6g", s->time_s, s->memory.heap / MIB,
                s->memory.reachable / MIB, plot_bytes(s->trigger_bytes), plot_bytes(s->goal_bytes),
                s->memory.total / MIB, plot_bytes(s->limit_bytes));
        fprintf(script, " %.6g %.6g %.6g\n", s->bucket * 100, s->limiting ? 100.0 : NAN,
                plot_bytes(s->notice_bytes));
    }
    fputs("EOD\n", script);
}

/** Columns of CPU time, stacked, in percent of the machine's: averages over bins of equal length.
 */
static void put_cpu(FILE *script, const struct record *record) {
    double bin_s = record->result.wall_s / PLOT_BINS, from_s = 0;
    double cpu_s[MODEL_PURPOSES] = {0}, capacity = (double)record->scenario->machine.cpus / 100;
    fputs("$cpu << EOD\n", script);
    for (size_t i = 1; i < record->sample_count; i++) {
        const struct model_sample *s = &record->samples[i];
        for (int purpose = 0; purpose < MODEL_PURPOSES; purpose++)
            cpu_s[purpose] += s->cpu[purpose] * (s->time_s - s[-1].time_s);
        if (s->time_s - from_s < bin_s && i + 1 < record->sample_count)
            continue;
        double sum = 0, seconds = s->time_s > from_s ? s->time_s - from_s : 1;
        fprintf(script, "%.9g", from_s);
        for (int purpose = MODEL_PURPOSES - 1; purpose >= 0; purpose--) {
            sum += cpu_s[purpose] / seconds / capacity;
            fprintf(script, " %.6g", sum);
            cpu_s[purpose] = 0;
        }
        putc('\n', script);
        from_s = s->time_s;
    }
    fputs("EOD\n", script);
}

static void put_cycles(FILE *script, const struct record *record) {
    fputs("$cycles << EOD\n", script);
    for (size_t i = 0; i < record->cycle_count; i++) {
        const struct model_cycle *c = &record->cycles[i];
        double floats = model_cycle_float(c);
        fprintf(script, "%.9g %.6g %.6g %.6g %.6g\n", c->start_s + c->mark_s, c->pause_s * 1e3,
                c->cpu_s[MODEL_ASSIST] * 1e3, c->stalled_s * 1e3, floats > 0 ? floats : NAN);
    }
    if (record->cycle_count == 0)
        fputs("0 NaN NaN NaN NaN\n", script);
    fputs("EOD\n", script);
}

static void plot_memory(FILE *script, const struct record *record) {
    bool notices = record->sample_count > 0 && record->samples[0].notice_bytes < PLOT_NO_BYTES;
    fputs("set title 'Memory' offset 0,-0.7\nset ylabel 'MiB'\nset yrange [0:*]\n"
          "plot $samples using 1:6 with lines lw 1.5 lc rgb '" GNUPLOT_GREY
          "' title 'total under the limit',"
          " '' using 1:2 with lines lw 1.5 lc rgb '" GNUPLOT_BLUE "' title 'live heap',"
          " '' using 1:3 with lines lw 1 lc rgb '" GNUPLOT_SKY "' title 'of it reachable',"
          " '' using 1:4 with steps lw 1 dt 3 lc rgb '" GNUPLOT_GREEN "' title 'trigger',"
          " '' using 1:5 with steps lw 1 dt 2 lc rgb '" GNUPLOT_ORANGE "' title 'goal',"
          " '' using 1:7 with lines lw 1.5 lc rgb '" GNUPLOT_RED "' title 'memory limit'",
          script);
    fputs(notices ? ", '' using 1:10 with lines lw 1 dt 3 lc rgb '" GNUPLOT_RED
                    "' title 'notice of memory'\n"
                  : "\n",
          script);
}

/* Where a range is left to gnuplot, it draws nothing at all of a panel without a point. */
static void plot_float(FILE *script, const struct record *record) {
    double most = 1.1;
    for (size_t i = 0; i < record->cycle_count; i++)
        most = fmax(most, model_cycle_float(&record->cycles[i]));
    fprintf(script,
            "set title 'Float: marked over live as the cycle began'\nset ylabel 'times'\n"
            "set yrange [1:%.6g]\n"
            "plot $cycles using 1:5 with points pt 7 ps 0.4 lc rgb '" GNUPLOT_BLUE
            "' title 'marked / live'\n",
            1 + (most - 1) * 1.06);
}

static void plot_cpu(FILE *script) {
    static const struct {
        const char *title, *colour;
    } parts[MODEL_PURPOSES] = {
        [MODEL_ASSIST] = {"assists", GNUPLOT_RED},
        [MODEL_DEDICATED] = {"dedicated", GNUPLOT_BLUE},
        [MODEL_FRACTIONAL] = {"fractional", GNUPLOT_SKY},
        [MODEL_IDLE] = {"idle CPUs", "#cccccc"},
        [MODEL_SWEEP] = {"sweep", GNUPLOT_GREEN},
        [MODEL_SCAVENGE] = {"scavenge", GNUPLOT_ORANGE},
        [MODEL_FIXED] = {"fixed", GNUPLOT_PURPLE},
    };
    fputs("set title 'CPU time of the collector, share of all CPUs'\nset ylabel '%'\n"
          "set yrange [0:100]\nset style fill solid 1 noborder\nplot ",
          script);
    for (int purpose = 0; purpose < MODEL_PURPOSES; purpose++)
        fprintf(script, "%s using 1:%d with fillsteps lc rgb '%s' title '%s'",
                purpose ? ", ''" : "$cpu", 2 + MODEL_PURPOSES - 1 - purpose, parts[purpose].colour,
                parts[purpose].title);
    putc('\n', script);
}

static void plot_limiter(FILE *script) {
    fputs("set title 'CPU limiter'\nset ylabel '% of the bucket'\nset yrange [0:105]\n"
          "plot $samples using 1:8 with lines lw 1.5 lc rgb '" GNUPLOT_BLUE
          "' title 'bucket', '' using 1:9 with lines lw 4 lc rgb '" GNUPLOT_RED
          "' title 'limiting'\n",
          script);
}

/* Whole decades of ms around what there is to see. */
static void put_pauses_range(FILE *script, const struct record *record) {
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < record->cycle_count; i++) {
        const struct model_cycle *c = &record->cycles[i];
        double assist_s = c->cpu_s[MODEL_ASSIST];
        const double times_s[] = {c->pause_s, assist_s > PLOT_LEAST_S ? assist_s : 0,
                                  c->stalled_s > PLOT_LEAST_S ? c->stalled_s : 0};
        for (size_t k = 0; k < sizeof(times_s) / sizeof(*times_s); k++) {
            least = times_s[k] > 0 ? fmin(least, times_s[k]) : least;
            most = fmax(most, times_s[k]);
        }
    }
    int from = most > 0 ? (int)floor(log10(least * 1e3)) : -3;
    int to = most > 0 ? (int)ceil(log10(most * 1e3)) : 0;
    fprintf(script, "set yrange [1e%d:1e%d]\n", from, to > from ? to : from + 1);
}

static void plot_pauses(FILE *script, const struct record *record) {
    put_pauses_range(script, record);
    fputs("set title 'Pauses and assists, per cycle'\nset ylabel 'ms'\nset xlabel 'seconds'\n"
          "set logscale y\nset format y '%g'\n"
          "plot $cycles using 1:($2>0?$2:NaN) with points pt 7 ps 0.4 lc rgb '" GNUPLOT_BLUE
          "' title 'longest pause',"
          " '' using 1:($3>0.001?$3:NaN) with points pt 5 ps 0.4 lc rgb '" GNUPLOT_RED
          "' title 'assists (CPU-ms)',"
          " '' using 1:($4>0.001?$4:NaN) with points pt 9 ps 0.5 lc rgb '" GNUPLOT_ORANGE
          "' title 'waiting at the limit'\n",
          script);
}

static void put_title(FILE *script, const struct scenario *scenario) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT], text[SCENARIO_TEXT + 3 * UNITS_TEXT];
    snprintf(text, sizeof(text), "%s%sGOGC %s, memory limit %s (model: %s)", scenario->title,
             scenario->title[0] ? ": " : "", units_gogc(scenario->settings.gogc, gogc),
             units_limit(scenario->settings.memory_limit, limit),
             scenario_model_name(scenario->model));
    fputs("set multiplot layout 5,1 title ", script);
    gnuplot_text(script, text);
    fputs(" noenhanced font ',13'\n", script);
}

void record_plot(const struct record *record, const char *path) {
    struct gnuplot gnuplot = gnuplot_open(path, PLOT_WIDTH, PLOT_HEIGHT);
    FILE *script = gnuplot.script;
    put_samples(script, record);
    put_cpu(script, record);
    put_cycles(script, record);
    put_title(script, record->scenario);
    fprintf(script,
            "set xrange [0:%.9g]\nset lmargin 10\nset rmargin 26\n"
            "set key outside right top Left reverse samplen 2\n",
            record->result.wall_s > 0 ? record->result.wall_s : 1);
    plot_memory(script, record);
    plot_float(script, record);
    plot_cpu(script);
    plot_limiter(script);
    plot_pauses(script, record);
    fputs("unset multiplot\n", script);
    gnuplot_close(&gnuplot);
}
