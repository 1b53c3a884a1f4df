/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a snapshot: what docs/snapshots.md describes, written and read without files, heaps
 * or memory of its own, so that it can be handed any bytes at all.
 *
 *     header    128 bytes: below
 *     pieces    32 bytes for each piece of the arena's range, in the order of addresses
 *     contents  of each piece its lower part, then its upper part; none of the rest
 *     checksum  4 bytes: CRC-32C of all before it
 *
 * The image is the range of addresses from the arena's start to the end of its last piece. A piece
 * begins where the one before it ends. Its parts are [low_start, low_end) and [high_start, bytes),
 * as distances from its start; what lies before the lower part is the library's own. Numbers are
 * little-endian; the contents are as the machine has them, which the header describes.
 *
 *   .inv.refused: bytes that are not whole, or not those of a snapshot, are refused with one line
 *   that says why. Sizes are looked at before anything is done with them: none overflows, and no
 *   piece's parts lie outside it.
 */
#ifndef GAIT_SNAPSHOT_FORMAT_H
#define GAIT_SNAPSHOT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum.h"

#define SNAPSHOT_MAGIC "GaitSnp\n"
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_HEADER_BYTES 128
#define SNAPSHOT_PIECE_BYTES 32
#define SNAPSHOT_END_BYTES 4
#define SNAPSHOT_NAME_BYTES 32
#define SNAPSHOT_PIECE_UNIT 8192 /* a piece's size is a multiple: the heap's pages */

/* No more than these are read, so that a header can't ask for memory without end. A range has up
 * to 4 TiB; its pieces, most of 4 MiB, are fewer. */
#define SNAPSHOT_IMAGE_MOST ((uint64_t)1 << 42)
#define SNAPSHOT_PIECES_MOST ((uint32_t)1 << 21)

/* Header, by its offsets:
 *     0  magic (8)             32  node (i32)
 *     8  version (u32)         36  pieces (u32)
 *    12  header bytes (u32)    40  image_bytes (u64)
 *    16  byte order (u8): 1    48  contents_bytes (u64)
 *        little, 2 big         56  root (u64)
 *    17  word bytes (u8)       64  name (32)
 *    18  unit (u8), 0 (u8)     96  0 (24)
 *    20  flags (u32)          120  checksum of the pieces (u32)
 *    24  arena_id (u64)       124  checksum of the header up to here (u32)           */
struct snapshot_info {
    uint32_t flags;                 /* of the arena: GAIT_ARENA_…               */
    uint32_t unit;                  /* objects lie at multiples of this, 8 or 16 */
    uint64_t arena_id;              /* as it had it in its process               */
    int32_t node;                   /* NUMA node that it was bound to; -1: none  */
    uint32_t pieces;                /* how many                                  */
    uint64_t image_bytes;           /* all pieces together                       */
    uint64_t contents_bytes;        /* all their parts together                  */
    uint64_t root;                  /* offset of the root in the image; 0: none  */
    char name[SNAPSHOT_NAME_BYTES]; /* ends with a zero                   */
};

/* low_start <= low_end <= high_start <= bytes; multiples of 8. */
struct snapshot_piece {
    uint64_t bytes; /* of the image; a multiple of SNAPSHOT_PIECE_UNIT */
    uint64_t low_start;
    uint64_t low_end;
    uint64_t high_start;
};

/** Bytes of the pieces' table. */
static inline size_t snapshot_table_bytes(const struct snapshot_info *info) {
    return (size_t)info->pieces * SNAPSHOT_PIECE_BYTES;
}

/** Bytes of the whole snapshot: at most SNAPSHOT_IMAGE_MOST and a little. */
static inline uint64_t snapshot_bytes(const struct snapshot_info *info) {
    return SNAPSHOT_HEADER_BYTES + snapshot_table_bytes(info) + info->contents_bytes +
           SNAPSHOT_END_BYTES;
}

/** The numbers at the end. */
void snapshot_put_u32(unsigned char *bytes, uint32_t value);
uint32_t snapshot_get_u32(const unsigned char *bytes);

void snapshot_put_piece(unsigned char *bytes, const struct snapshot_piece *piece);
struct snapshot_piece snapshot_get_piece(const unsigned char *bytes);

/**
 * Write a header. table: the pieces' table, complete. checksum: its tables are used, its value is
 * left at 0.
 */
void snapshot_put_header(unsigned char header[SNAPSHOT_HEADER_BYTES],
                         const struct snapshot_info *info, const unsigned char *table,
                         struct checksum *checksum);

/**
 * Read a header of which count bytes are there.
 * @return false: refused, and error has one line.
 */
bool snapshot_get_header(const unsigned char *bytes, size_t count, struct snapshot_info *info,
                         struct checksum *checksum, char *error, size_t error_bytes);

/** Look at the whole table of the header that was read: is each piece what the header says? */
bool snapshot_check_table(const unsigned char *header, const struct snapshot_info *info,
                          const unsigned char *table, struct checksum *checksum, char *error,
                          size_t error_bytes);

/** Look at a whole snapshot in memory, contents and checksum too. The table is then at
 * SNAPSHOT_HEADER_BYTES, the contents after it. */
bool snapshot_check(const unsigned char *bytes, size_t count, struct snapshot_info *info,
                    struct checksum *checksum, char *error, size_t error_bytes);

/** Say that it ends too early. Always false. */
bool snapshot_is_short(uint64_t count, uint64_t wanted, char *error, size_t error_bytes);

/** Say that it is corrupted in such a part. Always false. */
bool snapshot_is_corrupted(const char *part, char *error, size_t error_bytes);

#endif
