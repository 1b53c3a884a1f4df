/* SPDX-License-Identifier: MIT */
/*
 * JSON on its way to a descriptor, by a buffer: arrays of numbers and of texts. Neither malloc nor
 * stdio is called. One thread's.
 */
#ifndef GAIT_JSON_OUTPUT_H
#define GAIT_JSON_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_output {
    int descriptor;
    int64_t idle_ns; /* as of platform_descriptor_write_idle */
    char *buffer;
    size_t used;
    bool failed; /* errno said why; what follows is dropped */
    bool first;  /* the next element of an array is its first */
};

/** @return false: no memory. To be ended in any case. */
bool json_output_begin(struct json_output *json, int descriptor, int64_t idle_ns);

/** Write what is left, and free the buffer. @return false: not all was written. */
bool json_output_end(struct json_output *json);

/** Add text as it is. */
void json_output_put(struct json_output *json, const char *text);
void json_output_number(struct json_output *json, uint64_t number);

/** A member of an object, which is not its first: an array. "]" ends it. */
void json_output_array(struct json_output *json, const char *name);

/** The next element of it: some numbers, on a line. */
void json_output_numbers(struct json_output *json, const uint64_t *numbers, size_t count);

/** The next element: a text. Bytes that are no UTF-8 become "?". */
void json_output_text(struct json_output *json, const char *text, size_t count);

/** The same in parts: this, then json_output_put of harmless text, and letters of any; "\"" ends
 * it. */
void json_output_text_begin(struct json_output *json);
void json_output_letters(struct json_output *json, const char *text, size_t count);

#endif
