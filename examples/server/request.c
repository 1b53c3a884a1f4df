/* SPDX-License-Identifier: MIT */
/* Parsing. Each object hangs on the request before the next is made, so the request is the one
 * root; in an arena not even that is needed, but the parser does not know. */
#include "server.h"

static void make_text(gait_mutator *mutator, gait_arena *arena, gait_word *slot, const char *bytes,
                      size_t length) {
    struct text *text = gait_alloc_or_arena(mutator, arena, server.text, sizeof *text + length);
    CHECK(text);
    text->length = length;
    memcpy(text->bytes, bytes, length);
    gait_store(mutator, slot, (gait_word)text);
}

/* The length of the line at *at, which moves behind its end; -1: there is no end. */
static ptrdiff_t take_line(const char **at, const char *end) {
    const char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));
    if (!newline)
        return -1;
    *at = newline + 1;
    return newline - line;
}

struct request *request_parse(gait_mutator *mutator, gait_arena *arena, const char *bytes,
                              size_t length) {
    const char *at = bytes, *end = bytes + length, *line = at;
    ptrdiff_t line_length = take_line(&at, end);
    if (line_length < 5 || (memcmp(line, "get ", 4) != 0 && memcmp(line, "put ", 4) != 0))
        return NULL;
    struct request *request = gait_alloc_or_arena(mutator, arena, server.request, sizeof *request);
    CHECK(request);
    gait_word slots[1] = {(gait_word)request};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 1);
    make_text(mutator, arena, &request->name, line + 4, (size_t)line_length - 4);
    bool put = line[0] == 'p';
    while (put && (line = at, line_length = take_line(&at, end)) > 0) {
        const char *space = memchr(line, ' ', (size_t)line_length);
        if (!space)
            break;
        struct field *field = gait_alloc_or_arena(mutator, arena, server.field, sizeof *field);
        CHECK(field);
        gait_init(&field->next, request->fields);
        gait_store(mutator, &request->fields, (gait_word)field);
        make_text(mutator, arena, &field->name, line, (size_t)(space - line));
        make_text(mutator, arena, &field->value, space + 1,
                  (size_t)(line_length - (space + 1 - line)));
    }
    if (put) {
        request->blob = at;
        request->blob_bytes = (size_t)(end - at);
    }
    gait_pop_frame(mutator);
    return put && line_length != 0 ? NULL : request;
}
