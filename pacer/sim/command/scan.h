/* SPDX-License-Identifier: MIT */
/**
 * Takes text apart, piece by piece.
 *
 * The rule of all of it: a piece is taken as a whole or not at all. What does not match moves
 * nothing and stores nothing, so that a figure never holds what was read for another one. (sscanf
 * stores each figure before it looks at what follows.) Numbers are digits with at most one point:
 * no sign, exponent, nan, hexadecimal number or space passes for one.
 */
#ifndef COMMAND_SCAN_H
#define COMMAND_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/** Text that is being taken apart; it ends with a NUL. */
struct scan {
    const char *at;
};

/** Take this text, to the last character. */
bool scan_text(struct scan *scan, const char *text);

/** Take a number such as 7 or 0.25; of the forms ".5" and "5." neither is one. */
bool scan_number(struct scan *scan, double *number);

/** Take digits. @return false too where they are 2^63 or more */
bool scan_whole(struct scan *scan, int64_t *number);

/** Take a number and the text behind it. */
bool scan_number_text(struct scan *scan, double *number, const char *text);

#endif
