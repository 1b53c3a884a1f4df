/* SPDX-License-Identifier: MIT */
/*
 * Reads a log: bytes into lines, lines into cycles. See gctrace.h.
 *
 * NULs are left out: so a log in UTF-16 reads like one in ASCII, as PowerShell's redirections write
 * them, and one that was cut to nothing under its writer like one that begins there. So are escape
 * sequences of terminals. A line that ends within a cycle may have been wrapped: it is tried with
 * the next one behind it.
 */
#include "gctrace.h"

#include "command.h"
#include "gctrace_line.h"
#include "gctrace_processes.h"

#include <stdlib.h>
#include <string.h>

/** A wrapped line is put together from no more text than this: no cycle's line is as long. */
#define MOST_OPEN_BYTES 1024
/** Exact sizes stand behind a cycle's line; so many cycles of others may stand between. */
#define MOST_BETWEEN 64

static void skip(struct gctrace *trace, long line) {
    if (trace->skipped++ == 0)
        trace->first_skipped = line;
}

/** Leave out what colours text: ESC [ parameters letter. */
static void leave_out_escapes(char *text) {
    char *to = text;
    for (const char *from = text; *from;) {
        if (from[0] == '\033' && from[1] == '[') {
            from += 2;
            while ((*from >= '0' && *from <= '9') || *from == ';' || *from == '?')
                from++;
            if (*from)
                from++;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static void leave_out_end(char *text) {
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\r' || text[length - 1] == ' '))
        text[--length] = '\0';
}

/* ---- Cycles ------------------------------------------------------------- */

static bool is_same_mb(double a, double b) {
    return (uint64_t)(a / GCTRACE_MIB) == (uint64_t)(b / GCTRACE_MIB);
}

static void add_cycle(struct gctrace *trace, struct gctrace_cycle cycle, const char *before,
                      size_t before_length, long line) {
    cycle.line = line;
    cycle.source = gctrace_source(before, before_length);
    if (is_same_mb(trace->reader.work_start_bytes, cycle.start_bytes) &&
        is_same_mb(trace->reader.work_peak_bytes, cycle.peak_bytes))
        cycle.work_bytes = trace->reader.work_bytes;
    trace->reader.work_bytes = 0;
    if (trace->count == trace->room) {
        trace->room = trace->room * 2 + 64;
        trace->cycles = command_grow(trace->cycles, trace->room, sizeof(*trace->cycles));
    }
    trace->cycles[trace->count++] = cycle;
}

/** Exact sizes, of the cycle before that they fit. */
static void take_bytes(struct gctrace *trace, const char *text) {
    struct gctrace_cycle exact = {.procs = 1};
    if (!gctrace_line_bytes(text, &exact) || !gctrace_line_is_sane(&exact)) {
        skip(trace, trace->lines);
        return;
    }
    for (size_t back = 1; back <= trace->count && back <= MOST_BETWEEN; back++) {
        struct gctrace_cycle *cycle = &trace->cycles[trace->count - back];
        if (cycle->exact || cycle->number != exact.number ||
            !is_same_mb(cycle->start_bytes, exact.start_bytes) ||
            !is_same_mb(cycle->peak_bytes, exact.peak_bytes) ||
            !is_same_mb(cycle->marked_bytes, exact.marked_bytes))
            continue;
        cycle->start_bytes = exact.start_bytes;
        cycle->peak_bytes = exact.peak_bytes;
        cycle->estimate_bytes = exact.estimate_bytes;
        cycle->by_floor = exact.by_floor;
        cycle->marked_bytes = exact.marked_bytes;
        cycle->goal_bytes = exact.goal_bytes;
        cycle->stack_bytes = exact.stack_bytes;
        cycle->globals_bytes = exact.globals_bytes;
        if (exact.arena_bytes > 0 || exact.offheap_bytes > 0) {
            cycle->arena_bytes = exact.arena_bytes;
            cycle->offheap_bytes = exact.offheap_bytes;
        }
        cycle->exact = true;
        return;
    }
}

/* ---- Lines -------------------------------------------------------------- */

static void forget_open(struct gctrace *trace) {
    free(trace->reader.open);
    trace->reader.open = NULL;
}

/** Keep a line that may go on. */
static void keep_open(struct gctrace *trace, const char *text, long line) {
    forget_open(trace);
    trace->reader.open = command_allocate(strlen(text) + 1, 1);
    strcpy(trace->reader.open, text);
    trace->reader.open_line = line;
}

/** Take all cycles of a text that begins at `text`, and what else is told there. */
static void take_cycles(struct gctrace *trace, const char *text, long line) {
    struct gctrace_cycle cycle;
    bool broken = false;
    const char *first = gctrace_line_start(text), *start = text, *end;
    while ((start = gctrace_line_start(start))) {
        switch (gctrace_line_cycle(start, &cycle, &end)) {
        case GCTRACE_WHOLE:
            add_cycle(trace, cycle, text, (size_t)(first - text), line);
            break;
        case GCTRACE_ENDS:
            if (start == first && strlen(text) < MOST_OPEN_BYTES)
                keep_open(trace, text, line);
            else
                broken = true;
            break;
        case GCTRACE_OTHER:
            broken = true;
            break;
        }
        start = end;
    }
    if (broken)
        skip(trace, line);
}

/** Put an open line and this one together. @return whether that makes a cycle, or the next part of
 * one: then the line is taken. */
static bool take_rest(struct gctrace *trace, const char *text) {
    static const char *const between[] = {"", " "};
    for (size_t i = 0; i < sizeof(between) / sizeof(*between); i++) {
        struct gctrace_cycle cycle;
        const char *end;
        char *whole = command_allocate(strlen(trace->reader.open) + strlen(text) + 2, 1);
        strcpy(whole, trace->reader.open);
        strcat(whole, between[i]);
        strcat(whole, text);
        const char *start = gctrace_line_start(whole);
        enum gctrace_told told = gctrace_line_cycle(start, &cycle, &end);
        bool is_rest = told == GCTRACE_WHOLE || (told == GCTRACE_ENDS && *text);
        if (is_rest) {
            forget_open(trace);
            take_cycles(trace, whole, trace->reader.open_line);
        }
        free(whole);
        if (is_rest)
            return true;
    }
    return false;
}

static void take_line(struct gctrace *trace, char *text) {
    struct gctrace_work work;
    int64_t lost;
    trace->lines++;
    leave_out_escapes(text);
    leave_out_end(text);
    if (trace->reader.open) {
        if (take_rest(trace, text))
            return;
        skip(trace, trace->reader.open_line);
        forget_open(trace);
    }
    if (gctrace_line_start(text)) {
        take_cycles(trace, text, trace->lines);
    } else if (gctrace_line_is_bytes(text)) {
        take_bytes(trace, text);
    } else if (gctrace_line_work(text, &work)) {
        trace->reader.work_bytes = work.bytes;
        trace->reader.work_start_bytes = work.start_bytes;
        trace->reader.work_peak_bytes = work.peak_bytes;
    } else if (gctrace_line_lost(text, &lost)) {
        trace->lost += lost < INT32_MAX ? lost : INT32_MAX;
    } else if (gctrace_line_is_tail(text)) {
        skip(trace, trace->lines);
    } else if (gctrace_line_is_old(text)) {
        trace->is_old = true;
    }
}

/** Put what stands between two line ends behind the line so far. */
static void add_text(struct gctrace *trace, const char *bytes, size_t size) {
    if (trace->reader.room - trace->reader.size <= size) {
        trace->reader.room = (trace->reader.size + size) * 2 + 256;
        trace->reader.text = command_grow(trace->reader.text, trace->reader.room, 1);
    }
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            trace->reader.text[trace->reader.size++] = bytes[i];
    trace->reader.text[trace->reader.size] = '\0';
}

void gctrace_feed(struct gctrace *trace, const char *bytes, size_t size) {
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline ? (size_t)(newline - bytes) : size;
        add_text(trace, bytes, length);
        if (!newline)
            return;
        take_line(trace, trace->reader.text);
        trace->reader.size = 0;
        bytes = newline + 1;
        size -= length + 1;
    }
}

bool gctrace_end(struct gctrace *trace, size_t process) {
    if (trace->reader.size > 0)
        take_line(trace, trace->reader.text);
    trace->reader.size = 0;
    if (trace->reader.open)
        skip(trace, trace->reader.open_line);
    forget_open(trace);
    return trace->count > 0 && gctrace_choose(trace, process);
}

void gctrace_free(struct gctrace *trace) {
    forget_open(trace);
    free(trace->reader.text);
    free(trace->cycles);
    free(trace->processes);
}
