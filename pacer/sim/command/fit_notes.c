/* SPDX-License-Identifier: MIT */
/*
 * What a user of a scenario that was fitted should know. See fit_notes.h.
 */
#include "fit_notes.h"

#include "gctrace_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Goals of which so many follow from nothing are worth a word. */
#define MANY_UNEXPLAINED 0.2

__attribute__((format(printf, 2, 3))) static void note(char *text, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, FIT_NOTES_TEXT - length, format, arguments);
    va_end(arguments);
    length = strlen(text);
    if (length < FIT_NOTES_TEXT - 1)
        strcat(text, "\n");
}

static const char *plural(long count) { return count == 1 ? "" : "s"; }

static void note_lines(const struct gctrace *trace, char *text) {
    if (trace->skipped > 0)
        note(text,
             "%ld line%s of cycles skipped, the first being line %ld: cut off, mixed with "
             "other text, or not as gctrace=1 has it",
             trace->skipped, plural(trace->skipped), trace->first_skipped);
    if (trace->repeated > 0)
        note(text, "%ld line%s of cycles skipped that had been told before", trace->repeated,
             plural(trace->repeated));
    if (trace->lost > 0)
        note(text, "the program says that %lld lines were lost: nobody read its log",
             (long long)trace->lost);
    if (trace->is_old)
        note(text, "lines of Go before 1.5 are not read");
}

static void note_processes(const struct gctrace *trace, char *text) {
    size_t others = trace->process_count - 1, named = 0, cycles = 0;
    const struct gctrace_process *taken = &trace->processes[trace->process];
    if (others == 0)
        return;
    note(text,
         "%zu processes or heaps wrote this log: number %zu is taken, with %zu cycles at "
         "lines %ld to %ld",
         trace->process_count, trace->process + 1, taken->count, taken->first_line,
         taken->last_line);
    for (size_t i = 0; i < trace->process_count; i++) {
        const struct gctrace_process *process = &trace->processes[i];
        if (i == trace->process)
            continue;
        if (named++ < FIT_NOTES_PROCESSES)
            note(text, "left out: number %zu, with %zu cycle%s at lines %ld to %ld", i + 1,
                 process->count, plural((long)process->count), process->first_line,
                 process->last_line);
        else
            cycles += process->count;
    }
    if (named > FIT_NOTES_PROCESSES)
        note(text, "left out: %zu more, with %zu cycles", named - FIT_NOTES_PROCESSES, cycles);
}

/** Where the trace begins, and what is missing in it. */
static void note_gaps(const struct gctrace *trace, char *text) {
    const struct gctrace_cycle *first = &trace->cycles[0];
    int64_t lost = 0;
    long line = 0, gaps = 0;
    size_t forced = 0, minor = 0;
    if (first->number > 1)
        note(text, "it begins with cycle %lld, at %.3f s: the scenario begins there",
             (long long)first->number, first->start_s);
    for (size_t i = 0; i < trace->count; i++) {
        const struct gctrace_cycle *cycle = &trace->cycles[i];
        forced += cycle->forced;
        minor += cycle->minor;
        if (i == 0 || cycle->number == cycle[-1].number + 1)
            continue;
        lost += cycle->number - cycle[-1].number - 1;
        if (gaps++ == 0)
            line = cycle->line;
    }
    if (gaps > 0)
        note(text,
             "%lld cycle%s missing, first before line %ld: taken for ones like those around "
             "them",
             (long long)lost, lost == 1 ? " is" : "s are", line);
    if (forced > 0)
        note(text, "the program asked for %zu of its cycles; the scenario has none of these",
             forced);
    if (minor > 0)
        note(text, "%zu of its cycles are minor: what they left marked is taken for live", minor);
}

/** @return whether settings were guessed that somebody may know better */
static bool note_goals(const struct fit_goals *goals, char *text) {
    const struct fit_known *known = &goals->known;
    char gogc[32] = "off";
    bool guessed = true;
    if (known->has_gogc && known->has_limit)
        return false;
    if (goals->gogc != FIT_GOALS_OFF)
        snprintf(gogc, sizeof(gogc), "%.0f", goals->gogc);
    if (goals->limit_goal > 0 && !known->has_limit)
        note(text,
             "a memory limit gave %zu of %zu goals, which it held at %.0f MiB; GOGC is taken "
             "for %s",
             goals->by_limit, goals->count, goals->limit_goal / GCTRACE_MIB, gogc);
    else if (goals->may_be_limit)
        note(text, "GOGC is taken for %s, but a memory limit may have given the same goals", gogc);
    else
        guessed = false;
    if (goals->other_gogc > 0)
        note(text,
             "GOGC seems to have changed: %.0f gave goals of cycles %lld to %lld; it is taken "
             "for %s",
             goals->other_gogc, (long long)goals->other_first, (long long)goals->other_last, gogc);
    else if ((double)goals->unexplained > MANY_UNEXPLAINED * (double)goals->count)
        note(text, "%zu of %zu goals follow neither from GOGC, taken for %s, nor from one limit",
             goals->unexplained, goals->count, gogc);
    else
        return guessed;
    return true;
}

bool fit_notes(const struct gctrace *trace, const struct fit_goals *goals,
               char text[FIT_NOTES_TEXT]) {
    text[0] = '\0';
    note_lines(trace, text);
    if (!goals || trace->count == 0)
        return false;
    note_processes(trace, text);
    note_gaps(trace, text);
    return note_goals(goals, text);
}
