/* SPDX-License-Identifier: MIT */
/*
 * Names of files that heaps write. See log_name.h.
 */
#include "log_name.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../platform/platform.h"

static void add(char path[LOG_NAME_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(char path[LOG_NAME_BYTES], const char *format, ...) {
    size_t length = strlen(path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + length, LOG_NAME_BYTES - length, format, arguments);
    va_end(arguments);
}

int64_t log_names_next(struct log_names *names, const char *asked, char path[LOG_NAME_BYTES]) {
    int64_t number = (int64_t)AO_fetch_and_add1_full(&names->heaps) + 1;
    unsigned long child = AO_load(&names->child);
    path[0] = '\0';
    /* a folder with a name that is too long, or without one: then it is as it is */
    if (asked[0] != '/' && platform_working_folder(path, OPTIONS_PATH_BYTES))
        add(path, "/");
    add(path, "%s", asked);
    if (child)
        add(path, ".%lu", child);
    if (number > 1)
        add(path, ".%lld", (long long)number);
    return number;
}

void log_names_forked(struct log_names *names) {
    if (AO_load(&names->heaps) == 0 && AO_load(&names->child) == 0)
        return;
    AO_store(&names->heaps, 0);
    AO_store(&names->child, platform_process_id());
}
