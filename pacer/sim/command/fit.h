/* SPDX-License-Identifier: MIT */
/**
 * A scenario that behaves like a program that was traced.
 */
#ifndef COMMAND_FIT_H
#define COMMAND_FIT_H

#include "fit_goals.h"
#include "gctrace.h"
#include "scenario.h"

/** Phases that a scenario gets at most, if nothing else is asked for. */
#define FIT_PHASES 200

/** What is asked for. */
struct fit_wish {
    struct fit_known known;
    double cpus; /**< that the program kept busy; 0: to be found */
    int phases;  /**< the most, cycles being put together where there are more */
};

/**
 * @param trace     has a cycle
 * @param goals     gets what the goals said
 * @param scenario  all defaults; gets its settings, machine, memory and phases
 * @return NULL; or why there is no scenario
 */
const char *fit_scenario(const struct gctrace *trace, const struct fit_wish *wish,
                         struct fit_goals *goals, struct scenario *scenario);

#endif
