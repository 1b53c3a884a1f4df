/* SPDX-License-Identifier: MIT */
/**
 * Settings on the command line, in place of a scenario's own.
 */
#ifndef COMMAND_OVERRIDES_H
#define COMMAND_OVERRIDES_H

#include "model.h"

/** What --gogc, --limit and --model put in place of the scenario's own. */
struct overrides {
    bool has_gogc, has_limit, has_model, has_min_heap, has_floor, has_assists;
    int32_t gogc_percent, floor_percent;
    int64_t limit_bytes, min_heap_bytes;
    bool assists;
    enum model_kind model;
};

/** Options of settings beside GOGC and the limit, as every command that takes them has them. */
#define COMMAND_KNOBS                                                                              \
    {"min-heap", required_argument, NULL, 'H'}, {"gogc-floor", required_argument, NULL, 'F'}, {    \
        "assists", required_argument, NULL, 'A'                                                    \
    }

/** Take the value of --gogc ('g'), --limit ('l'), --model ('m') or of one of COMMAND_KNOBS; end the
 * command if it is none. */
void overrides_take(struct overrides *overrides, int option, const char *value);

/** Put those of COMMAND_KNOBS in place. */
void overrides_knobs(const struct overrides *overrides, struct scenario_settings *settings);

/** Read a scenario, put the overrides in place; end the command if it can't be read, or if a run of
 * it would not come to an end. */
void command_scenario(const char *path, const struct overrides *overrides,
                      struct scenario *scenario);

#endif
