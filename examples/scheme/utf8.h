/* SPDX-License-Identifier: MIT */
/*
 * UTF-8, as Unicode defines it: the shortest form of each character, no surrogates, nothing beyond
 * U+10FFFF. All text that comes in is checked by this decoder, and all that goes out is encoded
 * here. What is no UTF-8 is an error wherever a program can meet it, never another character.
 */
#ifndef SCHEME_UTF8_H
#define SCHEME_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_LONGEST 4 /* bytes of a character */

/** Is it a character: no surrogate, and not too large? */
static inline bool is_code_point(uint32_t c) { return c < 0xd800 || (c - 0xe000 < 0x102000); }

/** Write a character. @return how many bytes it takes. */
size_t utf8_encode(char *to, uint32_t c);

/**
 * Decode the character at `text`, of which there is at least a byte.
 * @return how many bytes it takes; 0: more bytes may make it a character; less: so many bytes,
 *         negated, are none, and the next character may begin after them.
 */
int utf8_decode(const void *text, size_t bytes, uint32_t *c);

/** Count the characters. @return false: it is no UTF-8 from byte *count on. */
bool utf8_count(const void *text, size_t bytes, size_t *count);

#endif
