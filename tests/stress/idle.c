/* SPDX-License-Identifier: MIT */
/*
 * Threads that touch many size classes and then wait, in native code or with a poll now and then:
 * after three cycles the memory is back, and the figures say what is live.
 */
#include "stress.h"

#include <stdatomic.h>

#define THREADS 64
#define CLASSES 40
#define OBJECT_BYTES(index) (24 + (size_t)(index)*104)

static gait_heap *heap;
static gait_kind kind_leaf, kind_refs;
static atomic_uint idle; /* threads that have allocated */
static atomic_bool over;

static void *idle_work(void *argument) {
    bool native = *(const bool *)argument;
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator, "gait_attach");
    gait_word kept = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    for (size_t i = 0; i < CLASSES; i++) {
        allocate(mutator, kind_leaf, OBJECT_BYTES(i));
        kept = (gait_word)allocate(mutator, kind_refs, OBJECT_BYTES(i));
    }
    *(gait_word *)kept = 77; /* no reference: an odd word */
    if (native)
        gait_enter_native(mutator);
    atomic_fetch_add(&idle, 1);
    while (!atomic_load(&over)) {
        sleep_us(2000);
        if (!native)
            gait_poll(mutator);
    }
    if (native)
        gait_leave_native(mutator);
    for (size_t i = 0; i < CLASSES; i++) { /* what was given back is taken anew, and is zero */
        gait_word *object = allocate(mutator, kind_refs, OBJECT_BYTES(i));
        for (size_t word = 0; word < OBJECT_BYTES(i) / sizeof(gait_word); word++)
            CHECK(object[word] == 0, "byte %zu of a new object", word * sizeof(gait_word));
        memset(object, 0xff, OBJECT_BYTES(i));
    }
    CHECK(*(gait_word *)kept == 77, "a kept object was overwritten");
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

static void idle_test(const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.debug = debug;
    heap = heap_of(&config);
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    kind_refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    atomic_store(&idle, 0);
    atomic_store(&over, false);
    static const bool native[2] = {false, true};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(idle_work, (void *)&native[i % 2]);
    gait_mutator *mutator = gait_attach(heap);
    gait_enter_native(mutator);
    while (atomic_load(&idle) < THREADS)
        sleep_us(1000);
    gait_leave_native(mutator);
    gait_stats before = {.struct_bytes = sizeof before}, after = before;
    gait_read_stats(heap, &before);
    for (size_t i = 0; i < 3; i++)
        gait_collect(mutator);
    gait_read_stats(heap, &after);
    printf("%2d idle threads: live %5.1f -> %4.2f MiB, spans %5.1f -> %4.2f MiB\n", THREADS,
           (double)before.heap_live_bytes / 1048576, (double)after.heap_live_bytes / 1048576,
           (double)before.span_bytes / 1048576, (double)after.span_bytes / 1048576);
    /* each thread keeps one object of 4 KiB, in a cell that is at most an eighth larger, and in a
     * span that it had for itself */
    size_t kept = THREADS * (OBJECT_BYTES(CLASSES - 1) * 9 / 8);
    CHECK(after.heap_live_bytes <= kept, "live: %zu bytes", (size_t)after.heap_live_bytes);
    CHECK(after.span_bytes <= THREADS * (size_t)16384, "spans: %zu bytes",
          (size_t)after.span_bytes);
    gait_kind_stats kinds[2];
    CHECK(gait_read_kinds(heap, kinds, 2) == 2, "two kinds");
    CHECK(kinds[kind_leaf].objects == 0, "%zu dead leaves", (size_t)kinds[kind_leaf].objects);
    CHECK(kinds[kind_refs].objects == THREADS, "%zu objects", (size_t)kinds[kind_refs].objects);
    atomic_store(&over, true);
    gait_enter_native(mutator);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    idle_test("");
    idle_test("clobberfree=1,gccheckmark=1");
    idle_test("gcstoptheworld=1");
}
