/* SPDX-License-Identifier: MIT */
/*
 * Messages as protocol buffers write them: fields of a key (number << 3 | type) and a value, which
 * is a varint, eight bytes, or a length and so many bytes: a string, or a message within.
 *
 *   request    1: id   2: user, string   3: record, repeated   4: session, string
 *   record     1: id   2: name, string   3: tag, string, repeated   4: attribute, repeated
 *              5: time, eight bytes
 *   attribute  1: key, string   2: text, string   3: number
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_BYTES = 2 };

enum { REQUEST_ID = 1, REQUEST_USER, REQUEST_RECORD, REQUEST_SESSION };
enum { RECORD_ID = 1, RECORD_NAME, RECORD_TAG, RECORD_ATTRIBUTE, RECORD_TIME };
enum { ATTRIBUTE_KEY = 1, ATTRIBUTE_TEXT, ATTRIBUTE_NUMBER };

struct message {
    unsigned char *bytes; /* malloc'ed */
    size_t length, room;
    uint64_t objects; /* that a parser makes of it: messages and strings */
    uint64_t sum;     /* of all numbers, and of the lengths of all strings */
};

/** What a generated request is like. */
struct message_shape {
    uint64_t records;
    uint64_t tags, attributes; /* of a record: 0 to so many; `exact`: so many */
    uint64_t text_bytes;       /* of a string: 1 to so many */
    int exact;
};

/** Make a request from a seed, which moves on. */
struct message message_make(const struct message_shape *shape, uint64_t *seed);

#endif
