/* SPDX-License-Identifier: MIT */
/*
 * Letters of UTF-8. No state.
 */
#include "platform.h"

size_t platform_letter_bytes(const char *at, size_t left) {
    const unsigned char *text = (const unsigned char *)at;
    size_t bytes = left == 0        ? 0
                   : text[0] < 0x80 ? 1
                   : text[0] < 0xc2 ? 0
                   : text[0] < 0xe0 ? 2
                   : text[0] < 0xf0 ? 3
                   : text[0] < 0xf5 ? 4
                                    : 0;
    if (bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool bad =
        bytes > 2 && ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
                      (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f));
    return bad ? 0 : bytes;
}
