/* SPDX-License-Identifier: MIT */
/* The server's heap, and the loop of a connection. */
#include "server.h"

#include <errno.h>
#include <unistd.h>

struct server server;

enum { FRAME_MAX = 64 << 20 };

void server_start(void) {
    gait_heap *heap = example_heap(NULL);
    server = (struct server){
        .heap = heap,
        .text = example_kind(heap, &(gait_kind_info){.name = "text", .layout = GAIT_LEAF}),
        .field = example_kind(heap, &(gait_kind_info){.name = "field", .layout = GAIT_REFS}),
        .request = example_kind(
            heap, &(gait_kind_info){.name = "request", .layout = GAIT_PREFIX, .head_words = 2}),
        .entry = example_kind(
            heap, &(gait_kind_info){.name = "entry", .layout = GAIT_PREFIX, .head_words = 2}),
        .table = example_kind(heap, &(gait_kind_info){.name = "table", .layout = GAIT_REFS}),
        .receive = gait_offheap_tag(heap, "receive"),
        .send = gait_offheap_tag(heap, "send"),
        .blobs = gait_offheap_tag(heap, "blobs"),
    };
    CHECK(server.receive > 0 && server.send > 0 && server.blobs > 0);
}

/* All of so many bytes, or false at the end. In native code: nobody waits for this thread. */
static bool read_all(int descriptor, void *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t got = read(descriptor, (char *)bytes + done, length - done);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool write_all(int descriptor, const void *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t put = write(descriptor, (const char *)bytes + done, length - done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool receive(gait_mutator *mutator, int descriptor, struct buffer *buffer) {
    uint32_t length = 0;
    gait_enter_native(mutator);
    bool there = read_all(descriptor, &length, sizeof length) && length <= FRAME_MAX;
    gait_leave_native(mutator);
    if (!there)
        return false;
    buffer_reserve(buffer, length, server.receive);
    gait_enter_native(mutator);
    there = read_all(descriptor, buffer->bytes, length);
    gait_leave_native(mutator);
    buffer->length = length;
    return there;
}

static bool reply(gait_mutator *mutator, int descriptor, const struct buffer *buffer) {
    uint32_t length = (uint32_t)buffer->length;
    gait_enter_native(mutator);
    bool sent = write_all(descriptor, &length, sizeof length) &&
                write_all(descriptor, buffer->bytes, length);
    gait_leave_native(mutator);
    return sent;
}

/* A request's answer, written to `out`. */
static void answer(gait_mutator *mutator, gait_arena *arena, const struct buffer *in,
                   struct buffer *out) {
    struct request *request = request_parse(mutator, arena, in->bytes, in->length);
    if (!request) {
        buffer_add(out, "malformed", 9, server.send);
    } else if (request->blob) {
        cache_put(mutator, request);
        buffer_add(out, "ok", 2, server.send);
    } else if (!cache_get(mutator, (struct text *)request->name, out)) {
        buffer_add(out, "none", 4, server.send);
    }
}

void *server_connection(void *argument) {
    int descriptor = *(int *)argument;
    gait_mutator *mutator = gait_attach(server.heap);
    CHECK(mutator);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "request";
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena);
    gait_word slots[1] = {(gait_word)arena};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 1);
    struct buffer in = {0}, out = {0};

    while (receive(mutator, descriptor, &in)) {
        out.length = 0;
        answer(mutator, arena, &in, &out);
        gait_arena_reset(mutator, arena); /* the request is gone, its memory is kept for the next */
        if (!reply(mutator, descriptor, &out))
            break;
        gait_run_finalizers(mutator, 16); /* blobs of entries that are gone */
    }

    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
    buffer_free(&in);
    buffer_free(&out);
    gait_detach(mutator);
    close(descriptor);
    return NULL;
}
