/* SPDX-License-Identifier: MIT */
/*
 * fit: a scenario of a trace or a recording. What it leaves out or guesses is told on stderr, a
 * line each.
 */
#include "command.h"
#include "fit.h"
#include "fit_notes.h"
#include "mains.h"
#include "overrides.h"
#include "recording_file.h"
#include "scan.h"
#include "scenario_file.h"
#include "shown.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define FIT_MOST_PHASES 100000
#define FIT_MOST_CPUS 1024
#define FIT_BLOCK 65536

/** What the command line says. */
struct fit_options {
    struct overrides overrides;
    double cpus; /* 0: to be found */
    int phases;
    size_t process; /* 0: the one with most cycles */
};

static struct fit_options fit_options(int argc, char **argv) {
    static const struct option options[] = {
        {"gogc", required_argument, NULL, 'g'},    {"limit", required_argument, NULL, 'l'},
        {"cpus", required_argument, NULL, 'c'},    {"phases", required_argument, NULL, 'p'},
        {"process", required_argument, NULL, 'n'}, {0}};
    struct fit_options fit = {.phases = FIT_PHASES};
    for (int option; (option = command_option(argc, argv, "", options)) != -1;) {
        if (option == 'c') {
            struct scan scan = {optarg};
            if (!scan_number(&scan, &fit.cpus) || *scan.at ||
                !(fit.cpus > 0 && fit.cpus <= FIT_MOST_CPUS))
                command_misuse("--cpus: %s; accepted: a number above 0, to %d", optarg,
                               FIT_MOST_CPUS);
        } else if (option == 'p') {
            fit.phases = (int)command_count("--phases", optarg, 1, FIT_MOST_PHASES, "");
        } else if (option == 'n') {
            fit.process = (size_t)command_count("--process", optarg, 1, INT32_MAX, "");
        } else {
            overrides_take(&fit.overrides, option, optarg);
        }
    }
    if (optind != argc - 1)
        command_misuse("fit: one trace, please; gait-sim help fit");
    return fit;
}

/** Print notes, each with the log's name before it. */
static void print_notes(const char *path, const struct gctrace *trace,
                        const struct fit_goals *goals) {
    char text[FIT_NOTES_TEXT];
    bool is_guessed = fit_notes(trace, goals, text);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        shown_line(stderr, "%s: %s", path, line);
    }
    if (is_guessed)
        shown_line(stderr, "%s: where they are known, --gogc and --limit say more than goals do",
                   path);
}

/** A file that is packed is no log yet. */
static void refuse_packed(const char *path, const char *head, size_t size) {
    static const struct {
        const char *magic;
        size_t size;
        const char *tool;
    } packers[] = {{"\x1f\x8b", 2, "zcat"},
                   {"BZh", 3, "bzcat"},
                   {"\xfd"
                    "7zXZ",
                    5, "xzcat"},
                   {"\x28\xb5\x2f\xfd", 4, "zstdcat"}};
    for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++)
        if (size >= packers[i].size && memcmp(head, packers[i].magic, packers[i].size) == 0)
            command_fail(
                "%s: packed; %s unpacks it, and \"gait-sim fit -\" reads what comes of that", path,
                packers[i].tool);
}

static void read_trace(FILE *file, const char *path, const char *head, size_t head_bytes,
                       size_t process, struct gctrace *trace) {
    char *block = command_allocate(FIT_BLOCK, 1);
    *trace = (struct gctrace){0};
    gctrace_feed(trace, head, head_bytes);
    for (size_t got; (got = fread(block, 1, FIT_BLOCK, file)) > 0;)
        gctrace_feed(trace, block, got);
    free(block);
    if (ferror(file))
        command_fail("%s: could not be read", path);
    if (file != stdin)
        fclose(file);
    if (gctrace_end(trace, process))
        return;
    print_notes(path, trace, NULL);
    if (trace->process_count > 0)
        command_misuse("--process: %zu; accepted: from 1 to %zu, the processes in %s", process,
                       trace->process_count, path);
    command_fail("%s: no whole cycle in it; run the program with GODEBUG=gctrace=1", path);
}

static void scenario_of_recording(const struct recording *recording, const char *path,
                                  const struct fit_options *fit, struct scenario *scenario) {
    recording_scenario(recording, path, fit->phases, scenario);
    if (fit->overrides.has_gogc)
        scenario->settings.gogc = fit->overrides.gogc_percent;
    if (fit->overrides.has_limit)
        scenario->settings.memory_limit = fit->overrides.limit_bytes;
}

static void scenario_of_trace(const struct gctrace *trace, const char *path,
                              const struct fit_options *fit, struct scenario *scenario) {
    const struct overrides *overrides = &fit->overrides;
    struct fit_wish wish = {.known = {.has_gogc = overrides->has_gogc,
                                      .has_limit = overrides->has_limit,
                                      .gogc_percent = overrides->gogc_percent,
                                      .limit_bytes = overrides->limit_bytes},
                            .cpus = fit->cpus,
                            .phases = fit->phases};
    struct fit_goals goals;
    scenario_init(scenario);
    const char *slash = strrchr(path, '/');
    snprintf(scenario->title, sizeof(scenario->title), "fitted to %.60s", slash ? slash + 1 : path);
    const char *why = fit_scenario(trace, &wish, &goals, scenario);
    if (why)
        command_fail("%s: %s", path, why);
    print_notes(path, trace, &goals);
}

int fit_main(int argc, char **argv) {
    struct fit_options fit = fit_options(argc, argv);
    const char *path = argv[optind];
    struct scenario scenario;
    struct scenario_fault fault;
    char head[16];
    FILE *file = command_input(path);
    size_t head_bytes = fread(head, 1, sizeof(head), file);
    if (recording_begins(head, head_bytes)) {
        struct recording recording;
        recording_load_rest(file, path, head, head_bytes, &recording);
        scenario_of_recording(&recording, path, &fit, &scenario);
        recording_free(&recording);
    } else {
        struct gctrace trace;
        refuse_packed(path, head, head_bytes);
        read_trace(file, path, head, head_bytes, fit.process, &trace);
        scenario_of_trace(&trace, path, &fit, &scenario);
        gctrace_free(&trace);
    }
    if (!scenario_check(&scenario, &fault))
        command_fail("%s: no scenario comes of it: %s is out of range", path,
                     fault.key ? fault.key->name : "phase");
    scenario_write(stdout, &scenario);
    scenario_free(&scenario);
    return COMMAND_OK;
}
