/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands share. See command.h.
 */
#include "command.h"

#include "scenario_file.h"
#include "shown.h"
#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

FILE *command_input(const char *path) {
    struct stat status;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        command_fail("%s: %s", path, strerror(errno));
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        command_fail("%s: %s", path, strerror(EISDIR));
    return file;
}

/* ---- Ways out ----------------------------------------------------------- */

FILE *command_open(const char *path) {
    if (strcmp(path, "-") == 0)
        return stdout;
    FILE *file = fopen(path, "w");
    if (!file)
        command_fail("%s: %s", path, strerror(errno));
    return file;
}

static _Noreturn void fail_to_write(const char *path, int error) {
    command_fail("%s: could not be written%s%s", strcmp(path, "-") == 0 ? "standard output" : path,
                 error ? ": " : "", error ? strerror(error) : "");
}

void command_close(FILE *file, const char *path) {
    errno = 0;
    bool failed = fflush(file) != 0 || ferror(file);
    int error = errno; /* 0 where the write that failed was an earlier one */
    if (file != stdout && fclose(file) != 0) {
        error = failed ? error : errno;
        failed = true;
    }
    if (failed)
        fail_to_write(path, error);
}

/** See whether a file can be written to. */
static void try_file(const char *path) {
    struct stat is;
    if (stat(path, &is) != 0 || S_ISREG(is.st_mode)) /* a pipe's reader would see an end */
        command_close(command_open(path), path);
}

int command_finish(int status) {
    command_close(stdout, "-");
    if (fclose(stdout) != 0) /* some file systems tell only now */
        fail_to_write("-", errno);
    return status;
}

void command_guard_streams(void) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) /* the lowest that is free: open gives this one */
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

bool command_to_screen(const struct command_output *outputs, int count) {
    const char *first = NULL;
    for (int i = 0; i < count; i++) {
        if (!outputs[i].path)
            continue;
        if (strcmp(outputs[i].path, "-") != 0) {
            try_file(outputs[i].path);
            continue;
        }
        if (first)
            command_misuse("%s and %s: both -; accepted: one of them, a file for the other", first,
                           outputs[i].option);
        first = outputs[i].option;
    }
    return first;
}

/* ---- Words of the command line ------------------------------------------ */

int command_option(int argc, char **argv, const char *letters, const struct option *options) {
    char text[16];
    snprintf(text, sizeof(text), ":%s", letters); /* the colon: getopt tells what is missing */
    opterr = 0;
    int option = getopt_long(argc, argv, text, options, NULL);
    if (option == ':')
        command_misuse("%s: %s: a value is missing; gait-sim help %s", argv[0], argv[optind - 1],
                       argv[0]);
    if (option == '?')
        command_misuse("%s: %s: no such option, or it takes no value; gait-sim help %s", argv[0],
                       argv[optind - 1], argv[0]);
    return option;
}

bool command_digits(const char **text, int64_t most, int64_t *value) {
    const char *at = *text;
    if (!isdigit((unsigned char)*at))
        return false;
    for (*value = 0; isdigit((unsigned char)*at); at++) {
        int digit = *at - '0';
        if (*value > (most - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    *text = at;
    return true;
}

int64_t command_count(const char *option, const char *value, int64_t least, int64_t most,
                      const char *accepted) {
    const char *end = value;
    int64_t count = 0;
    if (!command_digits(&end, most, &count) || *end || count < least)
        command_misuse("%s: %s; accepted: %sa whole number from %" PRId64 " to %" PRId64, option,
                       value, accepted, least, most);
    return count;
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

/* "off" is 0 of either. */
static void take_min_heap(struct overrides *overrides, const char *value) {
    overrides->has_min_heap = true;
    if (!units_parse_limit(value, &overrides->min_heap_bytes))
        command_misuse("--min-heap: %s; accepted: off, or bytes such as 64MiB, up to 1024TiB",
                       value);
    if (overrides->min_heap_bytes == GAIT_PACER_NO_LIMIT)
        overrides->min_heap_bytes = 0;
}

static void take_floor(struct overrides *overrides, const char *value) {
    overrides->has_floor = true;
    if (!units_parse_gogc(value, &overrides->floor_percent))
        command_misuse("--gogc-floor: %s; accepted: off, or a whole number from 0 to 1000000",
                       value);
    if (overrides->floor_percent < 0)
        overrides->floor_percent = 0;
}

static void take_assists(struct overrides *overrides, const char *value) {
    overrides->has_assists = true;
    overrides->assists = strcmp(value, "on") == 0;
    if (!overrides->assists && strcmp(value, "off") != 0)
        command_misuse("--assists: %s; accepted: on, off", value);
}

void overrides_knobs(const struct overrides *overrides, struct scenario_settings *settings) {
    if (overrides->has_min_heap)
        settings->min_heap = overrides->min_heap_bytes;
    if (overrides->has_floor)
        settings->gogc_floor = overrides->floor_percent;
    if (overrides->has_assists)
        settings->assists = overrides->assists;
}

void overrides_take(struct overrides *overrides, int option, const char *value) {
    if (option == 'g') {
        overrides->has_gogc = true;
        if (!units_parse_gogc(value, &overrides->gogc_percent))
            command_misuse("--gogc: %s; accepted: off, or a whole number from 0 to 1000000", value);
    } else if (option == 'l') {
        overrides->has_limit = true;
        if (!units_parse_limit(value, &overrides->limit_bytes))
            command_misuse("--limit: %s; accepted: off, or bytes such as 64MiB, up to 1024TiB",
                           value);
    } else if (option == 'H') {
        take_min_heap(overrides, value);
    } else if (option == 'F') {
        take_floor(overrides, value);
    } else if (option == 'A') {
        take_assists(overrides, value);
    } else {
        take_model(overrides, value);
    }
}

/** A run of so many steps would seem to hang: say what makes them so many. */
static void refuse_endless(const char *path, const struct scenario *scenario) {
    struct model_work work = model_work(scenario);
    if (work.steps <= MODEL_MOST_PLANNED)
        return;
    const struct scenario_phase *phase = &scenario->phases[work.phase];
    char what[80] = "";
    bool by_duration = strcmp(work.key, "duration") == 0;
    if (!by_duration)
        snprintf(what, sizeof(what), "%s of %.6g s over ", work.key, work.step_s);
    command_fail("%s: phase %d%s%s: %sduration of %.6g s: a run takes %.3g steps; accepted: up to "
                 "%.3g; make %s%sduration shorter",
                 path, (int)work.phase + 1, phase->name[0] ? ", " : "", phase->name, what,
                 phase->duration, work.steps, MODEL_MOST_PLANNED, by_duration ? "" : work.key,
                 by_duration ? "" : " longer or ");
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
    overrides_knobs(overrides, &scenario->settings);
    if (overrides->has_model)
        scenario->model = overrides->model;
    struct scenario_fault fault;
    if (!scenario_check(scenario, &fault))
        command_fail("%s: %s is out of range", path, fault.key ? fault.key->name : "phase");
    refuse_endless(path, scenario);
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
