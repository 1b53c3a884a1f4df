/* SPDX-License-Identifier: MIT */
/*
 * When a file is to be written that shows a heap at a moment: what FILE@WHEN@WHEN… says.
 *
 *   WHEN   exit     as the heap is destroyed, or the program exits
 *          SIGUSR1  as that signal comes; or another one that is nobody's
 *          60s      so often; ms, s, m, h
 *
 * FILE alone: at exit. Of a name with @ in it the last part is a WHEN. Pure, but that a signal's
 * name is looked up.
 */
#ifndef GAIT_DUMP_WHEN_H
#define GAIT_DUMP_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log_name.h"

#define DUMP_SIGNALS_MOST 4

struct dump_when {
    size_t path_bytes; /* of the text: FILE */
    bool at_exit;
    int64_t period_ns; /* 0: none */
    int signals[DUMP_SIGNALS_MOST];
    size_t signal_count;
};

/** Read what was asked for. @return false: its last part is no WHEN, or there is no FILE. */
bool dump_when_read(struct dump_when *when, const char *text);

#define DUMP_PATH_BYTES (LOG_NAME_BYTES + 24)

/** The name of the file that is written as number `number`, from 1: each %n becomes that. */
void dump_path(char path[DUMP_PATH_BYTES], const char *name, uint64_t number);

#endif
