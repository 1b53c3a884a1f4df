/* SPDX-License-Identifier: MIT */
/*
 * JSON by a buffer. See json_output.h.
 */
#include "json_output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../platform/platform.h"

#define BUFFER_BYTES ((size_t)256 << 10)

bool json_output_begin(struct json_output *json, int descriptor, int64_t idle_ns) {
    *json = (struct json_output){.descriptor = descriptor, .idle_ns = idle_ns};
    json->buffer = platform_map(BUFFER_BYTES);
    return json->buffer != NULL;
}

static void flush(struct json_output *json) {
    if (!json->failed && platform_descriptor_write_idle(json->descriptor, json->buffer, json->used,
                                                        json->idle_ns) < 0)
        json->failed = true;
    json->used = 0;
}

bool json_output_end(struct json_output *json) {
    if (!json->buffer)
        return false;
    flush(json);
    int error = errno;
    platform_unreserve(json->buffer, BUFFER_BYTES);
    errno = error;
    return !json->failed;
}

static void make_room(struct json_output *json, size_t bytes) {
    if (BUFFER_BYTES - json->used < bytes)
        flush(json);
}

void json_output_put(struct json_output *json, const char *text) {
    size_t length = strlen(text);
    for (size_t done = 0; done < length;) {
        make_room(json, 1);
        size_t room = BUFFER_BYTES - json->used, some = length - done;
        some = some < room ? some : room;
        memcpy(json->buffer + json->used, text + done, some);
        json->used += some;
        done += some;
    }
}

void json_output_number(struct json_output *json, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    make_room(json, count);
    while (count > 0)
        json->buffer[json->used++] = digits[--count];
}

void json_output_numbers(struct json_output *json, const uint64_t *numbers, size_t count) {
    make_room(json, 2);
    if (!json->first)
        json->buffer[json->used++] = ',';
    json->buffer[json->used++] = '\n';
    json->first = false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            json_output_put(json, ",");
        json_output_number(json, numbers[i]);
    }
}

void json_output_array(struct json_output *json, const char *name) {
    json_output_put(json, ",\n\"");
    json_output_put(json, name);
    json_output_put(json, "\":[");
    json->first = true;
}

static void put_letter(struct json_output *json, const unsigned char *text, size_t bytes) {
    char escaped[8];
    make_room(json, sizeof escaped);
    if (bytes == 1 && (*text < ' ' || *text == '"' || *text == '\\')) {
        snprintf(escaped, sizeof escaped, "\\u%04x", *text);
        json_output_put(json, escaped);
        return;
    }
    memcpy(json->buffer + json->used, bytes ? (const char *)text : "?", bytes ? bytes : 1);
    json->used += bytes ? bytes : 1;
}

void json_output_letters(struct json_output *json, const char *text, size_t count) {
    for (size_t i = 0; i < count;) {
        size_t bytes = platform_letter_bytes(text + i, count - i);
        put_letter(json, (const unsigned char *)text + i, bytes);
        i += bytes ? bytes : 1;
    }
}

void json_output_text_begin(struct json_output *json) {
    json_output_put(json, json->first ? "\n\"" : ",\n\"");
    json->first = false;
}

void json_output_text(struct json_output *json, const char *text, size_t count) {
    json_output_text_begin(json);
    json_output_letters(json, text, count);
    json_output_put(json, "\"");
}
