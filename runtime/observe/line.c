/* SPDX-License-Identifier: MIT */
/*
 * Lines of output. See line.h.
 */
#include "line.h"

#include <math.h>
#include <stdarg.h>

#include "../platform/platform.h"

/* How long line_write waits for room. */
#define ROOM_WAIT_NS 1000000000
#define NS_PER_MS 1000000u
#define NS_PER_US 1000u

void line_add(struct line *line, const char *format, ...) {
    size_t room = sizeof line->text - line->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length < room ? (size_t)length : room - 1;
}

void line_add_ms(struct line *line, int64_t ns) {
    uint64_t time_ns = ns > 0 ? (uint64_t)ns : 0;
    if (time_ns >= 10 * NS_PER_MS) {
        line_add(line, "%llu", (unsigned long long)(time_ns / NS_PER_MS));
        return;
    }
    unsigned us = (unsigned)(time_ns / NS_PER_US), unit = 1, decimals = 3;
    if (us == 0) {
        line_add(line, "0");
        return;
    }
    for (; us / unit >= 100; decimals--)
        unit *= 10;
    line_add(line, "%u.%0*u", us / 1000, (int)decimals, us % 1000 / unit);
}

void line_add_double(struct line *line, double value) {
    if (isnan(value)) {
        line_add(line, "NaN");
        return;
    }
    const char *sign = signbit(value) ? "-" : "+";
    if (isinf(value)) {
        line_add(line, "%sInf", sign);
        return;
    }
    value = fabs(value);
    int exponent = value > 0 ? (int)floor(log10(value)) : 0;
    /* in two steps: 10^-exponent alone overflows for the smallest numbers */
    double scaled = value / pow(10, exponent / 2) / pow(10, exponent - exponent / 2);
    long long millionths = llround(scaled * 1e6);
    if (millionths >= 10000000) { /* 9.9999996 */
        exponent++;
        millionths /= 10;
    }
    line_add(line, "%s%lld.%06llde%+04d", sign, millionths / 1000000, millionths % 1000000,
             exponent);
}

void line_add_text(struct line *line, const char *text) {
    for (char before = 0; *text; before = *text++) {
        if (platform_steers(before, *text))
            line_add(line, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            line_add(line, "%c", *text);
    }
}

void line_end(struct line *line) {
    if (line->length == sizeof line->text - 1)
        line->length--; /* for the newline */
    line->text[line->length++] = '\n';
}

void line_write(struct line *line, FILE *log) {
    line_end(line);
    int descriptor = platform_stream_is_file(log) ? platform_stream_open(log) : -1;
    if (descriptor >= 0) {
        platform_file_write_all(descriptor, line->text, line->length, ROOM_WAIT_NS);
        platform_file_close(descriptor);
    } else {
        (void)!fwrite(line->text, 1, line->length, log);
        fflush(log);
    }
    line->length = 0;
}
