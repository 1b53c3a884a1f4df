/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/finalizers: who is queued when, what stays alive until then, what comes back, and
 * that no record is lost while the map grows. One file, since orders of finalizers are told apart
 * by the same small graphs.
 */
#include "bare_heap.h"
#include "mark/finalizers.h"
#include "mark/rescue.h"
#include "mark/weak.h"
#include "platform/platform.h"

#include <pthread.h>

#define ALL (~(gait_word)0)

static struct finalizers finalizers;
static AO_t pending;

static void open_all(void) {
    bare_open(ALL);
    cr_assert_eq(finalizers_init(&finalizers, &bare.space.metadata_bytes, &pending), 0);
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

static int set_with(void *object, gait_finalizer_fn function, void *data, uint32_t flags) {
    struct finalizer_setting setting = {function, data, flags}, old;
    return finalizers_set(&finalizers, object, &setting, &old);
}

static int set(void *object, gait_finalizer_fn function, void *data) {
    return set_with(object, function, data, 0);
}

/* A cycle up to sweeping. @return bytes kept for finalizers. */
static size_t cycle(const gait_word *roots, size_t count) {
    marker_begin(&bare.marker);
    finalizers_push(&finalizers, &bare.marker);
    marker_end(&bare.marker);
    bare_mark(roots, count);
    for (bool more = true; more;) {
        rescue_suspect(&finalizers, &bare.marker);
        marker_begin(&bare.marker);
        more = rescue_decide(&finalizers, &bare.marker);
        marker_end(&bare.marker);
        bare_mark(NULL, 0);
    }
    marker_take_marked(&bare.marker);
    bare_flip();
    weak_settle(&bare.space, ALL);
    size_t kept = finalizers_settle(&finalizers, &bare.marker);
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
    cr_assert_eq(AO_load(&pending), 0u);
    cr_assert_eq(finalizers_queued(&finalizers), 0u);
    cr_assert_not(finalizers_take(&finalizers, &job));
}

static void expect_no_records(void) {
    cr_assert_eq(finalizers.finalizers.pool.count, 0u);
    cr_assert_eq(finalizers.finalizers.map.count, 0u);
    cr_assert_eq(finalizers.cleanups.pool.count, 0u);
    cr_assert_eq(finalizers.cleanups.map.count, 0u);
    cr_assert_eq(finalizers.unordered, 0u);
}

Test(finalizers, a_dead_object_is_queued_once_with_what_it_refers_to) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 32), *child = bare_alloc(refs, 16);
    gait_word *grandchild = bare_alloc(refs, 16);
    object[0] = bare_ref(child);
    child[0] = bare_ref(grandchild);
    int data;
    cr_assert_eq(set(object, finalize, &data), 0);

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
    set(first, finalize, NULL);
    set(second, finalize, NULL);
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
    set(one, finalize, NULL);
    cycle(NULL, 0);
    expect_none();
    cr_assert(bare_is_allocated(one));
}

Test(finalizers, set_replaces_and_removes) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16);
    int data;
    cr_assert_eq(set(object, NULL, NULL), GAIT_E_MISSING);
    set(object, finalize, NULL);
    set(object, finalize_otherwise, &data);
    cr_assert_eq(finalizers.finalizers.pool.count, 1u);
    cycle(NULL, 0);
    struct finalizer_job job = take();
    cr_assert(job.finalize == finalize_otherwise && job.data == &data);
    expect_no_records();

    object = bare_alloc(refs, 16);
    set(object, finalize, NULL);
    cr_assert_eq(set(object, NULL, NULL), 0);
    cr_assert_eq(set(object, NULL, NULL), GAIT_E_MISSING);
    cycle(NULL, 0);
    expect_none();
}

Test(finalizers, cleanups_wait_until_the_object_is_gone) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16);
    int data[3];
    set(object, finalize, NULL);
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
        set(bare_alloc(leaf, 16), finalize, (void *)i);
    int64_t set_ns = platform_thread_cpu_ns() - begin_ns;
    bare_flip();
    begin_ns = platform_thread_cpu_ns();
    cr_assert_eq(finalizers_settle(&finalizers, &bare.marker), 16u * COUNT);
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
                set(object, finalize, (void *)i);
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
    set(words, finalize, NULL);
    set(pairs, finalize, NULL);
    set(finalized, finalize, NULL);
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
    set(object, finalize, NULL);
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
            set(objects[i], finalize, (void *)i);
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

/* ---- Without order ---- */

Test(finalizers, unordered_ones_of_a_cycle_are_queued_with_all_that_they_lead_to) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *one = bare_alloc(refs, 16), *other = bare_alloc(refs, 16);
    gait_word *child = bare_alloc(refs, 32), *grandchild = bare_alloc(refs, 48);
    gait_word *garbage = bare_alloc(refs, 16);
    one[0] = bare_ref(other);
    other[0] = bare_ref(one);
    other[1] = bare_ref(child);
    child[0] = bare_ref(grandchild);
    grandchild[0] = bare_ref(child);
    set_with(one, finalize, one, GAIT_FINALIZER_UNORDERED);
    set_with(other, finalize, other, GAIT_FINALIZER_UNORDERED);
    gait_word root = bare_ref(one);
    cr_assert_eq(cycle(&root, 1), 0u);
    expect_none();
    cr_assert_not(bare_is_allocated(garbage));
    cr_assert_eq(cycle(NULL, 0), 16u + 16 + 32 + 48);
    cr_assert_eq(finalizers_queued(&finalizers), 2u);
    cr_assert_eq(AO_load(&pending), 2u);
    cr_assert(bare_is_allocated(one) && bare_is_allocated(other) && bare_is_allocated(child) &&
              bare_is_allocated(grandchild));
    /* queued: roots, as any that is */
    cr_assert_eq(cycle(NULL, 0), 0u);
    cr_assert(bare_is_allocated(grandchild));
    take(), take();
    expect_no_records();
    cycle(NULL, 0);
    cr_assert_not(bare_is_allocated(one) || bare_is_allocated(grandchild));
}

/* libgc's "unreachable": what must not be finalized while another finalizer may bring it back. */
Test(finalizers, an_ordered_one_waits_for_unordered_ones_that_lead_to_it) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *unordered = bare_alloc(refs, 16), *ordered = bare_alloc(refs, 16);
    gait_word *between = bare_alloc(refs, 16);
    unordered[0] = bare_ref(between);
    between[0] = bare_ref(ordered);
    between[1] = bare_ref(unordered);
    set(ordered, finalize, NULL);
    set_with(unordered, finalize, NULL, GAIT_FINALIZER_UNORDERED);
    cycle(NULL, 0);
    cr_assert_eq(finalizers_queued(&finalizers), 1u);
    cr_assert_eq(take().object, (void *)unordered);
    cycle(NULL, 0);
    cr_assert_eq(take().object, (void *)ordered);
    expect_no_records();
}

Test(finalizers, an_unordered_one_waits_for_ordered_ones_that_lead_to_it) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *unordered = bare_alloc(refs, 16), *ordered = bare_alloc(refs, 16);
    ordered[0] = bare_ref(unordered);
    set(ordered, finalize, NULL);
    set_with(unordered, finalize, NULL, GAIT_FINALIZER_UNORDERED);
    cycle(NULL, 0);
    cr_assert_eq(take().object, (void *)ordered);
    expect_none();
    cycle(NULL, 0);
    cr_assert_eq(take().object, (void *)unordered);
    expect_no_records();
}

/* ---- Those that resurrect ---- */

/* Two of a cycle, what they lead to, and a weak word to each. */
Test(finalizers, what_is_resurrected_never_died) {
    unsigned refs = bare_kind(GAIT_REFS, 0), weak = bare_kind(GAIT_WEAK, 0);
    gait_word *one = bare_alloc(refs, 16), *other = bare_alloc(refs, 16);
    gait_word *child = bare_alloc(refs, 16), *table = bare_alloc(weak, 32);
    gait_word *garbage = bare_alloc(refs, 16), root = bare_ref(table);
    one[0] = bare_ref(other);
    other[0] = bare_ref(one);
    other[1] = bare_ref(child);
    gait_word *words[] = {one, other, child, garbage};
    for (size_t i = 0; i < 4; i++)
        table[i] = bare_ref(words[i]);
    set_with(one, finalize, NULL, GAIT_FINALIZER_RESURRECT);
    set_with(other, finalize, NULL, GAIT_FINALIZER_RESURRECT);
    cr_assert_eq(cycle(&root, 1), 0u, "nothing is kept after the flip");
    cr_assert_eq(finalizers_queued(&finalizers), 2u);
    cr_assert(table[0] && table[1] && table[2] && !table[3]);
    cycle(&root, 1); /* queued: roots */
    cr_assert(table[0] && table[1] && table[2]);
    take(), take();
    expect_no_records();
    cycle(&root, 1);
    cr_assert_not(table[0] || table[1] || table[2]);
}

/* Of three sorts that lead to each other in a row, each waits for the one before. */
Test(finalizers, others_wait_for_those_that_resurrect) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *resurrected = bare_alloc(refs, 16), *unordered = bare_alloc(refs, 16);
    gait_word *ordered = bare_alloc(refs, 16);
    resurrected[0] = bare_ref(unordered);
    unordered[0] = bare_ref(ordered);
    unordered[1] = bare_ref(resurrected);
    set_with(ordered, finalize, NULL, 0);
    set_with(unordered, finalize, NULL, GAIT_FINALIZER_UNORDERED);
    set_with(resurrected, finalize, NULL, GAIT_FINALIZER_RESURRECT);
    gait_word *const order[] = {resurrected, unordered, ordered};
    for (size_t i = 0; i < 3; i++) {
        cycle(NULL, 0);
        cr_assert_eq(finalizers_queued(&finalizers), 1u);
        cr_assert_eq(take().object, (void *)order[i]);
    }
    expect_no_records();
}

/* Between the two looks: removed, replaced by another sort, reached once more. */
Test(finalizers, a_suspect_may_change_before_it_is_decided_about) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *objects[4];
    for (size_t i = 0; i < 4; i++)
        set_with(objects[i] = bare_alloc(refs, 16), finalize, NULL, GAIT_FINALIZER_RESURRECT);
    bare_mark(NULL, 0);
    rescue_suspect(&finalizers, &bare.marker);
    cr_assert_eq(set(objects[0], NULL, NULL), 0);
    cr_assert_eq(set(objects[0], NULL, NULL), GAIT_E_MISSING);
    set(objects[1], finalize, NULL);
    gait_word root = bare_ref(objects[2]);
    bare_mark(&root, 1);
    marker_begin(&bare.marker);
    cr_assert(rescue_decide(&finalizers, &bare.marker));
    cr_assert_not(rescue_decide(&finalizers, &bare.marker));
    marker_end(&bare.marker);
    cr_assert_eq(finalizers_queued(&finalizers), 1u);
    cr_assert_eq(take().object, (void *)objects[3]);
    rescue_suspect(&finalizers, &bare.marker);
    cr_assert_eq(set(objects[2], NULL, NULL), 0);
    cr_assert_eq(set(objects[1], NULL, NULL), 0);
    rescue_suspect(&finalizers, &bare.marker);
    expect_no_records();
}

/* Words of its own may lead to itself, by its start, by a tag or by its inside; pairs too. */
Test(finalizers, references_to_itself_may_count_for_nothing) {
    unsigned refs = bare_kind(GAIT_REFS, 0), anything = bare_kind(GAIT_CONSERVATIVE, 0);
    unsigned ephemeron = bare_kind(GAIT_EPHEMERON, 1);
    gait_word *object = bare_alloc(refs, 16), *child = bare_alloc(refs, 16);
    object[0] = bare_ref(object);
    object[1] = bare_ref(child);
    gait_word *inside = bare_alloc(anything, 32);
    inside[1] = bare_ref(inside) + 17;
    gait_word *table = bare_alloc(ephemeron, 24), *value = bare_alloc(refs, 16);
    gait_word *key = bare_alloc(refs, 16);
    table[0] = bare_ref(table);
    weak_store_pair(&table[1], bare_ref(key), bare_ref(value));
    gait_word *cyclic = bare_alloc(refs, 16), *link = bare_alloc(refs, 16);
    cyclic[0] = bare_ref(link);
    link[0] = bare_ref(cyclic);
    gait_word *objects[] = {object, inside, table, cyclic};
    for (size_t i = 0; i < 4; i++)
        set_with(objects[i], finalize, NULL, GAIT_FINALIZER_IGNORE_SELF);
    gait_word root = bare_ref(key);
    cycle(&root, 1);
    cr_assert_eq(finalizers_queued(&finalizers), 3u); /* a longer cycle holds itself */
    cr_assert(bare_is_allocated(child) && bare_is_allocated(value));
    cr_assert_eq(table[2], bare_ref(value));
}

/* Which of them is found first makes no difference: none of these words is seen again. */
Test(finalizers, weak_words_of_all_that_comes_back_are_settled_before) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    unsigned weak = bare_kind(GAIT_WEAK, 1), ephemeron = bare_kind(GAIT_EPHEMERON, 0);
    gait_word *finalized = bare_alloc(refs, 32), *live = bare_alloc(leaf, 16);
    gait_word *dead = bare_alloc(leaf, 16), *child = bare_alloc(leaf, 16);
    gait_word *value = bare_alloc(leaf, 64), *lost = bare_alloc(leaf, 16);
    gait_word *words = bare_alloc(weak, 48), *pairs = bare_alloc(ephemeron, 64);
    gait_word *outside = bare_alloc(weak, 32);
    finalized[0] = bare_ref(words);
    finalized[1] = bare_ref(pairs);
    finalized[2] = bare_ref(child);
    words[0] = bare_ref(finalized); /* strong */
    words[1] = bare_ref(dead);
    words[2] = bare_ref(live);
    words[3] = bare_ref(finalized);
    words[4] = bare_ref(child);
    weak_store_pair(&pairs[0], bare_ref(live), bare_ref(value));
    weak_store_pair(&pairs[2], bare_ref(dead), bare_ref(lost));
    weak_store_pair(&pairs[4], bare_ref(child), bare_ref(lost));
    outside[1] = bare_ref(finalized);
    outside[2] = bare_ref(child);
    set_with(finalized, finalize, NULL, GAIT_FINALIZER_UNORDERED);
    gait_word roots[] = {bare_ref(live), bare_ref(outside)};
    /* a live key keeps its value, also in a table that was dead itself */
    cr_assert_eq(cycle(roots, 2), 32u + 16 + 48 + 64 + 64);
    cr_assert(bare_is_allocated(value) && bare_is_allocated(child));
    cr_assert_not(bare_is_allocated(lost) || bare_is_allocated(dead));
    gait_word words_after[] = {bare_ref(finalized), 0, bare_ref(live), 0, 0, 0};
    gait_word pairs_after[] = {bare_ref(live), bare_ref(value), 0, 0, 0, 0, 0, 0};
    gait_word outside_after[] = {0, 0, 0, 0};
    cr_assert_arr_eq(words, words_after, sizeof words_after);
    cr_assert_arr_eq(pairs, pairs_after, sizeof pairs_after);
    cr_assert_arr_eq(outside, outside_after, sizeof outside_after);
}

Test(finalizers, cleanups_wait_for_what_comes_back_without_a_finalizer_of_its_own) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *finalized = bare_alloc(refs, 16), *child = bare_alloc(refs, 16);
    finalized[0] = bare_ref(child);
    child[0] = bare_ref(finalized);
    set_with(finalized, finalize, NULL, GAIT_FINALIZER_UNORDERED);
    finalizers_cleanup_add(&finalizers, child, clean_up, NULL);
    cycle(NULL, 0);
    cr_assert_eq(take().object, (void *)finalized);
    expect_none();
    cycle(NULL, 0);
    cr_assert_eq(take().clean_up, clean_up);
    expect_no_records();
}

/* What comes back may be much, deep and large: it is found to the end. */
Test(finalizers, a_long_list_and_a_large_table_come_back, .timeout = 60) {
    enum { LENGTH = 300000, WORDS = 50000 };
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *large = bare_alloc(refs, WORDS * sizeof(gait_word)), *list = NULL;
    for (size_t i = 1; i < WORDS; i++)
        large[i] = bare_ref(bare_alloc(leaf, 16));
    for (size_t i = 0; i < LENGTH; i++) {
        gait_word *link = bare_alloc(refs, 16);
        link[0] = bare_ref(list);
        list = link;
    }
    large[0] = bare_ref(list);
    set_with(large, finalize, NULL, GAIT_FINALIZER_UNORDERED);
    size_t pages = (WORDS * sizeof(gait_word) + PAGE_BYTES - 1) / PAGE_BYTES;
    cr_assert_eq(cycle(NULL, 0), pages * PAGE_BYTES + 16u * (WORDS - 1 + LENGTH));
    for (size_t i = 1; i < WORDS; i++)
        cr_assert(bare_is_allocated((void *)large[i]));
    for (; list; list = (gait_word *)list[0])
        cr_assert(bare_is_allocated(list));
}

Test(finalizers, what_an_object_has_is_read_and_handed_back) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16);
    int data[2];
    struct finalizer_setting old, none = {0};
    struct finalizer_setting first = {finalize, &data[0], GAIT_FINALIZER_UNORDERED};
    struct finalizer_setting second = {finalize_otherwise, &data[1], GAIT_FINALIZER_IGNORE_SELF};
    cr_assert_eq(finalizers_set(&finalizers, object, &none, &old), GAIT_E_MISSING);
    cr_assert_null(old.finalize);
    cr_assert_null(finalizers_get(&finalizers, object).finalize);
    cr_assert_eq(finalizers_set(&finalizers, object, &first, &old), 0);
    cr_assert_null(old.finalize);
    cr_assert_eq(finalizers_set(&finalizers, object, &second, &old), 0);
    cr_assert(old.finalize == finalize && old.data == &data[0] &&
              old.flags == GAIT_FINALIZER_UNORDERED);
    cr_assert_eq(finalizers.unordered, 0u);
    old = finalizers_get(&finalizers, object);
    cr_assert(old.finalize == finalize_otherwise && old.data == &data[1] &&
              old.flags == GAIT_FINALIZER_IGNORE_SELF);
    cr_assert_eq(finalizers_set(&finalizers, object, &none, &old), 0);
    cr_assert(old.finalize == finalize_otherwise && old.data == &data[1]);
    expect_no_records();
}

Test(finalizers, all_are_queued_the_youngest_first) {
    enum { COUNT = 10000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    static gait_word *objects[COUNT];
    gait_word *dead = bare_alloc(leaf, 16);
    uint64_t state = 0x2545f4914f6cdd1d;
    set(dead, finalize, (void *)COUNT);
    for (size_t i = 0; i < COUNT; i++)
        objects[i] = bare_alloc(leaf, 16);
    for (size_t i = 0; i < COUNT; i++) /* records lie in memory in another order */
        set(objects[i], finalize, (void *)i);
    for (size_t i = 0; i < COUNT; i++)
        if (bare_random(&state) % 2) {
            set(objects[i], NULL, NULL);
            objects[i] = NULL;
        }
    for (size_t i = 0; i < COUNT; i++)
        if (!objects[i])
            set(objects[i] = bare_alloc(leaf, 16), finalize, (void *)(COUNT + 1 + i));
        else
            set(objects[i], finalize_otherwise, (void *)i); /* keeps its place */
    gait_word *roots = calloc(COUNT, sizeof *roots);
    for (size_t i = 0; i < COUNT; i++)
        roots[i] = bare_ref(objects[i]);
    cycle(roots, COUNT);
    cr_assert_eq(finalizers_queued(&finalizers), 1u);
    cr_assert_eq(finalizers_queue_all(&finalizers), COUNT + 1u);
    cr_assert_eq(finalizers_queue_all(&finalizers), COUNT + 1u);
    cr_assert_eq(take().object, (void *)dead); /* was queued before */
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < COUNT; i++) {
        size_t data = (size_t)take().data;
        cr_assert_lt(data, last);
        last = data;
    }
    expect_none();
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
        if (set(beside[i], finalize, NULL) != 0)
            abort();
        if (i % 4 == 0 && set(beside[i], NULL, NULL) != 0)
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
    set(bare_alloc(leaf, 16), finalize, NULL);
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
