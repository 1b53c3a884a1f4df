/* SPDX-License-Identifier: MIT */
/*
 * UTF-8. See utf8.h.
 */
#include "utf8.h"

size_t utf8_encode(char *to, uint32_t c) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (char)(lead[more] | c >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

int utf8_decode(const void *text, size_t bytes, uint32_t *c) {
    const uint8_t *p = text;
    uint8_t first = p[0];
    if (first < 0x80) {
        *c = first;
        return 1;
    }
    int more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (!more)
        return -1;
    /* The second byte is what tells overlong forms, surrogates and what is too large. */
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    uint32_t code = first & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((size_t)i == bytes)
            return 0;
        if (p[i] < least || p[i] > most)
            return -i;
        code = code << 6 | (p[i] & 0x3f);
        least = 0x80;
        most = 0xbf;
    }
    *c = code;
    return more + 1;
}

bool utf8_count(const void *text, size_t bytes, size_t *count) {
    const uint8_t *p = text;
    size_t characters = 0;
    for (size_t at = 0; at < bytes; characters++) {
        uint32_t c;
        int taken = utf8_decode(p + at, bytes - at, &c);
        if (taken <= 0) {
            *count = at;
            return false;
        }
        at += (size_t)taken;
    }
    *count = characters;
    return true;
}
