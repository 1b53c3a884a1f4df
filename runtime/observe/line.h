/* SPDX-License-Identifier: MIT */
/*
 * A line of output that is put together first and written at once. What does not fit is cut off.
 * Numbers look as Go prints them, whatever the program's locale.
 */
#ifndef GAIT_LINE_H
#define GAIT_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct line {
    char text[512];
    size_t length;
};

/** Add text as printf does; no conversion of floating point, which a locale would change. */
void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Add a time in milliseconds: whole from 10 ms on, else two digits and at most three decimals. */
void line_add_ms(struct line *line, int64_t ns);

/** Add a number as +d.dddddde+ddd. */
void line_add_double(struct line *line, double value);

/** Add text of others, such as a path: control characters as \x1b. */
void line_add_text(struct line *line, const char *text);

/** Add the newline, for which there always is room. */
void line_end(struct line *line);

/** Write the line at once, with a newline, in one piece: to the stream's file, past its buffer.
 * Waits for room, at most a second. Failure is nobody's business. */
void line_write(struct line *line, FILE *log);

#endif
