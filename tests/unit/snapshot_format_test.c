/* SPDX-License-Identifier: MIT */
/*
 * runtime/arena/snapshot_format: what is written is read again, and any other bytes are refused
 * with a line that says why. Bytes lie in blocks of exactly their length, so that a sanitizer sees
 * a read past their end.
 */
#include "../random.h"
#include "arena/snapshot_format.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TestSuite(snapshot_format, .timeout = 60);

static struct checksum sum;
static char error[200];

static void begin(void) {
    checksum_init(&sum);
    error[0] = '\0';
}

static uint32_t checksum_of(const void *bytes, size_t count) {
    sum.value = 0;
    checksum_add(&sum, bytes, count);
    return sum.value;
}

/* ---- The checksum: RFC 3720, appendix B.4, and the usual check value ---- */

Test(snapshot_format, checksum_has_the_published_values) {
    begin();
    unsigned char bytes[32];
    cr_assert_eq(checksum_of("", 0), 0);
    cr_assert_eq(checksum_of("123456789", 9), 0xe3069283u);
    memset(bytes, 0, sizeof bytes);
    cr_assert_eq(checksum_of(bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    cr_assert_eq(checksum_of(bytes, sizeof bytes), 0x62a8ab43u);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    cr_assert_eq(checksum_of(bytes, sizeof bytes), 0x46dd794eu);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(31 - i);
    cr_assert_eq(checksum_of(bytes, sizeof bytes), 0x113fdb5cu);
}

Test(snapshot_format, checksum_of_parts_is_that_of_the_whole) {
    begin();
    unsigned char bytes[61];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    uint32_t whole = checksum_of(bytes, sizeof bytes);
    for (size_t a = 0; a <= sizeof bytes; a++)
        for (size_t b = a; b <= sizeof bytes; b++) {
            sum.value = 0;
            checksum_add(&sum, bytes, a);
            checksum_add(&sum, bytes + a, b - a);
            checksum_add(&sum, bytes + b, sizeof bytes - b);
            cr_assert_eq(sum.value, whole, "%zu %zu", a, b);
        }
}

/* ---- A snapshot to begin with ---- */

enum { PIECES = 3 };

static const struct snapshot_piece sample_pieces[PIECES] = {
    {65536, 64, 64 + 104, 65536 - 56}, {8192, 0, 0, 8192 - 200}, {131072, 64, 64 + 320, 131072}};

struct bytes {
    unsigned char *at;
    size_t count;
};

static struct snapshot_info sample_info(void) {
    struct snapshot_info info = {.unit = 8,
                                 .arena_id = 17,
                                 .node = -1,
                                 .pieces = PIECES,
                                 .root = 65536 + 8192 - 8,
                                 .name = "sample"};
    for (int i = 0; i < PIECES; i++) {
        info.image_bytes += sample_pieces[i].bytes;
        info.contents_bytes += sample_pieces[i].low_end - sample_pieces[i].low_start;
        info.contents_bytes += sample_pieces[i].bytes - sample_pieces[i].high_start;
    }
    return info;
}

static struct bytes sample(void) {
    struct snapshot_info info = sample_info();
    struct bytes bytes = {NULL, snapshot_bytes(&info)};
    bytes.at = malloc(bytes.count);
    unsigned char *table = bytes.at + SNAPSHOT_HEADER_BYTES;
    for (int i = 0; i < PIECES; i++)
        snapshot_put_piece(table + i * SNAPSHOT_PIECE_BYTES, &sample_pieces[i]);
    snapshot_put_header(bytes.at, &info, table, &sum);
    unsigned char *contents = table + snapshot_table_bytes(&info);
    for (size_t i = 0; i < info.contents_bytes; i++)
        contents[i] = (unsigned char)(i * 13);
    size_t before = bytes.count - SNAPSHOT_END_BYTES;
    snapshot_put_u32(bytes.at + before, checksum_of(bytes.at, before));
    return bytes;
}

/* Make the checksums right again, as far as there are bytes for them: for whoever writes hostile
 * files. */
static void seal(struct bytes bytes) {
    if (bytes.count < SNAPSHOT_HEADER_BYTES)
        return;
    uint64_t table = (uint64_t)snapshot_get_u32(bytes.at + 36) * SNAPSHOT_PIECE_BYTES;
    if (table <= bytes.count - SNAPSHOT_HEADER_BYTES)
        snapshot_put_u32(bytes.at + 120, checksum_of(bytes.at + SNAPSHOT_HEADER_BYTES, table));
    snapshot_put_u32(bytes.at + 124, checksum_of(bytes.at, 124));
    if (bytes.count >= SNAPSHOT_HEADER_BYTES + SNAPSHOT_END_BYTES) {
        size_t before = bytes.count - SNAPSHOT_END_BYTES;
        snapshot_put_u32(bytes.at + before, checksum_of(bytes.at, before));
    }
}

/* Is it taken for a snapshot? A refusal says why, on one line. */
static bool taken(struct bytes bytes, struct snapshot_info *info) {
    memset(error, 0, sizeof error);
    bool good = snapshot_check(bytes.at, bytes.count, info, &sum, error, sizeof error);
    cr_assert(good ? !error[0] : strncmp(error, "snapshot: ", 10) == 0, "%s", error);
    cr_assert_null(strchr(error, '\n'));
    return good;
}

/* Refused with this in the line? */
static void refused(struct bytes bytes, const char *why) {
    struct snapshot_info info;
    cr_assert_not(taken(bytes, &info), "%s", why);
    cr_assert_not_null(strstr(error, why), "%s: %s", why, error);
}

Test(snapshot_format, what_is_written_is_read) {
    begin();
    struct bytes bytes = sample();
    struct snapshot_info info, wanted = sample_info();
    cr_assert(taken(bytes, &info), "%s", error);
    cr_assert_eq(info.unit, wanted.unit);
    cr_assert_eq(info.flags, wanted.flags);
    cr_assert_eq(info.arena_id, wanted.arena_id);
    cr_assert_eq(info.node, wanted.node);
    cr_assert_eq(info.pieces, wanted.pieces);
    cr_assert_eq(info.image_bytes, wanted.image_bytes);
    cr_assert_eq(info.contents_bytes, wanted.contents_bytes);
    cr_assert_eq(info.root, wanted.root);
    cr_assert_str_eq(info.name, wanted.name);
    for (size_t i = 0; i < PIECES; i++) {
        struct snapshot_piece piece =
            snapshot_get_piece(bytes.at + SNAPSHOT_HEADER_BYTES + i * SNAPSHOT_PIECE_BYTES);
        cr_assert_eq(memcmp(&piece, &sample_pieces[i], sizeof piece), 0);
    }
    free(bytes.at);
}

/* The format is a contract: these bytes stay as they are while the version does. */
Test(snapshot_format, the_bytes_are_those_of_version_1) {
    begin();
    struct bytes bytes = sample();
    cr_assert_eq(memcmp(bytes.at, "GaitSnp\n\1\0\0\0\200\0\0\0\1\10\10\0\0\0\0\0\21\0\0\0", 28), 0);
    cr_assert_eq(bytes.count, 128 + 3 * 32 + 680 + 4);
    cr_assert_eq(snapshot_get_u32(bytes.at + 124), 0xe3990fc4u, "%#x",
                 snapshot_get_u32(bytes.at + 124));
    cr_assert_eq(snapshot_get_u32(bytes.at + bytes.count - 4), 0xe07ab8c8u, "%#x",
                 snapshot_get_u32(bytes.at + bytes.count - 4));
    free(bytes.at);
}

/* ---- What is not whole ---- */

Test(snapshot_format, every_truncation_is_refused) {
    begin();
    struct bytes whole = sample();
    for (size_t count = 0; count < whole.count; count++) {
        struct bytes cut = {malloc(count ? count : 1), count};
        memcpy(cut.at, whole.at, count);
        refused(cut, "cut off");
        free(cut.at);
    }
    struct bytes more = {calloc(1, whole.count + 1), whole.count + 1};
    memcpy(more.at, whole.at, whole.count);
    refused(more, "1 bytes follow");
    free(more.at);
    free(whole.at);
}

Test(snapshot_format, every_other_byte_is_refused) {
    begin();
    struct bytes bytes = sample();
    for (size_t i = 0; i < bytes.count; i++) {
        unsigned char was = bytes.at[i];
        for (unsigned other = 1; other < 256; other++) {
            bytes.at[i] = (unsigned char)(was ^ other);
            refused(bytes, "");
        }
        bytes.at[i] = was;
    }
    struct snapshot_info info;
    cr_assert(taken(bytes, &info));
    free(bytes.at);
}

Test(snapshot_format, foreign_bytes_are_refused) {
    begin();
    static const char *const others[] = {"\177ELF\2\1\1",
                                         "\x89PNG\r\n\x1a\n",
                                         "GaitLog\n\1",
                                         "GaitSnp\r\n",
                                         "gaitsnp\n",
                                         "hello",
                                         "G\0"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct bytes bytes = {calloc(1, 1000), 1000};
        memcpy(bytes.at, others[i], strlen(others[i]));
        refused(bytes, "not one of an arena");
        free(bytes.at);
    }
}

Test(snapshot_format, other_versions_and_machines_are_refused) {
    begin();
    struct {
        size_t offset;
        unsigned char byte;
        const char *why;
    } const cases[] = {
        {8, 2, "of format version 2; this library reads 1"},
        {8, 0, "of format version 0"},
        {11, 1, "of format version 16777217"},
        {16, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 2 : 1, "another byte order"},
        {16, 77, "another byte order"},
        {17, 4, "words of 4 bytes; this one's have 8"},
        {12, 127, "checksum of its header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes bytes = sample();
        bytes.at[cases[i].offset] = cases[i].byte;
        seal(bytes);
        refused(bytes, cases[i].why);
        free(bytes.at);
    }
}

/* ---- What a hostile writer sends, with the right checksums ---- */

static void put(unsigned char *at, uint64_t value, size_t count) {
    for (size_t i = 0; i < count; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

Test(snapshot_format, hostile_sizes_are_refused) {
    begin();
    const size_t piece = SNAPSHOT_HEADER_BYTES;
    struct {
        size_t offset, count;
        uint64_t value;
        const char *why;
    } const cases[] = {
        {18, 1, 4, "alignment can't be right"},
        {36, 4, 0, "number of pieces can't be right"},
        {36, 4, UINT32_MAX, "number of pieces can't be right"},
        {36, 4, SNAPSHOT_PIECES_MOST, "cut off"},
        {36, 4, 2, "follow it"},
        {40, 8, 0, "size can't be right"},
        {40, 8, UINT64_MAX, "size can't be right"},
        {40, 8, UINT64_C(1) << 63, "size can't be right"},
        {40, 8, SNAPSHOT_IMAGE_MOST, "not as large as it is"},
        {40, 8, 65536 + 8192, "can't be right"},
        {40, 8, 2 * 65536 + 8192, "piece 2 can't be right"},
        {40, 8, 65536 + 4096, "size can't be right"},
        {48, 8, UINT64_MAX, "size of contents can't be right"},
        {48, 8, 65536 + 8192 + 131072 + 8, "size of contents can't be right"},
        {48, 8, 65536 + 8192 + 131072, "cut off"},
        {48, 8, 672, "follow it"},
        {56, 8, UINT64_MAX, "root can't be right"},
        {56, 8, 8, "root can't be right"},
        {56, 8, 1000, "root can't be right"},
        {56, 8, 65536 + 8192 + 8, "root can't be right"},
        {56, 8, 65536 + 8192 + 64 + 320, "root can't be right"},
        {32, 4, (uint32_t)-2, "node can't be right"},
        {95, 1, 'x', "name can't be right"},
        {piece, 8, 0, "piece 0 can't be right"},
        {piece, 8, 65536 + 8, "piece 0 can't be right"},
        {piece, 8, UINT64_MAX & ~(uint64_t)8191, "piece 0 can't be right"},
        {piece + 8, 8, UINT64_MAX - 7, "piece 0 can't be right"},
        {piece + 8, 8, 176, "piece 0 can't be right"},
        {piece + 8, 8, 60, "piece 0 can't be right"},
        {piece + 8, 8, 72, "not as large as it is"},
        {piece + 16, 8, UINT64_MAX - 7, "piece 0 can't be right"},
        {piece + 16, 8, 65536, "piece 0 can't be right"},
        {piece + 16, 8, 172, "piece 0 can't be right"},
        {piece + 24, 8, 65536 + 8, "piece 0 can't be right"},
        {piece + 24, 8, 160, "piece 0 can't be right"},
        {piece + 24, 8, UINT64_MAX - 7, "piece 0 can't be right"},
        {piece + 24, 8, 65536 - 64, "not as large as it is"},
        {piece + 64, 8, 262144, "piece 2 can't be right"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes bytes = sample();
        put(bytes.at + cases[i].offset, cases[i].value, cases[i].count);
        seal(bytes);
        refused(bytes, cases[i].why);
        free(bytes.at);
    }
}

/* What was taken must be safe to go by. */
static void is_sound(struct bytes bytes, const struct snapshot_info *info) {
    cr_assert_eq(snapshot_bytes(info), bytes.count);
    cr_assert_leq(info->image_bytes, SNAPSHOT_IMAGE_MOST);
    uint64_t image = 0, contents = 0;
    bool rooted = info->root == 0;
    for (size_t i = 0; i < info->pieces; i++) {
        struct snapshot_piece piece =
            snapshot_get_piece(bytes.at + SNAPSHOT_HEADER_BYTES + i * SNAPSHOT_PIECE_BYTES);
        cr_assert_leq(piece.bytes, SNAPSHOT_IMAGE_MOST);
        cr_assert_leq(piece.low_start, piece.low_end);
        cr_assert_leq(piece.low_end, piece.high_start);
        cr_assert_leq(piece.high_start, piece.bytes);
        rooted |= info->root >= image + piece.low_start && info->root < image + piece.low_end;
        rooted |= info->root >= image + piece.high_start && info->root < image + piece.bytes;
        image += piece.bytes;
        contents += piece.low_end - piece.low_start + piece.bytes - piece.high_start;
    }
    cr_assert(rooted);
    cr_assert_eq(image, info->image_bytes);
    cr_assert_eq(contents, info->contents_bytes);
}

static uint64_t hostile(uint64_t *state) {
    static const uint64_t values[] = {0,     1,     7,         8,         16,        63,
                                      64,    65,    255,       4096,      8191,      8192,
                                      65535, 65536, INT32_MAX, INT64_MAX, UINT64_MAX};
    uint64_t value = values[pick(state, sizeof values / sizeof *values)];
    switch (pick(state, 4)) {
    case 0:
        return value;
    case 1:
        return value << pick(state, 64);
    case 2:
        return value - pick(state, 20000) / 8 * 8;
    default:
        return next_random(state) >> pick(state, 64);
    }
}

/* Change some bytes, or a field, or the length. */
static struct bytes mutate(struct bytes from, uint64_t *state) {
    size_t count = from.count;
    if (one_in(state, 8))
        count = pick(state, 2 * from.count);
    struct bytes bytes = {calloc(1, count ? count : 1), count};
    memcpy(bytes.at, from.at, count < from.count ? count : from.count);
    for (size_t changes = pick(state, 4); changes > 0 && count > 0; changes--) {
        size_t offset = one_in(state, 2) ? 4 * pick(state, 50) : pick(state, count);
        size_t width = (size_t)1 << pick(state, 4);
        if (offset + width <= count)
            put(bytes.at + offset, hostile(state), width);
    }
    if (!one_in(state, 8))
        seal(bytes);
    return bytes;
}

Test(snapshot_format, mutants_are_refused_or_sound) {
    begin();
    const char *given = getenv("SNAPSHOT_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL), state = seed;
    fprintf(stderr, "# SNAPSHOT_SEED=%llu\n", (unsigned long long)seed);
    struct bytes first = sample();
    size_t sound = 0;
    for (int i = 0; i < 100000; i++) {
        struct bytes bytes = mutate(first, &state);
        struct snapshot_info info;
        if (taken(bytes, &info)) {
            is_sound(bytes, &info);
            sound++;
        }
        free(bytes.at);
    }
    cr_assert_gt(sound, 0, "none came through");
    free(first.at);
}
