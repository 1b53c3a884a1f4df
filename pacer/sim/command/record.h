/* SPDX-License-Identifier: MIT */
/**
 * A run that is kept: all cycles, all samples, the result; and its ways out.
 */
#ifndef COMMAND_RECORD_H
#define COMMAND_RECORD_H

#include "model.h"

#include <stdio.h>

/** Names of the purposes of CPU time, as in columns: "assist" ... */
extern const char *const RECORD_PURPOSES[MODEL_PURPOSES];

/** A run. */
struct record {
    const struct scenario *scenario;
    enum model_kind kind;
    struct model_cycle *cycles;
    size_t cycle_count, cycle_room, cycle_most;
    struct model_sample *samples;
    size_t sample_count, sample_room;
    uint64_t samples_seen, sample_step; /**< of those seen, every so-manieth is kept */
    struct model_result result;
};

/** Most cycles and samples that are kept: some hundreds of MB. */
#define RECORD_MOST_CYCLES 500000
#define RECORD_MOST_SAMPLES 2000000

/**
 * Run the scenario by its model.
 *
 * @param most_cycles  keep the first so many, at most RECORD_MOST_CYCLES
 * @param sample_s     sample so often, and at starts and ends of cycles; 0: keep no samples. Where
 *                     they are too many, every second one is dropped.
 */
void record_run(struct record *record, const struct scenario *scenario, size_t most_cycles,
                double sample_s);

void record_free(struct record *record);

/** The table of cycles, the first `most` of those kept; and the summary. print.c */
void record_print(const struct record *record, size_t most);

/** A value, with its name, unit and meaning, of a run's summary. */
struct summary_line {
    const char *name; /**< as in JSON and TSV, with the unit in it */
    double value;
};
/** Most lines of a summary. */
#define RECORD_SUMMARY 32
/** @return how many lines. */
int record_summary(const struct model_result *result, struct summary_line lines[RECORD_SUMMARY]);

/** The cycles, or the samples, as comma-separated values with a heading. csv.c */
void record_cycles_csv(const struct record *record, FILE *file);
void record_samples_csv(const struct record *record, FILE *file);

/** All of it as JSON. json.c */
void record_json(const struct record *record, FILE *file);

/** All of it as a picture. plot.c */
void record_plot(const struct record *record, const char *path);

#endif
