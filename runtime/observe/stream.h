/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a compact heap snapshot as they are made, and as they are read again: numbers, and texts
 * that each stand there once.
 */
#ifndef GAIT_STREAM_H
#define GAIT_STREAM_H

#include <stdint.h>

#include "../heap/pool.h"
#include "../mark/address_map.h"
#include "pile.h"

/* Items of `list`, in the order of their numbers, from 1. */
struct stream_text {
    const char *text;
    uint32_t bytes;
    uint32_t number;
};

struct stream {
    struct pile bytes;
    struct pile list;
    struct pile kept;         /* copies of texts, one in each item */
    struct address_map texts; /* by a hash */
    struct pool text_nodes;
    bool failed; /* no memory: not all is there */
};

/** Memory for what is known of texts is counted in *metadata_bytes. @return false: there is none.
 * To be freed in any case. */
bool stream_begin(struct stream *stream, AO_t *metadata_bytes);
void stream_free(struct stream *stream);

static inline void stream_byte(struct stream *stream, unsigned byte) {
    char *place = pile_add(&stream->bytes);
    if (place)
        *place = (char)byte;
}

/** A number, 7 bits to a byte, the lowest first. */
static inline void stream_number(struct stream *stream, uint64_t number) {
    for (; number > 127; number >>= 7)
        stream_byte(stream, (unsigned)(number & 127) | 128);
    stream_byte(stream, (unsigned)number);
}

/** One with a sign. */
static inline void stream_signed(struct stream *stream, int64_t number) {
    stream_number(stream, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

/** A text by itself. */
void stream_text(struct stream *stream, const char *text, size_t bytes);

/** The number of a text, from 1. Of a new one a record 'T' is added: before whatever record it is
 * for. 0: it is empty, or there is no memory. */
uint32_t stream_intern(struct stream *stream, const char *text, size_t bytes);

/* Reading what was added, in the same process: it is right. */

static inline unsigned stream_read_byte(struct pile_cursor *cursor) {
    const unsigned char *byte = pile_next(cursor, 1);
    return byte ? *byte : 0;
}

static inline uint64_t stream_read_number(struct pile_cursor *cursor) {
    uint64_t number = 0;
    unsigned byte, shift = 0;
    do {
        byte = stream_read_byte(cursor);
        number |= (uint64_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return number;
}

static inline int64_t stream_read_signed(struct pile_cursor *cursor) {
    uint64_t number = stream_read_number(cursor);
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

#endif
