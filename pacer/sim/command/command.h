/* SPDX-License-Identifier: MIT */
/**
 * The subcommands of gait-sim, and what they share.
 *
 * Exit status: 0; 1 where an input is bad, a check finds a difference, or something can't be
 * written; 2 where the command line is wrong. A message is one line on stderr.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "model.h"

#include <stdio.h>

#define COMMAND_OK 0
#define COMMAND_FAILED 1
#define COMMAND_USAGE 2

/* argv[0] is the subcommand's name. */
int check_main(int argc, char **argv);
int replay_main(int argc, char **argv);
int run_main(int argc, char **argv);
int sweep_main(int argc, char **argv);
int merge_main(int argc, char **argv);
int fit_main(int argc, char **argv);
int predict_main(int argc, char **argv);
int life_main(int argc, char **argv);
int keys_main(int argc, char **argv);

/** Print "gait-sim: message" and end with COMMAND_FAILED, or COMMAND_USAGE. */
_Noreturn void command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void command_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** malloc, realloc that end the command instead of returning NULL. */
void *command_allocate(size_t count, size_t size);
void *command_grow(void *list, size_t count, size_t size);

/** Open for writing, "-" is stdout; and close, with a look at whether all was written. */
FILE *command_open(const char *path);
void command_close(FILE *file, const char *path);

/* ---- Settings on the command line --------------------------------------- */

/** What --gogc, --limit and --model put in place of the scenario's own. */
struct overrides {
    bool has_gogc, has_limit, has_model;
    int32_t gogc_percent;
    int64_t limit_bytes;
    enum model_kind model;
};

/** Take the value of --gogc ('g'), --limit ('l') or --model ('m'); end the command if it is none.
 */
void overrides_take(struct overrides *overrides, int option, const char *value);

/** Read a scenario, put the overrides in place; end the command if it can't be read. */
void command_scenario(const char *path, const struct overrides *overrides,
                      struct scenario *scenario);

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
