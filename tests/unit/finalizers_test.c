/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/finalizers and address_map: who is queued when, what stays alive until then, and
 * that no record is lost while the map grows.
 */
#include "bare_heap.h"
#include "mark/finalizers.h"
#include "mark/weak.h"
#include "platform/platform.h"

#include <pthread.h>

#define ALL (~(gait_word)0)

static struct finalizers finalizers;

static void open_all(void) {
    bare_open(ALL);
    cr_assert_eq(finalizers_init(&finalizers, &bare.space.metadata_bytes), 0);
}

static void close_all(void) {
    finalizers_destroy(&finalizers);
    bare_close();
}

TestSuite(finalizers, .init = open_all, .fini = close_all);

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object, (void)data;
}

static void finalize_otherwise(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object, (void)data;
}

static void clean_up(gait_mutator *mutator, void *data) { (void)mutator, (void)data; }

static void clean_up_otherwise(gait_mutator *mutator, void *data) { (void)mutator, (void)data; }

/* A cycle up to sweeping. @return bytes kept for finalizers. */
static size_t cycle(const gait_word *roots, size_t count) {
    marker_begin(&bare.marker);
    finalizers_push(&finalizers, &bare.marker);
    marker_end(&bare.marker);
    bare_mark(roots, count);
    bare_flip();
    weak_settle(&bare.space, ALL);
    size_t kept = finalizers_settle(&finalizers, &bare.space, ALL);
    /* what sweeping does: the other word of each pair is for the next cycle's marks */
    size_t pages = AO_load(&bare.space.extent_bytes) >> PAGE_SHIFT;
    unsigned side = ~space_epoch(&bare.space) & 1;
    for (size_t page = 0; page < pages; page++)
        for (unsigned i = 0; i < BITS_WORDS / 2; i++)
            space_bits(&bare.space, page)[2 * i + side] = 0;
    for (size_t page = 0; page < pages; page++)
        if (span_state(&bare.space.spans[page]) == SPAN_USED)
            AO_int_store(&bare.space.spans[page].swept, space_epoch(&bare.space));
    finalizers_tidy(&finalizers);
    return kept;
}

static struct finalizer_job take(void) {
    struct finalizer_job job;
    cr_assert(finalizers_take(&finalizers, &job));
    return job;
}

static void expect_none(void) {
    struct finalizer_job job;
    cr_assert_eq(finalizers_queued(&finalizers), 0u);
    cr_assert_not(finalizers_take(&finalizers, &job));
}

static void expect_no_records(void) {
    cr_assert_eq(finalizers.finalizers.pool.count, 0u);
    cr_assert_eq(finalizers.finalizers.map.count, 0u);
    cr_assert_eq(finalizers.cleanups.pool.count, 0u);
    cr_assert_eq(finalizers.cleanups.map.count, 0u);
}

Test(finalizers, a_dead_object_is_queued_once_with_what_it_refers_to) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 32), *child = bare_alloc(refs, 16);
    gait_word *grandchild = bare_alloc(refs, 16);
    object[0] = bare_ref(child);
    child[0] = bare_ref(grandchild);
    int data;
    cr_assert_eq(finalizers_set(&finalizers, object, finalize, &data), 0);

    gait_word root = bare_ref(object);
    cr_assert_eq(cycle(&root, 1), 0u);
    expect_none();

    cr_assert_eq(cycle(NULL, 0), 32u);
    cr_assert_eq(finalizers_queued(&finalizers), 1u);
    cr_assert(bare_is_allocated(object) && bare_is_allocated(child));
    cr_assert(bare_is_allocated(grandchild));

    /* queued: a root until it is taken */
    cr_assert_eq(cycle(NULL, 0), 0u);
    cr_assert(bare_is_allocated(object) && bare_is_allocated(grandchild));
    struct finalizer_job job = take();
    cr_assert(job.object == object && job.finalize == finalize && job.data == &data);
    expect_none();
    cr_assert_eq(cycle(NULL, 0), 0u);
    cr_assert_not(bare_is_allocated(object));
    expect_none();
}

Test(finalizers, in_the_order_of_references) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *first = bare_alloc(refs, 16), *second = bare_alloc(refs, 16);
    first[0] = bare_ref(second);
    finalizers_set(&finalizers, first, finalize, NULL);
    finalizers_set(&finalizers, second, finalize, NULL);
    cycle(NULL, 0);
    cr_assert_eq(finalizers_queued(&finalizers), 1u);
    cr_assert_eq(take().object, (void *)first);
    cycle(NULL, 0);
    cr_assert_eq(take().object, (void *)second);
    expect_none();
}

Test(finalizers, an_object_that_reaches_itself_is_never_finalized) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *one = bare_alloc(refs, 16), *other = bare_alloc(refs, 16);
    one[0] = bare_ref(other);
    other[0] = bare_ref(one);
    finalizers_set(&finalizers, one, finalize, NULL);
    cycle(NULL, 0);
    expect_none();
    cr_assert(bare_is_allocated(one));
}

Test(finalizers, set_replaces_and_removes) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16);
    int data;
    cr_assert_eq(finalizers_set(&finalizers, object, NULL, NULL), GAIT_E_MISSING);
    finalizers_set(&finalizers, object, finalize, NULL);
    finalizers_set(&finalizers, object, finalize_otherwise, &data);
    cr_assert_eq(finalizers.finalizers.pool.count, 1u);
    cycle(NULL, 0);
    struct finalizer_job job = take();
    cr_assert(job.finalize == finalize_otherwise && job.data == &data);
    expect_no_records();

    object = bare_alloc(refs, 16);
    finalizers_set(&finalizers, object, finalize, NULL);
    cr_assert_eq(finalizers_set(&finalizers, object, NULL, NULL), 0);
    cr_assert_eq(finalizers_set(&finalizers, object, NULL, NULL), GAIT_E_MISSING);
    cycle(NULL, 0);
    expect_none();
}

Test(finalizers, cleanups_wait_until_the_object_is_gone) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16);
    int data[3];
    finalizers_set(&finalizers, object, finalize, NULL);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(finalizers_cleanup_add(&finalizers, object, clean_up, &data[i]), 0);
    cycle(NULL, 0);
    cr_assert_eq(finalizers_queued(&finalizers), 1u);
    cr_assert_eq(take().object, (void *)object);
    gait_word root = bare_ref(object); /* it came back for longer */
    cycle(&root, 1);
    expect_none();
    cr_assert_eq(cycle(NULL, 0), 0u);
    cr_assert_not(bare_is_allocated(object));
    cr_assert_eq(finalizers_queued(&finalizers), 3u);
    bool seen[3] = {false};
    for (size_t i = 0; i < 3; i++) {
        struct finalizer_job job = take();
        cr_assert(!job.object && !job.finalize && job.clean_up == clean_up);
        seen[(int *)job.data - data] = true;
    }
    cr_assert(seen[0] && seen[1] && seen[2]);
    expect_none();
}

Test(finalizers, cleanups_of_cycles_and_cancelling) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16);
    object[0] = bare_ref(object);
    int data[2];
    finalizers_cleanup_add(&finalizers, object, clean_up, &data[0]);
    finalizers_cleanup_add(&finalizers, object, clean_up, &data[1]);
    finalizers_cleanup_add(&finalizers, object, clean_up_otherwise, &data[0]);
    finalizers_cleanup_add(&finalizers, object, clean_up, &data[0]);
    cr_assert_eq(finalizers_cleanup_cancel(&finalizers, object, clean_up, &data[0]), 2u);
    cr_assert_eq(finalizers_cleanup_cancel(&finalizers, object, clean_up, &data[0]), 0u);
    cycle(NULL, 0);
    cr_assert_eq(finalizers_queued(&finalizers), 2u);
    cr_assert_eq(finalizers_cleanup_cancel(&finalizers, object, clean_up, &data[1]), 0u);
    gait_word *other = bare_alloc(refs, 16);
    finalizers_cleanup_add(&finalizers, other, clean_up, NULL);
    cr_assert_eq(finalizers_cleanup_cancel(&finalizers, other, clean_up, NULL), 1u);
    take(), take();
    expect_no_records();
}

Test(finalizers, equal_cleanups_run_as_often_as_they_were_added) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 16);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(finalizers_cleanup_add(&finalizers, object, clean_up, NULL), 0);
    cycle(NULL, 0);
    cr_assert_eq(finalizers_queued(&finalizers), 5u);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(take().clean_up, clean_up);
    expect_none();
    expect_no_records();
}

/* An address gets one object after the other, and nobody takes what is queued for them. */
Test(finalizers, cleanups_of_an_address_that_is_used_again_and_again) {
    enum { ROUNDS = 50 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 16);
    for (size_t i = 0; i < ROUNDS; i++) {
        cr_assert_eq(finalizers_cleanup_add(&finalizers, object, clean_up, NULL), 0);
        cr_assert_eq(finalizers_cleanup_add(&finalizers, object, clean_up, NULL), 0);
        cr_assert_eq(finalizers_cleanup_cancel(&finalizers, object, clean_up, NULL), 2u);
        cr_assert_eq(finalizers_cleanup_add(&finalizers, object, clean_up, NULL), 0);
        cycle(NULL, 0);
        cr_assert_eq(finalizers_queued(&finalizers), i + 1);
        cr_assert_eq(finalizers.cleanups.map.count, 0u); /* whoever looks finds none to pass over */
        struct cell cell = bare_cell(object);
        bits_set(&cell.pair[space_epoch(&bare.space) & 1], cell.bit);
    }
    struct finalizer_job job;
    for (size_t i = 0; i < ROUNDS; i++)
        cr_assert(finalizers_take(&finalizers, &job) && job.clean_up == clean_up);
    expect_no_records();
}

/* The time of each call does not grow with the others: else this takes minutes. */
Test(finalizers, a_hundred_thousand_cleanups_of_one_object, .timeout = 60) {
    enum { COUNT = 100000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 16);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(finalizers_cleanup_add(&finalizers, object, clean_up, (void *)i), 0);
    for (size_t i = 0; i < COUNT; i += 2)
        cr_assert_eq(finalizers_cleanup_cancel(&finalizers, object, clean_up, (void *)i), 1u);
    cycle(NULL, 0);
    for (size_t i = 0; i < COUNT / 2; i++)
        cr_assert_eq((size_t)take().data % 2, 1u);
    expect_none();
    expect_no_records();
}

/* Until all are settled nobody may sweep: it takes a fraction of the time that setting them took.
 */
Test(finalizers, many_are_settled_quickly, .timeout = 60) {
    enum { COUNT = 300000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    int64_t begin_ns = platform_thread_cpu_ns();
    for (size_t i = 0; i < COUNT; i++)
        finalizers_set(&finalizers, bare_alloc(leaf, 16), finalize, (void *)i);
    int64_t set_ns = platform_thread_cpu_ns() - begin_ns;
    bare_flip();
    begin_ns = platform_thread_cpu_ns();
    cr_assert_eq(finalizers_settle(&finalizers, &bare.space, ALL), 16u * COUNT);
    int64_t settle_ns = platform_thread_cpu_ns() - begin_ns;
    cr_assert_eq(finalizers_queued(&finalizers), (size_t)COUNT);
    cr_assert_lt(settle_ns, set_ns / 3, "%lld ns to set them, %lld to settle", (long long)set_ns,
                 (long long)settle_ns);
}

/* What records take counts as the heap's memory, and is gone with them. */
Test(finalizers, records_are_counted_and_given_back, .timeout = 60) {
    enum { COUNT = 100000 };
    size_t counted = sizeof(struct address_node) * COUNT;
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    size_t before = AO_load(&bare.space.metadata_bytes);
    for (unsigned round = 0; round < 2; round++) {
        gait_word *object = NULL;
        for (size_t i = 0; i < COUNT; i++) {
            if (round == 0 || i == 0)
                object = bare_alloc(leaf, 16);
            if (round == 0)
                finalizers_set(&finalizers, object, finalize, (void *)i);
            else
                finalizers_cleanup_add(&finalizers, object, clean_up, (void *)i);
        }
        cr_assert_geq(AO_load(&bare.space.metadata_bytes), before + counted);
        cycle(NULL, 0);
        struct finalizer_job job;
        while (finalizers_take(&finalizers, &job))
            ;
        expect_no_records();
        /* a chunk of each pool stays, and a handful of buckets; the rest is the space's tables */
        size_t tables = AO_load(&bare.space.extent_bytes) >> PAGE_SHIFT;
        tables *= sizeof(page_entry) + sizeof(struct span) + BITS_WORDS * 8;
        cr_assert_leq(AO_load(&bare.space.metadata_bytes), before + tables + 4 * POOL_CHUNK_BYTES);
    }
}

Test(finalizers, weak_words_of_what_comes_back_are_settled) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), weak = bare_kind(GAIT_WEAK, 0);
    unsigned ephemeron = bare_kind(GAIT_EPHEMERON, 0);
    gait_word *dead = bare_alloc(leaf, 16), *live = bare_alloc(leaf, 16);
    gait_word *value = bare_alloc(leaf, 16), *lost = bare_alloc(leaf, 16);
    gait_word *words = bare_alloc(weak, 32), *pairs = bare_alloc(ephemeron, 64);
    gait_word *finalized = bare_alloc(leaf, 16);
    words[0] = bare_ref(dead);
    words[1] = bare_ref(live);
    words[2] = bare_ref(finalized);
    words[3] = bare_ref(words);
    weak_store_pair(&pairs[0], bare_ref(live), bare_ref(value));
    weak_store_pair(&pairs[2], bare_ref(dead), bare_ref(lost));
    weak_store_pair(&pairs[4], bare_ref(finalized), bare_ref(lost));
    finalizers_set(&finalizers, words, finalize, NULL);
    finalizers_set(&finalizers, pairs, finalize, NULL);
    finalizers_set(&finalizers, finalized, finalize, NULL);
    gait_word root = bare_ref(live);
    cr_assert_eq(cycle(&root, 1), 32u + 64 + 16);
    cr_assert(bare_is_allocated(words) && bare_is_allocated(pairs));
    cr_assert_not(bare_is_allocated(lost));
    /* a live key keeps its value, also in a table that only its finalizer keeps */
    cr_assert(bare_is_allocated(value));
    gait_word words_after[] = {0, bare_ref(live), 0, 0};
    gait_word pairs_after[] = {bare_ref(live), bare_ref(value), 0, 0, 0, 0, 0, 0};
    cr_assert_arr_eq(words, words_after, sizeof words_after);
    cr_assert_arr_eq(pairs, pairs_after, sizeof pairs_after);
}

Test(finalizers, large_objects_and_their_contents) {
    enum { WORDS = 100000 };
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(refs, WORDS * sizeof(gait_word));
    for (size_t i = 0; i < WORDS; i++)
        object[i] = bare_ref(bare_alloc(leaf, 16));
    finalizers_set(&finalizers, object, finalize, NULL);
    cr_assert_eq(cycle(NULL, 0), WORDS * sizeof(gait_word));
    for (size_t i = 0; i < WORDS; i++)
        cr_assert(bare_is_allocated((void *)object[i]));
}

Test(finalizers, many_of_all_sorts, .timeout = 60) {
    enum { COUNT = 30000, CYCLES = 6 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    static gait_word *objects[COUNT];
    static unsigned jobs[COUNT]; /* still to be seen: 1 finalizer, 16 per cleanup */
    gait_word *roots = malloc(COUNT * sizeof *roots);
    uint64_t state = 0x9e3779b97f4a7c15;
    for (size_t i = 0; i < COUNT; i++) {
        objects[i] = bare_alloc(leaf, 16);
        if (bare_random(&state) % 2) {
            finalizers_set(&finalizers, objects[i], finalize, (void *)i);
            jobs[i] = 1;
        }
        for (uint64_t more = bare_random(&state) % 3; more > 0; more--) {
            finalizers_cleanup_add(&finalizers, objects[i], clean_up, (void *)i);
            jobs[i] += 16;
        }
    }
    for (unsigned round = 0; round < CYCLES; round++) {
        size_t count = 0; /* at each cycle fewer of the objects are rooted */
        for (size_t i = 0; i < COUNT; i++)
            if (i % CYCLES > round)
                roots[count++] = bare_ref(objects[i]);
        cycle(roots, count);
        struct finalizer_job job;
        while (finalizers_take(&finalizers, &job)) {
            size_t i = (size_t)job.data;
            cr_assert_leq(i % CYCLES, round);
            if (job.object)
                cr_assert(job.object == objects[i] && jobs[i] % 16 == 1);
            else
                cr_assert(jobs[i] % 16 == 0 && jobs[i] > 0, "a cleanup before the finalizer");
            jobs[i] -= job.object ? 1 : 16;
        }
    }
    cycle(NULL, 0); /* the cleanups of what was finalized last */
    struct finalizer_job job;
    while (finalizers_take(&finalizers, &job))
        jobs[(size_t)job.data] -= 16;
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(jobs[i], 0u);
    expect_no_records();
    free(roots);
}

/* ---- Beside each other ---- */

enum { BESIDE = 20000 };
static gait_word *beside[BESIDE];
static AO_t added;

static void *add_and_remove(void *argument) {
    (void)argument;
    for (size_t i = 0; i < BESIDE; i++) {
        if (finalizers_set(&finalizers, beside[i], finalize, NULL) != 0)
            abort();
        if (i % 4 == 0 && finalizers_set(&finalizers, beside[i], NULL, NULL) != 0)
            abort();
        AO_store_release(&added, i + 1);
    }
    return NULL;
}

/* A pass meets every record that was there before it, while the map grows under it. */
Test(finalizers, pushing_beside_setting, .timeout = 60) {
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t i = 0; i < BESIDE; i++) {
        beside[i] = bare_alloc(refs, 16);
        beside[i][0] = bare_ref(bare_alloc(leaf, 16));
    }
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, add_and_remove, NULL), 0);
    size_t before = 0;
    do {
        before = AO_load_acquire(&added);
        marker_begin(&bare.marker);
        finalizers_push(&finalizers, &bare.marker);
        marker_drain(&bare.marker, SIZE_MAX);
        marker_end(&bare.marker);
        for (size_t i = 0; i < before; i++)
            if (i % 4)
                cr_assert(bare_is_marked((void *)beside[i][0]));
    } while (before < BESIDE);
    pthread_join(thread, NULL);
}

static void *wait_for_one(void *argument) {
    *(int *)argument = finalizers_wait(&finalizers, INT64_MAX);
    return NULL;
}

Test(finalizers, waiting) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    int64_t begin_ns = platform_now_ns();
    cr_assert_not(finalizers_wait(&finalizers, 0));
    cr_assert_not(finalizers_wait(&finalizers, 20000000));
    cr_assert_geq(platform_now_ns() - begin_ns, 20000000);

    pthread_t thread;
    int woken = -1;
    finalizers_set(&finalizers, bare_alloc(leaf, 16), finalize, NULL);
    cr_assert_eq(pthread_create(&thread, NULL, wait_for_one, &woken), 0);
    platform_sleep_ns(5000000);
    cycle(NULL, 0);
    pthread_join(thread, NULL);
    cr_assert_eq(woken, 1);
    cr_assert(finalizers_wait(&finalizers, 0));
    take();

    cr_assert_eq(pthread_create(&thread, NULL, wait_for_one, &woken), 0);
    platform_sleep_ns(5000000);
    finalizers_stop(&finalizers);
    pthread_join(thread, NULL);
    cr_assert_eq(woken, 0);
    cr_assert_not(finalizers_wait(&finalizers, -1));
}

/* ---- The map ---- */

struct walk_test {
    const struct address_node *nodes;
    const bool *in;
    size_t met;
};

static void meet(void *data, struct address_node *node) {
    struct walk_test *walk = data;
    cr_assert(walk->in[node - walk->nodes]);
    walk->met++;
}

Test(address_map, against_a_plain_array) {
    enum { KEYS = 3000, STEPS = 200000 };
    struct address_map map;
    AO_t bytes = 0;
    static struct address_node nodes[KEYS];
    static bool in[KEYS];
    uint64_t state = 88172645463325252;
    size_t count = 0;
    cr_assert_eq(address_map_init(&map, &bytes, false), 0);
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = bare_random(&state) % KEYS;
        nodes[i].key = 0x700000000000 + (i << 4);
        cr_assert_eq(address_map_find(&map, nodes[i].key), in[i] ? &nodes[i] : NULL);
        if (in[i])
            address_map_remove(&map, &nodes[i]), count--;
        else
            address_map_add(&map, &nodes[i]), count++;
        in[i] = !in[i];
        cr_assert_eq(map.count, count);
    }
    struct walk_test walk = {.nodes = nodes, .in = in};
    size_t longest = 0, before = 0;
    for (size_t bucket = 0; address_map_step(&map, &bucket, meet, &walk); before = walk.met)
        longest = walk.met - before > longest ? walk.met - before : longest;
    cr_assert_eq(walk.met, count);
    cr_assert_leq(longest, 12u);
    address_map_destroy(&map);
}

static void take_out(void *map, struct address_node *node) { address_map_remove(map, node); }

Test(address_map, a_walk_may_take_out_what_it_visits_while_others_are_added) {
    enum { FIRST = 1000, MORE = 1000 };
    struct address_map map;
    AO_t bytes = 0;
    static struct address_node nodes[FIRST + MORE];
    cr_assert_eq(address_map_init(&map, &bytes, false), 0);
    for (size_t i = 0; i < FIRST + MORE; i++)
        nodes[i].key = 0x700000000000 + (i << 4);
    for (size_t i = 0; i < FIRST; i++)
        address_map_add(&map, &nodes[i]);
    size_t added = FIRST;
    for (size_t bucket = 0; address_map_step(&map, &bucket, take_out, &map);)
        if (added < FIRST + MORE)
            address_map_add(&map, &nodes[added++]);
    for (size_t i = 0; i < FIRST; i++)
        cr_assert_null(address_map_find(&map, nodes[i].key));
    address_map_destroy(&map);
}

Test(address_map, equal_keys_last_in_first_out_across_splits) {
    enum { SAME = 5, OTHERS = 5000 };
    struct address_map map;
    AO_t bytes = 0;
    struct address_node same[SAME];
    static struct address_node others[OTHERS];
    cr_assert_eq(address_map_init(&map, &bytes, false), 0);
    for (size_t i = 0; i < OTHERS; i++) {
        if (i % (OTHERS / SAME) == 0) {
            same[i / (OTHERS / SAME)].key = 64;
            address_map_add(&map, &same[i / (OTHERS / SAME)]);
        }
        others[i].key = 0x7000000 + 8 * i;
        address_map_add(&map, &others[i]);
    }
    for (size_t i = SAME; i-- > 0;) {
        cr_assert_eq(address_map_find(&map, 64), &same[i]);
        address_map_remove(&map, &same[i]);
    }
    cr_assert_null(address_map_find(&map, 64));
    address_map_destroy(&map);
}

/* Joined buckets: every node is found, and the memory of most segments is gone. */
Test(address_map, a_trimmed_map_has_all_of_its_nodes) {
    enum { COUNT = 50000, KEPT = 50 };
    static struct address_node nodes[COUNT];
    struct address_map map;
    AO_t bytes = 0;
    cr_assert_eq(address_map_init(&map, &bytes, false), 0);
    size_t least = AO_load(&bytes);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = round ? KEPT : 0; i < COUNT; i++) {
            nodes[i].key = 0x700000000000 + (i << 4);
            address_map_add(&map, &nodes[i]);
        }
        cr_assert_geq(AO_load(&bytes), COUNT * sizeof(void *));
        address_map_trim(&map, COUNT); /* as many nodes as buckets: nothing is joined */
        cr_assert_geq(map.buckets, (size_t)COUNT);
        for (size_t i = KEPT; i < COUNT; i++)
            address_map_remove(&map, &nodes[i]);
        address_map_trim(&map, COUNT);
        cr_assert_leq(map.buckets, 4u * (KEPT + 1));
        cr_assert_leq(AO_load(&bytes), 16 * least);
        for (size_t i = 0; i < COUNT; i++)
            cr_assert_eq(address_map_find(&map, nodes[i].key), i < KEPT ? &nodes[i] : NULL);
    }
    address_map_destroy(&map);
    cr_assert_eq(AO_load(&bytes), 0u);
}
