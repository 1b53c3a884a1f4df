/* SPDX-License-Identifier: MIT */
/*
 * For tests of heap snapshots: a heap, its snapshots as they are read again, and an object that is
 * held by the one root.
 */
#ifndef GAIT_TESTS_SEEN_HEAP_H
#define GAIT_TESTS_SEEN_HEAP_H

#include <gait/heap_snapshot.h>

#include "../heap_snapshot_reader.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, node, pair;
static struct seen seen;

static inline gait_kind kind_of(gait_kind_info info) {
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static inline void open_heap_with(const gait_config *config) {
    heap = gait_heap_create(config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    leaf = kind_of((gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    node = kind_of((gait_kind_info){.name = "node", .layout = GAIT_REFS});
    pair = kind_of((gait_kind_info){.name = "pair", .layout = GAIT_EPHEMERON, .head_words = 1});
    memset(&seen, 0, sizeof seen);
}

static inline void open_heap(void) { open_heap_with(NULL); }

static inline void close_heap(void) {
    seen_free(&seen);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

static inline gait_word *new_object(gait_kind kind, size_t words) {
    gait_word *object = gait_alloc(mutator, kind, words * sizeof(gait_word));
    cr_assert_not_null(object);
    return object;
}

static inline gait_word word_of(const void *object) { return (gait_word)object; }

/* What is written to a file, as a string. */
static inline char *written(gait_snapshot_options options, gait_snapshot_result *result,
                            size_t *bytes) {
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    char error[256] = "";
    options.error = error;
    options.error_bytes = sizeof error;
    int status = gait_write_snapshot(heap, file, &options, result);
    cr_assert_eq(status, 0, "%d: %s", status, error);
    struct stat about;
    cr_assert_eq(fstat(file, &about), 0);
    char *text = malloc((size_t)about.st_size + 1);
    cr_assert_eq(pread(file, text, (size_t)about.st_size, 0), about.st_size);
    text[about.st_size] = '\0';
    *bytes = (size_t)about.st_size;
    close(file);
    return text;
}

static inline gait_snapshot_options options_of(uint32_t format, uint32_t flags) {
    gait_snapshot_options options;
    gait_snapshot_options_init(&options);
    options.format = format;
    options.flags = flags;
    return options;
}

static inline gait_snapshot_result look_by(uint32_t flags) {
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_COMPACT, flags), &result, &bytes);
    seen_free(&seen);
    seen_read(&seen, text, bytes);
    free(text);
    cr_assert_null(seen.complaint, "%s", seen.complaint);
    cr_assert_eq(seen.stop_ns, (uint64_t)result.stop_ns);
    cr_assert(result.whole);
    return result;
}

static inline void look(void) { look_by(0); }

static inline void expect_edge(const void *from, const void *to, unsigned type, size_t place) {
    const struct seen_edge *edge = seen_edge_of(&seen, from, to);
    cr_assert_not_null(edge, "no edge of type %u at %zu", type, place);
    cr_assert_eq(edge->type, type, "type %u, not %u", edge->type, type);
    cr_assert_eq(edge->place, place, "place %zu, not %zu", (size_t)edge->place, place);
}

/* An object of a kind, held by a frame, as the one root. */
static gait_word root[1];
static struct gait_frame frame;

static inline gait_word *hold(gait_kind_info info, size_t words) {
    gait_word *object = new_object(kind_of(info), words);
    root[0] = word_of(object);
    gait_push_frame(mutator, &frame, root, 1);
    return object;
}

static inline void let_go(void) { gait_pop_frame(mutator); }

#endif
