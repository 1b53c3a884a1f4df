/* SPDX-License-Identifier: MIT */
/**
 * What recorded runs of one program would have cost under another setting, and how sure that is.
 */
#ifndef COMMAND_PREDICTION_H
#define COMMAND_PREDICTION_H

#include "growth.h"
#include "recording.h"
#include "scenario.h"

/** Figures of a prediction: columns of CSV and JSON, in this order. */
#define PREDICTION_FIGURES(X)                                                                      \
    X(cycles)                                                                                      \
    X(wall_s)                                                                                      \
    X(program_cpu_s)                                                                               \
    X(gc_cpu_s)                                                                                    \
    X(gc_share)                                                                                    \
    X(peak_heap_bytes)                                                                             \
    X(peak_total_bytes)                                                                            \
    X(limiting_s)

enum prediction_figure {
#define FIGURE(name) PREDICTION_##name,
    PREDICTION_FIGURES(FIGURE)
#undef FIGURE
        PREDICTION_COUNT,
};

/** Names of the figures. */
extern const char *const prediction_names[PREDICTION_COUNT];

/** A setting, and what it costs. */
struct prediction {
    int32_t gogc;
    int64_t limit;
    double figures[PREDICTION_COUNT];
    /** Relative standard deviations, 0.1 for a tenth; 0: not said. */
    double uncertainty[PREDICTION_COUNT];
    bool recorded, finished;
};

/** A recorded run. */
struct prediction_run {
    const char *path;
    struct recording recording;
    struct scenario calm;            /**< marking as fast as in most cycles around */
    struct scenario as_was;          /**< with the cycles that the machine held up */
    struct scenario_settings wanted; /**< as recorded, except what is asked for: of predictions,
                                          beside their GOGC and limit               */
    struct growth_point point;
};

/** Read recordings of one program, or end the command: if they can't be read or are of different
 * programs. */
void prediction_load(struct prediction_run *runs, const char *const *paths, int count);

void prediction_free(struct prediction_run *runs, int count);

/** What was recorded. */
struct prediction prediction_recorded(const struct prediction_run *run);

/** Its replay at the setting that was recorded, by what this recording alone tells. */
struct prediction prediction_replay(const struct prediction_run *run);

/** What a setting would cost. @param laws  what growth_learn makes of all runs' points */
struct prediction prediction_make(const struct prediction_run *runs, int count,
                                  const struct growth_law laws[GROWTH_COSTS], int32_t gogc,
                                  int64_t limit);

#endif
