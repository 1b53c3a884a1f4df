/* SPDX-License-Identifier: MIT */
/* Generates requests. A message within another is written aside first, since its length leads. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

static void put_bytes(struct message *to, const void *bytes, size_t length) {
    if (to->room - to->length < length) {
        to->room = (to->room + length) * 2;
        to->bytes = realloc(to->bytes, to->room);
        if (!to->bytes)
            bench_die("out of memory");
    }
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void put_varint(struct message *to, uint64_t value) {
    unsigned char bytes[10];
    size_t length = 0;
    for (; value > 127; value >>= 7)
        bytes[length++] = (unsigned char)(value | 128);
    bytes[length++] = (unsigned char)value;
    put_bytes(to, bytes, length);
}

static void put_number(struct message *to, unsigned field, uint64_t value) {
    put_varint(to, field << 3 | WIRE_VARINT);
    put_varint(to, value);
    to->sum += value;
}

static void put_text(struct message *to, unsigned field, uint64_t text_bytes, uint64_t *seed) {
    unsigned char text[256];
    size_t length = 1 + (size_t)(bench_random(seed) % text_bytes);
    for (size_t i = 0; i < length; i++)
        text[i] = (unsigned char)('a' + bench_random(seed) % 26);
    put_varint(to, field << 3 | WIRE_BYTES);
    put_varint(to, length);
    put_bytes(to, text, length);
    to->objects++;
    to->sum += length;
}

static void put_message(struct message *to, unsigned field, struct message *inner) {
    put_varint(to, field << 3 | WIRE_BYTES);
    put_varint(to, inner->length);
    put_bytes(to, inner->bytes, inner->length);
    to->objects += inner->objects + 1;
    to->sum += inner->sum;
    inner->length = 0;
    inner->objects = inner->sum = 0;
}

static uint64_t how_many(const struct message_shape *shape, uint64_t most, uint64_t *seed) {
    return shape->exact ? most : bench_random(seed) % (most + 1);
}

struct message message_make(const struct message_shape *shape, uint64_t *seed) {
    struct message request = {0}, record = {0}, attribute = {0};
    if (shape->text_bytes < 1 || shape->text_bytes > 256)
        bench_die("text has 1 to 256 bytes");
    put_number(&request, REQUEST_ID, bench_random(seed) >> 32);
    put_text(&request, REQUEST_USER, shape->text_bytes, seed);
    for (uint64_t i = 0; i < shape->records; i++) {
        put_number(&record, RECORD_ID, bench_random(seed) % 100000);
        put_text(&record, RECORD_NAME, shape->text_bytes, seed);
        for (uint64_t n = how_many(shape, shape->tags, seed); n; n--)
            put_text(&record, RECORD_TAG, shape->text_bytes, seed);
        for (uint64_t n = how_many(shape, shape->attributes, seed); n; n--) {
            put_text(&attribute, ATTRIBUTE_KEY, shape->text_bytes, seed);
            if (bench_random(seed) % 2)
                put_text(&attribute, ATTRIBUTE_TEXT, shape->text_bytes, seed);
            else
                put_number(&attribute, ATTRIBUTE_NUMBER, bench_random(seed) % 1000);
            put_message(&record, RECORD_ATTRIBUTE, &attribute);
        }
        if (!shape->exact) {
            uint64_t time = bench_random(seed) >> 24;
            put_varint(&record, RECORD_TIME << 3 | WIRE_EIGHT);
            put_bytes(&record, &time, sizeof time);
            record.sum += time;
        }
        put_message(&request, REQUEST_RECORD, &record);
    }
    put_text(&request, REQUEST_SESSION, shape->text_bytes, seed);
    request.objects++; /* itself */
    free(record.bytes);
    free(attribute.bytes);
    return request;
}
