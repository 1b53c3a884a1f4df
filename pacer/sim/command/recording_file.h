/* SPDX-License-Identifier: MIT */
/**
 * Recordings (GAIT_DEBUG=pacerlog=FILE) as files, and as scenarios.
 */
#ifndef COMMAND_RECORDING_FILE_H
#define COMMAND_RECORDING_FILE_H

#include "growth.h"
#include "recording.h"
#include "scenario.h"

#include <stdio.h>

/** Do recordings begin like this? */
bool recording_begins(const char *bytes, size_t size);

/** Read a recording ("-": standard input); end the command if it can't be. One that is cut off is
 * used as far as its records are whole: a line on stderr says so. */
void recording_load(const char *path, struct recording *recording);

/** Read on in a file, of which so many bytes have been read, and close it. */
void recording_load_rest(FILE *file, const char *path, const char *head, size_t head_bytes,
                         struct recording *recording);

void recording_free(struct recording *recording);

/** Make a scenario of at most so many phases, or end the command. scenario_free releases it. */
void recording_scenario(const struct recording *recording, const char *path, int32_t phases,
                        struct scenario *scenario);

/** The same, calm or as it was, and what its costs were: demand_scenario's `measured`. */
void recording_measure(const struct recording *recording, const char *path, int32_t phases,
                       bool calm, struct scenario *scenario, struct growth_point *measured);

#endif
