/* SPDX-License-Identifier: MIT */
/*
 * Lines for callers. See error.h.
 */
#include "error.h"

#include <stdio.h>

void error_say_list(char *error, size_t error_bytes, const char *format, va_list arguments) {
    if (error && error_bytes > 0)
        vsnprintf(error, error_bytes, format, arguments);
}

void error_say(char *error, size_t error_bytes, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_say_list(error, error_bytes, format, arguments);
    va_end(arguments);
}
