/* SPDX-License-Identifier: MIT */
/**
 * Cycles as GODEBUG=gctrace=1 tells them, Go's or Gait's; other lines of a log may stand between.
 */
#ifndef COMMAND_GCTRACE_H
#define COMMAND_GCTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One cycle. Sizes are whole MiB, unless a line of gctrace=2 told the bytes. */
struct gctrace_cycle {
    double start_s;  /**< since the program's start                            */
    double before_s; /**< wall time of the phases: before marking, marking, after */
    double mark_s;
    double after_s;
    double before_cpu_s; /**< CPU time of the same phases; that of marking by purpose */
    double assist_cpu_s;
    double background_cpu_s;
    double idle_cpu_s;
    double after_cpu_s;
    double start_bytes; /**< live heap as marking began, as it ended, and marked  */
    double peak_bytes;
    double marked_bytes;
    double goal_bytes;
    double stack_bytes;
    double globals_bytes;
    double arena_bytes; /**< what else the limit held */
    double offheap_bytes;
    double work_bytes; /**< heap bytes scanned, by gcpacertrace=1; 0: not told    */
    int percent;       /**< GC CPU time so far: of the process's own (Gait), of all CPUs (Go) */
    int procs;
    bool exact; /**< sizes are bytes */
    bool forced;
};

/** All cycles of a log. */
struct gctrace {
    struct gctrace_cycle *cycles;
    size_t count, room;
    double work_bytes; /**< of the cycle whose line is still to come */
};

/**
 * Take a line of a log, whatever it is, after those before it; an empty trace is all zeroes.
 *
 * @return false for a cycle that is not told as by gctrace=1: it is left out.
 */
bool gctrace_take(struct gctrace *trace, const char *text);

/** Read a log ("-": standard input). Ends the command where there is no cycle in it. */
void gctrace_read(struct gctrace *trace, const char *path);

void gctrace_free(struct gctrace *trace);

#endif
