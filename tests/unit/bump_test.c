/* SPDX-License-Identifier: MIT */
/*
 * The arena's core, from memory of malloc: bump_cases.h says what must hold.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition) cr_assert(condition)
#include "bump_cases.h"

/* Chunks that are clean or not by turns; and none after so many. */
static struct {
    size_t out, taken, most;
    bool dirty;
} source_state;

static struct bump_chunk *source_take(void *context, size_t bytes) {
    (void)context;
    if (source_state.taken == source_state.most)
        return NULL;
    bytes = (bytes + 8191) & ~(size_t)8191;
    bool dirty = source_state.dirty && source_state.taken % 2;
    source_state.taken++;
    source_state.out++;
    struct bump_chunk *chunk = malloc(sizeof *chunk);
    chunk->start = aligned_alloc(8192, bytes);
    memset(chunk->start, dirty ? 0xaa : 0, bytes);
    chunk->end = chunk->start + bytes;
    chunk->clean = dirty ? chunk->end : chunk->start;
    chunk->clean_end = chunk->end;
    return chunk;
}

static void source_give(void *context, struct bump_chunk *chunk) {
    (void)context;
    source_state.out--;
    free(chunk->start);
    free(chunk);
}

static const struct bump_source source = {
    .take = source_take, .give = source_give, .granule_bytes = 8192};

static struct bump_case test;

static void run(void (*body)(struct bump_case *)) {
    for (unsigned i = 0; i < 16; i++) {
        source_state.taken = 0;
        source_state.most = SIZE_MAX;
        source_state.dirty = i & 1;
        case_open(&test, &source, NULL, i & 2 ? 16 : 8, i & 4 ? 65536 : 8192, (i & 8) == 0);
        body(&test);
        case_close(&test);
        cr_assert_eq(source_state.out, (size_t)0);
    }
}

Test(bump, frames) { run(case_frames); }
Test(bump, pieces_with_references) { run(case_lows); }
Test(bump, reset_apart) { run(case_apart); }
Test(bump, refused) { run(case_refused); }

/* The source fails at each of its calls: NULL, and what was there stays. */
Test(bump, no_memory) {
    for (size_t most = 0; most < 12; most++) {
        source_state.taken = 0;
        source_state.most = most;
        source_state.dirty = true;
        struct bump_config config = {
            .head_bytes = 64, .chunk_bytes = 8192, .unit = 8, .kinds = test.kinds, .windows = true};
        test.source = &source;
        test.unit = 8;
        test.random = 1;
        test.count = test.used_bytes = 0;
        int opened = bump_open(&test.bump, &source, NULL, &config);
        cr_assert_eq(opened, most == 0 ? -1 : 0);
        if (opened < 0)
            continue;
        unsigned failed = 0;
        for (unsigned i = 0; i < 40; i++) {
            size_t bytes = i % 4 == 3 ? 100000 : 3000;
            if (source_state.taken < most)
                case_add(&test, bytes, 8, i % 2);
            else if (!case_take(&test, bytes, 8, i % 2))
                failed++;
        }
        cr_assert_gt(failed, 0u);
        case_verify(&test);
        case_close(&test);
        cr_assert_eq(source_state.out, (size_t)0);
    }
}

/* One chunk and no more. */
Test(bump, fixed) {
    source_state.taken = 0;
    source_state.most = SIZE_MAX;
    source_state.dirty = false;
    struct bump_config config = {.head_bytes = 64,
                                 .chunk_bytes = 1 << 20,
                                 .unit = 8,
                                 .kinds = test.kinds,
                                 .windows = true,
                                 .fixed = true};
    cr_assert_eq(bump_open(&test.bump, &source, NULL, &config), 0);
    char *big = bump_take(&test.bump, NULL, 500000, 8, false);
    cr_assert_not_null(big);
    cr_assert_not_null(bump_take(&test.bump, NULL, 500000, 64, true));
    cr_assert_null(bump_take(&test.bump, NULL, 100000, 8, true));
    cr_assert_not_null(bump_take(&test.bump, NULL, 1000, 8, true));
    cr_assert(bump_check(&test.bump));
    bump_reset(&test.bump);
    memset(big, 0xbb, 500000);
    char *again = bump_take(&test.bump, NULL, 1000000, 8, false);
    for (size_t i = 0; i < 1000000; i++)
        cr_assert_eq(again[i], 0);
    cr_assert_eq(source_state.taken, (size_t)1);
    test.source = &source;
    case_close(&test);
}

/* An allocation of the inline path costs no call. */
Test(bump, windows_move_ahead) {
    source_state.taken = 0;
    source_state.most = SIZE_MAX;
    source_state.dirty = true;
    case_open(&test, &source, NULL, 8, 65536, true);
    size_t slow = 0, fast = 0;
    for (unsigned i = 0; i < 100000; i++) {
        void *start = i & 1 ? gait_arena_take_low(test.bump.head, 24)
                            : gait_arena_take_high(test.bump.head, 24, 8);
        if (start)
            fast++;
        else {
            slow++;
            cr_assert_not_null(bump_take(&test.bump, NULL, 24, 8, i & 1));
        }
    }
    cr_assert_lt(slow, fast / 200);
    case_close(&test);
}

/* Chunks that follow one another in memory: one's end is the next one's start. */
static char *neighbours, *neighbours_at;

static struct bump_chunk *neighbour_take(void *context, size_t bytes) {
    (void)context;
    bytes = (bytes + 8191) & ~(size_t)8191;
    struct bump_chunk *chunk = calloc(1, sizeof *chunk);
    chunk->start = chunk->clean = neighbours_at;
    chunk->end = chunk->clean_end = neighbours_at += bytes;
    return chunk;
}

static void neighbour_give(void *context, struct bump_chunk *chunk) {
    (void)context;
    free(chunk);
}

static const struct bump_source neighbour_source = {
    .take = neighbour_take, .give = neighbour_give, .granule_bytes = 8192};

/* The cursor at the end of a full chunk is not taken for that of a large piece behind it. */
Test(bump, large_behind_a_full_chunk) {
    neighbours = neighbours_at = calloc(4, 65536);
    case_open(&test, &neighbour_source, NULL, 8, 8192, true);
    struct gait_arena_head *head = test.bump.head;
    while (head->low < test.bump.current->end)
        case_add(&test, 8, 8, true);
    case_add(&test, 65536, 8, true);
    cr_assert_eq(test.pieces[test.count - 1].start, (unsigned char *)head->low);
    struct case_lows lows = {.test = &test};
    bump_each_low(&test.bump, case_visit_low, &lows);
    cr_assert_eq(lows.found, test.count);
    case_close(&test);
    free(neighbours);
}

/* Reset after reset that sets memory apart, each costs no more than the one before. */
Test(bump, apart_again_and_again) {
    source_state.taken = 0;
    source_state.most = SIZE_MAX;
    case_open(&test, &source, NULL, 8, 8192, true);
    size_t held_bytes = 0;
    for (unsigned i = 0; i < 64; i++) {
        case_take(&test, 8, 8, true);
        cr_assert_leq(test.bump.held_bytes, (size_t)3 * 8192);
        for (struct bump_chunk *chunk = bump_reset_apart(&test.bump), *next; chunk; chunk = next) {
            next = chunk->next;
            held_bytes += (size_t)(chunk->end - chunk->start);
            source_give(NULL, chunk);
        }
    }
    cr_assert_leq(held_bytes, (size_t)64 * 2 * 8192);
    case_close(&test);
}
