/* SPDX-License-Identifier: MIT */
/*
 * Many heaps that live for a moment, in many threads, beside one that lives throughout, while the
 * process forks: as a server that gives each request an interpreter of its own. What a short heap
 * has made is whole when it ends, whichever thread ends it; a fork's child goes on with the long
 * heap, makes short ones and ends.
 */
#include "stress.h"

#include <gait/control.h>
#include <gait/links.h>
#include <sys/wait.h>

#define THREADS 4
#define DEPTH 9
#define ENTRIES 256

static gait_heap *lasting;
static gait_kind lasting_node, lasting_table;
static uint64_t requests, finalized, expected; /* atomic */

static gait_word tree(gait_mutator *mutator, gait_kind kind, unsigned depth) {
    gait_word words[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, words, 2);
    for (unsigned i = 0; depth > 0 && i < 2; i++)
        words[i] = tree(mutator, kind, depth - 1);
    gait_word *node = gait_alloc(mutator, kind, 2 * sizeof *node);
    CHECK(node, "no memory");
    gait_init(&node[0], words[0]);
    gait_init(&node[1], words[1]);
    gait_pop_frame(mutator);
    return (gait_word)node;
}

static unsigned nodes_of(gait_word word) {
    const gait_word *node = (const gait_word *)word;
    return node ? 1 + nodes_of(node[0]) + nodes_of(node[1]) : 0;
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)data;
    CHECK(nodes_of((gait_word)object) > 0, "a finalizer's object is broken");
    __atomic_add_fetch(&finalized, 1, __ATOMIC_RELAXED);
}

static gait_kind kind_of(gait_heap *heap, const char *name, gait_layout layout) {
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = name, .layout = layout});
    CHECK(kind >= 0, "kind %s: %d", name, kind);
    return (gait_kind)kind;
}

/* The second thread of a request. */
struct other {
    gait_heap *heap;
    gait_kind kind;
    uint64_t random;
};

static void *other_main(void *argument) {
    struct other *other = argument;
    gait_mutator *mutator = gait_attach(other->heap);
    CHECK(mutator, "gait_attach");
    unsigned depth = (unsigned)pick(&other->random, DEPTH);
    CHECK(nodes_of(tree(mutator, other->kind, depth)) == (2u << depth) - 1, "a tree is broken");
    if (one_in(&other->random, 2)) /* else as the thread ends */
        gait_detach(mutator);
    return NULL;
}

static gait_heap *short_heap(uint64_t *random) {
    static const char *const debugs[] = {"", "gcstress=64", "gccheckmark=1,clobberfree=1",
                                         "gcstoptheworld=1", "memprofilerate=4096"};
    static const char *const gogc[] = {"100", "10", "off", "400"};
    gait_config config;
    gait_config_init(&config);
    config.flags = one_in(random, 4) ? GAIT_STOP_THE_WORLD : 0;
    config.gogc = gogc[pick(random, 4)];
    config.debug = debugs[pick(random, 5)];
    config.minor = one_in(random, 2) ? "on" : "off";
    config.reserve_bytes = (size_t)1 << (24 + pick(random, 8));
    char error[200] = "";
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    CHECK(heap, "%s", error);
    return heap;
}

static void request(uint64_t *random, bool alone) {
    gait_heap *heap = short_heap(random);
    gait_kind node = kind_of(heap, "node", GAIT_REFS), weak = kind_of(heap, "weak", GAIT_WEAK);
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator, "gait_attach");
    struct other other = {heap, node, next_random(random)};
    pthread_t thread;
    bool helped = !alone && one_in(random, 2);
    if (helped)
        CHECK(pthread_create(&thread, NULL, other_main, &other) == 0, "pthread_create");
    gait_word words[2] = {0}, slot;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, words, 2);
    words[1] = (gait_word)gait_alloc(mutator, weak, ENTRIES * sizeof(gait_word));
    for (unsigned i = 0; i < 30; i++) {
        unsigned depth = (unsigned)pick(random, DEPTH);
        words[0] = tree(mutator, node, depth);
        gait_weak_set(mutator, (gait_word *)words[1] + pick(random, ENTRIES), words[0]);
        if (one_in(random, 4)) {
            CHECK(gait_finalizer_set(mutator, (void *)words[0], finalize, NULL) == 0, "finalizer");
            __atomic_add_fetch(&expected, 1, __ATOMIC_RELAXED);
        }
        CHECK(nodes_of(words[0]) == (2u << depth) - 1, "a tree is broken");
        gait_word found = gait_weak_get(mutator, (gait_word *)words[1] + pick(random, ENTRIES));
        CHECK(!found || nodes_of(found) > 0, "a weak word leads to what is broken");
        if (one_in(random, 16))
            gait_run_finalizers(mutator, 3);
    }
    slot = ~words[0];
    CHECK(gait_link_register(mutator, &slot, (void *)words[0], 0) == 0, "gait_link_register");
    if (one_in(random, 4))
        gait_collect(mutator);
    CHECK(gait_link_get(mutator, &slot, 0) == (void *)words[0], "a link is cleared");
    gait_pop_frame(mutator);
    if (helped) {
        gait_enter_native(mutator);
        pthread_join(thread, NULL);
        gait_leave_native(mutator);
    }
    gait_finalize_all(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    __atomic_add_fetch(&requests, 1, __ATOMIC_RELAXED);
}

/* A thread's part of the long heap: a table of trees, some of which go with each request. */
static void *serve(void *argument) {
    uint64_t random = run.seed + (uint64_t)(uintptr_t)argument * 7919;
    gait_mutator *mutator = gait_attach(lasting);
    gait_word table = (gait_word)gait_alloc(mutator, lasting_table, ENTRIES * sizeof(gait_word));
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &table, 1);
    while (!time_is_up()) {
        for (unsigned i = 0; i < 8; i++)
            gait_store(mutator, (gait_word *)table + pick(&random, ENTRIES),
                       tree(mutator, lasting_node, 5));
        gait_enter_native(mutator);
        request(&random, false);
        gait_leave_native(mutator);
        gait_word word = ((gait_word *)table)[pick(&random, ENTRIES)];
        CHECK(!word || nodes_of(word) == 63, "a tree of the long heap is broken");
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

static void child_main(gait_mutator *mutator, uint64_t random) {
    alarm(60);
    gait_leave_native(mutator);
    gait_collect(mutator);
    CHECK(nodes_of(tree(mutator, lasting_node, 8)) == 511, "a child's tree is broken");
    gait_enter_native(mutator);
    request(&random, false);
    gait_leave_native(mutator);
    gait_collect(mutator);
    _exit(0);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 2);
    gait_config config;
    gait_config_init(&config);
    lasting = gait_heap_create(&config, NULL, 0);
    CHECK(lasting, "gait_heap_create");
    lasting_node = kind_of(lasting, "node", GAIT_REFS);
    lasting_table = kind_of(lasting, "table", GAIT_REFS);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, serve, (void *)(i + 1)) == 0, "pthread_create");
    gait_mutator *mutator = gait_attach(lasting);
    gait_enter_native(mutator);
    uint64_t random = run.seed;
    unsigned forks = 0;
    for (; !UNDER_TSAN && !UNDER_ASAN && !time_is_up(); forks++) {
        pid_t child = fork();
        CHECK(child >= 0, "fork");
        if (child == 0)
            child_main(mutator, random + forks);
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0, "a child ended with %#x", status);
        sleep_us(2000);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    gait_detach(mutator);
    gait_heap_destroy(lasting);
    CHECK(finalized == expected, "%" PRIu64 " finalizers ran, of %" PRIu64, finalized, expected);
    printf("%" PRIu64 " heaps, %u forks, %" PRIu64 " finalizers\n", requests, forks, finalized);
    return 0;
}
