/* SPDX-License-Identifier: MIT */
/**
 * What commands with subcommands share: messages, memory, files, words of the command line.
 *
 * Exit status: 0; 1 where an input is bad, a check finds a difference, or something can't be
 * written; 2 where the command line is wrong. A message is one line on stderr.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COMMAND_OK 0
#define COMMAND_FAILED 1
#define COMMAND_USAGE 2

/** The command's name, which messages begin with; constant once its main has begun. */
extern const char *command_name;

/** Print "NAME: message" and end with COMMAND_FAILED, or COMMAND_USAGE. */
_Noreturn void command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void command_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** malloc, realloc that end the command instead of returning NULL. */
void *command_allocate(size_t count, size_t size);
void *command_grow(void *list, size_t count, size_t size);

/** Open for reading, "-" is stdin; ends the command where that can't be, or it is a directory. */
FILE *command_input(const char *path);

/* ---- Ways out ----------------------------------------------------------- */

/*
 * Whatever is written is closed by command_close or command_finish, which look whether all of it
 * was: a disk that is full must not pass for a result.
 */

/** Open for writing, "-" is stdout; and close. End the command where that can't be done. */
FILE *command_open(const char *path);
void command_close(FILE *file, const char *path);

/** The command's end: stdout is closed. @return the exit status. */
int command_finish(int status);

/** No file that is opened gets the number of a stream that whoever called had closed. */
void command_guard_streams(void);

/** An option that names a file, and what it says; NULL: it is not given. */
struct command_output {
    const char *option, *path;
};

/**
 * Does one of these go to stdout ("-")? Then nothing else does, the table for the screen neither.
 * Ends the command where two are to, or where a file can't be written: that is told before all is
 * computed.
 */
bool command_to_screen(const struct command_output *outputs, int count);

/* ---- Words of the command line ------------------------------------------ */

struct option;

/** getopt_long with `letters` as short options; ends the command at what is no option. */
int command_option(int argc, char **argv, const char *letters, const struct option *options);

/** A whole number in a range, and nothing else; ends the command if it is none. `option` names it
 * for the message, `accepted` is put before the range ("all, or "; "" for nothing). */
int64_t command_count(const char *option, const char *value, int64_t least, int64_t most,
                      const char *accepted);

/** Take digits at *text as a number of at most `most`; *text is then what follows them.
 * @return whether it is one. */
bool command_digits(const char **text, int64_t most, int64_t *value);

/* ---- Progress ----------------------------------------------------------- */

/** Shows progress on stderr: where that is a terminal, from the second second on. */
struct progress {
    const char *what;
    double start_s; /* by the monotonic clock */
    double shown_s;
};

void progress_begin(struct progress *progress, const char *what);
/** @param done  0..1 */
void progress_show(struct progress *progress, double done);
void progress_end(struct progress *progress);

#endif
