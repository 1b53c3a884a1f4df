/* SPDX-License-Identifier: MIT */
/*
 * The barrier by objects: plain stores, then gait_dirty; or, with gcdirty=1, plain stores alone, to
 * roots, too, while the kernel tells which pages are written. Threads move the only reference to an
 * object from object to object, through their stacks, while the collector marks; they initialise
 * new objects by plain stores, also large ones, and run coroutines. With gcdirty=1 scan functions
 * must not run while one of them is between two safepoints, whatever finalizers their objects have.
 */
#include "stress.h"

#include <gait/dirty.h>

#define THREADS 3
#define SHARED 24
#define ROOTS 5
#define FIELDS 4
#define LARGE_WORDS ((size_t)9000)

struct node {
    gait_word stamp, check;
    gait_word fields[FIELDS];
};

struct worker {
    gait_mutator *mutator;
    gait_coroutine *coroutine;
    struct gait_frame coroutine_frame;
    gait_word coroutine_root;
    gait_word roots[ROOTS];
    uint64_t random, operations;
    bool changes; /* atomic: what a scan function that runs with the world stopped can't see */
};

static gait_heap *heap;
static gait_kind kind_node, kind_leaf, kind_called;
static struct worker workers[THREADS];
static gait_word shared[SHARED]; /* static slots */
static uint64_t stamps;          /* atomic */
static bool plain;               /* nobody is told of stores */

static gait_word node_check(gait_word word) {
    const struct node *node = (const struct node *)word;
    CHECK(!word || node->check == (mix(node->stamp ^ word) | 1), "%p is lost", (void *)word);
    return word;
}

static gait_word *field(struct worker *worker, gait_word word) {
    return &((struct node *)word)->fields[pick(&worker->random, FIELDS)];
}

/* A store that the collector is told of afterwards. */
static void put(struct worker *worker, gait_word object, gait_word *slot, gait_word value) {
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
#ifdef GAIT_CHECKS
    PERTURB(STORE);
#endif
    if (!plain)
        gait_dirty(worker->mutator, (void *)object);
}

static gait_word node_new(struct worker *worker, size_t bytes) {
    struct node *node = allocate(worker->mutator, kind_node, bytes);
    gait_word word = (gait_word)node, stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED);
    gait_init(&node->stamp, stamp << 1 | 1);
    gait_init(&node->check, mix((stamp << 1 | 1) ^ word) | 1);
    for (size_t i = 0; i < FIELDS; i++)
        gait_init(&node->fields[i], worker->roots[pick(&worker->random, ROOTS)]);
    return word;
}

/* Take what an object holds, and leave nothing there. */
static gait_word take(struct worker *worker, gait_word object) {
    gait_word *slot = field(worker, object), word = slot_load(slot);
    put(worker, object, slot, 0);
    return node_check(word);
}

/* ---- Objects with a scan function ---- */

static void scan_called(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    for (size_t i = 0; plain && i < THREADS; i++)
        CHECK(!__atomic_load_n(&workers[i].changes, __ATOMIC_ACQUIRE), "thread %zu runs", i);
    gait_visit(visitor, slot_load(object));
}

static void on_final(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)data;
    node_check(slot_load(object));
}

/* One that dies, and holds a node. */
static void called_new(struct worker *worker, gait_word node) {
    static const uint32_t flags[] = {0, GAIT_FINALIZER_IGNORE_SELF, GAIT_FINALIZER_UNORDERED,
                                     GAIT_FINALIZER_RESURRECT};
    struct gait_frame frame;
    gait_push_frame(worker->mutator, &frame, &node, 1);
    gait_word *object = allocate(worker->mutator, kind_called, sizeof(gait_word));
    gait_pop_frame(worker->mutator);
    gait_init(object, node);
    CHECK(gait_finalizer_replace(worker->mutator, object, on_final, NULL,
                                 flags[pick(&worker->random, 4)], NULL, NULL) == 0,
          "finalizer");
}

static void change(struct worker *worker) {
    __atomic_store_n(&worker->changes, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 20000; i++)
        __asm__ volatile("" ::: "memory");
    __atomic_store_n(&worker->changes, false, __ATOMIC_RELEASE);
}

static void operate(struct worker *worker) {
    gait_word *root = &worker->roots[pick(&worker->random, ROOTS)];
    gait_word *other = &worker->roots[pick(&worker->random, ROOTS)];
    worker->operations++;
    switch (pick(&worker->random, 13)) {
    case 0:
    case 1:
        *root = node_new(worker, sizeof(struct node));
        break;
    case 2:
        if (one_in(&worker->random, 60))
            *root = node_new(worker, LARGE_WORDS * sizeof(gait_word));
        break;
    case 3:
        if (*other)
            *root = node_check(slot_load(field(worker, *other)));
        break;
    case 4:
    case 5:
        if (*other)
            put(worker, *other, field(worker, *other), *root);
        break;
    case 6:
        if (*root && *other) {
            gait_word word = take(worker, *root);
            put(worker, *other, field(worker, *other), word);
        }
        break;
    case 7:
        if (*other)
            *root = take(worker, *other);
        break;
    case 8:
        *root = node_check(slot_load(&shared[pick(&worker->random, SHARED)]));
        break;
    case 9:
        if (plain)
            __atomic_store_n(&shared[pick(&worker->random, SHARED)], *root, __ATOMIC_RELEASE);
        else
            gait_store(worker->mutator, &shared[pick(&worker->random, SHARED)], *root);
        break;
    case 10:
        gait_coroutine_switch(worker->mutator, worker->coroutine);
        node_check(worker->coroutine_root);
        worker->coroutine_root = *root;
        gait_poll(worker->mutator);
        gait_coroutine_switch(worker->mutator, NULL);
        *root = 0;
        break;
    case 11:
        if (one_in(&worker->random, 30)) {
            called_new(worker, *root);
            change(worker);
            gait_run_finalizers(worker->mutator, 10);
        }
        break;
    default:
        allocate(worker->mutator, kind_leaf, 200);
        gait_poll(worker->mutator);
    }
}

static void *work(void *argument) {
    struct worker *worker = argument;
    gait_mutator *mutator = worker->mutator = attach(heap);
    memset(worker->roots, 0, sizeof worker->roots);
    worker->coroutine_root = 0;
    worker->coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    gait_coroutine_switch(mutator, worker->coroutine);
    gait_push_frame(mutator, &worker->coroutine_frame, &worker->coroutine_root, 1);
    gait_coroutine_switch(mutator, NULL);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, worker->roots, ROOTS);
    while (!time_is_up()) {
        for (size_t i = 0; i < 200; i++)
            operate(worker);
        if (one_in(&worker->random, 20)) {
            gait_enter_native(mutator);
            sleep_us(50);
            gait_leave_native(mutator);
        }
        if (one_in(&worker->random, 200))
            gait_collect(mutator);
    }
    gait_pop_frame(mutator);
    gait_coroutine_free(mutator, worker->coroutine);
    gait_detach(mutator);
    return NULL;
}

static void dirty_test(const char *debug, double seconds) {
    plain = strstr(debug, "gcdirty=1") != NULL;
    heap = heap_new(plain ? GAIT_STOP_THE_WORLD : GAIT_OBJECT_BARRIER, debug, "15");
    kind_node = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    kind_called = kind_new(
        heap, (gait_kind_info){.name = "called", .layout = GAIT_CALLBACK, .scan = scan_called});
    gait_mutator *mutator = attach(heap);
    memset(shared, 0, sizeof shared);
    CHECK(gait_roots_add(mutator, shared, SHARED) == 0, "roots");
    run_for(seconds);
    pthread_t threads[THREADS];
    uint64_t operations = 0;
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].random = mix(run.seed + i);
        workers[i].operations = 0;
        threads[i] = thread_start(work, &workers[i]);
    }
    gait_enter_native(mutator);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        operations += workers[i].operations;
    }
    gait_leave_native(mutator);
    gait_stats stats = stats_of(heap);
    printf("%-38s %9" PRIu64 " operations, %6" PRIu64 " cycles, longest pause %.2f ms\n", debug,
           operations, (uint64_t)stats.cycles, (double)stats.pause_max_ns / 1e6);
    fflush(stdout);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    double part = run.seconds / 10;
    dirty_test("clobberfree=1", part);
    dirty_test("gccheckmark=1,clobberfree=1", part);
    dirty_test("gcstress=64,clobberfree=1", part);
    dirty_test("gcstoptheworld=1,clobberfree=1", part);
    dirty_test("gcminor=3,gcstress=40,gccheckmark=1,clobberfree=1", part);
    dirty_test("gcminor=8,clobberfree=1", part);
    dirty_test("gcdirty=1,clobberfree=1", part);
    dirty_test("gcdirty=1,gccheckmark=1,clobberfree=1", part);
    dirty_test("gcdirty=1,gcstress=64,clobberfree=1", part);
    dirty_test("gcdirty=1,gcstoptheworld=1,clobberfree=1", part);
    return 0;
}
