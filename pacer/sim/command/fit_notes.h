/* SPDX-License-Identifier: MIT */
/**
 * What a user of a scenario that was fitted should know: what of the log was not used, and
 * what was guessed.
 */
#ifndef COMMAND_FIT_NOTES_H
#define COMMAND_FIT_NOTES_H

#include "fit_goals.h"
#include "gctrace.h"

/** Processes beside the one taken that are named one by one. */
#define FIT_NOTES_PROCESSES 4
/** Room for all notes. */
#define FIT_NOTES_TEXT 4096

/**
 * Write the notes, each ending in a newline; nothing if there is nothing to say.
 *
 * @param goals  NULL: there is no scenario, only what was read is told
 * @return whether GOGC or the limit was guessed in a way that somebody may know better
 */
bool fit_notes(const struct gctrace *trace, const struct fit_goals *goals,
               char text[FIT_NOTES_TEXT]);

#endif
