/* SPDX-License-Identifier: MIT */
/*
 * A pool of threads that come and go: each attaches, does some tasks, and leaves by gait_detach or
 * by its end. Tasks look keys up in caches that are weak (words, pairs, links), make what is not
 * there, and have finalizers return it to a count; the limit is lowered and raised meanwhile, and
 * so is GOGC. What a cache gives is what was put in, and in the end all has been finalized.
 */
#include "stress.h"

#include <gait/control.h>
#include <gait/links.h>

#define POOL 4
#define KEYS 512

struct entry {
    gait_word number, check; /* tagged: no references */
    gait_word key, parts;
};

static gait_heap *heap;
static gait_kind kind_entry, kind_weak, kind_pairs, kind_parts, kind_leaf;
static gait_word roots[3]; /* the caches, and what is kept of them */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gait_word links[KEYS];                    /* by lock */
static uint64_t made, finalized, seen, attached; /* atomic */

static gait_word check_of(gait_word number) { return number * 2654435761u << 1 | 1; }

static void entry_check(const struct entry *entry, uint64_t number) {
    CHECK(entry->number == (number << 1 | 1) && entry->check == check_of(number),
          "entry %" PRIu64 " is broken", number);
    const gait_word *parts = (const gait_word *)entry->parts;
    for (unsigned i = 0; i < 4; i++)
        CHECK(*(const gait_word *)parts[i] == number, "a part of %" PRIu64 " is broken", number);
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    const struct entry *entry = object;
    (void)mutator, (void)data;
    entry_check(entry, entry->number >> 1);
    __atomic_add_fetch(&finalized, 1, __ATOMIC_RELAXED);
}

/* With a frame's words that hold what it makes. */
static struct entry *entry_make(gait_mutator *mutator, uint64_t number, gait_word *words) {
    words[0] = (gait_word)gait_alloc(mutator, kind_parts, 4 * sizeof(gait_word));
    for (unsigned i = 0; i < 4; i++) {
        gait_word *leaf = gait_alloc(mutator, kind_leaf, 16 << number % 9);
        CHECK(leaf, "no memory");
        *leaf = number;
        gait_store(mutator, (gait_word *)words[0] + i, (gait_word)leaf);
    }
    struct entry *entry = gait_alloc(mutator, kind_entry, sizeof *entry);
    CHECK(entry, "no memory");
    entry->number = number << 1 | 1;
    entry->check = check_of(number);
    gait_init(&entry->parts, words[0]);
    words[1] = (gait_word)entry;
    CHECK(gait_finalizer_set(mutator, entry, finalize, NULL) == 0, "gait_finalizer_set");
    __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    return entry;
}

/* The lock is held in no safepoint but native code. */
static void enter(gait_mutator *mutator) {
    gait_enter_native(mutator);
    pthread_mutex_lock(&lock);
    gait_leave_native(mutator);
}

static gait_word find(gait_mutator *mutator, size_t key) {
    switch (key % 3) {
    case 0:
        return gait_weak_get(mutator, (gait_word *)roots[0] + key);
    case 1: {
        const gait_word *pair = (gait_word *)roots[1] + 2 * key;
        gait_word value = gait_ephemeron_get(mutator, pair);
        CHECK(!value || gait_weak_get(mutator, pair) == value, "a value whose key is another");
        return value;
    }
    default:
        return (gait_word)gait_link_get(mutator, &links[key], 0);
    }
}

static void put(gait_mutator *mutator, size_t key, gait_word entry) {
    switch (key % 3) {
    case 0:
        gait_weak_set(mutator, (gait_word *)roots[0] + key, entry);
        break;
    case 1:
        gait_ephemeron_set(mutator, (gait_word *)roots[1] + 2 * key, entry, entry);
        break;
    default:
        gait_link_unregister(mutator, &links[key], 0);
        links[key] = ~entry;
        CHECK(gait_link_register(mutator, &links[key], (void *)entry, 0) == 0, "a link");
    }
}

static void task(gait_mutator *mutator, uint64_t *random) {
    size_t key = pick(random, KEYS);
    gait_word words[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, words, 2);
    enter(mutator);
    words[1] = find(mutator, key);
    pthread_mutex_unlock(&lock);
    if (words[1]) {
        __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
    } else {
        entry_make(mutator, key, words);
        enter(mutator);
        put(mutator, key, words[1]);
        if (one_in(random, 2))
            gait_store(mutator, (gait_word *)roots[2] + pick(random, KEYS), words[1]);
        pthread_mutex_unlock(&lock);
    }
    for (unsigned i = 0; i < 20; i++)
        gait_alloc(mutator, kind_leaf, 16 + pick(random, 2000));
    entry_check((const struct entry *)words[1], key);
    if (one_in(random, 8))
        gait_run_finalizers(mutator, 5);
    gait_pop_frame(mutator);
}

struct worker {
    uint64_t random;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator, "gait_attach");
    __atomic_add_fetch(&attached, 1, __ATOMIC_RELAXED);
    for (size_t left = pick(&worker->random, 60); left > 0 && !time_is_up(); left--)
        task(mutator, &worker->random);
    if (one_in(&worker->random, 2))
        gait_detach(mutator);
    return NULL;
}

static void *keep_pool(void *argument) {
    struct worker worker = {run.seed + 977 * (uint64_t)(uintptr_t)argument};
    while (!time_is_up()) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, work, &worker) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
    return NULL;
}

static gait_kind kind_of(const char *name, gait_layout layout, uint64_t bits) {
    gait_kind_info info = {.name = name, .layout = layout};
    if (bits)
        info.bitmap = &bits, info.head_words = 4;
    int kind = gait_kind_register(heap, &info);
    CHECK(kind >= 0, "kind %s: %d", name, kind);
    return (gait_kind)kind;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1.5);
    const char *debug = argc > 3 ? argv[3] : "";
    heap = heap_new(0, debug, NULL);
    kind_entry = kind_of("entry", GAIT_BITMAP, 12);
    kind_weak = kind_of("weak", GAIT_WEAK, 0);
    kind_pairs = kind_of("pairs", GAIT_EPHEMERON, 0);
    kind_parts = kind_of("parts", GAIT_REFS, 0);
    kind_leaf = kind_of("leaf", GAIT_LEAF, 0);
    gait_mutator *mutator = gait_attach(heap);
    CHECK(gait_roots_add(mutator, roots, 3) == 0, "gait_roots_add");
    gait_store(mutator, &roots[0], (gait_word)gait_alloc(mutator, kind_weak, KEYS * 8));
    gait_store(mutator, &roots[1], (gait_word)gait_alloc(mutator, kind_pairs, 2 * KEYS * 8));
    gait_store(mutator, &roots[2], (gait_word)gait_alloc(mutator, kind_parts, KEYS * 8));
    pthread_t threads[POOL];
    for (uintptr_t i = 0; i < POOL; i++)
        CHECK(pthread_create(&threads[i], NULL, keep_pool, (void *)(i + 1)) == 0, "a pool");
    uint64_t random = run.seed;
    for (unsigned turn = 0; !time_is_up(); turn++) {
        static const int64_t limits[] = {INT64_MAX, 64 << 20, 8 << 20, 2 << 20};
        gait_set_memory_limit(heap, limits[turn % 4]);
        if (one_in(&random, 4))
            gait_set_gogc(heap, (int32_t)pick(&random, 200));
        gait_enter_native(mutator);
        sleep_us(20000);
        gait_leave_native(mutator);
        gait_run_finalizers(mutator, 50);
    }
    gait_enter_native(mutator);
    for (unsigned i = 0; i < POOL; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    for (unsigned i = 0; i < 3; i++)
        gait_store(mutator, &roots[i], 0);
    for (unsigned i = 0; i < 3; i++) {
        gait_collect(mutator);
        while (gait_run_finalizers(mutator, 100) > 0)
            ;
    }
    CHECK(finalized == made, "%" PRIu64 " finalizers of %" PRIu64 " ran", finalized, made);
    CHECK(gait_roots_remove(mutator, roots) == 0, "gait_roots_remove");
    printf("%" PRIu64 " threads, %" PRIu64 " entries, %" PRIu64 " found\n", attached, made, seen);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
