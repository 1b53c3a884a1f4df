/* SPDX-License-Identifier: MIT */
/*
 * Reads gctrace lines. See gctrace.h; docs/tuning.md has their fields.
 *
 * A cycle is one line, wherever in a line it begins:
 *
 *     gc 7 @1.234s 2%: 0.01+1.2+0.02 ms clock, 0.02+0.1/1.0/0+0.04 ms cpu, 4->4->2 MB, 5 MB goal,
 *         0 MB stacks, 0 MB globals, 2 P (forced)                             (all in one line)
 *
 * Where a heap has arenas or off-heap memory ", 12 MB arenas, 3 MB off-heap" follow.
 * Go before 1.19 has no stacks and globals. With gctrace=2 Gait adds "gc 7 bytes: start=..." after
 * it; with gcpacertrace=1 both print "pacer: ... B work" before it.
 */
#include "gctrace.h"

#include "command.h"
#include "shown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576.0
/** Sizes are told in whole MiB, rounded down: half of one more is the best guess. Not for stacks
 * and globals, which are mostly far below one: the first so many sizes. */
#define HALVED_SIZES 4

static bool is_sane(const struct gctrace_cycle *cycle) {
    const double values[] = {
        cycle->start_s,       cycle->before_s,     cycle->mark_s,           cycle->after_s,
        cycle->before_cpu_s,  cycle->assist_cpu_s, cycle->background_cpu_s, cycle->idle_cpu_s,
        cycle->after_cpu_s,   cycle->start_bytes,  cycle->peak_bytes,       cycle->marked_bytes,
        cycle->goal_bytes,    cycle->stack_bytes,  cycle->globals_bytes,    cycle->arena_bytes,
        cycle->offheap_bytes,
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        if (!(values[i] >= 0 && values[i] < 1e16)) /* a NaN is not */
            return false;
    return cycle->procs >= 1 && cycle->procs <= 1024 && cycle->percent >= 0;
}

/** A size of those at a line's end: ", 12 MB arenas". @return bytes; 0: it is not told. */
static double other_bytes(const char *text, const char *what) {
    double megabytes = 0;
    for (; (text = strstr(text, ", ")); text += 2) {
        int used = 0;
        if (sscanf(text, ", %lf MB %n", &megabytes, &used) == 1 && used > 0 &&
            strncmp(text + used, what, strlen(what)) == 0)
            return (megabytes + 0.5) * MIB;
    }
    return 0;
}

/** The cycle told from `text` on. @return whether it is one. */
static bool parse_cycle(const char *text, struct gctrace_cycle *cycle) {
    struct gctrace_cycle c = {0};
    int used = 0, rest = 0;
    if (sscanf(text,
               "gc %*d @%lfs %d%%: %lf+%lf+%lf ms clock, %lf+%lf/%lf/%lf+%lf ms cpu, "
               "%lf->%lf->%lf MB, %lf MB goal, %n",
               &c.start_s, &c.percent, &c.before_s, &c.mark_s, &c.after_s, &c.before_cpu_s,
               &c.assist_cpu_s, &c.background_cpu_s, &c.idle_cpu_s, &c.after_cpu_s, &c.start_bytes,
               &c.peak_bytes, &c.marked_bytes, &c.goal_bytes, &used) != 14 ||
        used == 0)
        return false;
    text += used;
    if (sscanf(text, "%lf MB stacks, %lf MB globals, %n", &c.stack_bytes, &c.globals_bytes,
               &rest) == 2 &&
        rest > 0)
        text += rest;
    else
        c.stack_bytes = c.globals_bytes = 0; /* the number was another's */
    used = 0;
    if (sscanf(text, "%d P%n", &c.procs, &used) != 1 || used == 0)
        return false;
    c.forced = strncmp(text + used, " (forced)", 9) == 0;
    c.arena_bytes = other_bytes(text + used, "arenas");
    c.offheap_bytes = other_bytes(text + used, "off-heap");
    double *const times[] = {&c.before_s,     &c.mark_s,           &c.after_s,    &c.before_cpu_s,
                             &c.assist_cpu_s, &c.background_cpu_s, &c.idle_cpu_s, &c.after_cpu_s};
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        *times[i] /= 1000;
    double *const sizes[] = {&c.start_bytes, &c.peak_bytes,  &c.marked_bytes,
                             &c.goal_bytes,  &c.stack_bytes, &c.globals_bytes};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        *sizes[i] = (*sizes[i] + (i < HALVED_SIZES ? 0.5 : 0)) * MIB;
    *cycle = c;
    return is_sane(cycle);
}

static void add_cycle(struct gctrace *trace, const struct gctrace_cycle *cycle) {
    if (trace->count > 0 && trace->cycles[trace->count - 1].start_s > cycle->start_s)
        return; /* another process's, or a line that came late */
    if (trace->count == trace->room) {
        trace->room = trace->room * 2 + 64;
        trace->cycles = command_grow(trace->cycles, trace->room, sizeof(*trace->cycles));
    }
    trace->cycles[trace->count++] = *cycle;
}

/** Exact sizes of the cycle before. */
static void take_bytes(struct gctrace *trace, const char *text) {
    if (trace->count == 0)
        return;
    struct gctrace_cycle cycle = trace->cycles[trace->count - 1];
    if (sscanf(text,
               "gc %*d bytes: start=%lf trigger=%*f peak=%lf marked=%lf goal=%lf stacks=%lf "
               "globals=%lf",
               &cycle.start_bytes, &cycle.peak_bytes, &cycle.marked_bytes, &cycle.goal_bytes,
               &cycle.stack_bytes, &cycle.globals_bytes) != 6 ||
        !is_sane(&cycle))
        return;
    const char *others = strstr(text, " arenas=");
    if (others)
        sscanf(others, " arenas=%lf offheap=%lf", &cycle.arena_bytes, &cycle.offheap_bytes);
    if (!is_sane(&cycle))
        return;
    cycle.exact = true;
    trace->cycles[trace->count - 1] = cycle;
}

bool gctrace_take(struct gctrace *trace, const char *text) {
    double work;
    const char *pacer = strstr(text, "pacer: ");
    if (pacer && sscanf(pacer, "pacer: %*d%% CPU (%*d exp.) for %lf+", &work) == 1 && work > 0 &&
        work < 1e16)
        trace->work_bytes = work;
    text = strstr(text, "gc ");
    struct gctrace_cycle cycle;
    int at = 0;
    if (!text)
        return true;
    if (parse_cycle(text, &cycle)) {
        cycle.work_bytes = trace->work_bytes;
        trace->work_bytes = 0;
        add_cycle(trace, &cycle);
    } else if (strstr(text, " bytes: start=")) {
        take_bytes(trace, text);
    } else if (sscanf(text, "gc %*d @%n", &at) == 0 && at > 0) {
        return false;
    }
    return true;
}

void gctrace_read(struct gctrace *trace, const char *path) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        command_fail("%s: %s", path, strerror(errno));
    char *text = NULL;
    size_t size = 0;
    *trace = (struct gctrace){0};
    for (long line = 1; getline(&text, &size, file) >= 0; line++)
        if (!gctrace_take(trace, text))
            shown_line(stderr, "%s:%ld: a cycle that is not told as by gctrace=1; left out", path,
                       line);
    bool failed = ferror(file);
    free(text);
    if (file != stdin)
        fclose(file);
    if (failed)
        command_fail("%s: could not be read", path);
    if (trace->count == 0)
        command_fail("%s: no cycle in it; run the program with GODEBUG=gctrace=1", path);
}

void gctrace_free(struct gctrace *trace) { free(trace->cycles); }
