/* SPDX-License-Identifier: MIT */
/* CRC-32C; see checksum.h. */
#include "checksum.h"

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41 with its bits turned round */

void checksum_init(struct checksum *checksum) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ (POLYNOMIAL & -(value & 1));
        checksum->table[0][byte] = value;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = checksum->table[k - 1][byte];
            checksum->table[k][byte] = (before >> 8) ^ checksum->table[0][before & 255];
        }
    checksum->value = 0;
}

void checksum_add(struct checksum *checksum, const void *bytes, size_t count) {
    const uint32_t(*table)[256] = checksum->table;
    const unsigned char *next = bytes;
    uint32_t value = ~checksum->value;
    for (; count >= 8; count -= 8, next += 8)
        value = table[7][(value ^ next[0]) & 255] ^ table[6][((value >> 8) ^ next[1]) & 255] ^
                table[5][((value >> 16) ^ next[2]) & 255] ^ table[4][(value >> 24) ^ next[3]] ^
                table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^ table[0][next[7]];
    for (; count > 0; count--, next++)
        value = (value >> 8) ^ table[0][(value ^ *next) & 255];
    checksum->value = ~value;
}
