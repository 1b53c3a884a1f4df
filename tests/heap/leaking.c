/* SPDX-License-Identifier: MIT */
/* A program that leaks: sessions of users, of which one keeps an entry for each request. It writes
 * a snapshot in both forms before and after a thousand requests, to argv[1]. */
#include <gait/heap_snapshot.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

enum { SESSION_NAME, SESSION_CACHE, SESSION_NEXT, SESSION_WORDS };

static gait_kind session, text, entry, registry;
static gait_word sessions, profiles;

static size_t label(gait_kind kind, const void *object, size_t object_bytes, char *to, void *data) {
    (void)object_bytes, (void)data;
    const char *name = kind == session ? *(const char *const *)object : NULL;
    return name ? (size_t)snprintf(to, GAIT_SNAPSHOT_LABEL_BYTES, "session of %s", name) : 0;
}

static gait_kind kind_of(gait_heap *heap, const char *name, gait_layout layout) {
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = name, .layout = layout});
    CHECK(kind >= 0);
    return (gait_kind)kind;
}

static gait_word new_object(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    void *object = gait_alloc(mutator, kind, bytes);
    CHECK(object);
    return (gait_word)object;
}

static void open_session(gait_mutator *mutator, const char *user) {
    gait_word fresh = new_object(mutator, session, SESSION_WORDS * sizeof(gait_word));
    gait_store(mutator, &((gait_word *)fresh)[SESSION_NEXT], sessions);
    gait_store(mutator, &sessions, fresh);
    gait_word name = new_object(mutator, text, strlen(user) + 1); /* a safepoint: a slot holds it */
    strcpy((char *)name, user);
    gait_store(mutator, &((gait_word *)sessions)[SESSION_NAME], name);
}

/** What a request leaves behind: an entry, and a page. */
static void serve(gait_mutator *mutator) {
    gait_word *owner = (gait_word *)sessions;
    gait_word fresh = new_object(mutator, entry, 2 * sizeof(gait_word));
    gait_store(mutator, (gait_word *)fresh, owner[SESSION_CACHE]);
    gait_store(mutator, &owner[SESSION_CACHE], fresh);
    gait_word page = new_object(mutator, text, 500);
    gait_store(mutator, &((gait_word *)owner[SESSION_CACHE])[1], page);
}

static void write_snapshot(gait_heap *heap, const char *folder, int number, uint32_t format) {
    char path[1000], error[256] = "";
    gait_snapshot_options options;
    gait_snapshot_result result;
    gait_snapshot_options_init(&options);
    options.format = format;
    options.error = error;
    options.error_bytes = sizeof error;
    snprintf(path, sizeof path, "%s/%d.%s", folder, number,
             format == GAIT_SNAPSHOT_V8 ? "heapsnapshot" : "gaitheap");
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    if (gait_write_snapshot(heap, file, &options, &result) < 0 || !result.whole) {
        fprintf(stderr, "%s: %s\n", path, error);
        exit(1);
    }
    CHECK(close(file) == 0);
}

static void write_both(gait_heap *heap, const char *folder, int number) {
    write_snapshot(heap, folder, number, GAIT_SNAPSHOT_COMPACT);
    write_snapshot(heap, folder, number, GAIT_SNAPSHOT_V8);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    CHECK(heap);
    gait_mutator *mutator = gait_attach(heap);
    session = kind_of(heap, "session", GAIT_REFS);
    text = kind_of(heap, "text", GAIT_LEAF);
    entry = kind_of(heap, "entry", GAIT_REFS);
    registry = kind_of(heap, "registry", GAIT_EPHEMERON);
    gait_set_snapshot_label(heap, label, NULL);
    CHECK(gait_roots_add(mutator, &sessions, 1) == 0 && gait_roots_add(mutator, &profiles, 1) == 0);
    open_session(mutator, "ann");
    open_session(mutator, "bob");
    gait_store(mutator, &profiles, new_object(mutator, registry, 8 * sizeof(gait_word)));
    gait_word picture = new_object(mutator, text, 4000);
    gait_ephemeron_set(mutator, (gait_word *)profiles, sessions, picture); /* bob's, weakly */
    for (int i = 0; i < 100; i++)
        serve(mutator);
    write_both(heap, argv[1], 1);
    for (int i = 0; i < 1000; i++)
        serve(mutator);
    write_both(heap, argv[1], 2);
    printf("0x%" PRIxPTR "\n", (uintptr_t)gait_ephemeron_get(mutator, (gait_word *)profiles));
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
