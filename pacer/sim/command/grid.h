/* SPDX-License-Identifier: MIT */
/**
 * The settings that a sweep tries: every pair of a GOGC and a memory limit. Points are numbered
 * through: point = gogc index x limits + limit index; the scenario's own settings, if the grid does
 * not have them, come last.
 */
#ifndef COMMAND_GRID_H
#define COMMAND_GRID_H

#include "model.h"

/** Most values of one setting. */
#define GRID_MOST 4096
/** Most points, except the scenario's own: their rows take some hundreds of MB. */
#define GRID_MOST_POINTS 1000000

/** A grid. */
struct grid {
    int32_t *gogc;
    int64_t *limit;
    int gogc_count, limit_count;
    int points; /**< with the scenario's own            */
    int chosen; /**< the point of the scenario's own    */
    int32_t chosen_gogc;
    int64_t chosen_limit;
};

/** Values of --gogc and --limit (NULL: the scenario's own), with `steps` values in a range. */
struct grid grid_make(const char *gogc, const char *limit, int steps,
                      const struct scenario_settings *settings);

/** The settings of a point. */
void grid_point(const struct grid *grid, int point, int32_t *gogc, int64_t *limit);

void grid_free(struct grid *grid);

#endif
