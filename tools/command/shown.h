/* SPDX-License-Identifier: MIT */
/**
 * Text of files and arguments on the screen. Titles, cells and paths are somebody's; a terminal
 * obeys control characters. So all text that is not the command's own is printed by these.
 */
#ifndef COMMAND_SHOWN_H
#define COMMAND_SHOWN_H

#include <stdarg.h>
#include <stdio.h>

/** Print text with what would steer a terminal as \x1b: control characters of ASCII, and those of
 * ISO 6429 above it, alone or in UTF-8. */
void shown_put(FILE *file, const char *text);

/** Print a line so, with a newline that stays one. */
void shown_line(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
void shown_vline(FILE *file, const char *format, va_list arguments);

#endif
