/* SPDX-License-Identifier: MIT */
/*
 * Ranges of contiguous arenas: pieces lie one behind the other, only what is opened is counted, and
 * all of it comes back to the page heap.
 */
#include "bare_heap.h"
#include "heap/range.h"
#include "mark/weak.h"
#include "platform/fault.h"
#include "platform/platform.h"

#include <string.h>

enum { KIB = 1 << 10, MIB = 1 << 20 };

static struct range range;

static size_t arena_bytes(void) { return AO_load(&bare.space.arena_bytes); }
static size_t released_bytes(void) { return AO_load(&bare.space.released_bytes); }
static size_t all_bytes(void) {
    return arena_bytes() + released_bytes() + AO_load(&bare.space.free_bytes) +
           AO_load(&bare.space.used_bytes);
}

static bool is_zero(const char *start, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (start[i])
            return false;
    return true;
}

/* Give back what close leaves, and the pieces. */
static void end(void) {
    struct bump_chunk *pieces = range_close(&bare.space, &range), *next;
    space_check(&bare.space);
    for (; pieces; pieces = next) {
        next = pieces->next;
        chunk_free(&bare.space, (struct heap_chunk *)pieces);
    }
    space_check(&bare.space);
    cr_assert_eq(arena_bytes(), (size_t)0);
}

static size_t open_more(size_t bytes, bool low) {
    return range_open(&bare.space, &range, bytes, low, 7);
}

Test(range, is_opened_from_both_ends) {
    bare_open(~(gait_word)0);
    cr_assert_eq(range_reserve(&bare.space, &range, 2 * MIB), 0);
    cr_assert_eq(arena_bytes(), (size_t)0, "addresses are no memory");
    size_t all = all_bytes();
    space_check(&bare.space);
    char *low = range.whole.start, *high = range.whole.end;
    cr_assert_eq(high - low, 2 * MIB);
    const size_t sizes[] = {64 * KIB, 8 * KIB, 1, 300 * KIB, 256 * KIB};
    size_t opened = 0;
    for (size_t i = 0; i < 2 * (sizeof sizes / sizeof *sizes); i++) {
        bool below = i % 2;
        size_t bytes = open_more(sizes[i / 2], below);
        cr_assert(bytes >= sizes[i / 2] && bytes < sizes[i / 2] + 8192);
        char *piece = below ? low : high - bytes;
        cr_assert(is_zero(piece, bytes));
        struct heap_chunk *chunk = chunk_at(&bare.space, 7, (uintptr_t)piece);
        cr_assert_not_null(chunk);
        cr_assert_eq(chunk->bump.start, piece);
        cr_assert_eq(chunk_bytes(chunk), bytes);
        cr_assert_eq(chunk_at(&bare.space, 7, (uintptr_t)piece + bytes - 1), chunk);
        cr_assert_eq(chunk_arena(&bare.space, chunk), 7u);
        memset(piece, 0xee, bytes);
        low += below ? bytes : 0;
        high -= below ? 0 : bytes;
        cr_assert_null(chunk_at(&bare.space, 7, (uintptr_t)low), "not opened yet");
        cr_assert_null(chunk_at(&bare.space, 7, (uintptr_t)high - 1), "not opened yet");
        opened += bytes;
        cr_assert_eq(arena_bytes(), opened);
        cr_assert_eq(range_left_bytes(&range), 2 * MIB - opened);
        cr_assert_eq(all_bytes(), all);
        space_check(&bare.space);
    }
    cr_assert_eq(open_more(2 * MIB, true), 2 * MIB - opened, "what is left");
    cr_assert_eq(open_more(1, true), (size_t)0);
    cr_assert_eq(open_more(SIZE_MAX, false), (size_t)0);
    end();
    bare_close();
}

/* Beside it objects are allocated, marked and walked as ever. */
Test(range, is_nothing_to_others) {
    bare_open(~(gait_word)0);
    cr_assert_eq(range_reserve(&bare.space, &range, MIB), 0);
    cr_assert_gt(open_more(64 * KIB, true), (size_t)0);
    unsigned refs = bare_kind(GAIT_REFS, 0), weak = bare_kind(GAIT_WEAK, 0);
    gait_word *holder = bare_alloc(refs, 64), *weakly = bare_alloc(weak, 16);
    char *start = range.whole.start;
    holder[0] = (gait_word)start;
    holder[1] = (gait_word)(start + 512 * KIB);
    weakly[0] = (gait_word)holder;
    gait_word roots[] = {bare_ref(holder), bare_ref(weakly), (gait_word)start + 900 * KIB};
    bare_mark(roots, 3);
    cr_assert(bare_is_marked(holder));
    bare_flip();
    weak_settle(&bare.space, bare.value_mask);
    cr_assert_eq(weakly[0], (gait_word)holder);
    end();
    bare_close();
}

/* All pages have been in use: the range is of such, zero and in no memory all the same. */
static void dirty_all(void) {
    struct heap_chunk *chunks[512];
    size_t count = 0;
    while (count < 512 && (chunks[count] = chunk_take(&bare.space, MIB, 1)))
        memset(chunks[count++]->bump.start, 0xcc, MIB);
    while (count > 0)
        chunk_free(&bare.space, chunks[--count]);
}

Test(range, dirty_pages_are_released_first) {
    bare_open_sized(~(gait_word)0, 32 * MIB);
    dirty_all();
    size_t free_before = AO_load(&bare.space.free_bytes);
    cr_assert_geq(free_before, (size_t)30 * MIB);
    fault_arm(FAULT_MASK(FAULT_RELEASE), 0, 1);
    cr_assert_lt(range_reserve(&bare.space, &range, 20 * MIB), 0);
    fault_disarm();
    space_check(&bare.space);
    cr_assert_eq(range_reserve(&bare.space, &range, 20 * MIB), 0);
    cr_assert_leq(AO_load(&bare.space.free_bytes), free_before - 20 * MIB);
    while (open_more(MIB, range_left_bytes(&range) % (3 * MIB)))
        ;
    cr_assert(is_zero(range.whole.start, 20 * MIB));
    end();
    cr_assert_lt(range_reserve(&bare.space, &range, 33 * MIB), 0, "more than there are");
    cr_assert_lt(range_reserve(&bare.space, &range, SIZE_MAX), 0);
    cr_assert_lt(range_reserve(&bare.space, &range, 0), 0);
    bare_close();
}
