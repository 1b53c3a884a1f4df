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

static bool is_zero(const struct heap_chunk *chunk) {
    for (const char *byte = chunk->bump.start; byte < chunk->bump.end; byte++)
        if (*byte)
            return false;
    return true;
}

/* Give back what close leaves, and the pieces. */
static void end(size_t page) {
    size_t stop = page + range.opened;
    range_close(&bare.space, &range);
    space_check(&bare.space);
    while (page < stop) {
        struct heap_chunk *chunk = range_piece(&bare.space, page);
        cr_assert_not_null(chunk);
        page += chunk->pages;
        chunk_free(&bare.space, chunk);
    }
    space_check(&bare.space);
    cr_assert_eq(arena_bytes(), (size_t)0);
}

Test(range, pieces_follow_one_another) {
    bare_open(~(gait_word)0);
    cr_assert_eq(range_open(&bare.space, &range, 2 * MIB), 0);
    cr_assert_eq(arena_bytes(), (size_t)0, "addresses are no memory");
    size_t all = all_bytes();
    space_check(&bare.space);
    char *next = space_page_start(&bare.space, range.page);
    const size_t sizes[] = {64 * KIB, 8 * KIB, 1, 300 * KIB, MIB};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct heap_chunk *chunk = range_take(&bare.space, &range, sizes[i], 7);
        cr_assert_not_null(chunk);
        cr_assert_eq(chunk->bump.start, next);
        cr_assert_geq(chunk_bytes(chunk), sizes[i]);
        cr_assert(is_zero(chunk));
        cr_assert_eq(chunk->bump.clean, chunk->bump.start);
        cr_assert_eq(chunk_at(&bare.space, (uintptr_t)chunk->bump.end - 1), chunk);
        cr_assert_eq(chunk_arena(&bare.space, chunk), 7u);
        cr_assert_null(chunk_at(&bare.space, (uintptr_t)chunk->bump.end), "not opened yet");
        memset(chunk->bump.start, 0xee, chunk_bytes(chunk));
        next = chunk->bump.end;
        bytes += chunk_bytes(chunk);
        cr_assert_eq(arena_bytes(), bytes);
        cr_assert_eq(all_bytes(), all);
        space_check(&bare.space);
    }
    cr_assert_null(range_take(&bare.space, &range, MIB, 7), "full");
    cr_assert_null(range_take(&bare.space, &range, SIZE_MAX, 7));
    end(range.page);
    bare_close();
}

/* Beside it objects are allocated, marked and walked as ever. */
Test(range, is_nothing_to_others) {
    bare_open(~(gait_word)0);
    cr_assert_eq(range_open(&bare.space, &range, MIB), 0);
    cr_assert_not_null(range_take(&bare.space, &range, 64 * KIB, 1));
    unsigned refs = bare_kind(GAIT_REFS, 0), weak = bare_kind(GAIT_WEAK, 0);
    gait_word *holder = bare_alloc(refs, 64), *weakly = bare_alloc(weak, 16);
    char *start = space_page_start(&bare.space, range.page);
    holder[0] = (gait_word)start;
    holder[1] = (gait_word)(start + 512 * KIB);
    weakly[0] = (gait_word)holder;
    gait_word roots[] = {bare_ref(holder), bare_ref(weakly), (gait_word)start + 900 * KIB};
    bare_mark(roots, 3);
    cr_assert(bare_is_marked(holder));
    bare_flip();
    weak_settle(&bare.space, bare.value_mask);
    cr_assert_eq(weakly[0], (gait_word)holder);
    end(range.page);
    bare_close();
}

Test(range, what_is_given_back_is_used_again) {
    bare_open(~(gait_word)0);
    cr_assert_eq(range_open(&bare.space, &range, MIB), 0);
    struct heap_chunk *chunks[16];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 16; i++) {
            chunks[i] = range_take(&bare.space, &range, 64 * KIB, 1);
            cr_assert_not_null(chunks[i]);
            cr_assert(is_zero(chunks[i]));
            memset(chunks[i]->bump.start, 0xdd, 64 * KIB);
        }
        cr_assert_eq(arena_bytes(), (size_t)MIB);
        for (size_t i = 0; i < 16; i++)
            range_give(&bare.space, &range, chunks[i]);
        cr_assert_eq(arena_bytes(), (size_t)0);
        space_check(&bare.space);
    }
    cr_assert_null(range_take(&bare.space, &range, 16 * KIB, 1), "none is so small");
    /* the OS keeps their memory: they are dirty, and counted */
    struct heap_chunk *chunk = range_take(&bare.space, &range, 64 * KIB, 1);
    memset(chunk->bump.start, 0xdd, 64 * KIB);
    fault_arm(FAULT_MASK(FAULT_RELEASE), 0, 1);
    range_give(&bare.space, &range, chunk);
    fault_disarm();
    cr_assert_eq(arena_bytes(), (size_t)64 * KIB);
    cr_assert_eq(range_take(&bare.space, &range, 64 * KIB, 1), chunk);
    cr_assert_eq(chunk->bump.clean, chunk->bump.end);
    cr_assert_eq(arena_bytes(), (size_t)64 * KIB);
    range_give(&bare.space, &range, chunk);
    end(range.page);
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
    cr_assert_lt(range_open(&bare.space, &range, 20 * MIB), 0);
    fault_disarm();
    space_check(&bare.space);
    cr_assert_eq(range_open(&bare.space, &range, 20 * MIB), 0);
    cr_assert_leq(AO_load(&bare.space.free_bytes), free_before - 20 * MIB);
    struct heap_chunk *chunk;
    while ((chunk = range_take(&bare.space, &range, MIB, 1)))
        cr_assert(is_zero(chunk));
    cr_assert_eq(range.opened, range.pages);
    end(range.page);
    cr_assert_lt(range_open(&bare.space, &range, 33 * MIB), 0, "more than there are");
    cr_assert_lt(range_open(&bare.space, &range, SIZE_MAX), 0);
    cr_assert_lt(range_open(&bare.space, &range, 0), 0);
    bare_close();
}
