/* SPDX-License-Identifier: MIT */
/*
 * What must hold of the arena's core, with any source of chunks: tests/unit/bump_test.c runs it
 * with one that hands out dirty or clean memory. The file that includes it defines MUST(condition).
 * It asks for the compiler's headers only, so that it also runs where there is no C library.
 */
#ifndef GAIT_TESTS_BUMP_CASES_H
#define GAIT_TESTS_BUMP_CASES_H

#include "arena/bump.h"

#define CASE_PIECES 4096

/* A piece that was handed out: its bytes all hold the same. */
struct case_piece {
    unsigned char *start;
    size_t bytes;
    unsigned char filled;
};

struct bump_case {
    struct bump bump;
    const struct bump_source *source;
    void *context;
    uint8_t kinds[256];
    size_t unit;
    uint64_t random;
    size_t count, used_bytes;
    struct case_piece pieces[CASE_PIECES];
};

static inline uint64_t case_random(struct bump_case *test) {
    test->random ^= test->random << 13;
    test->random ^= test->random >> 7;
    test->random ^= test->random << 17;
    return test->random;
}

static inline void case_open(struct bump_case *test, const struct bump_source *source,
                             void *context, size_t unit, size_t chunk_bytes, bool windows) {
    test->source = source;
    test->context = context;
    test->unit = unit;
    test->random = 0x9e3779b97f4a7c15u;
    test->count = test->used_bytes = 0;
    struct bump_config config = {.head_bytes = sizeof(struct gait_arena_head) + 16,
                                 .chunk_bytes = chunk_bytes,
                                 .unit = unit,
                                 .kinds = test->kinds,
                                 .windows = windows};
    MUST(bump_open(&test->bump, source, context, &config) == 0);
    MUST(bump_check(&test->bump));
}

static inline void case_close(struct bump_case *test) {
    for (struct bump_chunk *chunk = bump_close(&test->bump), *next; chunk; chunk = next) {
        next = chunk->next;
        test->source->give(test->context, chunk);
    }
}

/* As the inline functions and their slow path do. */
static inline unsigned char *case_take(struct bump_case *test, size_t bytes, size_t alignment,
                                       bool low) {
    struct gait_arena_head *head = test->bump.head;
    void *start = low && alignment <= test->unit
                      ? gait_arena_take_low(head, bytes)
                      : (low ? NULL : gait_arena_take_high(head, bytes, alignment));
    return start ? start : bump_take(&test->bump, test->context, bytes, alignment, low);
}

/* Allocate, see that it is zero and aligned, fill it, remember it. */
static inline void case_add(struct bump_case *test, size_t bytes, size_t alignment, bool low) {
    unsigned char *start = case_take(test, bytes, alignment, low);
    MUST(start != NULL);
    MUST((uintptr_t)start % alignment == 0 && (uintptr_t)start % test->unit == 0);
    unsigned char filled = (unsigned char)(case_random(test) | 1);
    for (size_t i = 0; i < bytes; i++) {
        MUST(start[i] == 0);
        start[i] = filled;
    }
    test->used_bytes += bytes;
    if (test->count < CASE_PIECES)
        test->pieces[test->count++] = (struct case_piece){start, bytes, filled};
}

/* Nobody else has written to what was handed out. */
static inline void case_verify(struct bump_case *test) {
    for (size_t i = 0; i < test->count; i++)
        for (size_t at = 0; at < test->pieces[i].bytes; at++)
            MUST(test->pieces[i].start[at] == test->pieces[i].filled);
    MUST(bump_check(&test->bump));
    MUST(bump_used_bytes(&test->bump) >= test->used_bytes);
}

struct case_lows {
    const struct bump_case *test;
    size_t found, bytes;
};

static inline void case_visit_low(void *data, char *start, char *end) {
    struct case_lows *lows = data;
    lows->bytes += (size_t)(end - start);
    for (size_t i = 0; i < lows->test->count; i++) {
        char *piece = (char *)lows->test->pieces[i].start;
        lows->found += piece >= start && piece + lows->test->pieces[i].bytes <= end;
    }
}

/* A random request: small ones mostly, some of pages, a few large ones. */
static inline void case_add_random(struct bump_case *test) {
    uint64_t random = case_random(test);
    size_t bytes = 1 + (random >> 8) % 200, alignment = test->unit;
    if (random % 64 == 0)
        bytes = 1 + (random >> 8) % 40000;
    if (random % 1024 == 1)
        bytes = 1 + (random >> 8) % 400000;
    if (random % 16 == 2)
        alignment = (size_t)16 << (random >> 32) % 8;
    case_add(test, bytes, alignment, (random & 8) != 0);
}

/* Fill, reset, fill again, trim: contents stay, memory is kept. */
static inline void case_frames(struct bump_case *test) {
    size_t held = 0;
    for (unsigned frame = 0; frame < 12; frame++) {
        for (unsigned i = 0; i < 3000; i++)
            case_add_random(test);
        case_verify(test);
        if (frame == 8)
            held = test->bump.held_bytes;
        if (frame == 6)
            bump_trim(&test->bump, test->context);
        test->count = test->used_bytes = 0;
        size_t used = bump_used_bytes(&test->bump);
        bump_reset(&test->bump);
        MUST(bump_check(&test->bump));
        MUST(bump_used_bytes(&test->bump) == 0);
        MUST(test->bump.high_water_bytes >= used);
    }
    MUST(test->bump.held_bytes < held + held / 2); /* it has come to rest */
    size_t before = test->bump.held_bytes, given = bump_trim(&test->bump, test->context);
    MUST(given > 0 && test->bump.held_bytes == before - given);
    MUST(test->bump.chunk_count == 1);
    MUST(bump_check(&test->bump));
    case_add(test, 100, test->unit, true);
}

/* The pieces that may hold references are what was taken from low, and little more. */
static inline void case_lows(struct bump_case *test) {
    size_t low_count = 0, low_bytes = 0;
    for (unsigned i = 0; i < 2000; i++) {
        bool low = case_random(test) % 2;
        size_t bytes = 1 + case_random(test) % 300 + (i % 512 == 511 ? 200000 : 0);
        if (!low) { /* not remembered: only those from low are to be found */
            MUST(case_take(test, bytes, test->unit, false) != NULL);
            continue;
        }
        case_add(test, bytes, test->unit, true);
        low_bytes += (bytes + test->unit - 1) & ~(test->unit - 1);
        low_count++;
    }
    struct case_lows lows = {.test = test};
    bump_each_low(&test->bump, case_visit_low, &lows);
    MUST(lows.found == low_count && lows.bytes == low_bytes);
    bump_reset(&test->bump);
    lows = (struct case_lows){.test = test};
    bump_each_low(&test->bump, case_visit_low, &lows);
    MUST(lows.bytes == 0);
    test->count = test->used_bytes = 0;
    case_add(test, 24, test->unit, true);
    bump_each_low(&test->bump, case_visit_low, &lows);
    MUST(lows.found == 1 && lows.bytes == (24 + test->unit - 1) / test->unit * test->unit);
}

/* A reset that leaves the memory as it is. */
static inline void case_apart(struct bump_case *test) {
    struct bump_chunk *apart = NULL;
    for (unsigned round = 0; round < 4; round++) {
        size_t first = test->count;
        for (unsigned i = 0; i < 900; i++)
            case_add_random(test);
        case_verify(test);
        size_t before = test->bump.held_bytes, moved = 0;
        struct bump_chunk *more = bump_reset_apart(&test->bump), **end = &more;
        MUST(bump_check(&test->bump) && bump_used_bytes(&test->bump) == 0);
        struct case_lows lows = {.test = test};
        bump_each_low(&test->bump, case_visit_low, &lows);
        MUST(lows.bytes == 0);
        for (; *end; end = &(*end)->next)
            moved += (size_t)((*end)->end - (*end)->start);
        MUST(test->bump.held_bytes == before - moved);
        *end = apart;
        apart = more;
        test->used_bytes = 0;
        (void)first;
    }
    case_verify(test); /* of all rounds */
    test->count = 0;
    for (struct bump_chunk *next; apart; apart = next) {
        next = apart->next;
        test->source->give(test->context, apart);
    }
    bump_reset(&test->bump); /* from here on the first chunk is filled again */
    case_add(test, 8, test->unit, false);
    MUST((char *)test->pieces[0].start > test->bump.chunks.first->start &&
         (char *)test->pieces[0].start < test->bump.chunks.first->end);
    case_verify(test);
}

/* What can't be: sizes and alignments beyond all bounds give NULL, and change nothing. */
static inline void case_refused(struct bump_case *test) {
    size_t used = bump_used_bytes(&test->bump);
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15, SIZE_MAX / 2, SIZE_MAX / 4 + 1};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        MUST(case_take(test, sizes[i], test->unit, false) == NULL);
        MUST(case_take(test, sizes[i], test->unit, true) == NULL);
    }
    MUST(case_take(test, 8, SIZE_MAX / 2 + 1, false) == NULL);
    MUST(bump_used_bytes(&test->bump) == used && bump_check(&test->bump));
    MUST(case_take(test, 0, test->unit, true) != NULL);
    MUST(case_take(test, 0, test->unit, false) != NULL);
    MUST(bump_used_bytes(&test->bump) == used + 2 * test->unit);
}

#endif
