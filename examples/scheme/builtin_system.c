/* SPDX-License-Identifier: MIT */
/*
 * The process: exit, command line, clocks, uncaught errors; and the collector, for programs that
 * ask about it.
 */
#include "builtin.h"
#include "escape.h"
#include "number.h"
#include "port.h"
#include "utf8.h"

#include <gait/stats.h>
#include <stdio.h>
#include <time.h>

#define REPORT_CHARS 128 /* at first */

extern char **environ;

/* ---- Leaving ------------------------------------------------------------------------------- */

/* (%exit status): winders have been run. */
BUILTIN(exit_) {
    vm->halted = true;
    vm->status = !count || a[0] == TRUE ? 0
                 : is_fixnum(a[0])      ? (int)(fixnum_value(a[0]) & 0xff)
                                        : 1;
    return RAISED;
}

/* Without the winders, but not without what was written. */
BUILTIN(emergency_exit) {
    exit_(vm, count, a);
    bool written = file_finish_all(vm);
    _Exit(vm->status || written ? vm->status : 1);
}

static void report_text(struct vm *vm, value port, value v) {
    print_value(vm, port, v, is_string(v) ? PRINT_DISPLAY : PRINT_WRITE);
}

/* FILE:LINE: message irritant … to a string port. */
static void report(struct vm *vm, value port, value v) {
    unsigned line;
    value file = control_location(vm, &line);
    bool condition = has_type(v, TYPE_CONDITION);
    bool located = condition && length_of(v) & CONDITION_LOCATED;
    port_write_text(vm, port, PROGRAM_NAME ": ");
    if (is_string(file) && !located) {
        char text[32];
        print_value(vm, port, file, PRINT_DISPLAY);
        snprintf(text, sizeof text, ":%u: ", line);
        port_write_text(vm, port, text);
    }
    if (condition) {
        report_text(vm, port, condition_of(v)->message);
        for (value rest = condition_of(v)->irritants; is_pair(rest); rest = cdr(rest)) {
            port_write_char(vm, port, ' ');
            print_value(vm, port, car(rest), PRINT_WRITE);
        }
    } else {
        port_write_text(vm, port, "uncaught exception: ");
        print_value(vm, port, v, PRINT_WRITE);
    }
    port_write_char(vm, port, '\n');
}

/* Write a text to the current error port, if that is a file which takes it. */
static bool write_to_error_port(struct vm *vm, value text) {
    value port = parameter_of(vm->error)->content;
    if (!port_is(port, PORT_OUTPUT | PORT_OPEN) || port_is(port, PORT_BINARY) ||
        !port_of(port)->file)
        return false;
    port_write_string(vm, port, text, 0, length_of(text));
    file_flush(vm, port_of(port)->file);
    if (!port_failed(port))
        return true;
    char told[FILE_TELL_BYTES];
    port_tell(port, told); /* it would be told after what is told now */
    return false;
}

/* (%report condition): one line that begins with the program's name, since in a pipeline
 * one sees whose it is. When it can't be written anywhere, the status still says so. */
BUILTIN(report_) {
    file_flush_all(vm);
    value live[2] = {make_string(vm, REPORT_CHARS, 0), 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = port_open_buffer(vm, live[0], PORT_OUTPUT);
    report(vm, live[1], a[0]);
    live[0] = port_contents(vm, live[1]);
    if (!write_to_error_port(vm, live[0])) {
        char *text = string_utf8(live[0], NULL);
        fputs(text, stderr);
        free(text);
    }
    gait_pop_frame(vm->mutator);
    if (vm->interactive && !vm->console_lost)
        return UNSPECIFIED;
    vm->halted = true;
    vm->status = 1;
    return RAISED;
}

/* An error that no handler took, not even the prompt's. */
BUILTIN(uncaught) {
    vm->abandoned = report_(vm, count, a) != RAISED;
    return RAISED;
}

/* ---- The prompt ---------------------------------------------------------------------------- */

BUILTIN(drop_input) {
    NEED(is_port, "%drop-input!", "port", a[0]);
    port_drop_input(a[0]);
    return UNSPECIFIED;
}

/* (%more-input? port): of the line that was typed. */
BUILTIN(more_input) {
    NEED(is_port, "%more-input?", "port", a[0]);
    return boolean(port_skip_blank(vm, a[0]));
}

BUILTIN(catch_interrupts) {
    interrupt_init();
    return UNSPECIFIED;
}

/* ---- The process --------------------------------------------------------------------------- */

BUILTIN(command_line) { return vm->command_line; }

/* A text of the environment. @return RAISED when it is no UTF-8. */
static value environment_text(struct vm *vm, const char *who, const char *text, size_t bytes,
                              const char *variable) {
    size_t bad;
    if (utf8_count(text, bytes, &bad))
        return make_string_utf8(vm, text, bytes);
    value name = make_string_utf8(vm, variable, strcspn(variable, "="));
    return raise_error(vm, who, "not UTF-8 at byte:", 2, fixnum((int64_t)bad), name);
}

BUILTIN(get_environment_variable) {
    NEED(is_string, "get-environment-variable", "string", a[0]);
    size_t bytes;
    char *name = string_utf8(a[0], &bytes);
    const char *content = strlen(name) == bytes ? getenv(name) : NULL;
    value result = FALSE;
    if (content)
        result = environment_text(vm, "get-environment-variable", content, strlen(content), name);
    free(name);
    return result;
}

BUILTIN(get_environment_variables) {
    static const char who[] = "get-environment-variables";
    value live[3] = {NIL, 0, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    for (char **entry = environ; *entry; entry++) {
        const char *mark = strchr(*entry, '=');
        if (!mark)
            continue;
        live[1] = environment_text(vm, who, *entry, (size_t)(mark - *entry), *entry);
        live[2] = live[1];
        if (live[1] != RAISED)
            live[2] = environment_text(vm, who, mark + 1, strlen(mark + 1), *entry);
        if (live[2] == RAISED) {
            live[0] = RAISED;
            break;
        }
        live[1] = cons(vm, live[1], live[2]);
        live[0] = cons(vm, live[1], live[0]);
    }
    gait_pop_frame(vm->mutator);
    return live[0];
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

BUILTIN(current_second) { return make_flonum(vm, (double)clock_ns(CLOCK_REALTIME) / 1e9); }

BUILTIN(current_jiffy) { return fixnum(clock_ns(CLOCK_MONOTONIC)); }

BUILTIN(jiffies_per_second) { return fixnum(1000000000); }

BUILTIN(runtime) { return make_flonum(vm, (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9); }

BUILTIN(features_) {
    value live[1] = {NIL};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    for (const char *const *feature = features; *feature; feature++)
        live[0] = cons(vm, intern_text(vm, *feature), live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

/* ---- The collector ------------------------------------------------------------------------- */

BUILTIN(gc) {
    gait_collect(vm->mutator);
    while (gait_run_finalizers(vm->mutator, 64))
        ;
    return port_lost(vm, UNSPECIFIED);
}

/* (gc-statistic "cycles"): a figure of gait_read_stats by its name. */
BUILTIN(gc_statistic) {
    if (!is_string(a[0]))
        return raise_type(vm, "gc-statistic", "string", a[0]);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(vm->heap, &stats);
    static const struct {
        const char *name;
        size_t offset;
    } figures[] = {
#define FIGURE(name, text) {#name, offsetof(gait_stats, name)},
        GAIT_STATS(FIGURE)
#undef FIGURE
    };
    char *name = string_utf8(a[0], NULL);
    value result = FALSE;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!strcmp(name, figures[i].name))
            result = integer_from_int64(
                vm, (int64_t) * (const uint64_t *)((const char *)&stats + figures[i].offset));
    free(name);
    return result;
}

BUILTIN(symbol_count) { return fixnum((int64_t)vm->symbol_count); }

void builtin_system_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"%exit", exit_, 0, 1},
        {"emergency-exit", emergency_exit, 0, 1},
        {"%report", report_, 1, 1},
        {"%uncaught", uncaught, 1, 1},
        {"%drop-input!", drop_input, 1, 1},
        {"%more-input?", more_input, 1, 1},
        {"%catch-interrupts!", catch_interrupts, 0, 0},
        {"command-line", command_line, 0, 0},
        {"get-environment-variable", get_environment_variable, 1, 1},
        {"get-environment-variables", get_environment_variables, 0, 0},
        {"current-second", current_second, 0, 0},
        {"current-jiffy", current_jiffy, 0, 0},
        {"jiffies-per-second", jiffies_per_second, 0, 0},
        {"runtime", runtime, 0, 0},
        {"features", features_, 0, 0},
        {"gc", gc, 0, 0},
        {"gc-statistic", gc_statistic, 1, 1},
        {"symbol-count", symbol_count, 0, 0},
    };
    DEFINE_BUILTINS(vm, entries);
}
