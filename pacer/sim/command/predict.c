/* SPDX-License-Identifier: MIT */
/*
 * predict: what a recorded program would have cost under other settings.
 */
#include "command.h"
#include "grid.h"
#include "recording_file.h"
#include "scenario_file.h"
#include "shown.h"
#include "units.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>

#define PREDICT_PHASES 200000
#define MIB 1048576.0

/** A setting, and what it costs: recorded or predicted. */
struct prediction {
    int32_t gogc;
    int64_t limit;
    double cycles, wall_s, program_cpu_s, gc_cpu_s, gc_share, peak_heap_bytes, peak_total_bytes,
        limiting_s;
    bool recorded, finished;
};

/** Columns of CSV and JSON, but for the settings. */
#define PREDICT_COLUMNS(X)                                                                         \
    X(cycles)                                                                                      \
    X(wall_s)                                                                                      \
    X(program_cpu_s)                                                                               \
    X(gc_cpu_s)                                                                                    \
    X(gc_share)                                                                                    \
    X(peak_heap_bytes)                                                                             \
    X(peak_total_bytes)                                                                            \
    X(limiting_s)

/** What the command line asks for. */
struct predict_options {
    const char *gogc, *limit, *csv, *json, *toml;
};

static struct predict_options predict_options(int argc, char **argv) {
    static const struct option options[] = {
        {"gogc", required_argument, NULL, 'g'}, {"limit", required_argument, NULL, 'l'},
        {"csv", required_argument, NULL, 'c'},  {"json", required_argument, NULL, 'j'},
        {"toml", required_argument, NULL, 't'}, {0}};
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
        default:
            predict.toml = optarg;
            break;
        }
    }
    if (optind != argc - 1)
        command_misuse("predict: one recording, please; gait-sim help predict");
    return predict;
}

/* ---- Predicting --------------------------------------------------------- */

static struct prediction as_recorded(const struct recording *recording) {
    struct recording_total total = recording_total(recording);
    return (struct prediction){
        .gogc = (int32_t)recording->header.gogc_percent,
        .limit = scenario_limit(recording->header.limit_bytes),
        .cycles = total.cycles,
        .wall_s = total.wall_s,
        .program_cpu_s = total.program_cpu_s,
        .gc_cpu_s = total.gc_cpu_s,
        .gc_share = total.gc_share,
        .peak_heap_bytes = total.peak_heap_bytes,
        .peak_total_bytes = total.peak_total_bytes,
        .limiting_s = total.limiting_s,
        .recorded = true,
        .finished = true,
    };
}

static struct prediction predict(const struct scenario *recorded, int32_t gogc, int64_t limit) {
    struct scenario scenario = *recorded; /* shares phases, which stay as they are */
    struct model model;
    scenario.settings.gogc = gogc;
    scenario.settings.memory_limit = limit;
    model_run(&model, MODEL_FULL, &scenario, NULL);
    const struct model_result *result = &model.result;
    return (struct prediction){
        .gogc = gogc,
        .limit = limit,
        .cycles = (double)result->cycles,
        .wall_s = result->wall_s,
        .program_cpu_s = result->program_cpu_s,
        .gc_cpu_s = result->gc_cpu_s,
        .gc_share = result->gc_share,
        .peak_heap_bytes = result->peak_heap_bytes,
        .peak_total_bytes = result->peak_total_bytes,
        .limiting_s = result->limiting_s,
        .finished = result->finished,
    };
}

/* ---- Ways out ----------------------------------------------------------- */

static void print_row(const struct prediction *row) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT];
    printf("%-9s %8s %12s %8.0f %9.3f %9.3f %7.2f %10.2f %10.2f %9.3f%s\n",
           row->recorded ? "recorded" : "predicted", units_gogc(row->gogc, gogc),
           units_limit(row->limit, limit), row->cycles, row->wall_s, row->gc_cpu_s,
           row->gc_share * 100, row->peak_heap_bytes / MIB, row->peak_total_bytes / MIB,
           row->limiting_s, row->finished ? "" : " given up");
}

static void print_notes(const struct recording *recording) {
    struct recording_total total = recording_total(recording);
    if (!recording->ended)
        printf("the recording has no end: the program was killed, or its file could not be "
               "written\n");
    if (recording->lost > 0)
        printf("%llu records were lost\n", (unsigned long long)recording->lost);
    if (recording->settings_count > 0)
        printf("settings changed while it was recorded: \"recorded\" names the first\n");
    if (recording->header.stopped)
        printf("it was recorded with the program stopped; predicted is marking beside it\n");
    if (total.forced_cycles > 0)
        printf("the program asked for %.0f of its cycles; predictions have none of these\n",
               total.forced_cycles);
}

static void print_table(const struct recording *recording, const char *title,
                        const struct prediction *rows, int count) {
    shown_put(stdout, title);
    printf(": %.3f s of the program's own CPU time, %.2f MiB allocated\n\n",
           recording_total(recording).program_cpu_s,
           recording_total(recording).allocated_bytes / MIB);
    printf("%-9s %8s %12s %8s %9s %9s %7s %10s %10s %9s\n", "", "GOGC", "limit", "cycles", "wall",
           "GC CPU", "GC CPU", "peak heap", "peak total", "limiting");
    printf("%-9s %8s %12s %8s %9s %9s %7s %10s %10s %9s\n", "", "percent", "bytes", "", "s", "s",
           "%", "MiB", "MiB", "s");
    for (int i = 0; i < count; i++)
        print_row(&rows[i]);
    print_notes(recording);
}

static void write_csv(const char *path, const struct prediction *rows, int count) {
    FILE *file = command_open(path);
    char text[UNITS_TEXT];
    fputs("what,gogc,limit", file);
#define COLUMN(name) fputs("," #name, file);
    PREDICT_COLUMNS(COLUMN)
#undef COLUMN
    fputs(",finished\n", file);
    for (int i = 0; i < count; i++) {
        const struct prediction *row = &rows[i];
        fputs(row->recorded ? "recorded" : "predicted", file);
        fprintf(file, ",%s", units_gogc(row->gogc, text));
        fprintf(file, ",%s", units_limit(row->limit, text));
#define COLUMN(name) fprintf(file, ",%s", units_double(row->name, text));
        PREDICT_COLUMNS(COLUMN)
#undef COLUMN
        fprintf(file, ",%d\n", row->finished);
    }
    command_close(file, path);
}

static json_t *row_json(const struct prediction *row) {
    char text[UNITS_TEXT];
    json_t *object = json_object();
    json_object_set_new(object, "what", json_string(row->recorded ? "recorded" : "predicted"));
    json_object_set_new(object, "gogc", json_string(units_gogc(row->gogc, text)));
    json_object_set_new(object, "limit", json_string(units_limit(row->limit, text)));
#define COLUMN(name) json_object_set_new(object, #name, json_real(row->name));
    PREDICT_COLUMNS(COLUMN)
#undef COLUMN
    json_object_set_new(object, "finished", json_boolean(row->finished));
    return object;
}

static void write_json(const char *path, const char *title, const struct prediction *rows,
                       int count) {
    FILE *file = command_open(path);
    json_t *root = json_object(), *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, row_json(&rows[i]));
    json_object_set_new(root, "title", json_string(title));
    json_object_set_new(root, "settings", list);
    if (json_dumpf(root, file, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0 && !ferror(file))
        command_fail("the predictions could not be written as JSON");
    putc('\n', file);
    json_decref(root);
    command_close(file, path);
}

/* ---- Command line ------------------------------------------------------- */

int predict_main(int argc, char **argv) {
    struct predict_options options = predict_options(argc, argv);
    const char *path = argv[optind];
    const struct command_output outputs[] = {
        {"--csv", options.csv}, {"--json", options.json}, {"--toml", options.toml}};
    bool to_screen = command_to_screen(outputs, 3);
    struct recording recording;
    struct scenario scenario;
    recording_load(path, &recording);
    recording_scenario(&recording, path, PREDICT_PHASES, &scenario);
    if (options.toml) {
        FILE *file = command_open(options.toml);
        scenario_write(file, &scenario);
        command_close(file, options.toml);
    }
    struct grid grid = grid_make(options.gogc, options.limit, 1, &scenario.settings);
    struct prediction *rows = command_allocate((size_t)grid.points + 1, sizeof(*rows));
    struct progress progress;
    progress_begin(&progress, "simulating");
    rows[0] = as_recorded(&recording);
    for (int point = 0; point < grid.points; point++) {
        int32_t gogc;
        int64_t limit;
        grid_point(&grid, point, &gogc, &limit);
        progress_show(&progress, (double)point / grid.points);
        rows[point + 1] = predict(&scenario, gogc, limit);
    }
    progress_end(&progress);
    if (!to_screen)
        print_table(&recording, scenario.title, rows, grid.points + 1);
    if (options.csv)
        write_csv(options.csv, rows, grid.points + 1);
    if (options.json)
        write_json(options.json, scenario.title, rows, grid.points + 1);
    free(rows);
    grid_free(&grid);
    scenario_free(&scenario);
    recording_free(&recording);
    return COMMAND_OK;
}
