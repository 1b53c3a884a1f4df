/* SPDX-License-Identifier: MIT */
/**
 * Scenarios as TOML files. docs/simulator.md describes the format; scenario.def has the keys.
 */
#ifndef COMMAND_SCENARIO_FILE_H
#define COMMAND_SCENARIO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct scenario;

/** Longest message of scenario_read. */
#define SCENARIO_MESSAGE 512

/**
 * Read a scenario. Every key is checked: unknown ones, wrong types and impossible values are
 * refused.
 *
 * @param message  on failure: one line, "FILE:LINE: key: what was given; what is accepted"
 * @return whether it was read; then scenario_free releases it.
 */
bool scenario_read(const char *path, struct scenario *scenario, char message[SCENARIO_MESSAGE]);

/** Write a scenario such that scenario_read reads the same: what differs from the defaults. */
void scenario_write(FILE *file, const struct scenario *scenario);

/** Release what scenario_read allocated. */
void scenario_free(struct scenario *scenario);

#ifdef __cplusplus
}
#endif

#endif
