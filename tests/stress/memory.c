/* SPDX-License-Identifier: MIT */
/*
 * No memory available: requests that nothing can fulfil, small reservations, limits of the OS, and
 * calls of the platform layer that are made to fail one by one and all over. An allocation may give
 * NULL then; what was allocated stays whole, and the heap works as soon as there is memory.
 */
#include "stress.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "platform/fault.h"

#define HANG_SECONDS 50

struct node {
    gait_word next;
    gait_word stamp;
    gait_word check;
    gait_word weak; /* a weak object, an ephemeron table or 0 */
    gait_word padding[12];
};

struct list {
    gait_heap *heap;
    gait_mutator *mutator;
    uint64_t random;
    gait_kind kind_node, kind_leaf, kind_weak, kind_table, kind_array;
    gait_word first; /* a root */
    gait_word wide;  /* a root: an array of nodes, some of which are in no list any more */
    size_t width;    /* its length, words */
    struct gait_frame frame;
    size_t length;
    size_t failures;
    size_t asked; /* calls of the handler */
};

static void list_begin(struct list *list, gait_heap *heap, uint64_t seed) {
    *list = (struct list){.heap = heap, .random = seed};
    list->kind_node = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    list->kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    list->kind_weak =
        kind_new(heap, (gait_kind_info){.name = "weak", .layout = GAIT_WEAK, .head_words = 1});
    list->kind_table = kind_new(
        heap, (gait_kind_info){.name = "table", .layout = GAIT_EPHEMERON, .head_words = 1});
    /* a kind that marking pushes all at once, however large */
    list->kind_array = kind_new(
        heap, (gait_kind_info){
                  .name = "array", .layout = GAIT_REPEAT, .element_words = 1, .element_bitmap = 1});
}

static void list_attach(struct list *list) {
    /* it may be made to fail */
    for (int64_t begin_ns = now_ns(); !(list->mutator = gait_attach(list->heap)); sleep_us(10))
        CHECK(now_ns() - begin_ns < 10000000000, "gait_attach");
    gait_push_frame(list->mutator, &list->frame, &list->first, 2); /* first, wide */
}

static void list_detach(struct list *list) {
    gait_pop_frame(list->mutator);
    gait_detach(list->mutator);
}

/* @return false: no memory. */
static bool list_grow(struct list *list) {
    struct node *node = gait_alloc(list->mutator, list->kind_node, sizeof *node);
    if (!node) {
        list->failures++;
        return false;
    }
    gait_word stamp = next_random(&list->random) | 1;
    gait_init(&node->next, list->first);
    gait_init(&node->stamp, stamp);
    gait_init(&node->check, mix(stamp ^ (gait_word)node) | 1);
    list->first = (gait_word)node;
    list->length++;
    if (one_in(&list->random, 20)) { /* an ephemeron whose key is the node itself */
        gait_word *table = gait_alloc(list->mutator, list->kind_table, 3 * sizeof *table);
        if (table) {
            gait_ephemeron_set(list->mutator, &table[1], list->first, (gait_word)table);
            gait_store(list->mutator, &((struct node *)list->first)->weak, (gait_word)table);
        }
    }
    return true;
}

/* An array of up to so many words, half of them filled with nodes of the list. */
static void list_widen(struct list *list, size_t most) {
    list->width = 1 + pick(&list->random, most);
    list->wide =
        (gait_word)gait_alloc(list->mutator, list->kind_array, list->width * sizeof(gait_word));
    if (!list->wide) {
        list->failures++;
        list->width = 0;
    }
    gait_word node = list->first;
    for (size_t i = 0; i < list->width / 2 && node; i++) {
        gait_store(list->mutator, (gait_word *)list->wide + i, node);
        node = slot_load(&((struct node *)node)->next);
    }
}

static void node_check(const struct node *node, size_t number) {
    CHECK(node->check == (mix(node->stamp ^ (gait_word)node) | 1), "node %zu is damaged", number);
}

static void list_check(struct list *list) {
    size_t length = 0;
    for (size_t i = 0; i < list->width; i++)
        if (((gait_word *)list->wide)[i])
            node_check((const struct node *)((gait_word *)list->wide)[i], i);
    for (gait_word at = list->first; at; length++) {
        const struct node *node = (const struct node *)at;
        node_check(node, length);
        if (node->weak)
            CHECK(gait_ephemeron_get(list->mutator, (gait_word *)node->weak + 1) == node->weak ||
                      fault_failures() > 0,
                  "node %zu lost its pair", length);
        at = slot_load(&node->next);
    }
    CHECK(length == list->length, "%zu nodes of %zu are left", length, list->length);
}

static void list_drop(struct list *list, size_t keep) {
    if (keep == 0) {
        list->first = 0;
    } else if (keep < list->length) {
        struct node *node = (struct node *)list->first;
        for (size_t i = 1; i < keep; i++)
            node = (struct node *)slot_load(&node->next);
        gait_store(list->mutator, &node->next, 0);
    }
    list->length = keep < list->length ? keep : list->length;
}

static void list_clear(struct list *list) {
    list_drop(list, 0);
    list->wide = list->width = 0;
}

/* The heap gives and collects. */
static void list_works(struct list *list) {
    list_clear(list);
    gait_collect(list->mutator);
    for (size_t i = 0; i < 2000; i++)
        CHECK(list_grow(list), "no memory after all was given back");
    list_check(list);
    gait_collect(list->mutator);
    list_check(list);
}

/* ---- Sizes ---- */

static void sizes_test(void) {
    static const size_t sizes[] = {SIZE_MAX,        SIZE_MAX - 7,          SIZE_MAX - 8191,
                                   SIZE_MAX / 2,    (size_t)1 << 63,       (size_t)1 << 62,
                                   (size_t)1 << 48, ((size_t)1 << 47) + 1, (size_t)1 << 47,
                                   (size_t)1 << 45, (size_t)1 << 44};
    struct list list;
    list_begin(&list, heap_new(0, NULL, NULL), run.seed);
    list_attach(&list);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (gait_kind kind = list.kind_node; kind <= list.kind_table; kind++)
            CHECK(!gait_alloc(list.mutator, kind, sizes[i]), "%zu bytes", sizes[i]);
    for (size_t bytes = 0; bytes < 70000; bytes += 1 + bytes / 9)
        CHECK(gait_object_bytes(list.heap, allocate(list.mutator, list.kind_leaf, bytes)) >= bytes,
              "a small object of %zu bytes", bytes);
    list_works(&list);
    list_detach(&list);
    gait_heap_destroy(list.heap);
}

/* ---- A reservation that is full, and the handler ---- */

static bool give_back(gait_mutator *mutator, size_t bytes, void *data) {
    struct list *list = data;
    CHECK(mutator == list->mutator && bytes > 0, "the handler's arguments");
    list->asked++;
    if (list->length < 100)
        return false;
    list_drop(list, list->length / 2);
    return true;
}

static void full_test(uint32_t flags) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.reserve_bytes = (size_t)16 << 20;
    config.debug = "clobberfree=1";
    gait_heap *heap = heap_of(&config);
    struct list list;
    list_begin(&list, heap, run.seed);
    list_attach(&list);
    while (list_grow(&list))
        ;
    CHECK(list.length * sizeof(struct node) > (size_t)4 << 20, "full at %zu nodes", list.length);
    list_check(&list);
    size_t full = list.length;
    gait_set_oom_handler(heap, give_back, &list);
    for (size_t i = 0; i < full / 2; i++)
        CHECK(list_grow(&list), "no memory though the handler gave some");
    CHECK(list.asked > 0, "the handler was not asked");
    list_check(&list);
    list.asked = 0;
    CHECK(!gait_alloc(list.mutator, list.kind_leaf, (size_t)15 << 20), "15 MiB of 16");
    CHECK(list.asked > 0 && list.length < 200, "the handler was given up too early");
    gait_set_oom_handler(heap, NULL, NULL);
    list_works(&list);
    CHECK(gait_alloc(list.mutator, list.kind_array, (size_t)4 << 20), "4 MiB of 16");
    list_detach(&list);
    gait_heap_destroy(heap);
}

/* ---- Platform calls that fail ---- */

/* Creating a heap and attaching to it: each call fails once, then all from that one on. */
static void creation_test(void) {
    for (size_t every = 0; every <= 1; every++) {
        size_t failed = 1, attempts = 0;
        for (size_t after = 0; failed > 0; after++, attempts++) {
            char error[128] = "";
            fault_arm(FAULT_MASK_ALL, after, every);
            gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
            gait_mutator *mutator = heap ? gait_attach(heap) : NULL;
            failed = fault_failures();
            fault_disarm();
            CHECK(heap || (failed > 0 && error[0]), "no heap, and no reason");
            if (!heap)
                continue;
            CHECK(mutator || failed > 0, "no mutator");
            struct list list;
            list_begin(&list, heap, run.seed);
            list_attach(&list);
            list_works(&list);
            list_detach(&list);
            gait_heap_destroy(heap);
        }
        CHECK(attempts > 4, "creation asked for %zu things only", attempts);
    }
}

static void *fail_work(void *argument) {
    struct list *list = argument;
    list_attach(list);
    while (!time_is_up()) {
        size_t steps = pick(&list->random, 4000);
        for (size_t i = 0; i < steps; i++)
            list_grow(list);
        if (one_in(&list->random, 4))
            list_widen(list, one_in(&list->random, 2) ? (size_t)512 << 10 : 8192);
        list_check(list);
        if (one_in(&list->random, 6))
            gait_free_os_memory(list->mutator);
        if (list->length > 60000 || one_in(&list->random, 8))
            list_drop(list, pick(&list->random, list->length + 1));
        list_check(list);
        if (one_in(&list->random, 10)) { /* no room for the thread's key, perhaps */
            list_clear(list);
            list_detach(list);
            list_attach(list);
        }
    }
    list_clear(list);
    list_detach(list);
    return NULL;
}

/* Now these calls fail, now those; or, once there is a chunk of memory, there is never another. */
static void disturb(bool exhausted) {
    uint64_t random = run.seed;
    if (exhausted)
        fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), 4, 1);
    while (!time_is_up()) {
        if (!exhausted)
            fault_arm((uint32_t)next_random(&random), pick(&random, 20), pick(&random, 6));
        sleep_us(3000);
        if (!exhausted && one_in(&random, 3))
            fault_disarm();
    }
    CHECK(!exhausted || fault_failures() > 0, "nothing was made to fail");
    fault_disarm();
}

static void failing_test(const char *debug, bool exhausted, double seconds) {
    enum { THREADS = 2 };
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    config.flags = strstr(debug, "gcdirty=1") ? GAIT_STOP_THE_WORLD : 0;
    config.gogc = "30";
    CHECK(config.log = fopen("/dev/null", "w"), "/dev/null"); /* it tells when it can't check */
    gait_heap *heap = heap_of(&config);
    struct list lists[THREADS];
    pthread_t threads[THREADS];
    run_for(seconds);
    for (size_t i = 0; i < THREADS; i++) {
        list_begin(&lists[i], heap, mix(run.seed + i));
        threads[i] = thread_start(fail_work, &lists[i]);
    }
    disturb(exhausted);
    size_t failures = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += lists[i].failures;
    }
    printf("%-28s %s: %6zu failed allocations\n", debug, exhausted ? "exhausted" : "failing",
           failures);
    fflush(stdout);
    list_attach(&lists[0]);
    list_works(&lists[0]);
    list_detach(&lists[0]);
    gait_heap_destroy(heap);
    fclose(config.log);
}

/* ---- The limits of the OS, in a process of its own ---- */

static void limited(int resource, size_t bytes) {
    alarm(HANG_SECONDS);
    struct rlimit limit = {bytes, bytes};
    CHECK(setrlimit(resource, &limit) == 0, "setrlimit");
    gait_config config;
    gait_config_init(&config);
    if (resource == RLIMIT_AS)
        config.reserve_bytes = bytes / 4; /* the rest is for everything else */
    gait_heap *heap = heap_of(&config);
    struct list list;
    list_begin(&list, heap, run.seed);
    list_attach(&list);
    while (list_grow(&list))
        ;
    CHECK(list.length > 10000, "no memory at %zu nodes", list.length);
    list_check(&list);
    list_works(&list);
    list_detach(&list);
    gait_heap_destroy(heap);
}

static void limit_test(int resource, size_t bytes) {
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0, "fork");
    if (pid == 0) {
        limited(resource, bytes);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0, "limited process: status %#x",
          (unsigned)status);
}

/* ---- A child of a fork that gets no threads, and then some ---- */

static void child_collects(gait_heap *heap, gait_mutator *mutator) {
    alarm(HANG_SECONDS);
    uint64_t before = stats_of(heap).cycles;
    fault_arm(FAULT_MASK(FAULT_THREAD), 0, 1);
    gait_collect(mutator);
    CHECK(fault_failures() > 0 && stats_of(heap).cycles == before, "who collected?");
    fault_disarm();
    gait_collect(mutator);
    CHECK(stats_of(heap).cycles == before + 1, "%" PRIu64 " cycles", stats_of(heap).cycles);
}

static void child_test(void) {
    gait_heap *heap = heap_new(0, NULL, "off");
    gait_mutator *mutator = attach(heap);
    pid_t pid = fork();
    CHECK(pid >= 0, "fork");
    if (pid == 0) {
        child_collects(heap, mutator);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0, "child: status %#x", (unsigned)status);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    if (!UNDER_TSAN) /* it knows no threads in the child of a process that has some */
        child_test();
    if (!UNDER_ASAN && !UNDER_TSAN) { /* their shadow memory is larger than any limit */
        limit_test(RLIMIT_DATA, (size_t)96 << 20);
        limit_test(RLIMIT_AS, (size_t)256 << 20);
    }
    sizes_test();
    full_test(0);
    full_test(GAIT_STOP_THE_WORLD);
    creation_test();
    failing_test("clobberfree=1", false, run.seconds / 4);
    failing_test("clobberfree=1,gccheckmark=1", false, run.seconds / 4);
    failing_test("gcdirty=1,gccheckmark=1,clobberfree=1", false, run.seconds / 4);
    failing_test("clobberfree=1", true, run.seconds / 4);
    failing_test("clobberfree=1,gccheckmark=1", true, run.seconds / 4);
    failing_test("gcdirty=1,clobberfree=1", true, run.seconds / 4);
}
