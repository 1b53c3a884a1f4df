/* SPDX-License-Identifier: MIT */
/*
 * The settings of a heap, read once, when it is created: an embedder's gait_config wins over the
 * environment, which wins over the defaults. The table is options.def. A struct options belongs to
 * who reads it; nothing here is shared.
 */
#ifndef GAIT_OPTIONS_H
#define GAIT_OPTIONS_H

#include <gait/gait.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    OPTIONS_GOGC_MAX = 1000000,
    OPTIONS_PROCS_MAX = 1024,
    OPTIONS_PROCS_USABLE = 0, /* those that the process may use: control looks when it has to */
    OPTIONS_NOTICE_PERCENT_MAX = 1000,
    OPTIONS_PATH_BYTES = 1024
};

struct options {
#define OPTION_SETTING(variable, type, field, ...) type field;
#define OPTION_DEBUG(word, ...) uint32_t word;
#define OPTION_DEBUG_TEXT(word, value, accepted, effect) char word[OPTIONS_PATH_BYTES];
#include "options.def"
    /* gogc_percent is GAIT_GOGC_OFF, or 0 and more. memory_limit_bytes is GAIT_NO_LIMIT when off;
       if it came of a percentage, then of this one, else this is 0: see options_limit_from_percent.
       notice_memory_bytes is GAIT_NO_LIMIT when off, or when it is a percentage of the limit: this
       one, else 0. assists and minor are 0 or 1. A debug word is 0 or empty when off. */
    double memory_limit_percent;
    double notice_limit_percent;
    bool says_memprofilerate; /* it was given, maybe as 0 */
};

/**
 * Take an embedder's configuration, of whatever size: *config is whole.
 *
 * @param given  NULL: the defaults.
 * @return 0, or GAIT_E_INVALID: not set by gait_config_init, or with a field of a newer library;
 *         the line is as of options_read.
 */
int options_config(gait_config *config, const gait_config *given, char *error, size_t error_bytes);

/**
 * Read all settings.
 *
 * @param config       as options_config gave it, or NULL: the environment and the defaults alone.
 * @param error        where one line, without newline, says which setting is malformed, what was
 *                     given and what is accepted; may be NULL.
 * @return 0, or GAIT_E_INVALID: a malformed setting, *options is not to be used.
 *
 * An empty environment variable counts as unset, and each one in a privileged process. GAIT_DEBUG
 * refuses a word that it does not know; GODEBUG, which other programs read too, ignores it. A word
 * in both: GAIT_DEBUG wins; twice in one: the last wins. With config->debug neither is read.
 */
int options_read(struct options *options, const gait_config *config, char *error,
                 size_t error_bytes);

/**
 * The limit that a percentage (1 .. 100) of the memory available means now; memory is looked up
 * anew, so that a changed cgroup shows.
 * @return 0, or GAIT_E_INVALID: out of range, or the OS does not say how much memory there is.
 */
int options_limit_from_percent(double percent, int64_t *limit_bytes);

/** Write the reference table of all settings, in Markdown. */
void options_write_reference(FILE *out);

#endif
