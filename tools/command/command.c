/* SPDX-License-Identifier: MIT */
/*
 * What commands with subcommands share. See command.h.
 */
#include "command.h"

#include "shown.h"

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

const char *command_name = "gait";

static void say(const char *format, va_list arguments) {
    fflush(stdout);
    fprintf(stderr, "%s: ", command_name);
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

static FILE *open_as(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (!file)
        command_fail("%s: %s", path, strerror(errno));
    return file;
}

FILE *command_open(const char *path) {
    return strcmp(path, "-") == 0 ? stdout : open_as(path, "w");
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

/** See whether a file can be written to. What it holds stays until there is something to write. */
static void try_file(const char *path) {
    struct stat is;
    if (stat(path, &is) != 0 || S_ISREG(is.st_mode)) /* a pipe's reader would see an end */
        command_close(open_as(path, "a"), path);
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
        command_misuse("%s: %s: a value is missing; %s help %s", argv[0], argv[optind - 1],
                       command_name, argv[0]);
    if (option == '?')
        command_misuse("%s: %s: no such option, or it takes no value; %s help %s", argv[0],
                       argv[optind - 1], command_name, argv[0]);
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
