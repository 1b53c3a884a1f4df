/* SPDX-License-Identifier: MIT */
/**
 * The life of a heap's memory as a picture: its sums, and a lane for each name of arenas.
 */
#ifndef COMMAND_LIFE_PLOT_H
#define COMMAND_LIFE_PLOT_H

#include "life_log.h"

/**
 * Draw a log.
 *
 * @param order  indices of all names; the first `lanes` of them have a lane each, and all others
 *               one in common
 */
void life_plot(const struct life_log *log, const uint32_t *order, size_t lanes, const char *path);

#endif
