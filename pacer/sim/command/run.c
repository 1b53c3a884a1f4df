/* SPDX-License-Identifier: MIT */
/*
 * run: one scenario, and every way out of its results.
 */
#include "command.h"
#include "mains.h"
#include "overrides.h"
#include "record.h"
#include "scenario_file.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUN_CYCLES_SHOWN 40
/** Samples of a run, if no time between them is given. */
#define RUN_SAMPLES 500

/** What the command line asks for. */
struct run_options {
    struct overrides overrides;
    const char *csv, *samples, *json, *plot, *toml;
    size_t cycles_shown;
    double sample_s; /* 0: by the program's length */
};

static size_t take_cycles(const char *value) {
    if (strcmp(value, "all") == 0)
        return SIZE_MAX;
    return (size_t)command_count("--cycles", value, 0, INT32_MAX, "all, or ");
}

static double take_seconds(const char *value) {
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end || !(seconds > 0) || !isfinite(seconds))
        command_misuse("--every: %s; accepted: seconds above 0", value);
    return seconds;
}

static struct run_options run_options(int argc, char **argv) {
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'}, {"gogc", required_argument, NULL, 'g'},
        {"limit", required_argument, NULL, 'l'}, COMMAND_KNOBS,
        {"csv", required_argument, NULL, 'c'},   {"samples", required_argument, NULL, 's'},
        {"json", required_argument, NULL, 'j'},  {"plot", required_argument, NULL, 'p'},
        {"every", required_argument, NULL, 'e'}, {"cycles", required_argument, NULL, 'n'},
        {"toml", required_argument, NULL, 't'},  {0}};
    struct run_options run = {.cycles_shown = RUN_CYCLES_SHOWN};
    for (int option; (option = command_option(argc, argv, "", options)) != -1;) {
        switch (option) {
        case 'c':
            run.csv = optarg;
            break;
        case 's':
            run.samples = optarg;
            break;
        case 'j':
            run.json = optarg;
            break;
        case 'p':
            run.plot = optarg;
            break;
        case 't':
            run.toml = optarg;
            break;
        case 'e':
            run.sample_s = take_seconds(optarg);
            break;
        case 'n':
            run.cycles_shown = take_cycles(optarg);
            break;
        default:
            overrides_take(&run.overrides, option, optarg);
        }
    }
    if (optind != argc - 1)
        command_misuse("run: one scenario, please; gait-sim help run");
    return run;
}

static void write_record(const struct record *record, const char *path,
                         void (*write)(const struct record *, FILE *)) {
    if (!path)
        return;
    FILE *file = command_open(path);
    write(record, file);
    command_close(file, path);
}

/** Is one of the outputs stdout, in place of the table? */
static bool to_screen(const struct run_options *run) {
    const struct command_output outputs[] = {{"--csv", run->csv},
                                             {"--samples", run->samples},
                                             {"--json", run->json},
                                             {"--plot", run->plot},
                                             {"--toml", run->toml}};
    return command_to_screen(outputs, (int)(sizeof(outputs) / sizeof(*outputs)));
}

/** The results are out; say why the program did not come to its end. */
static _Noreturn void give_up(const char *path, const struct record *record) {
    const struct model_result *result = &record->result;
    fflush(stdout);
    command_fail("%s: given up after %.6g s and %" PRId64
                 " cycles: the program has come to %.6g s of its %.6g s",
                 path, result->wall_s, result->cycles, result->program_s,
                 scenario_duration(record->scenario));
}

int run_main(int argc, char **argv) {
    struct run_options run = run_options(argc, argv);
    struct scenario scenario;
    command_scenario(argv[optind], &run.overrides, &scenario);
    bool shown = !to_screen(&run);
    if (run.toml) {
        FILE *file = command_open(run.toml);
        scenario_write(file, &scenario);
        command_close(file, run.toml);
    }
    bool all_cycles = run.csv || run.json || run.plot;
    bool samples = run.samples || run.json || run.plot;
    double sample_s = run.sample_s > 0 ? run.sample_s : scenario_duration(&scenario) / RUN_SAMPLES;
    struct record record;
    record_run(&record, &scenario, all_cycles ? SIZE_MAX : run.cycles_shown,
               samples ? sample_s : 0);
    if (shown)
        record_print(&record, run.cycles_shown);
    write_record(&record, run.csv, record_cycles_csv);
    write_record(&record, run.samples, record_samples_csv);
    write_record(&record, run.json, record_json);
    if (run.plot)
        record_plot(&record, run.plot);
    if (!record.result.finished)
        give_up(argv[optind], &record);
    record_free(&record);
    scenario_free(&scenario);
    return COMMAND_OK;
}
