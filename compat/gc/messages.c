/* SPDX-License-Identifier: MIT */
/*
 * What the library says, and to whom: the program's functions for warnings and for the end, a
 * descriptor for reports.
 */
#include "compat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Set before threads are started, or by who knows what it does: as in libgc they have no lock. */
static int log_descriptor = STDERR_FILENO;
static GC_warn_proc warn_proc;
GC_abort_func GC_on_abort;

static void say(const char *format, va_list arguments) {
    char line[500];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0)
        return;
    size_t bytes = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    ssize_t written = write(log_descriptor, line, bytes);
    (void)written; /* nobody is there to be told */
}

void compat_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void compat_without_meaning(const char *call, const char *why) {
    if (compat_tells)
        compat_say("gait-gc: %s: %s\n", call, why);
}

_Noreturn void compat_abort(const char *text) {
    if (GC_on_abort)
        GC_on_abort(text);
    else
        compat_say("gait-gc: %s\n", text);
    abort();
}

static void warn_by_default(char *format, GC_word word) {
    (void)format, (void)word; /* what libgc warns of does not happen here */
}

void GC_set_warn_proc(GC_warn_proc warn) { warn_proc = warn; }
GC_warn_proc GC_get_warn_proc(void) { return warn_proc ? warn_proc : warn_by_default; }
void GC_ignore_warn_proc(char *format, GC_word word) { (void)format, (void)word; }
void GC_set_log_fd(int descriptor) { log_descriptor = descriptor; }

static void abort_by_default(const char *text) {
    if (text)
        compat_say("gait-gc: %s\n", text);
}

void GC_set_abort_func(GC_abort_func run) { GC_on_abort = run; }
GC_abort_func GC_get_abort_func(void) { return GC_on_abort ? GC_on_abort : abort_by_default; }
void GC_abort_on_oom(void) { compat_abort("out of memory"); }

/* ---- What libgc's own parts print with; some programs do, too ---- */

void GC_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void GC_err_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void GC_log_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define SAY()                                                                                      \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        say(format, arguments);                                                                    \
        va_end(arguments);                                                                         \
    } while (0)
void GC_printf(const char *format, ...) { SAY(); }
void GC_err_printf(const char *format, ...) { SAY(); }
void GC_log_printf(const char *format, ...) { SAY(); }
