/* SPDX-License-Identifier: MIT */
/* A heap snapshot for Chrome's DevTools, with labels and buffers outside the heap: sessions of
 * users, and a cache that nobody empties. */
#include "example.h"

#include <fcntl.h>
#include <gait/foreign.h>
#include <gait/heap_snapshot.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SESSION_NAME, SESSION_CACHE, SESSION_STREAM, SESSION_NEXT, SESSION_WORDS };

static gait_kind session, text, entry, stream;

/* Its buffer is the C library's. */
#define BUFFER_BYTES 65536
struct stream {
    char *buffer;
};

/* A user's name. It is read while the program stands still, or in a copy of it: no lock, no memory,
 * no function of the library. */
static size_t label(gait_kind kind, const void *object, size_t object_bytes, char *to, void *data) {
    (void)object_bytes, (void)data;
    if (kind != session)
        return 0;
    const char *name = (const char *)((const gait_word *)object)[SESSION_NAME];
    return name ? (size_t)snprintf(to, GAIT_SNAPSHOT_LABEL_BYTES, "session of %s", name) : 0;
}

/* What an object owns outside the heap. The same rules. */
static size_t owned(gait_kind kind, const void *object, size_t object_bytes, void *data) {
    (void)object_bytes, (void)data;
    return kind == stream && ((const struct stream *)object)->buffer ? BUFFER_BYTES : 0;
}

static void free_buffer(gait_mutator *mutator, void *buffer) {
    free(buffer);
    gait_foreign_sub(mutator, BUFFER_BYTES);
}

static void open_stream(gait_mutator *mutator, gait_word *owner) {
    gait_foreign_add(mutator, BUFFER_BYTES);
    struct stream *fresh = gait_alloc(mutator, stream, sizeof *fresh);
    CHECK(fresh);
    fresh->buffer = malloc(BUFFER_BYTES);
    CHECK(fresh->buffer && gait_cleanup_add(mutator, fresh, free_buffer, fresh->buffer) == 0);
    gait_store(mutator, &owner[SESSION_STREAM], (gait_word)fresh);
}

static gait_word new_text(gait_mutator *mutator, const char *from) {
    char *name = gait_alloc(mutator, text, strlen(from) + 1);
    CHECK(name);
    strcpy(name, from);
    return (gait_word)name;
}

static void open_session(gait_mutator *mutator, gait_word *sessions, const char *user) {
    gait_word *fresh = gait_alloc(mutator, session, SESSION_WORDS * sizeof(gait_word));
    CHECK(fresh);
    gait_store(mutator, &fresh[SESSION_NEXT], *sessions);
    gait_store(mutator, sessions, (gait_word)fresh);
    gait_word name = new_text(mutator, user); /* a safepoint: the session is held by the slot */
    gait_store(mutator, &((gait_word *)*sessions)[SESSION_NAME], name);
}

/* What each request of a user's leaves behind. */
static void remember(gait_mutator *mutator, gait_word *owner, size_t bytes) {
    gait_word *fresh = gait_alloc(mutator, entry, 2 * sizeof(gait_word));
    CHECK(fresh);
    gait_store(mutator, &fresh[0], owner[SESSION_CACHE]);
    gait_store(mutator, &owner[SESSION_CACHE], (gait_word)fresh);
    void *page = gait_alloc(mutator, text, bytes);
    CHECK(page);
    gait_store(mutator, &((gait_word *)owner[SESSION_CACHE])[1], (gait_word)page);
}

static int write_snapshot(gait_heap *heap, const char *path, gait_snapshot_result *result) {
    char error[256];
    gait_snapshot_options options;
    gait_snapshot_options_init(&options);
    options.flags = GAIT_SNAPSHOT_FORK;
    options.error = error;
    options.error_bytes = sizeof error;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int status = gait_write_snapshot(heap, file, &options, result);
    if (status < 0)
        fprintf(stderr, "%s\n", error);
    close(file);
    return status;
}

int main(int argc, char **argv) {
    static gait_word sessions;
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    session = example_kind(heap, &(gait_kind_info){.name = "session", .layout = GAIT_REFS});
    text = example_kind(heap, &(gait_kind_info){.name = "text", .layout = GAIT_LEAF});
    entry = example_kind(heap, &(gait_kind_info){.name = "entry", .layout = GAIT_REFS});
    stream = example_kind(heap, &(gait_kind_info){.name = "stream", .layout = GAIT_LEAF});
    gait_set_snapshot_label(heap, label, NULL);
    gait_set_snapshot_owned(heap, owned, NULL);
    CHECK(gait_roots_add(mutator, &sessions, 1) == 0);
    open_session(mutator, &sessions, "ann");
    open_session(mutator, &sessions, "bob");
    open_stream(mutator, (gait_word *)sessions); /* bob's */
    for (int i = 0; i < 2000; i++)
        remember(mutator, (gait_word *)sessions, 500); /* likewise */

    gait_snapshot_result result;
    const char *path = argc > 1 ? argv[1] : "/dev/null";
    CHECK(write_snapshot(heap, path, &result) == 0);
    CHECK(result.whole);
    printf("%s: the program stood still for %.3f ms\n", path, (double)result.stop_ns / 1e6);

    gait_store(mutator, &((gait_word *)sessions)[SESSION_STREAM], 0);
    gait_collect(mutator);
    CHECK(gait_run_finalizers(mutator, SIZE_MAX) == 1);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
