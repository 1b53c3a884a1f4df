/* SPDX-License-Identifier: MIT */
/*
 * Why a public function failed, as a line for the caller who gave room for it.
 */
#ifndef GAIT_ERROR_H
#define GAIT_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/** Write the line, as printf does; what has no room is cut off. error may be NULL: nothing. */
void error_say(char *error, size_t error_bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void error_say_list(char *error, size_t error_bytes, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
