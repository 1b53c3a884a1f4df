/* SPDX-License-Identifier: MIT */
/* Off-heap buffers: nothing looks at their bytes, and what they grow by counts at once. */
#include "server.h"

void buffer_reserve(struct buffer *buffer, size_t bytes, int tag) {
    if (bytes <= buffer->room)
        return;
    size_t room = buffer->room ? buffer->room : 4096;
    while (room < bytes)
        room *= 2;
    buffer->bytes = gait_offheap_realloc(server.heap, buffer->bytes, room, 1, tag);
    CHECK(buffer->bytes);
    buffer->room = room;
}

void buffer_add(struct buffer *buffer, const char *bytes, size_t length, int tag) {
    buffer_reserve(buffer, buffer->length + length, tag);
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void buffer_free(struct buffer *buffer) {
    gait_offheap_free(server.heap, buffer->bytes);
    *buffer = (struct buffer){0};
}
