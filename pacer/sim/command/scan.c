/* SPDX-License-Identifier: MIT */
/*
 * Takes text apart, piece by piece. See scan.h.
 */
#include "scan.h"

#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool scan_text(struct scan *scan, const char *text) {
    size_t length = strlen(text);
    if (strncmp(scan->at, text, length) != 0)
        return false;
    scan->at += length;
    return true;
}

bool scan_number(struct scan *scan, double *number) {
    const char *end = scan->at;
    double digits = 0, scale = 1;
    for (; is_digit(*end); end++)
        digits = digits * 10 + (*end - '0');
    if (end == scan->at)
        return false;
    if (end[0] == '.' && is_digit(end[1]))
        for (end++; is_digit(*end); end++, scale *= 10)
            digits = digits * 10 + (*end - '0');
    scan->at = end;
    *number = digits / scale; /* to the last bit, up to 15 digits */
    return true;
}

bool scan_whole(struct scan *scan, int64_t *number) {
    int64_t value = 0;
    const char *end = scan->at;
    for (; is_digit(*end); end++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *end - '0', &value))
            return false;
    if (end == scan->at)
        return false;
    scan->at = end;
    *number = value;
    return true;
}

bool scan_number_text(struct scan *scan, double *number, const char *text) {
    struct scan ahead = *scan;
    double value;
    if (!scan_number(&ahead, &value) || !scan_text(&ahead, text))
        return false;
    *scan = ahead;
    *number = value;
    return true;
}
