/* SPDX-License-Identifier: MIT */
/**
 * A log with cycles as GODEBUG=gctrace=1 prints them, Go's or Gait's. Other lines may stand between
 * them and other text before them, several processes may have written it, and some of it may be
 * lost: what is read is one process's cycles; what is not is counted.
 */
#ifndef COMMAND_GCTRACE_H
#define COMMAND_GCTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One cycle. Sizes are whole MiB, unless a line of gctrace=2 told the bytes. */
struct gctrace_cycle {
    int64_t number;  /**< from 1                                               */
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
    double goal_bytes; /**< infinite: none, GOGC being off                       */
    double stack_bytes;
    double globals_bytes;
    double arena_bytes; /**< what else the limit held */
    double offheap_bytes;
    double work_bytes;     /**< heap bytes scanned, by gcpacertrace=1; 0: not told    */
    double estimate_bytes; /**< what of marked_bytes the next goal follows from; 0: not told */
    int percent;           /**< GC CPU time so far: of the process's own (Gait), of all CPUs (Go) */
    int procs;
    bool exact;    /**< sizes are bytes */
    bool by_floor; /**< the goal is the floor that the CPU gives it */
    bool forced;
    bool minor;      /**< what was marked before stayed so */
    long line;       /**< of the log, from 1                                      */
    uint64_t source; /**< a hash of what stood before it, times of day left out   */
};

/** A process that wrote into the log, or one heap of it. */
struct gctrace_process {
    size_t count; /**< cycles */
    int64_t first_number, last_number;
    long first_line, last_line;
};

/** A log while it is read; and afterwards, one process's cycles. Empty: all zeroes. */
struct gctrace {
    struct gctrace_cycle *cycles;
    size_t count, room;
    struct gctrace_process *processes; /**< by their first lines */
    size_t process_count;
    size_t process; /**< whose cycles these are: an index */

    long lines;
    long skipped,
        first_skipped; /**< lines that tell a cycle, but not as a whole; the first of them */
    long repeated;     /**< lines that told a cycle again                   */
    int64_t lost;      /**< lines that Gait says it could not write         */
    bool is_old;       /**< there were lines of Go before 1.5               */

    struct {        /* between two calls of gctrace_feed */
        char *text; /* of the line so far */
        size_t size, room;
        char *open; /* a cycle's line that may go on in the next; NULL: none */
        long open_line;
        double work_bytes, work_start_bytes, work_peak_bytes; /* of the cycle still to come */
    } reader;
};

/** Take the next bytes of a log, which are in any encoding that has ASCII in it or beside NULs. */
void gctrace_feed(struct gctrace *trace, const char *bytes, size_t size);

/**
 * The log is at its end: choose a process.
 *
 * @param process  which, counted from 1; 0: the one with most cycles
 * @return whether there is such a process with a cycle
 */
bool gctrace_end(struct gctrace *trace, size_t process);

void gctrace_free(struct gctrace *trace);

#endif
