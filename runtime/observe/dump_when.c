/* SPDX-License-Identifier: MIT */
/*
 * When files are written. See dump_when.h.
 */
#include "dump_when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../platform/platform.h"

static bool is(const char *text, size_t bytes, const char *word) {
    return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

/* A period; 0: it is none. */
static int64_t period_of(const char *text, size_t bytes) {
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"ms", 1000000},
                 {"s", 1000000000},
                 {"m", INT64_C(60) * 1000000000},
                 {"h", INT64_C(3600) * 1000000000}};
    size_t digits = 0;
    int64_t count = 0;
    while (digits < bytes && digits < 6 && text[digits] >= '0' && text[digits] <= '9')
        count = 10 * count + (text[digits++] - '0');
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (is(text + digits, bytes - digits, units[i].unit))
            return count * units[i].ns;
    return 0;
}

/* Add one WHEN. @return false: it is none. */
static bool add(struct dump_when *when, const char *text, size_t bytes) {
    if (is(text, bytes, "exit"))
        return when->at_exit = true;
    int64_t period_ns = period_of(text, bytes);
    if (period_ns > 0) {
        when->period_ns = period_ns;
        return true;
    }
    int signal = platform_asked_number(text, bytes);
    if (signal < 0 || when->signal_count == DUMP_SIGNALS_MOST)
        return false;
    when->signals[when->signal_count++] = signal;
    return true;
}

bool dump_when_read(struct dump_when *when, const char *text) {
    size_t end = strlen(text);
    bool any = false;
    *when = (struct dump_when){0};
    for (;;) {
        size_t at = end;
        while (at > 0 && text[at - 1] != '@')
            at--;
        if (at == 0 || !add(when, text + at, end - at))
            break;
        any = true;
        end = at - 1;
    }
    when->path_bytes = end;
    if (!any && strchr(text, '@'))
        return false;
    when->at_exit |= !any;
    return end > 0;
}

void dump_path(char path[DUMP_PATH_BYTES], const char *name, uint64_t number) {
    size_t length = 0;
    while (*name && length < DUMP_PATH_BYTES - 1) {
        if (name[0] != '%' || name[1] != 'n') {
            path[length++] = *name++;
            continue;
        }
        int digits =
            snprintf(path + length, DUMP_PATH_BYTES - length, "%llu", (unsigned long long)number);
        length += (size_t)digits < DUMP_PATH_BYTES - length ? (size_t)digits
                                                            : DUMP_PATH_BYTES - 1 - length;
        name += 2;
    }
    path[length] = '\0';
}
