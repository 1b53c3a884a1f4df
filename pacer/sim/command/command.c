/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands share. See command.h.
 */
#include "command.h"

#include "scenario_file.h"
#include "shown.h"
#include "units.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** Progress is shown for what takes longer than this, and so often. */
#define PROGRESS_AFTER_S 2.0
#define PROGRESS_EVERY_S 0.2

static void say(const char *format, va_list arguments) {
    fflush(stdout);
    fputs("gait-sim: ", stderr);
    shown_vline(stderr, format, arguments);
}

_Noreturn void command_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    exit(COMMAND_FAILED);
}

_Noreturn void command_misuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    exit(COMMAND_USAGE);
}

void *command_grow(void *list, size_t count, size_t size) {
    void *grown = reallocarray(list, count ? count : 1, size);
    if (!grown)
        command_fail("no memory for %zu records", count);
    return grown;
}

void *command_allocate(size_t count, size_t size) {
    void *list = command_grow(NULL, count, size);
    memset(list, 0, count * size);
    return list;
}

FILE *command_open(const char *path) {
    if (strcmp(path, "-") == 0)
        return stdout;
    FILE *file = fopen(path, "w");
    if (!file)
        command_fail("%s: %s", path, strerror(errno));
    return file;
}

void command_close(FILE *file, const char *path) {
    bool failed = fflush(file) != 0 || ferror(file);
    if (file != stdout && fclose(file) != 0)
        failed = true;
    if (failed)
        command_fail("%s: could not be written", path);
}

/* ---- Settings ----------------------------------------------------------- */

static void take_model(struct overrides *overrides, const char *value) {
    for (int i = 0; i < MODEL_KINDS; i++)
        if (strcmp(value, scenario_model_name((enum model_kind)i)) == 0) {
            overrides->model = (enum model_kind)i;
            overrides->has_model = true;
            return;
        }
    command_misuse("--model: %s; accepted: full, ideal, stw", value);
}

void overrides_take(struct overrides *overrides, int option, const char *value) {
    if (option == 'g') {
        overrides->has_gogc = true;
        if (!units_parse_gogc(value, &overrides->gogc_percent))
            command_misuse("--gogc: %s; accepted: off, or a whole number from 0 to 1000000", value);
    } else if (option == 'l') {
        overrides->has_limit = true;
        if (!units_parse_limit(value, &overrides->limit_bytes))
            command_misuse("--limit: %s; accepted: off, or bytes such as 64MiB", value);
    } else {
        take_model(overrides, value);
    }
}

void command_scenario(const char *path, const struct overrides *overrides,
                      struct scenario *scenario) {
    char message[SCENARIO_MESSAGE];
    if (!scenario_read(path, scenario, message)) {
        shown_line(stderr, "%s", message);
        exit(COMMAND_FAILED);
    }
    if (overrides->has_gogc)
        scenario->settings.gogc = overrides->gogc_percent;
    if (overrides->has_limit)
        scenario->settings.memory_limit = overrides->limit_bytes;
    if (overrides->has_model)
        scenario->model = overrides->model;
    struct scenario_fault fault;
    if (!scenario_check(scenario, &fault))
        command_fail("%s: %s is out of range", path, fault.key ? fault.key->name : "phase");
}

/* ---- Progress ----------------------------------------------------------- */

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void progress_begin(struct progress *progress, const char *what) {
    *progress = (struct progress){.what = what, .start_s = now_s()};
}

void progress_show(struct progress *progress, double done) {
    double now = now_s();
    if (now - progress->start_s < PROGRESS_AFTER_S || now - progress->shown_s < PROGRESS_EVERY_S ||
        !isatty(STDERR_FILENO))
        return;
    progress->shown_s = now;
    fprintf(stderr, "\r%s: %3.0f %%", progress->what, done * 100);
    fflush(stderr);
}

void progress_end(struct progress *progress) {
    if (progress->shown_s > 0)
        fputs("\r\033[K", stderr);
}
