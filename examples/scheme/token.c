/* SPDX-License-Identifier: MIT */
/*
 * The reader's tokens: atoms, quoted text, the names of characters.
 */
#include "read.h"
#include "scratch.h"
#include "utf8.h"

#include <strings.h>

#define TOKEN_FIRST_BYTES 64

bool is_space(int32_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0xfeff;
}

static bool is_delimiter(int32_t c) {
    return c < 0 || is_space(c) || c == '(' || c == ')' || c == '"' || c == ';' || c == '|' ||
           c == '\'';
}

void token_add(struct reader *r, uint32_t c) {
    if (r->token_bytes + UTF8_LONGEST + 1 > r->token_room) {
        r->token_room = r->token_room ? 2 * r->token_room : TOKEN_FIRST_BYTES;
        r->token = scratch_resize(r->token, r->token_room);
    }
    r->token_bytes += utf8_encode(r->token + r->token_bytes, c);
    r->token[r->token_bytes] = 0;
}

void token_clear(struct reader *r) {
    r->token_bytes = 0;
    token_add(r, ' '); /* has room from now on */
    r->token_bytes = 0;
    r->token[0] = 0;
}

static int hex_digit(int32_t c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The hexadecimal digits up to a semicolon. @return the character, or -1 when malformed. */
static int32_t read_hex_escape(struct reader *r) {
    int32_t code = 0;
    for (bool empty = true;; empty = false) {
        int32_t c = next(r);
        if (c == ';')
            return empty || !is_code_point((uint32_t)code) ? -1 : code;
        int digit = hex_digit(c);
        if (digit < 0 || code > 0x10ffff)
            return -1;
        code = code << 4 | digit;
    }
}

/* The ends of lines of all systems are one character in a string. */
static int32_t line_end(struct reader *r, int32_t c) {
    if (c != '\r')
        return c;
    if (peek(r) == '\n')
        next(r);
    return '\n';
}

const char *token_take_quoted(struct reader *r, int32_t quote) {
    static const char letters[] = "abtnr", codes[] = "\a\b\t\n\r";
    const char *const no_end = quote == '"' ? "no \" closes the string" : "no | closes the symbol";
    const char *const malformed =
        quote == '"' ? "malformed escape in the string" : "malformed escape in the symbol";
    token_clear(r);
    for (;;) {
        int32_t c = next(r);
        if (c < 0)
            return no_end;
        if (c == quote)
            return NULL;
        c = line_end(r, c);
        if (c != '\\') {
            token_add(r, (uint32_t)c);
            continue;
        }
        c = line_end(r, next(r));
        const char *letter = c > 0 && c < 128 ? strchr(letters, c) : NULL;
        if (letter) {
            token_add(r, (uint32_t)codes[letter - letters]);
        } else if (c == 'x' || c == 'X') {
            c = read_hex_escape(r);
            if (c < 0)
                return malformed;
            token_add(r, (uint32_t)c);
        } else if (is_space(c)) {
            /* A line that goes on: white space, the line's end, white space. */
            while (is_space(c) && c != '\n')
                c = line_end(r, next(r));
            if (c != '\n')
                return malformed;
            while (is_space(peek(r)) && peek(r) != '\n')
                next(r);
        } else if (c < 0) {
            return no_end;
        } else {
            token_add(r, (uint32_t)c);
        }
    }
}

void token_take(struct reader *r) {
    while (!is_delimiter(peek(r)))
        token_add(r, (uint32_t)next(r));
}

int32_t token_character(struct reader *r) {
    static const struct {
        const char *name;
        uint32_t code;
    } names[] = {{"alarm", 7},    {"backspace", 8}, {"delete", 127},  {"escape", 27},
                 {"newline", 10}, {"null", 0},      {"return", 13},   {"space", 32},
                 {"tab", 9},      {"nul", 0},       {"linefeed", 10}, {"altmode", 27},
                 {"rubout", 127}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(r->token, names[i].name))
            return (int32_t)names[i].code;
    if (*r->token != 'x' && *r->token != 'U')
        return -1;
    const char *digits = r->token + (r->token[1] == '+' ? 2 : 1);
    uint32_t code = 0;
    for (const char *p = digits; *p; p++) {
        if (hex_digit((uint8_t)*p) < 0 || code > 0x10ffff)
            return -1;
        code = code << 4 | (uint32_t)hex_digit((uint8_t)*p);
    }
    return *digits && is_code_point(code) ? (int32_t)code : -1;
}
