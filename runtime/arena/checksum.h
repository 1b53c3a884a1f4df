/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), eight bytes at a step (Kounavis and Berry 2005,
 * "slicing by 8"). It finds each burst of up to 32 wrong bits, so each wrong byte. No state but
 * what the caller holds: the tables are made where they are used, in some microseconds.
 */
#ifndef GAIT_CHECKSUM_H
#define GAIT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct checksum {
    uint32_t table[8][256]; /* [k][b]: of byte b with k bytes of zeros after it */
    uint32_t value;         /* of what was added so far */
};

/** Make the tables and begin: value is that of no bytes, 0. */
void checksum_init(struct checksum *checksum);

/** Go on by so many bytes. */
void checksum_add(struct checksum *checksum, const void *bytes, size_t count);

#endif
