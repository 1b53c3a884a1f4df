/* SPDX-License-Identifier: MIT */
/*
 * A program that was built with the first headers of this ABI (gait/ beside this file), and runs
 * with the library of today: it works, and nothing beyond its own structures is written.
 *
 * The headers are kept as they were. While the soversion is 0, neither they nor this file change.
 */
#include <gait/gait.h>
#include <gait/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANARY 0x5a
#define OBJECTS 50000

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* A structure of the program's, and what lies behind it. */
#define GUARDED(type)                                                                              \
    struct {                                                                                       \
        type it;                                                                                   \
        unsigned char behind[512];                                                                 \
    }

static void guard(unsigned char *behind) { memset(behind, CANARY, 512); }

static void check_guard(const unsigned char *behind) {
    for (int i = 0; i < 512; i++)
        CHECK(behind[i] == CANARY);
}

static gait_heap *create(void) {
    GUARDED(gait_config) config;
    guard(config.behind);
    gait_config_init(&config.it);
    check_guard(config.behind);
    CHECK(config.it.struct_bytes == sizeof config.it);
    config.it.gogc = "150";
    config.it.memory_limit = "1GiB";
    config.it.debug = "";
    config.it.value_mask = ~(gait_word)7;
    char error[200] = "";
    gait_heap *heap = gait_heap_create(&config.it, error, sizeof error);
    if (!heap)
        fprintf(stderr, "%s\n", error);
    CHECK(heap);
    CHECK(gait_set_gogc(heap, GAIT_KEEP) == 150);
    CHECK(gait_set_memory_limit(heap, -1) == (int64_t)1 << 30);
    return heap;
}

static gait_kind kind(gait_heap *heap, gait_kind_info info) {
    GUARDED(gait_kind_info) guarded; /* what is behind is no part of it */
    guard(guarded.behind);
    guarded.it = info;
    int result = gait_kind_register(heap, &guarded.it);
    CHECK(result >= 0);
    return (gait_kind)result;
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object;
    ++*(int *)data;
}

/* A list by the inline functions of then: allocation, stores, frames, polls. */
static void work(gait_mutator *mutator, gait_kind pair, gait_kind leaf) {
    int finalized = 0;
    gait_word slots[2] = {0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);
    for (int i = 0; i < OBJECTS; i++) {
        gait_word *object = (gait_word *)gait_alloc(mutator, pair, 2 * sizeof *object);
        CHECK(object);
        gait_init(&object[0], slots[0]);
        slots[0] = (gait_word)object;
        char *text = (char *)gait_alloc(mutator, leaf, 40 + (size_t)i % 5000);
        CHECK(text && text[0] == 0);
        text[0] = 'x';
        gait_store(mutator, &((gait_word *)slots[0])[1], (gait_word)text | 3);
        gait_poll(mutator);
    }
    CHECK(gait_finalizer_set(mutator, gait_alloc(mutator, leaf, 16), finalize, &finalized) == 0);
    gait_handle *handle = gait_handle_new(mutator, slots[0]);
    CHECK(handle);
    slots[0] = slots[1] = 0;
    gait_collect(mutator);
    gait_enter_native(mutator);
    gait_leave_native(mutator);
    CHECK(gait_run_finalizers(mutator, 10) == 1 && finalized == 1);
    int length = 0;
    for (gait_word object = gait_handle_get(handle); object; length++) {
        const gait_word *words = (const gait_word *)object;
        CHECK(((const char *)(words[1] & ~(gait_word)7))[0] == 'x');
        object = words[0];
    }
    CHECK(length == OBJECTS);
    gait_handle_free(mutator, handle);
    gait_pop_frame(mutator);
}

static void check_figures(gait_heap *heap, gait_kind pair) {
    GUARDED(gait_stats) stats;
    memset(&stats, CANARY, sizeof stats);
    stats.it.struct_bytes = sizeof stats.it;
    CHECK(gait_read_stats(heap, &stats.it) == 0);
    check_guard(stats.behind);
    CHECK(stats.it.struct_bytes == sizeof stats.it);
    CHECK(stats.it.forced_cycles == 1 && stats.it.cycles >= 1);
    CHECK(stats.it.limit_bytes == (uint64_t)1 << 30);
    CHECK(stats.it.total_bytes >= stats.it.span_bytes && stats.it.span_bytes > 0);
    CHECK(stats.it.arena_bytes == 0 && stats.it.offheap_bytes == 0);
    CHECK(stats.it.mutators == 1);
    CHECK(stats.it.gc_cpu_fraction > 0 && stats.it.gc_cpu_fraction < 1);
    uint64_t pauses = 0;
    for (int i = 0; i < GAIT_PAUSE_BUCKETS; i++)
        pauses += stats.it.pause_histogram[i];
    CHECK(pauses == stats.it.pauses);

    GUARDED(gait_kind_stats) kinds[2]; /* of an array, the stride counts too */
    gait_kind_stats *entries = (gait_kind_stats *)malloc(2 * sizeof *entries);
    CHECK(entries);
    guard(kinds[0].behind);
    CHECK(gait_read_kinds(heap, &kinds[0].it, 1) == 2);
    check_guard(kinds[0].behind);
    CHECK(gait_read_kinds(heap, entries, 2) == 2);
    CHECK(entries[0].kind == 0 && entries[1].kind == 1);
    CHECK(strcmp(entries[pair].name, "pair") == 0 && strcmp(entries[1 - pair].name, "leaf") == 0);
    CHECK(entries[pair].objects >= OBJECTS);
    free(entries);
}

int main(void) {
    gait_heap *heap = create();
    gait_kind pair = kind(heap, (gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_kind leaf = kind(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator);
    work(mutator, pair, leaf);
    check_figures(heap, pair);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    printf("built with %s, runs with %s\n", GAIT_VERSION, gait_version());
}
