/* SPDX-License-Identifier: MIT */
/*
 * Texts of a snapshot. See texts.h.
 */
#include "texts.h"

#include "command.h"

#include <stdlib.h>
#include <string.h>

static void make_room(struct texts *texts, size_t size) {
    if (texts->room - texts->used >= size)
        return;
    texts->room = 2 * texts->room + size + 64;
    texts->bytes = command_grow(texts->bytes, texts->room, 1);
}

void texts_add_piece(struct texts *texts, const char *bytes, size_t size) {
    make_room(texts, size);
    for (size_t i = 0; i < size; i++)
        texts->bytes[texts->used++] = bytes[i] ? bytes[i] : ' ';
}

uint32_t texts_end(struct texts *texts) {
    make_room(texts, 1);
    texts->bytes[texts->used++] = '\0';
    if (texts->count + 2 > texts->starts_room) {
        if (texts->count >= UINT32_MAX / 2 - 64)
            command_fail("more texts than %u", texts->count);
        texts->starts_room = 2 * texts->starts_room + 64;
        texts->starts = command_grow(texts->starts, texts->starts_room, sizeof(*texts->starts));
        texts->starts[0] = 0;
    }
    texts->starts[++texts->count] = texts->used; /* where the next one begins */
    return texts->count;
}

uint32_t texts_add(struct texts *texts, const char *bytes, size_t size) {
    texts_add_piece(texts, bytes, size);
    return texts_end(texts);
}

const char *texts_get(const struct texts *texts, uint32_t number) {
    return number > 0 && number <= texts->count ? texts->bytes + texts->starts[number - 1] : "";
}

void texts_free(struct texts *texts) {
    free(texts->bytes);
    free(texts->starts);
}
