/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/chain: chains of every kind of link, their ends, budgets, keys among the links, and
 * several markers on one chain.
 */
#include "bare_heap.h"

#include <pthread.h>

#define ALL (~(gait_word)0)

static void open_heap(void) { bare_open(ALL); }

TestSuite(chain, .init = open_heap, .fini = bare_close);

enum { LINKS = 5000, KINDS = 5, LONG = 1 << 17, MARKERS = 2, ROUNDS = 10 };

static gait_word *links[LINKS];

/* Links of several kinds and sizes, the reference in any of their words; what the last one leads to
 * is `end`. Each refers to the next in the order of `order`. */
static void chain_make(const uint32_t *order, gait_word end) {
    static const size_t bytes[KINDS] = {16, 32, 48, 128, 1000};
    unsigned kinds[KINDS] = {bare_kind(GAIT_REFS, 0), bare_kind(GAIT_PREFIX, 1),
                             bare_kind(GAIT_PREFIX, 6), bare_kind(GAIT_PREFIX, 16),
                             bare_kind(GAIT_PREFIX, 17)};
    static const size_t words[KINDS] = {2, 1, 6, 16, 17};
    uint64_t state = 12;
    for (size_t i = 0; i < LINKS; i++) {
        size_t at = i % 1000 < 500 ? 1 : bare_random(&state) % KINDS; /* some long stretches */
        links[i] = bare_alloc(kinds[at], bytes[at]);
        links[i][0] = at; /* while they are made */
    }
    for (size_t i = 0; i < LINKS; i++) {
        gait_word *link = links[order[i]];
        size_t at = link[0];
        link[0] = 0;
        link[bare_random(&state) % words[at]] = i + 1 < LINKS ? bare_ref(links[order[i + 1]]) : end;
    }
}

static void order_straight(uint32_t *order) {
    for (uint32_t i = 0; i < LINKS; i++)
        order[i] = i;
}

static void order_mixed(uint32_t *order) {
    uint64_t state = 5;
    order_straight(order);
    for (uint32_t i = LINKS - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(bare_random(&state) % (i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static size_t links_marked(void) {
    size_t marked = 0;
    for (size_t i = 0; i < LINKS; i++)
        marked += bare_is_marked(links[i]);
    return marked;
}

/* ---- One marker ---- */

Test(chain, each_link_is_marked_once_and_so_is_the_end) {
    static uint32_t order[LINKS];
    for (unsigned mixed = 0; mixed < 2; mixed++) {
        mixed ? order_mixed(order) : order_straight(order);
        gait_word *end = bare_alloc(bare_kind(GAIT_LEAF, 0), 16);
        gait_word *dead = bare_alloc(bare_kind(GAIT_PREFIX, 1), 32);
        dead[0] = bare_ref(end);
        chain_make(order, bare_ref(end));
        gait_word root = bare_ref(links[order[0]]);
        size_t before = bare_marked_cells(&bare.marker);
        bare_mark(&root, 1);
        cr_assert_eq(links_marked(), (size_t)LINKS);
        cr_assert(bare_is_marked(end));
        cr_assert_not(bare_is_marked(dead));
        cr_assert_eq(bare_marked_cells(&bare.marker) - before, LINKS + 1u);
    }
}

Test(chain, a_ring_ends) {
    static uint32_t order[LINKS];
    order_straight(order);
    chain_make(order, 0);
    gait_word *last = links[LINKS - 1];
    memset(last, 0, 16);
    last[0] = bare_ref(links[0]);
    gait_word root = bare_ref(links[LINKS / 2]);
    bare_mark(&root, 1);
    cr_assert_eq(links_marked(), (size_t)LINKS);
    cr_assert_eq(bare_marked_cells(&bare.marker), (size_t)LINKS);
}

/* Conservative links are led to by any address in them, and nothing beside them is looked at. */
static void middles_lead(size_t bytes) {
    unsigned kind = bare_kind(GAIT_CONSERVATIVE, 0), leaf = bare_kind(GAIT_LEAF, 0);
    uint64_t state = 3;
    size_t before = bare_marked_cells(&bare.marker);
    gait_word *beside = bare_alloc(leaf, 16), *first = bare_alloc(kind, bytes);
    for (size_t i = 0; i < LINKS; i++) {
        links[i] = bare_alloc(kind, bytes);
        if (i > 0)
            links[i - 1][bare_random(&state) % (bytes / 8)] =
                bare_ref(links[i]) + bare_random(&state) % bytes;
    }
    gait_word *end = bare_alloc(leaf, 40000); /* a large one */
    links[LINKS - 1][bytes / 8 - 1] = bare_ref(end) + 39999;
    gait_word *dead = bare_alloc(kind, bytes);
    first[bytes / 8 - 1] = dead[0] = bare_ref(beside);
    bare_mark((gait_word[]){bare_ref(links[0])}, 1);
    cr_assert_eq(links_marked(), (size_t)LINKS);
    cr_assert(bare_is_marked(end));
    cr_assert_not(bare_is_marked(dead));
    cr_assert_not(bare_is_marked(beside));
    cr_assert_eq(bare_marked_cells(&bare.marker) - before, (size_t)LINKS);
}

Test(chain, words_may_point_into_the_middle) { middles_lead(48); }

Test(chain, links_may_have_an_odd_number_of_words) {
    middles_lead(24);
    middles_lead(40);
}

/* A word that is no reference, one to an object that is free, and one beyond the heap end it. */
Test(chain, stale_words_end_it) {
    unsigned prefix = bare_kind(GAIT_PREFIX, 1);
    gait_word *stale = bare_alloc(prefix, 32), *link = bare_alloc(prefix, 32);
    gait_word *behind = bare_alloc(prefix, 32);
    stale[0] = bare_ref(behind);
    struct cell freed = bare_cell(stale);
    bits_clear(&freed.pair[space_epoch(&bare.space) & 1], freed.bit);
    gait_word ends[] = {bare_ref(stale), bare_ref(behind) + 8, 24,
                        (gait_word)bare.space.base + bare.space.reserved_bytes};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        link[0] = ends[i];
        bare_mark((gait_word[]){bare_ref(link)}, 1);
        cr_assert(bare_is_marked(link));
        cr_assert_not(bare_is_marked(stale), "end %zu", i);
        struct cell cell = bare_cell(link);
        bits_clear(&cell.pair[~space_epoch(&bare.space) & 1], cell.bit);
        cr_assert_not(bare_is_marked(behind), "end %zu", i);
    }
}

Test(chain, what_leads_to_several_is_none) {
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *list = NULL;
    for (size_t i = 0; i < LINKS; i++) {
        links[i] = bare_alloc(refs, 24);
        links[i][i % 3] = bare_ref(list);
        if (i % 50 == 0)
            links[i][(i + 1) % 3] = bare_ref(i > 1000 ? links[i - 1000] : links[i]);
        if (i % 100 == 0)
            links[i][(i + 2) % 3] = bare_ref(bare_alloc(refs, 24));
        list = links[i];
    }
    gait_word root = bare_ref(list);
    bare_mark(&root, 1);
    cr_assert_eq(links_marked(), (size_t)LINKS);
    for (size_t i = 0; i < LINKS; i += 100)
        cr_assert(bare_is_marked((void *)links[i][(i + 2) % 3]));
    cr_assert_eq(bare_marked_cells(&bare.marker), LINKS + LINKS / 100u);
}

Test(chain, a_budget_bounds_it) {
    enum { WORDS = 300 };
    static uint32_t order[LINKS];
    order_straight(order);
    chain_make(order, 0);
    marker_begin(&bare.marker);
    marker_push(&bare.marker, bare_ref(links[0]));
    size_t before = 0, calls = 1;
    for (; !marker_drain(&bare.marker, WORDS * sizeof(gait_word)); calls++) {
        size_t marked = bare_marked_cells(&bare.marker);
        cr_assert_leq(marked - before, WORDS + 2u);
        before = marked;
    }
    marker_end(&bare.marker);
    cr_assert_eq(links_marked(), (size_t)LINKS);
    cr_assert_geq(calls, LINKS / (WORDS + 2u));
}

/* Pairs that wait for links are asked for as marks are set, though the chain is read before. */
Test(chain, links_are_keys) {
    static uint32_t order[LINKS];
    static gait_word *values[LINKS];
    order_straight(order);
    chain_make(order, 0);
    unsigned ephemeron = bare_kind(GAIT_EPHEMERON, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *table = bare_alloc(ephemeron, 2 * LINKS * sizeof(gait_word)), *stranger;
    for (size_t i = 0; i + 1 < LINKS; i++) {
        values[i] = bare_alloc(leaf, 16);
        table[2 * i] = bare_ref(links[i]);
        table[2 * i + 1] = bare_ref(values[i]);
    }
    stranger = bare_alloc(leaf, 16);
    table[2 * LINKS - 2] = bare_ref(bare_alloc(leaf, 16));
    table[2 * LINKS - 1] = bare_ref(stranger);
    marker_begin(&bare.marker);
    marker_push(&bare.marker, bare_ref(table));
    marker_drain(&bare.marker, SIZE_MAX);
    cr_assert_not(marker_ephemerons(&bare.marker)); /* all of them wait */
    marker_push(&bare.marker, bare_ref(links[0]));
    marker_drain(&bare.marker, SIZE_MAX);
    for (size_t i = 0; i + 1 < LINKS; i++)
        cr_assert(bare_is_marked(values[i]), "link %zu", i);
    cr_assert_not(marker_ephemerons(&bare.marker));
    cr_assert_not(bare_is_marked(stranger));
    marker_end(&bare.marker);
}

/** .inv.missed: what nobody looks up is missed until a pass over all pairs, and so is all that was
 * marked before it is sure that there are pairs; a leaf of a barrier's is looked up. */
Test(chain, what_is_not_looked_up_is_missed) {
    struct ephemerons *keys = &bare.queue.keys;
    unsigned pairs = bare_kind(GAIT_EPHEMERON, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *table = bare_alloc(pairs, 8 * sizeof *table);
    for (size_t i = 0; i < 8; i++)
        table[i] = bare_ref(bare_alloc(leaf, 16));
    marker_begin(&bare.marker);
    marker_push(&bare.marker, bare_ref(table));
    marker_drain(&bare.marker, SIZE_MAX);
    cr_assert_not(marker_ephemerons(&bare.marker));
    cr_assert_eq(AO_load(&keys->pairs), 4);
    cr_assert_neq(AO_load(&keys->missed), 0, "the first pairs");
    cr_assert_not(marker_ephemerons(&bare.marker));
    cr_assert_eq(AO_load(&keys->missed), 0);

    marker_push(&bare.marker, table[0]);
    marker_drain(&bare.marker, SIZE_MAX);
    cr_assert(marker_shade(&bare.marker, &table[2], 1, true));
    marker_drain(&bare.marker, SIZE_MAX);
    cr_assert(bare_is_marked((void *)table[1]) && bare_is_marked((void *)table[3]));
    cr_assert_eq(AO_load(&keys->missed), 0);
    cr_assert_not(marker_ephemerons_met(&bare.marker));

    bare.marker.lockless = true;
    marker_push(&bare.marker, table[4]);
    marker_drain(&bare.marker, SIZE_MAX);
    bare.marker.lockless = false;
    cr_assert_not(bare_is_marked((void *)table[5]));
    cr_assert_neq(AO_load(&keys->missed), 0, "by a marker without locks");
    cr_assert(marker_ephemerons(&bare.marker));
    marker_drain(&bare.marker, SIZE_MAX);
    cr_assert(bare_is_marked((void *)table[5]));
    cr_assert_eq(AO_load(&keys->missed), 0);
    marker_end(&bare.marker);
}

/* ---- Several markers ---- */

static AO_t waiting;
static gait_word *long_list[LONG];

static void *follow(void *argument) {
    struct marker *marker = argument;
    marker_begin(marker);
    marker_push(marker, bare_ref(long_list[0]));
    AO_fetch_and_sub1_full(&waiting);
    while (AO_load_acquire(&waiting) > 0) {
    }
    marker_drain(marker, SIZE_MAX);
    marker_end(marker);
    return NULL;
}

static void list_unmark(void) {
    for (size_t i = 0; i < LONG; i++) {
        struct cell cell = bare_cell(long_list[i]);
        cr_assert(cell_marked(&cell, space_epoch(&bare.space)), "link %zu", i);
        bits_clear(&cell.pair[~space_epoch(&bare.space) & 1], cell.bit);
    }
}

/* They meet on the same links. Each is marked, and counted, once. */
Test(chain, several_on_one_chain, .timeout = 60) {
    unsigned prefix = bare_kind(GAIT_PREFIX, 1);
    for (size_t i = 0; i < LONG; i++) {
        long_list[i] = bare_alloc(prefix, 32);
        if (i > 0)
            long_list[i - 1][0] = bare_ref(long_list[i]);
    }
    static struct marker markers[MARKERS];
    for (size_t i = 0; i < MARKERS; i++)
        marker_init(&markers[i], &bare.space, &bare.queue, ALL);
    for (size_t round = 1; round <= ROUNDS; round++) {
        pthread_t threads[MARKERS];
        AO_store_release(&waiting, MARKERS);
        for (size_t i = 0; i < MARKERS; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, follow, &markers[i]), 0);
        for (size_t i = 0; i < MARKERS; i++)
            pthread_join(threads[i], NULL);
        cr_assert_eq(queue_active(&bare.queue), 0u);
        cr_assert_not(queue_has_work(&bare.queue));
        list_unmark();
        size_t marked = 0;
        for (size_t i = 0; i < MARKERS; i++)
            marked += bare_marked_cells(&markers[i]);
        cr_assert_eq(marked, round * LONG, "round %zu", round);
    }
}
