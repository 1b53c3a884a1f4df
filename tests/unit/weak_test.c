/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/weak and ephemerons: what is cleared after a flip, what reads as 0 before that, and
 * that chains of ephemerons take linear time.
 */
#include "bare_heap.h"
#include "mark/weak.h"

#include <pthread.h>
#include <time.h>

#define ALL (~(gait_word)0)

static void open_heap(void) { bare_open(ALL); }

TestSuite(weak, .init = open_heap, .fini = bare_close);

Test(weak, words_to_dead_objects_are_cleared_and_others_left) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), weak = bare_kind(GAIT_WEAK, 1);
    gait_word *strong = bare_alloc(leaf, 16), *live = bare_alloc(leaf, 16);
    gait_word *dead = bare_alloc(leaf, 16), *object = bare_alloc(weak, 8 * sizeof(gait_word));
    object[0] = bare_ref(strong);
    object[1] = bare_ref(live);
    object[2] = bare_ref(dead);
    object[3] = bare_ref(dead) + 8; /* inside it: not its start */
    object[4] = bare_ref(dead) + 1; /* with a tag that the mask leaves */
    object[5] = 42;
    object[6] = bare_ref(object);
    gait_word roots[] = {bare_ref(object), bare_ref(live)};
    bare_mark(roots, 2);
    cr_assert(bare_is_marked(strong));
    cr_assert_not(bare_is_marked(dead));
    bare_flip();
    cr_assert_eq(weak_read(&bare.space, ALL, &object[1]), bare_ref(live));
    cr_assert_eq(weak_read(&bare.space, ALL, &object[2]), 0u);
    cr_assert_eq(object[2], bare_ref(dead));
    weak_settle(&bare.space, ALL);
    gait_word after[] = {bare_ref(strong),   bare_ref(live),     0,
                         bare_ref(dead) + 8, bare_ref(dead) + 1, 42,
                         bare_ref(object)};
    cr_assert_arr_eq(object, after, sizeof after);
}

Test(weak, the_value_mask_finds_tagged_targets) {
    bare_close();
    bare_open(0x0000fffffffffff8);
    unsigned leaf = bare_kind(GAIT_LEAF, 0), weak = bare_kind(GAIT_WEAK, 0);
    gait_word *live = bare_alloc(leaf, 16), *dead = bare_alloc(leaf, 16);
    gait_word *object = bare_alloc(weak, 2 * sizeof(gait_word));
    gait_word tagged_live = bare_ref(live) | 5, tagged_dead = bare_ref(dead) | 0xfff8000000000003;
    object[0] = tagged_live;
    object[1] = tagged_dead;
    gait_word roots[] = {bare_ref(object), bare_ref(live)};
    bare_mark(roots, 2);
    bare_flip();
    cr_assert_eq(weak_read(&bare.space, bare.value_mask, &object[0]), tagged_live);
    cr_assert_eq(weak_read(&bare.space, bare.value_mask, &object[1]), 0u);
    weak_settle(&bare.space, bare.value_mask);
    cr_assert_eq(object[0], tagged_live);
    cr_assert_eq(object[1], 0u);
}

Test(weak, large_and_many_weak_objects) {
    enum { WORDS = 100000, SMALL = 5000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0), weak = bare_kind(GAIT_WEAK, 0);
    gait_word *large = bare_alloc(weak, WORDS * sizeof(gait_word));
    gait_word *roots = calloc(WORDS + SMALL + 1, sizeof *roots);
    size_t count = 0;
    roots[count++] = bare_ref(large);
    for (size_t i = 0; i < WORDS; i++) {
        large[i] = bare_ref(bare_alloc(leaf, 24));
        if (i % 3 == 0)
            roots[count++] = large[i];
    }
    gait_word *smalls[SMALL];
    for (size_t i = 0; i < SMALL; i++) {
        smalls[i] = bare_alloc(weak, 16);
        smalls[i][0] = large[i];
        smalls[i][1] = large[2 * i];
        roots[count++] = bare_ref(smalls[i]);
    }
    bare_mark(roots, count);
    bare_flip();
    weak_settle(&bare.space, ALL);
    for (size_t i = 0; i < WORDS; i++)
        cr_assert_eq(large[i] != 0, i % 3 == 0);
    for (size_t i = 0; i < SMALL; i++)
        cr_assert(smalls[i][0] == large[i] && smalls[i][1] == large[2 * i]);
    free(roots);
}

/* As an open-addressing table wants it: what was there once is no empty place. */
Test(weak, cleared_words_and_keys_are_what_their_kind_says) {
    enum { TOMBSTONE = 7 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_kind_info info = {.name = "table", .layout = GAIT_WEAK, .cleared = TOMBSTONE};
    unsigned weak = (unsigned)kinds_register(&bare.kinds, &info);
    info.layout = GAIT_EPHEMERON;
    unsigned ephemeron = (unsigned)kinds_register(&bare.kinds, &info);
    gait_word *live = bare_alloc(leaf, 16), *dead = bare_alloc(leaf, 16);
    gait_word *words = bare_alloc(weak, 32), *pairs = bare_alloc(ephemeron, 48);
    words[0] = bare_ref(dead);
    words[1] = bare_ref(live);
    weak_store_pair(&pairs[0], bare_ref(dead), bare_ref(live));
    weak_store_pair(&pairs[2], bare_ref(live), bare_ref(live));
    gait_word roots[] = {bare_ref(live), bare_ref(words), bare_ref(pairs)};
    bare_mark(roots, 3);
    bare_flip();
    for (unsigned settled = 0; settled < 2; settled++) {
        cr_assert_eq(weak_read(&bare.space, ALL, &words[0]), (gait_word)TOMBSTONE);
        cr_assert_eq(weak_read(&bare.space, ALL, &words[1]), bare_ref(live));
        cr_assert_eq(weak_read(&bare.space, ALL, &words[2]), 0u); /* never used */
        cr_assert_eq(weak_read(&bare.space, ALL, &pairs[0]), (gait_word)TOMBSTONE);
        cr_assert_eq(weak_read_pair(&bare.space, ALL, &pairs[0]), 0u);
        cr_assert_eq(weak_read_pair(&bare.space, ALL, &pairs[2]), bare_ref(live));
        weak_settle(&bare.space, ALL);
    }
    gait_word words_after[] = {TOMBSTONE, bare_ref(live), 0, 0};
    gait_word pairs_after[] = {TOMBSTONE, 0, bare_ref(live), bare_ref(live), 0, 0};
    cr_assert_arr_eq(words, words_after, sizeof words_after);
    cr_assert_arr_eq(pairs, pairs_after, sizeof pairs_after);
}

Test(weak, spans_made_after_the_flip_are_left_alone) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), weak = bare_kind(GAIT_WEAK, 0);
    gait_word dead = bare_ref(bare_alloc(leaf, 16));
    bare_mark(NULL, 0);
    bare_flip();
    gait_word *object = bare_alloc(weak, 16);
    object[0] = dead; /* no mutator could have stored it: shows that nobody looked */
    weak_settle(&bare.space, ALL);
    cr_assert_eq(object[0], dead);
    cr_assert_eq(weak_read(&bare.space, ALL, object), 0u);
}

Test(weak, pairs_go_with_their_keys) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), ephemeron = bare_kind(GAIT_EPHEMERON, 1);
    gait_word *head = bare_alloc(leaf, 16), *key = bare_alloc(leaf, 16);
    gait_word *value = bare_alloc(leaf, 16), *lost_key = bare_alloc(leaf, 16);
    gait_word *lost_value = bare_alloc(leaf, 16), *constant_value = bare_alloc(leaf, 16);
    gait_word *object = bare_alloc(ephemeron, 9 * sizeof(gait_word));
    object[0] = bare_ref(head);
    weak_store_pair(&object[1], bare_ref(key), bare_ref(value));
    weak_store_pair(&object[3], bare_ref(lost_key), bare_ref(lost_value));
    weak_store_pair(&object[5], 7, bare_ref(constant_value)); /* a key that is no object */
    weak_store_pair(&object[7], bare_ref(lost_key), bare_ref(value));
    gait_word roots[] = {bare_ref(object), bare_ref(key)};
    bare_mark(roots, 2);
    bare_flip();
    cr_assert_eq(weak_read_pair(&bare.space, ALL, &object[1]), bare_ref(value));
    cr_assert_eq(weak_read_pair(&bare.space, ALL, &object[3]), 0u);
    cr_assert_eq(weak_read_pair(&bare.space, ALL, &object[7]), 0u);
    weak_settle(&bare.space, ALL);
    gait_word after[] = {
        bare_ref(head), bare_ref(key), bare_ref(value), 0, 0, 7, bare_ref(constant_value), 0, 0};
    cr_assert_arr_eq(object, after, sizeof after);
    cr_assert(bare_is_allocated(head) && bare_is_allocated(value));
    cr_assert_not(bare_is_allocated(lost_value));
}

Test(weak, a_key_reached_only_by_its_own_value_is_dead) {
    unsigned refs = bare_kind(GAIT_REFS, 0), ephemeron = bare_kind(GAIT_EPHEMERON, 0);
    gait_word *key = bare_alloc(refs, 16), *value = bare_alloc(refs, 16);
    gait_word *object = bare_alloc(ephemeron, 16);
    value[0] = bare_ref(key);
    weak_store_pair(object, bare_ref(key), bare_ref(value));
    gait_word root = bare_ref(object);
    bare_mark(&root, 1);
    bare_flip();
    weak_settle(&bare.space, ALL);
    cr_assert(object[0] == 0 && object[1] == 0);
    cr_assert_not(bare_is_allocated(value));
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Marks a table of count pairs, each value the key of a pair before it in memory, so that a pass in
 * order of memory finds one more. @return CPU seconds. */
static double mark_chain(size_t count, bool apart) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), ephemeron = bare_kind(GAIT_EPHEMERON, 0);
    gait_word *keys = malloc((count + 1) * sizeof *keys), **pairs = malloc(count * sizeof *pairs);
    gait_word *table = apart ? NULL : bare_alloc(ephemeron, 2 * count * sizeof(gait_word));
    gait_word *roots = malloc((count + 1) * sizeof *roots);
    for (size_t i = 0; i <= count; i++)
        keys[i] = bare_ref(bare_alloc(leaf, 16));
    for (size_t i = 0; i < count; i++) {
        pairs[i] = apart ? bare_alloc(ephemeron, 16) : &table[2 * i];
        weak_store_pair(pairs[i], keys[i + 1], keys[i]);
        roots[i] = apart ? bare_ref(pairs[i]) : bare_ref(table);
    }
    /* the last key by way of the last drain, so that all the other pairs are waiting by then */
    double begin = cpu_seconds();
    roots[count] = 0;
    bare_mark(roots, count + 1);
    for (size_t i = 0; i <= count; i++)
        cr_assert_not(bare_is_marked((void *)keys[i]));
    bare_mark(&keys[count], 1);
    double seconds = cpu_seconds() - begin;
    for (size_t i = 0; i <= count; i++)
        cr_assert(bare_is_marked((void *)keys[i]));
    bare_flip();
    weak_settle(&bare.space, ALL);
    for (size_t i = 0; i < count; i++)
        cr_assert(pairs[i][0] == keys[i + 1] && pairs[i][1] == keys[i]);
    free(keys), free(pairs), free(roots);
    return seconds;
}

Test(weak, chains_of_pairs_are_linear, .timeout = 60) {
    cr_assert_lt(mark_chain(200000, false), 5.0); /* quadratic: hours */
}

Test(weak, chains_of_objects_are_linear, .timeout = 60) {
    cr_assert_lt(mark_chain(200000, true), 5.0);
}

/* Each ephemeron is found only through the value of the one before it. */
Test(weak, chains_of_ephemerons_found_late, .timeout = 60) {
    enum { COUNT = 50000 };
    unsigned refs = bare_kind(GAIT_REFS, 0), ephemeron = bare_kind(GAIT_EPHEMERON, 1);
    gait_word *keys[COUNT + 1], *next = NULL, *all[COUNT];
    for (size_t i = 0; i <= COUNT; i++)
        keys[i] = bare_alloc(refs, 16);
    for (size_t i = COUNT; i-- > 0;) {
        gait_word *value = bare_alloc(refs, 16);
        value[0] = bare_ref(next);
        value[1] = bare_ref(keys[i + 1]);
        all[i] = next = bare_alloc(ephemeron, 24);
        weak_store_pair(&next[1], bare_ref(keys[i]), bare_ref(value));
    }
    double begin = cpu_seconds();
    gait_word roots[] = {bare_ref(next), bare_ref(keys[0])};
    bare_mark(roots, 1);
    cr_assert_not(bare_is_marked(all[1]));
    bare_mark(roots + 1, 1);
    cr_assert(bare_is_marked(all[COUNT - 1]) && bare_is_marked(keys[COUNT]));
    cr_assert_lt(cpu_seconds() - begin, 5.0);
}

static struct {
    AO_t stop;
    gait_word *pair;
    gait_word live[2];
    gait_word dead;
} contest;

static void *settle_all_the_time(void *argument) {
    (void)argument;
    struct cell cell = bare_cell(contest.pair);
    while (!AO_load_acquire(&contest.stop))
        weak_settle_object(&bare.space, ALL, cell.start, cell.entry, 2 * sizeof(gait_word));
    return NULL;
}

Test(weak, settling_never_clears_what_was_stored_beside_it) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), ephemeron = bare_kind(GAIT_EPHEMERON, 0);
    contest.live[0] = bare_ref(bare_alloc(leaf, 16));
    contest.live[1] = bare_ref(bare_alloc(leaf, 16));
    contest.dead = bare_ref(bare_alloc(leaf, 16));
    contest.pair = bare_alloc(ephemeron, 16);
    gait_word roots[] = {bare_ref(contest.pair), contest.live[0], contest.live[1]};
    bare_mark(roots, 3);
    bare_flip();
    pthread_t settler;
    cr_assert_eq(pthread_create(&settler, NULL, settle_all_the_time, NULL), 0);
    for (size_t i = 0; i < 500000; i++) {
        /* the same value with a dead key, then with a live one */
        weak_store_pair(contest.pair, contest.dead, contest.live[1]);
        for (volatile size_t pause = i % 128; pause > 0; pause--)
            ; /* let the other thread come to each of its steps */
        weak_store_pair(contest.pair, contest.live[0], contest.live[1]);
        cr_assert_eq(weak_read_pair(&bare.space, ALL, contest.pair), contest.live[1]);
        cr_assert_eq(AO_load((AO_t *)&contest.pair[1]), contest.live[1]);
    }
    AO_store_release(&contest.stop, 1);
    pthread_join(settler, NULL);
}

/* A dead target that a cleared word referred to comes back for its finalizer, over and over. In a
 * heap a read is over before the next cycle; here a tag tells the rounds apart. */
#define REVIVAL_MASK UINT64_C(0x00007fffffffffff)
static struct {
    AO_t stop;
    gait_word *word; /* atomic */
    gait_word target;
    struct cell cell;
} revival;

static void *clear_and_revive(void *argument) {
    (void)argument;
    unsigned side = space_epoch(&bare.space) & 1;
    for (gait_word round = 0; !AO_load_acquire(&revival.stop); round++) {
        bits_clear(&revival.cell.pair[side], revival.cell.bit);
        AO_store_release((AO_t *)revival.word, revival.target | round << 47); /* found dead */
        for (volatile size_t pause = 50; pause > 0; pause--)
            ;
        AO_store_release((AO_t *)revival.word, 0);            /* settled */
        bits_set(&revival.cell.pair[side], revival.cell.bit); /* kept for its finalizer */
        for (volatile size_t pause = 50; pause > 0; pause--)
            ;
    }
    return NULL;
}

Test(weak, a_read_never_sees_its_target_come_back, .timeout = 60) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), weak = bare_kind(GAIT_WEAK, 0);
    revival.target = bare_ref(bare_alloc(leaf, 16));
    revival.word = bare_alloc(weak, 16);
    revival.cell = bare_cell((void *)revival.target);
    bits_clear(&revival.cell.pair[space_epoch(&bare.space) & 1], revival.cell.bit);
    pthread_t reviver;
    cr_assert_eq(pthread_create(&reviver, NULL, clear_and_revive, NULL), 0);
    for (size_t i = 0; i < 3000000; i++)
        cr_assert_eq(weak_read(&bare.space, REVIVAL_MASK, revival.word), 0u);
    AO_store_release(&revival.stop, 1);
    pthread_join(reviver, NULL);
}
