/* SPDX-License-Identifier: MIT */
/*
 * predict: what a recorded program would have cost under other settings.
 */
#include "command.h"
#include "grid.h"
#include "mains.h"
#include "overrides.h"
#include "prediction.h"
#include "scenario_file.h"
#include "shown.h"
#include "units.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#define MIB 1048576.0
/** A replay at the recorded setting that is so far off is told, in percent. */
#define PREDICT_FAR_OFF 10.0

/** What the command line asks for. */
struct predict_options {
    struct overrides overrides;
    const char *gogc, *limit, *csv, *json, *toml;
};

static struct predict_options predict_options(int argc, char **argv) {
    static const struct option options[] = {{"gogc", required_argument, NULL, 'g'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"csv", required_argument, NULL, 'c'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"toml", required_argument, NULL, 't'},
                                            COMMAND_KNOBS,
                                            {0}};
    struct predict_options predict = {0};
    for (int option; (option = command_option(argc, argv, "", options)) != -1;) {
        switch (option) {
        case 'g':
            predict.gogc = optarg;
            break;
        case 'l':
            predict.limit = optarg;
            break;
        case 'c':
            predict.csv = optarg;
            break;
        case 'j':
            predict.json = optarg;
            break;
        case 't':
            predict.toml = optarg;
            break;
        default:
            overrides_take(&predict.overrides, option, optarg);
            break;
        }
    }
    if (optind == argc)
        command_misuse("predict: a recording, please, or several; gait-sim help predict");
    return predict;
}

/* ---- The replay, compared ------------------------------------------------ */

/** Figures that a replay is judged by. */
static const struct judged {
    enum prediction_figure figure;
    const char *name, *unit;
    double divisor;
    int digits;
} judged[] = {
    {PREDICTION_cycles, "cycles", "", 1, 0},
    {PREDICTION_gc_cpu_s, "GC CPU time", " s", 1, 3},
    {PREDICTION_peak_heap_bytes, "peak heap", " MiB", MIB, 2},
    {PREDICTION_peak_total_bytes, "peak total", " MiB", MIB, 2},
};
#define JUDGED (int)(sizeof(judged) / sizeof(*judged))

/** One cycle more or less is not far off, however few there are. */
static bool is_far_off(const struct judged *by, double recorded, double replayed) {
    if (by->figure == PREDICTION_cycles && fabs(replayed - recorded) <= 1)
        return false;
    return fabs(replayed - recorded) > PREDICT_FAR_OFF / 100 * recorded;
}

static void warn(const struct prediction_run *run, const struct prediction *replay) {
    struct prediction recorded = prediction_recorded(run);
    for (int i = 0; i < JUDGED; i++) {
        const struct judged *by = &judged[i];
        double was = recorded.figures[by->figure], is = replay->figures[by->figure];
        if (!is_far_off(by, was, is))
            continue;
        fputs("warning: ", stderr);
        shown_put(stderr, run->path);
        fprintf(stderr,
                ": replayed at the recorded setting, %s come%s to %.*f%s, recorded as %.*f%s "
                "(%+.0f %%): expect those of other settings to be as far off\n",
                by->name, by->figure == PREDICTION_cycles ? "" : "s", by->digits, is / by->divisor,
                by->unit, by->digits, was / by->divisor, by->unit, (is / was - 1) * 100);
    }
}

/* ---- Ways out ----------------------------------------------------------- */

/** All that is told. */
struct told {
    const char *title;
    const struct prediction_run *runs;
    int run_count;
    const struct growth_law *laws;
    const struct prediction *replays; /* of each run              */
    const struct prediction *rows;    /* each run, then predicted */
    int row_count;
};

static void print_figure(const struct prediction *row, enum prediction_figure figure, int width,
                         int digits, double divisor) {
    printf(" %*.*f", width, digits, row->figures[figure] / divisor);
    if (row->uncertainty[figure] > 0)
        printf(" ±%2.0f%%", fmin(row->uncertainty[figure] * 100, 999));
    else
        printf("     ");
}

static void print_row(const struct prediction *row) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT];
    printf("%-9s %8s %12s", row->recorded ? "recorded" : "predicted", units_gogc(row->gogc, gogc),
           units_limit(row->limit, limit));
    print_figure(row, PREDICTION_cycles, 8, 0, 1);
    printf(" %9.3f", row->figures[PREDICTION_wall_s]);
    print_figure(row, PREDICTION_gc_cpu_s, 9, 3, 1);
    print_figure(row, PREDICTION_gc_share, 7, 2, 0.01);
    print_figure(row, PREDICTION_peak_heap_bytes, 10, 2, MIB);
    print_figure(row, PREDICTION_peak_total_bytes, 10, 2, MIB);
    printf(" %9.3f%s\n", row->figures[PREDICTION_limiting_s], row->finished ? "" : " given up");
}

/** Whose note it is, where there are several. */
static void print_whose(const struct told *told, const struct prediction_run *run) {
    if (told->run_count == 1)
        return;
    shown_put(stdout, run->path);
    fputs(": ", stdout);
}

static void print_notes(const struct told *told, const struct prediction_run *run) {
    const struct recording *recording = &run->recording;
    struct recording_total total = recording_total(recording);
    if (!recording->ended) {
        print_whose(told, run);
        printf("the recording has no end: the program was killed, or its file could not be "
               "written\n");
    }
    if (recording->lost > 0) {
        print_whose(told, run);
        printf("%llu records were lost\n", (unsigned long long)recording->lost);
    }
    if (recording->settings_count > 0) {
        print_whose(told, run);
        printf("settings changed while it was recorded: \"recorded\" names the first\n");
    }
    if (recording->header.stopped) {
        print_whose(told, run);
        printf("it was recorded with the program stopped; predicted is marking beside it\n");
    }
    if (total.forced_cycles > 0) {
        print_whose(told, run);
        printf("the program asked for %.0f of its cycles; predictions have none of these\n",
               total.forced_cycles);
    }
}

static void print_table(const struct told *told) {
    struct recording_total total = recording_total(&told->runs[0].recording);
    shown_put(stdout, told->title);
    if (told->run_count > 1)
        printf(", and %d more", told->run_count - 1);
    printf(": %.3f s of the program's own CPU time, %.2f MiB allocated\n\n", total.program_cpu_s,
           total.allocated_bytes / MIB);
    printf("%-9s %8s %12s %8s      %9s %9s      %7s      %10s      %10s      %9s\n", "", "GOGC",
           "limit", "cycles", "wall", "GC CPU", "GC CPU", "peak heap", "peak total", "limiting");
    printf("%-9s %8s %12s %8s      %9s %9s      %7s      %10s      %10s      %9s\n", "", "percent",
           "bytes", "", "s", "s", "%", "MiB", "MiB", "s");
    for (int i = 0; i < told->row_count; i++)
        print_row(&told->rows[i]);
    if (told->run_count > 1)
        printf("marking a byte costs as the heap to the power of %.2f ± %.2f, a byte of the "
               "program's own work %.2f ± %.2f\n",
               told->laws[GROWTH_SCAN].exponent, told->laws[GROWTH_SCAN].deviation,
               told->laws[GROWTH_WORK].exponent, told->laws[GROWTH_WORK].deviation);
    for (int i = 0; i < told->run_count; i++)
        print_notes(told, &told->runs[i]);
}

/** Cycles and GC CPU time and peaks have one. */
static bool has_uncertainty(int figure) { return figure != PREDICTION_limiting_s; }

static void write_csv(const char *path, const struct told *told) {
    FILE *file = command_open(path);
    char text[UNITS_TEXT];
    fputs("what,gogc,limit", file);
    for (int i = 0; i < PREDICTION_COUNT; i++)
        fprintf(file, ",%s", prediction_names[i]);
    fputs(",finished", file);
    for (int i = 0; i < PREDICTION_COUNT; i++)
        if (has_uncertainty(i))
            fprintf(file, ",%s_uncertainty", prediction_names[i]);
    fputc('\n', file);
    for (int row = 0; row < told->row_count; row++) {
        const struct prediction *told_row = &told->rows[row];
        fputs(told_row->recorded ? "recorded" : "predicted", file);
        fprintf(file, ",%s", units_gogc(told_row->gogc, text));
        fprintf(file, ",%s", units_limit(told_row->limit, text));
        for (int i = 0; i < PREDICTION_COUNT; i++)
            fprintf(file, ",%s", units_double(told_row->figures[i], text));
        fprintf(file, ",%d", told_row->finished);
        for (int i = 0; i < PREDICTION_COUNT; i++)
            if (has_uncertainty(i))
                fprintf(file, ",%s", units_double(told_row->uncertainty[i], text));
        fputc('\n', file);
    }
    command_close(file, path);
}

static void put_figures(json_t *object, const struct prediction *row) {
    for (int i = 0; i < PREDICTION_COUNT; i++)
        json_object_set_new(object, prediction_names[i], json_real(row->figures[i]));
    json_object_set_new(object, "finished", json_boolean(row->finished));
}

static json_t *row_json(const struct prediction *row) {
    char text[UNITS_TEXT];
    json_t *object = json_object();
    json_object_set_new(object, "what", json_string(row->recorded ? "recorded" : "predicted"));
    json_object_set_new(object, "gogc", json_string(units_gogc(row->gogc, text)));
    json_object_set_new(object, "limit", json_string(units_limit(row->limit, text)));
    put_figures(object, row);
    if (row->recorded)
        return object;
    json_t *uncertainty = json_object();
    for (int i = 0; i < PREDICTION_COUNT; i++)
        if (has_uncertainty(i))
            json_object_set_new(uncertainty, prediction_names[i], json_real(row->uncertainty[i]));
    json_object_set_new(object, "uncertainty", uncertainty);
    return object;
}

static json_t *growth_json(const struct growth_law laws[GROWTH_COSTS]) {
    static const char *const names[GROWTH_COSTS] = {"scan", "sweep", "cycle", "work", "drag"};
    json_t *object = json_object();
    for (int i = 0; i < GROWTH_COSTS; i++)
        json_object_set_new(
            object, names[i],
            json_pack("{s:f, s:f}", "exponent", laws[i].exponent, "deviation", laws[i].deviation));
    return object;
}

static void write_json(const char *path, const struct told *told) {
    FILE *file = command_open(path);
    json_t *root = json_object(), *list = json_array(), *replays = json_array();
    for (int i = 0; i < told->row_count; i++)
        json_array_append_new(list, row_json(&told->rows[i]));
    for (int i = 0; i < told->run_count; i++) {
        json_t *replay = json_object();
        json_object_set_new(replay, "recording", json_string(told->runs[i].path));
        put_figures(replay, &told->replays[i]);
        json_array_append_new(replays, replay);
    }
    json_object_set_new(root, "title", json_string(told->title));
    json_object_set_new(root, "settings", list);
    json_object_set_new(root, "replays", replays);
    json_object_set_new(root, "growth", growth_json(told->laws));
    if (json_dumpf(root, file, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0 && !ferror(file))
        command_fail("the predictions could not be written as JSON");
    putc('\n', file);
    json_decref(root);
    command_close(file, path);
}

static void tell(const struct predict_options *options, const struct told *told, bool to_screen) {
    for (int i = 0; i < told->run_count; i++)
        warn(&told->runs[i], &told->replays[i]);
    if (!to_screen)
        print_table(told);
    if (options->csv)
        write_csv(options->csv, told);
    if (options->json)
        write_json(options->json, told);
}

/* ---- Command line ------------------------------------------------------- */

/** The laws that all recordings tell. */
static void learn(const struct prediction_run *runs, int count,
                  struct growth_law laws[GROWTH_COSTS]) {
    struct growth_point *points = command_allocate((size_t)count, sizeof(*points));
    for (int i = 0; i < count; i++)
        points[i] = runs[i].point;
    growth_learn(points, (size_t)count, laws);
    free(points);
}

static void write_toml(const char *path, const struct scenario *scenario) {
    FILE *file = command_open(path);
    scenario_write(file, scenario);
    command_close(file, path);
}

int predict_main(int argc, char **argv) {
    struct predict_options options = predict_options(argc, argv);
    int count = argc - optind;
    const struct command_output outputs[] = {
        {"--csv", options.csv}, {"--json", options.json}, {"--toml", options.toml}};
    bool to_screen = command_to_screen(outputs, 3);
    struct prediction_run *runs = command_allocate((size_t)count, sizeof(*runs));
    prediction_load(runs, (const char *const *)&argv[optind], count);
    for (int i = 0; i < count; i++) {
        runs[i].wanted = runs[i].as_was.settings;
        overrides_knobs(&options.overrides, &runs[i].wanted);
    }
    struct growth_law laws[GROWTH_COSTS];
    learn(runs, count, laws);
    if (options.toml)
        write_toml(options.toml, &runs[0].as_was);
    struct grid grid = grid_make(options.gogc, options.limit, 1, &runs[0].as_was.settings);
    size_t row_count = (size_t)(grid.points + count);
    struct prediction *rows = command_allocate(row_count, sizeof(*rows));
    struct prediction *replays = command_allocate((size_t)count, sizeof(*replays));
    struct progress progress;
    progress_begin(&progress, "simulating");
    for (int i = 0; i < count; i++) {
        rows[i] = prediction_recorded(&runs[i]);
        replays[i] = prediction_replay(&runs[i]);
    }
    for (int point = 0; point < grid.points; point++) {
        int32_t gogc;
        int64_t limit;
        grid_point(&grid, point, &gogc, &limit);
        progress_show(&progress, (double)point / grid.points);
        rows[count + point] = prediction_make(runs, count, laws, gogc, limit);
    }
    progress_end(&progress);
    tell(&options,
         &(struct told){.title = runs[0].as_was.title,
                        .runs = runs,
                        .run_count = count,
                        .laws = laws,
                        .replays = replays,
                        .rows = rows,
                        .row_count = (int)row_count},
         to_screen);
    free(rows);
    free(replays);
    grid_free(&grid);
    prediction_free(runs, count);
    free(runs);
    return COMMAND_OK;
}
