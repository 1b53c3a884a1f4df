/* SPDX-License-Identifier: MIT */
/*
 * Lines about cycles. See gctrace_line.h; docs/tuning.md has their fields.
 *
 * A cycle is one line, wherever in a line it begins:
 *
 *     gc 7 @1.234s 2%: 0.01+1.2+0.02 ms clock, 0.02+0.1/1.0/0+0.04 ms cpu, 4->4->2 MB, 5 MB goal,
 *         0 MB stacks, 0 MB globals, 2 P (forced)                             (all in one line)
 *
 * What differs:
 *   - Go before 1.18 has no stacks and globals.
 *   - Go 1.5 and 1.6 tell marking in parts, scanning first: more terms between the first and the
 *     last, in the times and in the CPU times.
 *   - Gait adds ", 12 MB arenas, 3 MB off-heap" where a heap has such, and ", 2 MB live, 1.20
 *     float" where that is measured, and settings that Go does not have: ", 64 MB least heap, GOGC
 *     floor 25, no assists, memory high" (which a scenario is not fitted to); " (minor)" where a
 *     cycle left what was marked as it was; with gctrace=2 it
 *     adds "gc 7 bytes: start=..." after the line.
 *   - A logger that writes JSON has ">" as \u003e.
 */
#include "gctrace_line.h"

#include "scan.h"

#include <math.h>
#include <string.h>

#define MS_PER_S 1000.0
/** Terms of a sum of times: Go 1.5 has five. */
#define MOST_TERMS 8
/** Sizes are told in whole MiB, rounded down: half of one more is the best guess. Not for stacks
 * and globals, which are mostly far below one. */
#define HALF_A_MB 0.5
#define MOST_FIGURE 1e16
#define MOST_CPUS 1024
#define MOST_PERCENT 1000

bool gctrace_line_is_sane(const struct gctrace_cycle *cycle) {
    const double values[] = {
        cycle->start_s,      cycle->before_s,      cycle->mark_s,           cycle->after_s,
        cycle->before_cpu_s, cycle->assist_cpu_s,  cycle->background_cpu_s, cycle->idle_cpu_s,
        cycle->after_cpu_s,  cycle->start_bytes,   cycle->peak_bytes,       cycle->marked_bytes,
        cycle->stack_bytes,  cycle->globals_bytes, cycle->arena_bytes,      cycle->offheap_bytes,
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        if (!(values[i] >= 0 && values[i] < MOST_FIGURE)) /* a NaN is not */
            return false;
    return cycle->goal_bytes >= 0 && cycle->procs >= 1 && cycle->procs <= MOST_CPUS &&
           cycle->percent >= 0 && cycle->percent <= MOST_PERCENT;
}

/** Take "gc 7 @" before a digit. */
static bool take_start(struct scan *scan, int64_t *number) {
    struct scan ahead = *scan;
    int64_t value;
    if (!scan_text(&ahead, "gc ") || !scan_whole(&ahead, &value) || !scan_text(&ahead, " @") ||
        !(*ahead.at >= '0' && *ahead.at <= '9'))
        return false;
    *scan = ahead;
    *number = value;
    return true;
}

const char *gctrace_line_start(const char *text) {
    int64_t number;
    for (; (text = strstr(text, "gc ")); text++)
        if (take_start(&(struct scan){text}, &number))
            return text;
    return NULL;
}

/** Take "0.01+1.2+0.02" and what follows. @return how many terms; 0: it is no sum of times */
static int take_sum(struct scan *scan, double terms[MOST_TERMS], const char *unit) {
    int count = 0;
    do {
        if (count == MOST_TERMS || !scan_number(scan, &terms[count]))
            return 0;
        count++;
    } while (scan_text(scan, "+"));
    return scan_text(scan, unit) ? count : 0;
}

static bool take_clock(struct scan *scan, struct gctrace_cycle *cycle) {
    double terms[MOST_TERMS];
    int count = take_sum(scan, terms, " ms clock, ");
    if (count < 3)
        return false;
    cycle->before_s = terms[0] / MS_PER_S;
    cycle->after_s = terms[count - 1] / MS_PER_S;
    for (int i = 1; i < count - 1; i++)
        cycle->mark_s += terms[i] / MS_PER_S;
    return true;
}

/** Take "0.02+0.1/1.0/0+0.04": before marking, by purpose while it went on, after it. Terms that
 * stand between the first and the purposes were the collector's own. */
static bool take_cpu(struct scan *scan, struct gctrace_cycle *cycle) {
    double before[MOST_TERMS], after[MOST_TERMS], background, idle;
    int count = take_sum(scan, before, "/");
    if (count < 2 || !scan_number_text(scan, &background, "/") ||
        !scan_number_text(scan, &idle, "+") || take_sum(scan, after, " ms cpu, ") != 1)
        return false;
    for (int i = 1; i < count - 1; i++)
        background += before[i];
    cycle->before_cpu_s = before[0] / MS_PER_S;
    cycle->assist_cpu_s = before[count - 1] / MS_PER_S;
    cycle->background_cpu_s = background / MS_PER_S;
    cycle->idle_cpu_s = idle / MS_PER_S;
    cycle->after_cpu_s = after[0] / MS_PER_S;
    return true;
}

static bool take_arrow(struct scan *scan) {
    return scan_text(scan, "->") || scan_text(scan, "-\\u003e") || scan_text(scan, "-&gt;");
}

static double whole_mb(double mb) { return (mb + HALF_A_MB) * GCTRACE_MIB; }

/** Without a goal, GOGC being off, the largest number there is stands in its place. */
static double goal_of(double bytes) { return bytes < MOST_FIGURE ? bytes : INFINITY; }

static bool take_sizes(struct scan *scan, struct gctrace_cycle *cycle) {
    double start, peak, marked, goal;
    if (!scan_number(scan, &start) || !take_arrow(scan) || !scan_number(scan, &peak) ||
        !take_arrow(scan) || !scan_number_text(scan, &marked, " MB, ") ||
        !scan_number_text(scan, &goal, " MB goal, "))
        return false;
    cycle->start_bytes = whole_mb(start);
    cycle->peak_bytes = whole_mb(peak);
    cycle->marked_bytes = whole_mb(marked);
    cycle->goal_bytes = goal_of(whole_mb(goal));
    return true;
}

/** Take stacks and globals, if this version tells them: it has both or neither. */
static bool take_roots(struct scan *scan, struct gctrace_cycle *cycle) {
    double stacks, globals;
    if (!scan_number_text(scan, &stacks, " MB stacks, "))
        return true;
    if (!scan_number_text(scan, &globals, " MB globals, "))
        return false;
    cycle->stack_bytes = stacks * GCTRACE_MIB;
    cycle->globals_bytes = globals * GCTRACE_MIB;
    return true;
}

/** Take what Gait adds at the end: ", 12 MB arenas". */
static void take_others(struct scan *scan, struct gctrace_cycle *cycle) {
    for (struct scan ahead = *scan; scan_text(&ahead, ", ");) {
        double mb;
        if (!scan_number_text(&ahead, &mb, " MB "))
            return;
        if (scan_text(&ahead, "arenas"))
            cycle->arena_bytes = whole_mb(mb);
        else if (scan_text(&ahead, "off-heap"))
            cycle->offheap_bytes = whole_mb(mb);
        else if (!scan_text(&ahead, "foreign"))
            return;
        *scan = ahead;
    }
}

static bool take_cycle(struct scan *scan, struct gctrace_cycle *cycle) {
    double percent;
    int64_t procs;
    if (!take_start(scan, &cycle->number) || !scan_number_text(scan, &cycle->start_s, "s ") ||
        !scan_number_text(scan, &percent, "%: ") || !take_clock(scan, cycle) ||
        !take_cpu(scan, cycle) || !take_sizes(scan, cycle) || !take_roots(scan, cycle) ||
        !scan_whole(scan, &procs) || !scan_text(scan, " P"))
        return false;
    cycle->percent = percent <= MOST_PERCENT ? (int)percent : -1;
    cycle->procs = procs <= MOST_CPUS ? (int)procs : -1;
    cycle->forced = scan_text(scan, " (forced)");
    cycle->minor = scan_text(scan, " (minor)");
    take_others(scan, cycle);
    return true;
}

/** Could this be the beginning of a line that goes on? What is left is part of a figure or of a
 * text that stands between figures. */
static bool is_rest(const char *text) {
    static const char *const texts[] = {
        "+",        "/",     "s ",         "%: ",          " ms clock, ",   " ms cpu, ", "->",
        "-\\u003e", " MB, ", " MB goal, ", " MB stacks, ", " MB globals, ", " P"};
    struct scan scan = {text};
    double number;
    scan_number(&scan, &number);
    scan_text(&scan, "."); /* cut within its digits */
    size_t length = strlen(scan.at);
    bool rest = length == 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        rest |= length < strlen(texts[i]) && strncmp(texts[i], scan.at, length) == 0;
    return rest;
}

enum gctrace_told gctrace_line_cycle(const char *text, struct gctrace_cycle *cycle,
                                     const char **end) {
    struct gctrace_cycle told = {0};
    struct scan scan = {text};
    bool whole = take_cycle(&scan, &told);
    *end = scan.at > text ? scan.at : text + 1;
    if (!whole)
        return is_rest(scan.at) ? GCTRACE_ENDS : GCTRACE_OTHER;
    if (!gctrace_line_is_sane(&told))
        return GCTRACE_OTHER;
    *cycle = told;
    return GCTRACE_WHOLE;
}

/* ---- Lines beside a cycle's --------------------------------------------- */

#define BYTES_MARK " bytes: start="

bool gctrace_line_is_bytes(const char *text) { return strstr(text, BYTES_MARK) != NULL; }

bool gctrace_line_bytes(const char *text, struct gctrace_cycle *cycle) {
    struct gctrace_cycle told = *cycle;
    double trigger, foreign, live;
    const char *start = text;
    struct scan scan;
    for (bool found = false; !found; start++) {
        if (!(start = strstr(start, "gc ")))
            return false;
        scan = (struct scan){start};
        found = scan_text(&scan, "gc ") && scan_whole(&scan, &told.number) &&
                scan_text(&scan, BYTES_MARK);
    }
    if (!scan_number_text(&scan, &told.start_bytes, " trigger=") ||
        !scan_number_text(&scan, &trigger, " peak=") ||
        !scan_number_text(&scan, &told.peak_bytes, " marked=") ||
        !scan_number_text(&scan, &told.marked_bytes, " goal=") ||
        !scan_number_text(&scan, &told.goal_bytes, " stacks=") ||
        !scan_number_text(&scan, &told.stack_bytes, " globals=") ||
        !scan_number(&scan, &told.globals_bytes))
        return false;
    if (scan_text(&scan, " arenas=") &&
        (!scan_number_text(&scan, &told.arena_bytes, " offheap=") ||
         !scan_number_text(&scan, &told.offheap_bytes, " foreign=") ||
         !scan_number(&scan, &foreign)))
        return false;
    if ((scan_text(&scan, " live=") && !scan_number(&scan, &live)) ||
        (scan_text(&scan, " estimate=") && !scan_number(&scan, &told.estimate_bytes)))
        return false;
    told.by_floor = scan_text(&scan, " floor=1");
    told.goal_bytes = goal_of(told.goal_bytes);
    told.exact = true;
    *cycle = told;
    return true;
}

bool gctrace_line_is_tail(const char *text) {
    return strstr(text, " MB goal, ") && !gctrace_line_start(text);
}

bool gctrace_line_is_old(const char *text) {
    int64_t number, procs;
    for (; (text = strstr(text, "gc")); text++) {
        struct scan scan = {text};
        if (scan_text(&scan, "gc") && scan_whole(&scan, &number) && scan_text(&scan, "(") &&
            scan_whole(&scan, &procs) && scan_text(&scan, "): "))
            return true;
    }
    return false;
}

bool gctrace_line_lost(const char *text, int64_t *lines) {
    const char *start = strstr(text, "gait: ");
    struct scan scan = {start};
    int64_t count;
    if (!start || !scan_text(&scan, "gait: ") || !scan_whole(&scan, &count) ||
        !scan_text(&scan, " lines lost"))
        return false;
    *lines = count;
    return true;
}

bool gctrace_line_work(const char *text, struct gctrace_work *work) {
    struct gctrace_work told;
    double percent, expected, stacks, globals, before;
    const char *start = strstr(text, "pacer: ");
    if (!start)
        return false;
    struct scan scan = {start};
    if (!scan_text(&scan, "pacer: ") || !scan_number_text(&scan, &percent, "% CPU (") ||
        !scan_number_text(&scan, &expected, " exp.) for ") ||
        !scan_number_text(&scan, &told.bytes, "+") || !scan_number_text(&scan, &stacks, "+") ||
        !scan_number_text(&scan, &globals, " B work (") ||
        !scan_number_text(&scan, &before, " B exp.) in ") ||
        !scan_number_text(&scan, &told.start_bytes, " B ") ||
        !(take_arrow(&scan) && scan_text(&scan, " ")) ||
        !scan_number_text(&scan, &told.peak_bytes, " B "))
        return false;
    if (!(told.bytes > 0 && told.bytes < MOST_FIGURE))
        return false;
    *work = told;
    return true;
}
