/* SPDX-License-Identifier: MIT */
/*
 * Tells apart the processes that wrote into one log. See gctrace_processes.h.
 *
 * A process counts its cycles from 1, and tells when each began since it was started: both only
 * grow. So cycles are put together in two steps:
 *   1. Runs: a cycle goes behind the one whose number is the one before, whose time is no later,
 *      and which the same source wrote. Where several are such, as of two processes started at the
 *      same time, sizes decide: the heap begins no smaller than what was marked, and the goal
 *      follows it.
 *   2. Processes: a run goes behind one that ended with a smaller number and time, further up in
 *      the log. Between them lines are lost.
 * Sources are what loggers put before a line: a pid, a host, a container. They are gone by only if
 * they tell something: not where nearly each line has another one.
 */
#include "gctrace_processes.h"

#include "command.h"
#include "gctrace_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Runs that a cycle may belong to: as many as processes write at the same time. Guess. */
#define MOST_OPEN_RUNS 256
/** Digits of a number that is the time of day in seconds, rather than a pid. */
#define DIGITS_OF_A_TIME 9
/** Starts are told in ms. */
#define ROUNDED_S 0.002
#define NO_RUN SIZE_MAX

/* ---- Sources ------------------------------------------------------------ */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/** Digits, and what stands between those of a time or an address. */
static size_t figures_length(const char *text, const char *end) {
    size_t length = 0;
    while (text + length < end && text[length] &&
           (is_digit(text[length]) || strchr(".-:/TZ+,", text[length])))
        length++;
    return length;
}

/** Are these the figures of a time or a date? Such have colons, slashes, two dashes, one or two
 * points or many digits: 20:13:15, 2026-01-31T20:13:15.5Z, 1769890395.5; not addresses. */
static bool is_time(const char *text, size_t length) {
    size_t points = 0, dashes = 0, marks = 0;
    for (size_t i = 0; i < length; i++) {
        points += text[i] == '.';
        dashes += text[i] == '-';
        marks += text[i] == ':' || text[i] == '/' || text[i] == 'T';
    }
    return points < 3 && (marks > 0 || dashes >= 2 || points > 0 || length >= DIGITS_OF_A_TIME);
}

uint64_t gctrace_source(const char *before, size_t length) {
    const char *end = before + length;
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const char *at = before; at < end;) {
        size_t taken = is_digit(*at) ? figures_length(at, end) : 1;
        bool tells = !(is_digit(*at) && is_time(at, taken));
        for (size_t i = 0; tells && i < taken; i++)
            if (at[i] > ' ' && at[i] < 0x7f)
                hash = (hash ^ (unsigned char)at[i]) * UINT64_C(0x100000001b3);
        at += taken;
    }
    return hash;
}

static int compare_sources(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/** Do sources tell processes apart? Half of the lines have one that an earlier line had. */
static bool sources_tell(const struct gctrace *trace) {
    uint64_t *sources = command_allocate(trace->count, sizeof(*sources));
    size_t different = 0;
    for (size_t i = 0; i < trace->count; i++)
        sources[i] = trace->cycles[i].source;
    qsort(sources, trace->count, sizeof(*sources), compare_sources);
    for (size_t i = 0; i < trace->count; i++)
        different += i == 0 || sources[i] != sources[i - 1];
    free(sources);
    return different * 2 <= trace->count;
}

/* ---- Runs --------------------------------------------------------------- */

/** Cycles with numbers that follow each other, and later all of a process. */
struct run {
    size_t first, last, before_last; /* cycles; the last two may be the same */
    size_t count;
    size_t next; /* run of the same process; NO_RUN: none */
    size_t tail; /* its last run, if this is its first */
    bool is_joined;
};

struct runs {
    struct run *runs;
    size_t count, room;
    size_t *next; /* of each cycle: the next of its run */
};

/** How far apart two figures are, neither of which is 0, as a factor's logarithm. */
static double apart(double a, double b) { return fabs(log((a + 1) / (b + 1))); }

/** How badly a cycle goes with the end of a run: 1 is very badly. Goals change little from one
 * cycle to the next, and follow what was marked as they did before, or as the default has it. The
 * weights are guesses. */
static double misfit(const struct gctrace_cycle *cycles, const struct run *run,
                     const struct gctrace_cycle *cycle) {
    const struct gctrace_cycle *last = &cycles[run->last], *before = &cycles[run->before_last];
    double misfit = fabs((double)cycle->percent - last->percent) / 10;
    misfit += cycle->procs != last->procs;
    misfit += apart(cycle->globals_bytes + GCTRACE_MIB, last->globals_bytes + GCTRACE_MIB);
    if (cycle->start_bytes < last->marked_bytes)
        misfit += 1 + apart(cycle->start_bytes, last->marked_bytes);
    if (isinf(cycle->goal_bytes) || isinf(last->goal_bytes))
        return misfit + (isinf(cycle->goal_bytes) != isinf(last->goal_bytes));
    double follows = run->count > 1 ? (last->goal_bytes + 1) / (before->marked_bytes + 1) : 2;
    misfit += apart(cycle->goal_bytes, last->goal_bytes) / 3;
    misfit += apart(cycle->goal_bytes, last->marked_bytes * follows) / (run->count > 1 ? 1 : 3);
    return misfit;
}

static bool is_same(const struct gctrace_cycle *a, const struct gctrace_cycle *b) {
    return a->number == b->number && a->start_s == b->start_s && a->before_s == b->before_s &&
           a->mark_s == b->mark_s && a->after_s == b->after_s &&
           a->assist_cpu_s == b->assist_cpu_s && a->background_cpu_s == b->background_cpu_s &&
           a->peak_bytes == b->peak_bytes && a->marked_bytes == b->marked_bytes;
}

/** Put a cycle behind the run that it follows, or begin one. @return false: it was told before */
static bool add_to_run(struct runs *runs, const struct gctrace_cycle *cycles, size_t index,
                       bool by_source) {
    const struct gctrace_cycle *cycle = &cycles[index];
    size_t best = NO_RUN, oldest = runs->count < MOST_OPEN_RUNS ? 0 : runs->count - MOST_OPEN_RUNS;
    double least = INFINITY;
    bool is_told = false;
    for (size_t i = runs->count; i-- > oldest;) {
        const struct gctrace_cycle *last = &cycles[runs->runs[i].last];
        if (by_source && last->source != cycle->source)
            continue;
        is_told |= is_same(last, cycle);
        if (last->number + 1 != cycle->number || last->start_s > cycle->start_s)
            continue;
        double found = misfit(cycles, &runs->runs[i], cycle);
        if (found < least) {
            least = found;
            best = i;
        }
    }
    runs->next[index] = NO_RUN;
    if (best != NO_RUN) {
        struct run *run = &runs->runs[best];
        runs->next[run->last] = index;
        run->before_last = run->last;
        run->last = index;
        run->count++;
        return true;
    }
    if (is_told)
        return false;
    if (runs->count == runs->room) {
        runs->room = runs->room * 2 + 16;
        runs->runs = command_grow(runs->runs, runs->room, sizeof(*runs->runs));
    }
    runs->runs[runs->count++] = (struct run){
        .first = index, .last = index, .before_last = index, .count = 1, .next = NO_RUN};
    return true;
}

/* ---- Processes ---------------------------------------------------------- */

/** May this run go on a process? One number after the other, it may have come late; or between
 * them lines are lost. */
static bool follows(const struct gctrace_cycle *end, const struct gctrace_cycle *start,
                    bool by_source) {
    bool is_source = !by_source || end->source == start->source;
    bool is_next = end->number + 1 == start->number;
    if (start->number <= end->number || start->start_s < end->start_s + end->mark_s - ROUNDED_S)
        return false;
    return is_source ? is_next || start->line > end->line : is_next && start->line > end->line;
}

/** Join runs to processes: each goes behind the nearest that it may. @return how many there are */
static size_t join_runs(struct runs *runs, const struct gctrace_cycle *cycles, bool by_source) {
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        struct run *run = &runs->runs[i];
        const struct gctrace_cycle *start = &cycles[run->first];
        size_t best = NO_RUN, oldest = i < MOST_OPEN_RUNS ? 0 : i - MOST_OPEN_RUNS;
        int64_t nearest = INT64_MAX;
        for (size_t j = i; j-- > oldest;) {
            if (runs->runs[j].is_joined)
                continue;
            const struct gctrace_cycle *end = &cycles[runs->runs[runs->runs[j].tail].last];
            if (follows(end, start, by_source) && start->number - end->number < nearest) {
                nearest = start->number - end->number;
                best = j;
            }
        }
        run->tail = i;
        if (best == NO_RUN) {
            count++;
            continue;
        }
        struct run *first = &runs->runs[best];
        runs->runs[first->tail].next = i;
        runs->next[runs->runs[first->tail].last] = run->first;
        first->tail = i;
        first->count += run->count;
        run->is_joined = true;
    }
    return count;
}

static struct gctrace_process
process_of(const struct runs *runs, const struct gctrace_cycle *cycles, const struct run *run) {
    struct gctrace_process process = {.count = run->count,
                                      .first_number = cycles[run->first].number,
                                      .first_line = cycles[run->first].line};
    for (size_t i = run->first; i != NO_RUN; i = runs->next[i]) {
        process.last_number = cycles[i].number;
        if (process.last_line < cycles[i].line)
            process.last_line = cycles[i].line;
    }
    return process;
}

/** Leave the cycles of one process, in their order. */
static void keep(struct gctrace *trace, const struct runs *runs, size_t first) {
    struct gctrace_cycle *kept = command_allocate(trace->count, sizeof(*kept));
    size_t count = 0;
    for (size_t i = first; i != NO_RUN; i = runs->next[i])
        kept[count++] = trace->cycles[i];
    free(trace->cycles);
    trace->cycles = kept;
    trace->room = trace->count;
    trace->count = count;
}

bool gctrace_choose(struct gctrace *trace, size_t process) {
    bool by_source = sources_tell(trace);
    struct runs runs = {.next = command_allocate(trace->count, sizeof(*runs.next))};
    for (size_t i = 0; i < trace->count; i++)
        trace->repeated += !add_to_run(&runs, trace->cycles, i, by_source);
    size_t count = join_runs(&runs, trace->cycles, by_source), most = 0, first = NO_RUN;
    trace->processes = command_allocate(count, sizeof(*trace->processes));
    for (size_t i = 0; i < runs.count; i++) {
        if (runs.runs[i].is_joined)
            continue;
        trace->processes[trace->process_count++] = process_of(&runs, trace->cycles, &runs.runs[i]);
        if (process == 0 ? runs.runs[i].count > most : trace->process_count == process) {
            most = runs.runs[i].count;
            first = runs.runs[i].first;
            trace->process = trace->process_count - 1;
        }
    }
    if (first != NO_RUN)
        keep(trace, &runs, first);
    free(runs.runs);
    free(runs.next);
    return first != NO_RUN;
}
