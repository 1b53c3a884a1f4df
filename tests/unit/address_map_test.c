/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/address_map: what was added is found, while buckets are split, walked and joined.
 */
#include "bare_heap.h"
#include "mark/address_map.h"

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
