/* SPDX-License-Identifier: MIT */
/* The bytes of a snapshot; see snapshot_format.h. Pure: no file, no memory, no state. */
#include "snapshot_format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../error.h"

#define BYTE_ORDER_OWN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 : 2)

static void put(unsigned char *bytes, uint64_t value, int count) {
    for (int i = 0; i < count; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

void snapshot_put_u32(unsigned char *bytes, uint32_t value) { put(bytes, value, 4); }
uint32_t snapshot_get_u32(const unsigned char *bytes) { return (uint32_t)get(bytes, 4); }

void snapshot_put_piece(unsigned char *bytes, const struct snapshot_piece *piece) {
    put(bytes, piece->bytes, 8);
    put(bytes + 8, piece->low_start, 8);
    put(bytes + 16, piece->low_end, 8);
    put(bytes + 24, piece->high_start, 8);
}

struct snapshot_piece snapshot_get_piece(const unsigned char *bytes) {
    return (struct snapshot_piece){get(bytes, 8), get(bytes + 8, 8), get(bytes + 16, 8),
                                   get(bytes + 24, 8)};
}

static uint32_t checksum_of(struct checksum *checksum, const void *bytes, size_t count) {
    checksum->value = 0;
    checksum_add(checksum, bytes, count);
    uint32_t value = checksum->value;
    checksum->value = 0;
    return value;
}

/* Write why; always false. */
__attribute__((format(printf, 3, 4))) static bool refuse(char *error, size_t error_bytes,
                                                         const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_say_list(error, error_bytes, format, arguments);
    va_end(arguments);
    return false;
}

bool snapshot_is_short(uint64_t count, uint64_t wanted, char *error, size_t error_bytes) {
    return refuse(error, error_bytes,
                  "snapshot: cut off: %" PRIu64 " bytes where there should be %" PRIu64, count,
                  wanted);
}

bool snapshot_is_corrupted(const char *part, char *error, size_t error_bytes) {
    return refuse(error, error_bytes, "snapshot: corrupted: the checksum of its %s is wrong", part);
}

void snapshot_put_header(unsigned char header[SNAPSHOT_HEADER_BYTES],
                         const struct snapshot_info *info, const unsigned char *table,
                         struct checksum *checksum) {
    memset(header, 0, SNAPSHOT_HEADER_BYTES);
    memcpy(header, SNAPSHOT_MAGIC, 8);
    put(header + 8, SNAPSHOT_VERSION, 4);
    put(header + 12, SNAPSHOT_HEADER_BYTES, 4);
    header[16] = BYTE_ORDER_OWN;
    header[17] = sizeof(void *);
    header[18] = (unsigned char)info->unit;
    put(header + 20, info->flags, 4);
    put(header + 24, info->arena_id, 8);
    put(header + 32, (uint32_t)info->node, 4);
    put(header + 36, info->pieces, 4);
    put(header + 40, info->image_bytes, 8);
    put(header + 48, info->contents_bytes, 8);
    put(header + 56, info->root, 8);
    memcpy(header + 64, info->name, SNAPSHOT_NAME_BYTES - 1);
    put(header + 120, checksum_of(checksum, table, snapshot_table_bytes(info)), 4);
    put(header + 124, checksum_of(checksum, header, 124), 4);
}

/* Is the machine that wrote it like this one? */
static bool check_machine(const unsigned char *bytes, char *error, size_t error_bytes) {
    if (bytes[16] != BYTE_ORDER_OWN)
        return refuse(error, error_bytes, "snapshot: of a machine with another byte order");
    if (bytes[17] != sizeof(void *))
        return refuse(error, error_bytes,
                      "snapshot: of a machine with words of %u bytes; this one's have %zu",
                      bytes[17], sizeof(void *));
    return true;
}

static bool check_sizes(const struct snapshot_info *info, char *error, size_t error_bytes) {
    const char *what = NULL;
    if (info->unit != 8 && info->unit != 16)
        what = "alignment";
    else if (info->pieces == 0 || info->pieces > SNAPSHOT_PIECES_MOST)
        what = "number of pieces";
    else if (info->image_bytes == 0 || info->image_bytes > SNAPSHOT_IMAGE_MOST ||
             info->image_bytes % SNAPSHOT_PIECE_UNIT)
        what = "size";
    else if (info->contents_bytes > info->image_bytes)
        what = "size of contents";
    else if (info->root >= info->image_bytes)
        what = "root";
    else if (info->name[SNAPSHOT_NAME_BYTES - 1])
        what = "name";
    else if (info->node < -1)
        what = "node";
    return !what || refuse(error, error_bytes, "snapshot: its %s can't be right", what);
}

bool snapshot_get_header(const unsigned char *bytes, size_t count, struct snapshot_info *info,
                         struct checksum *checksum, char *error, size_t error_bytes) {
    size_t begin = count < 8 ? count : 8;
    if (begin > 0 && memcmp(bytes, SNAPSHOT_MAGIC, begin) != 0)
        return refuse(error, error_bytes, "snapshot: not one of an arena");
    if (count < SNAPSHOT_HEADER_BYTES)
        return snapshot_is_short(count, SNAPSHOT_HEADER_BYTES, error, error_bytes);
    /* what another version has after its number is not known */
    uint32_t version = snapshot_get_u32(bytes + 8);
    if (version != SNAPSHOT_VERSION)
        return refuse(error, error_bytes,
                      "snapshot: of format version %" PRIu32 "; this library reads %d", version,
                      SNAPSHOT_VERSION);
    if (snapshot_get_u32(bytes + 12) != SNAPSHOT_HEADER_BYTES ||
        snapshot_get_u32(bytes + 124) != checksum_of(checksum, bytes, 124))
        return snapshot_is_corrupted("header", error, error_bytes);
    if (!check_machine(bytes, error, error_bytes))
        return false;
    memset(info, 0, sizeof *info);
    info->unit = bytes[18];
    info->flags = snapshot_get_u32(bytes + 20);
    info->arena_id = get(bytes + 24, 8);
    info->node = (int32_t)snapshot_get_u32(bytes + 32);
    info->pieces = snapshot_get_u32(bytes + 36);
    info->image_bytes = get(bytes + 40, 8);
    info->contents_bytes = get(bytes + 48, 8);
    info->root = get(bytes + 56, 8);
    memcpy(info->name, bytes + 64, SNAPSHOT_NAME_BYTES);
    return check_sizes(info, error, error_bytes);
}

static bool piece_is_sound(const struct snapshot_piece *piece) {
    return piece->bytes != 0 && piece->bytes % SNAPSHOT_PIECE_UNIT == 0 &&
           piece->low_start <= piece->low_end && piece->low_end <= piece->high_start &&
           piece->high_start <= piece->bytes &&
           (piece->low_start | piece->low_end | piece->high_start) % 8 == 0;
}

bool snapshot_check_table(const unsigned char *header, const struct snapshot_info *info,
                          const unsigned char *table, struct checksum *checksum, char *error,
                          size_t error_bytes) {
    if (snapshot_get_u32(header + 120) != checksum_of(checksum, table, snapshot_table_bytes(info)))
        return snapshot_is_corrupted("pieces", error, error_bytes);
    uint64_t image = 0, contents = 0; /* bounded: each piece is looked at before it is added */
    bool rooted = info->root == 0;
    for (uint32_t i = 0; i < info->pieces; i++) {
        struct snapshot_piece piece = snapshot_get_piece(table + (size_t)i * SNAPSHOT_PIECE_BYTES);
        if (!piece_is_sound(&piece) || piece.bytes > info->image_bytes - image)
            return refuse(error, error_bytes, "snapshot: its piece %" PRIu32 " can't be right", i);
        uint64_t root = info->root - image; /* huge, if it lies before */
        rooted = rooted || (root >= piece.low_start && root < piece.low_end) ||
                 (root >= piece.high_start && root < piece.bytes);
        image += piece.bytes;
        contents += piece.low_end - piece.low_start + (piece.bytes - piece.high_start);
    }
    if (image != info->image_bytes || contents != info->contents_bytes)
        return refuse(error, error_bytes, "snapshot: its pieces are not as large as it is");
    if (!rooted)
        return refuse(error, error_bytes, "snapshot: its root can't be right");
    return true;
}

bool snapshot_check(const unsigned char *bytes, size_t count, struct snapshot_info *info,
                    struct checksum *checksum, char *error, size_t error_bytes) {
    if (!snapshot_get_header(bytes, count, info, checksum, error, error_bytes))
        return false;
    uint64_t whole = snapshot_bytes(info);
    if (count < whole)
        return snapshot_is_short(count, whole, error, error_bytes);
    if (count > whole)
        return refuse(error, error_bytes,
                      "snapshot: %" PRIu64 " bytes follow it that are not its own", count - whole);
    if (!snapshot_check_table(bytes, info, bytes + SNAPSHOT_HEADER_BYTES, checksum, error,
                              error_bytes))
        return false;
    size_t sum = count - SNAPSHOT_END_BYTES;
    if (snapshot_get_u32(bytes + sum) != checksum_of(checksum, bytes, sum))
        return snapshot_is_corrupted("contents", error, error_bytes);
    return true;
}
