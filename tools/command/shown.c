/* SPDX-License-Identifier: MIT */
/*
 * Text that a terminal does not obey. See shown.h.
 */
#include "shown.h"

#include <stdbool.h>
#include <stdlib.h>

/** Would this byte steer a terminal? 80 to 9f do alone and after c2, which is their UTF-8; after
 * other bytes above ASCII they are part of a letter. */
static bool steers(unsigned char before, unsigned char byte) {
    return byte < ' ' || byte == 0x7f ||
           (byte >= 0x80 && byte <= 0x9f && (before < 0x80 || before == 0xc2));
}

void shown_put(FILE *file, const char *text) {
    for (unsigned char before = 0; *text; before = (unsigned char)*text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == 0xc2 && steers(byte, (unsigned char)text[1]) && text[1])
            continue; /* told by the next byte */
        if (steers(before, byte))
            fprintf(file, "\\x%02x", byte);
        else
            putc(byte, file);
    }
}

void shown_vline(FILE *file, const char *format, va_list arguments) {
    char *text = NULL;
    if (vasprintf(&text, format, arguments) >= 0)
        shown_put(file, text);
    free(text);
    putc('\n', file);
}

void shown_line(FILE *file, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    shown_vline(file, format, arguments);
    va_end(arguments);
}
