/* SPDX-License-Identifier: MIT */
/*
 * runtime/heap/pool and counted: no node is handed out twice or lost, walks meet all, and memory
 * that nobody uses is given back and no longer counted.
 */
#include "bare_heap.h"
#include "heap/counted.h"
#include "heap/pool.h"

static AO_t bytes;

static size_t counted(void) { return AO_load(&bytes); }

Test(pool, nodes_are_nobody_elses) {
    enum { NODES = 20000, STEPS = 200000 };
    static size_t *nodes[NODES];
    struct pool pool;
    uint64_t state = 88172645463325252;
    size_t count = 0;
    pool_init(&pool, 24, &bytes);
    cr_assert_eq(counted(), 0u);
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = bare_random(&state) % NODES;
        if (nodes[i]) {
            for (size_t word = 0; word < 3; word++)
                cr_assert_eq(nodes[i][word], i);
            cr_assert(pool_give(&pool, nodes[i]));
            nodes[i] = NULL;
            count--;
        } else {
            cr_assert_not_null(nodes[i] = pool_take(&pool));
            for (size_t word = 0; word < 3; word++)
                nodes[i][word] = i;
            count++;
        }
        cr_assert_eq(pool.count, count);
    }
    cr_assert_leq(count * 24, counted());
    void *some[100];
    size_t met = 0, got;
    for (pool_walk(&pool); (got = pool_step(&pool, some, 100)) > 0; met += got)
        for (size_t i = 0; i < got; i++)
            cr_assert_eq(nodes[*(size_t *)some[i]], some[i]);
    cr_assert_eq(met, count);
    for (size_t i = 0; i < NODES; i++)
        if (nodes[i])
            cr_assert(pool_give(&pool, nodes[i]));
    cr_assert_eq(counted(), POOL_CHUNK_BYTES);
    pool_destroy(&pool);
    cr_assert_eq(counted(), 0u);
}

Test(pool, what_is_no_node_in_use_is_refused) {
    struct pool pool;
    pool_init(&pool, 8, &bytes);
    char *node = pool_take(&pool), *other = pool_take(&pool);
    cr_assert_not(pool_give(&pool, node + 4));
    cr_assert_not(pool_give(&pool, other + 8));
    cr_assert(pool_give(&pool, node));
    cr_assert_not(pool_give(&pool, node));
    cr_assert(pool_give(&pool, other));
    pool_destroy(&pool);
}

/* Nodes come and go, and whole chunks with them, while a walk is on its way. */
Test(pool, a_walk_meets_what_stays) {
    enum { NODES = 10000, STAY = 100 };
    static size_t *nodes[NODES];
    static unsigned met[NODES];
    struct pool pool;
    uint64_t state = 42;
    pool_init(&pool, 64, &bytes);
    for (size_t round = 0; round < 20; round++) {
        memset(met, 0, sizeof met);
        for (size_t i = 0; i < NODES; i++) {
            cr_assert_not_null(nodes[i] = pool_take(&pool));
            *nodes[i] = i;
        }
        void *some[64];
        size_t got, gone = bare_random(&state) % 2 ? 0 : NODES - 1;
        for (pool_walk(&pool); (got = pool_step(&pool, some, 64)) > 0;) {
            for (size_t i = 0; i < got; i++)
                met[*(size_t *)some[i]]++;
            /* from one end or the other: behind the walk, before it, and where it is */
            for (size_t i = 0; i < 300 && gone < NODES; i++, gone += round % 2 ? 1 : SIZE_MAX)
                if (gone % STAY != 0 && nodes[gone]) {
                    cr_assert(pool_give(&pool, nodes[gone]));
                    nodes[gone] = NULL;
                }
        }
        for (size_t i = 0; i < NODES; i++) {
            cr_assert_leq(met[i], 1u);
            if (nodes[i])
                cr_assert_eq(met[i], 1u);
            if (nodes[i])
                cr_assert(pool_give(&pool, nodes[i]));
        }
    }
    pool_destroy(&pool);
}

Test(pool, counted_memory_of_all_sizes) {
    for (size_t size = 1; size < 3000000; size = size * 3 + 1) {
        char *start = counted_alloc(&bytes, size);
        cr_assert_not_null(start);
        cr_assert_geq(counted(), size);
        for (size_t at = 0; at < size; at += 1000)
            cr_assert_eq(start[at], 0);
        memset(start, 0xa5, size);
        counted_free(&bytes, start, size);
        cr_assert_eq(counted(), 0u);
    }
    counted_free(&bytes, NULL, 1);
}
