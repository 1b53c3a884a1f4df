/* SPDX-License-Identifier: MIT */
/**
 * A scenario that behaves like a program that was traced.
 */
#ifndef COMMAND_FIT_H
#define COMMAND_FIT_H

#include "gctrace.h"
#include "scenario.h"

/** Phases that a scenario gets at most, if nothing else is asked for. */
#define FIT_PHASES 200

/**
 * @param trace     has a cycle
 * @param cpus      that the program kept busy; 0: to be found
 * @param phases    most phases, cycles being put together where there are more
 * @param scenario  all defaults; gets its settings, machine and phases
 */
void fit_scenario(const struct gctrace *trace, double cpus, int phases, struct scenario *scenario);

#endif
