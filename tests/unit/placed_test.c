/* SPDX-License-Identifier: MIT */
/* runtime/arena/placed: which block a piece comes from, on memory of malloc. */
#include "../random.h"
#include "arena/placed.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(placed, .timeout = 60);

enum { HEAD = 64, BLOCKS_MOST = 4096 };

/* ---- A source that counts, and fails when told ---- */

static struct {
    size_t out, taken, most;
    struct bump_chunk *chunks[BLOCKS_MOST];
} state;

static struct bump_chunk *source_take(void *context, size_t bytes) {
    (void)context;
    if (state.taken == state.most || state.taken == BLOCKS_MOST)
        return NULL;
    bytes = (bytes + 8191) & ~(size_t)8191;
    struct bump_chunk *chunk = calloc(1, sizeof *chunk);
    chunk->start = aligned_alloc(8192, bytes);
    chunk->end = chunk->start + bytes;
    memset(chunk->start, 0xaa, bytes);
    chunk->clean = chunk->clean_end = chunk->end;
    state.chunks[state.taken++] = chunk;
    state.out++;
    return chunk;
}

static void source_give(void *context, struct bump_chunk *chunk) {
    (void)context;
    for (size_t i = 0; i < state.taken; i++)
        if (state.chunks[i] == chunk)
            state.chunks[i] = NULL;
    state.out--;
    free(chunk->start);
    free(chunk);
}

static const struct bump_source source = {
    .take = source_take, .give = source_give, .granule_bytes = 8192};

static struct bump bump;
static struct placed placed;

static void open_with(size_t cluster_bytes) {
    static const uint8_t kinds[256];
    memset(&state, 0, sizeof state);
    state.most = SIZE_MAX;
    struct bump_config config = {.head_bytes = HEAD,
                                 .chunk_bytes = PLACED_BLOCK_BYTES,
                                 .most_bytes = PLACED_BLOCK_BYTES,
                                 .unit = 8,
                                 .kinds = kinds};
    cr_assert_eq(bump_open(&bump, &source, NULL, &config), 0);
    placed_init(&placed, cluster_bytes);
}

static void end(void) {
    cr_assert(bump_check(&bump));
    for (struct bump_chunk *chunk = bump_close(&bump), *next; chunk; chunk = next) {
        next = chunk->next;
        source_give(NULL, chunk);
    }
    cr_assert_eq(state.out, (size_t)0);
}

static struct bump_chunk *block_of(const void *piece) {
    for (size_t i = state.taken; i-- > 0;) {
        struct bump_chunk *chunk = state.chunks[i];
        if (chunk && (const char *)piece >= chunk->start && (const char *)piece < chunk->end)
            return chunk;
    }
    cr_assert_fail("in no block");
    return NULL;
}

static void *near_to(const void *piece, size_t bytes, bool low) {
    return placed_take_near(&placed, &bump, NULL, block_of(piece), bytes, 8, low);
}

/* ---- Single steps ---- */

Test(placed, a_piece_is_near_while_there_is_room) {
    open_with(0);
    char *first = placed_begin(&placed, &bump, NULL, 64, 8, true);
    char *other = placed_begin(&placed, &bump, NULL, 64, 8, true);
    cr_assert_neq(block_of(first), block_of(other), "each is promised three quarters");
    size_t count = 1;
    char *last = first;
    for (char *piece; block_of(piece = near_to(last, 64, count % 2)) == block_of(first); count++)
        last = piece;
    cr_assert_eq(count, (size_t)(block_of(first)->end - block_of(first)->first) / 64);
    char *beyond = near_to(first, 64, true);
    cr_assert_neq(block_of(beyond), block_of(first));
    cr_assert_eq(block_of(near_to(last, 64, true)), block_of(beyond), "they go on together");
    cr_assert_eq(block_of(near_to(beyond, 64, false)), block_of(beyond));
    end();
}

Test(placed, clusters_share_blocks_by_what_they_are_promised) {
    open_with(8000);
    char *first[40];
    for (size_t i = 0; i < 40; i++)
        first[i] = placed_begin(&placed, &bump, NULL, 64, 8, true);
    for (size_t i = 0; i < 40; i++) /* 8 in each: 65472 / 8000 */
        cr_assert_eq(block_of(first[i]), block_of(first[i / 8 * 8]), "%zu", i);
    for (size_t i = 8; i < 40; i += 8)
        cr_assert_neq(block_of(first[i]), block_of(first[i - 8]));
    for (size_t i = 0; i < 40; i++) /* and each finds its room there */
        for (size_t bytes = 64; bytes + 64 <= 8000; bytes += 64)
            cr_assert_eq(block_of(near_to(first[i], 64, true)), block_of(first[i]));
    end();
}

Test(placed, plain_pieces_take_no_cluster_its_room) {
    open_with(0);
    char *cluster = placed_begin(&placed, &bump, NULL, 64, 8, true);
    for (size_t i = 0; i < 4000; i++)
        cr_assert_neq(block_of(placed_take(&placed, &bump, NULL, 64, 8, i % 2)), block_of(cluster));
    char *plain = placed_take(&placed, &bump, NULL, 64, 8, true);
    cr_assert_eq(block_of(near_to(plain, 64, true)), block_of(plain));
    end();
}

Test(placed, large_pieces_have_blocks_of_their_own) {
    open_with(0);
    char *cluster = placed_begin(&placed, &bump, NULL, 64, 8, true);
    char *large = near_to(cluster, 100000, false);
    cr_assert_neq(block_of(large), block_of(cluster));
    cr_assert_not_null(near_to(large, 64, true), "near a large one is somewhere");
    cr_assert_not_null(near_to(large, 64, true));
    cr_assert_not_null(placed_begin(&placed, &bump, NULL, 20000, 8, true));
    cr_assert_not_null(placed_take(&placed, &bump, NULL, 70000, 4096, true));
    cr_assert_null(near_to(cluster, SIZE_MAX, true));
    end();
}

Test(placed, a_reset_begins_anew) {
    open_with(0);
    size_t taken = 0;
    for (int round = 0; round < 10; round++) {
        char *first[20];
        for (size_t i = 0; i < 20; i++)
            first[i] = placed_begin(&placed, &bump, NULL, 64, 8, true);
        for (size_t i = 0; i < 20; i++)
            for (size_t k = 0; k < 1500; k++) {
                unsigned char *piece = near_to(first[i], 64, k % 2);
                for (size_t byte = 0; byte < 64; byte++)
                    cr_assert_eq(piece[byte], 0);
                memset(piece, 0xbb, 64);
            }
        cr_assert_eq(bump_used_bytes(&bump), (size_t)20 * 1501 * 64);
        if (round == 0)
            taken = state.taken;
        cr_assert_eq(state.taken, taken, "the same blocks again");
        bump_reset(&bump);
    }
    end();
}

Test(placed, no_memory_is_NULL_and_harms_nothing) {
    for (size_t most = 1; most < 12; most++) {
        open_with(20000);
        state.most = most;
        char *first = NULL;
        size_t failed = 0;
        for (size_t i = 0; i < 12000; i++) {
            bool low = i % 2;
            void *piece = i % 3 == 0   ? placed_begin(&placed, &bump, NULL, 104, 8, low)
                          : i % 3 == 1 ? placed_take(&placed, &bump, NULL, 56, 16, low)
                          : first      ? near_to(first, 72, low)
                                       : NULL;
            failed += !piece;
            if (!first)
                first = piece;
        }
        cr_assert_gt(failed, (size_t)0);
        end();
    }
}

/* ---- Pieces of all sizes: none overlaps another, and each is zero when it comes ---- */

Test(placed, random_pieces_keep_what_they_hold) {
    enum { PIECES = 20000 };
    static struct {
        unsigned char *start;
        size_t bytes;
        unsigned char fill;
    } pieces[PIECES];
    uint64_t random = 7;
    for (int round = 0; round < 4; round++) {
        open_with(round == 3 ? 0 : (size_t)1000 << (2 * round));
        for (size_t i = 0; i < PIECES; i++) {
            size_t bytes =
                one_in(&random, 500) ? 1 + pick(&random, 100000) : 1 + pick(&random, 200);
            size_t alignment = one_in(&random, 10) ? (size_t)8 << pick(&random, 6) : 8;
            bool low = one_in(&random, 2);
            unsigned char *start;
            if (i == 0 || one_in(&random, 50))
                start = placed_begin(&placed, &bump, NULL, bytes, alignment, low);
            else if (one_in(&random, 5))
                start = placed_take(&placed, &bump, NULL, bytes, alignment, low);
            else
                start =
                    placed_take_near(&placed, &bump, NULL, block_of(pieces[pick(&random, i)].start),
                                     bytes, alignment, low);
            cr_assert_not_null(start);
            cr_assert_eq((uintptr_t)start % alignment, (uintptr_t)0);
            for (size_t byte = 0; byte < bytes; byte++)
                cr_assert_eq(start[byte], 0);
            pieces[i].start = start;
            pieces[i].bytes = bytes;
            pieces[i].fill = (unsigned char)(1 + pick(&random, 255));
            memset(start, pieces[i].fill, bytes);
        }
        for (size_t i = 0; i < PIECES; i++)
            for (size_t byte = 0; byte < pieces[i].bytes; byte++)
                cr_assert_eq(pieces[i].start[byte], pieces[i].fill);
        end();
    }
}

/* ---- A clustered graph ---- */

enum { NODES = 100000, NODE_BYTES = 64, EDGES = 4 };

static uint32_t cluster_of[NODES], order[NODES];
static char *at[NODES];

/* Clusters of 200 to 800 nodes; their nodes are created in a random order, of all of them or one
 * cluster after the other. @return clusters. */
static uint32_t make_graph(uint64_t *random, bool mixed) {
    uint32_t clusters = 0;
    for (size_t i = 0; i < NODES; clusters++)
        for (size_t count = 200 + pick(random, 601); count > 0 && i < NODES; count--, i++) {
            cluster_of[i] = clusters;
            order[i] = (uint32_t)i;
        }
    for (size_t i = NODES - 1; mixed && i > 0; i--) {
        size_t k = pick(random, i + 1);
        uint32_t other = order[i];
        order[i] = order[k];
        order[k] = other;
    }
    return clusters;
}

/* Of edges that lead to a random node of the same cluster, or once in 50 to any: how many cross
 * blocks, in percent. */
static double crossing(uint64_t *random) {
    static uint32_t first_of[NODES], count_of[NODES];
    memset(count_of, 0, sizeof count_of);
    for (uint32_t i = 0; i < NODES; i++)
        if (count_of[cluster_of[i]]++ == 0)
            first_of[cluster_of[i]] = i;
    static struct bump_chunk *block[NODES];
    for (size_t i = 0; i < NODES; i++)
        block[i] = block_of(at[i]);
    size_t cross = 0;
    for (size_t i = 0; i < NODES; i++)
        for (size_t edge = 0; edge < EDGES; edge++) {
            uint32_t cluster = cluster_of[i];
            size_t to = one_in(random, 50) ? pick(random, NODES)
                                           : first_of[cluster] + pick(random, count_of[cluster]);
            cross += block[i] != block[to];
        }
    return 100.0 * (double)cross / (NODES * EDGES);
}

static double place(size_t cluster_bytes, bool mixed, bool near) {
    static char *first[NODES];
    uint64_t random = 11;
    memset(first, 0, sizeof first);
    open_with(cluster_bytes);
    make_graph(&random, mixed);
    for (size_t i = 0; i < NODES; i++) {
        uint32_t node = order[i], cluster = cluster_of[node];
        char *piece;
        if (!near)
            piece = placed_take(&placed, &bump, NULL, NODE_BYTES, 8, true);
        else if (first[cluster])
            piece = near_to(first[cluster], NODE_BYTES, true);
        else
            piece = first[cluster] = placed_begin(&placed, &bump, NULL, NODE_BYTES, 8, true);
        at[node] = piece;
    }
    double percent = crossing(&random);
    cr_log_info("clusters of %zu, mixed %d, near %d: %.2f %% cross, %.0f %% used", cluster_bytes,
                mixed, near, percent, 100.0 * NODES * NODE_BYTES / (double)bump.held_bytes);
    end();
    return percent;
}

Test(placed, few_edges_cross_blocks) {
    cr_assert_leq(place(0, true, true), 5);
    cr_assert_leq(place(0, false, true), 5);
    cr_assert_leq(place(PLACED_BLOCK_BYTES / 2, false, true), 5);
    cr_assert_geq(place(0, true, false), 50, "in the order of allocation");
}
