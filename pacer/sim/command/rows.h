/* SPDX-License-Identifier: MIT */
/**
 * The rows of a sweep: what each pair of settings came to. A shard file is these rows as a table,
 * so that merge prints what the whole sweep would have.
 */
#ifndef COMMAND_ROWS_H
#define COMMAND_ROWS_H

#include "record.h"

/** One point of the grid. */
struct row {
    bool present;
    bool pareto;    /**< no other has both less GC CPU time and a lower peak */
    bool neighbour; /**< next to the chosen one in the grid */
    int32_t gogc;
    int64_t limit;
    double values[RECORD_SUMMARY]; /**< as record_summary lists them */
};

/** A sweep. */
struct rows {
    char title[SCENARIO_TEXT];
    char model[16];
    uint64_t id; /**< of scenario and grid: shards of one sweep have the same */
    int count;
    int chosen; /**< the scenario's own settings */
    struct row *list;
};

/** Which value of a row. */
enum row_value {
    ROW_CYCLES,
    ROW_WALL,
    ROW_GC_CPU,
    ROW_GC_SHARE,
    ROW_PEAK_HEAP,
    ROW_PEAK_TOTAL,
    ROW_MEAN_TOTAL,
    ROW_LIMITING,
    ROW_STALLED,
    ROW_FINISHED,
};
double row_value(const struct row *row, enum row_value value);

/** Find the rows that nothing beats. */
void rows_pareto(struct rows *rows);

/**
 * Find the neighbours of the chosen settings: no other value of the grid lies between. One setting
 * is nearest below or above and the other equal; where the chosen settings are none of the grid,
 * both may be nearest.
 */
void rows_neighbours(struct rows *rows);

/** The table for the screen. */
void rows_print(const struct rows *rows);

/** All rows that are present, with all digits; readable by rows_read. */
void rows_write(const struct rows *rows, FILE *file);

/** Add the rows of a file; `rows` may be empty before. Ends the command where they don't fit. */
void rows_read(struct rows *rows, const char *path);

/** GC CPU time against peak memory. */
void rows_plot(const struct rows *rows, const char *path);

/** Is one of both stdout? Ends the command if one can't be written. */
bool rows_to_screen(const char *tsv, const char *plot);

/** Print, unless one of them is stdout, and write where `tsv` and `plot` say (NULL: nowhere). */
void rows_finish(struct rows *rows, const char *tsv, const char *plot);

#endif
