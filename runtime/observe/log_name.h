/* SPDX-License-Identifier: MIT */
/*
 * Names of files that heaps write: no two heaps of a process and its children have the same one.
 * Of a FILE that was asked for, the first heap writes FILE, the second FILE.2; those of the child
 * of a process that has written some write FILE.PID, FILE.PID.2 and so on. A FILE without a leading
 * slash is one of the folder in which the program is as it creates the heap: files are opened
 * later, and a program that serves may go elsewhere meanwhile.
 */
#ifndef GAIT_LOG_NAME_H
#define GAIT_LOG_NAME_H

#include <stdint.h>

#include "../options.h"
#include "../platform/atomic.h"

#define LOG_NAME_BYTES (2 * OPTIONS_PATH_BYTES + 40) /* a folder, two numbers */

/* Of one sort of files, all of the process; zeros at first. */
struct log_names {
    AO_t heaps; /* that were to write such a file */
    AO_t child; /* 0, or of the child of a process that has written some: its number */
};

/** The next name. @return the heap's number, from 1. */
int64_t log_names_next(struct log_names *names, const char *asked, char path[LOG_NAME_BYTES]);

/** In the child of a fork, once. */
void log_names_forked(struct log_names *names);

#endif
