/* SPDX-License-Identifier: MIT */
/*
 * Where in an arena things lie: fields side by side, objects near one another, and how many
 * references leave their block. What is said about each function is in gait/arena.h; which block is
 * chosen, in arena/placed.h.
 */
#include "arenas.h"

#define BLOCK_SHIFT 16 /* PLACED_BLOCK_BYTES */

_Static_assert((size_t)1 << BLOCK_SHIFT == PLACED_BLOCK_BYTES, "blocks are found by a shift");

/* ---- Struct of arrays ---- */

/* Loops over several arrays at once would meet in the same lines of the cache where these are
 * whole pages apart: such arrays are followed by a line more. */
#define SAME_LINES_BYTES ((size_t)4096)

/* How many bytes an array takes with what fills it up. @return false: more than can be. */
static bool array_bytes(size_t count, size_t field_bytes, size_t *bytes) {
    const size_t unit = GAIT_ARENA_FIELD_ALIGNMENT;
    if (__builtin_mul_overflow(count, field_bytes, bytes) ||
        __builtin_add_overflow(*bytes, unit - 1, bytes))
        return false;
    *bytes &= ~(unit - 1);
    return *bytes == 0 || *bytes % SAME_LINES_BYTES != 0 ||
           !__builtin_add_overflow(*bytes, unit, bytes);
}

void *gait_arena_fields(gait_mutator *mutator, gait_arena *arena, size_t count,
                        const size_t *field_bytes, size_t fields, void **starts) {
    arena_of_mutator(mutator, arena, __func__);
    size_t sum = 0, bytes;
    for (size_t i = 0; i < fields; i++)
        if (!array_bytes(count, field_bytes[i], &bytes) || __builtin_add_overflow(sum, bytes, &sum))
            return NULL;
    char *start = gait_arena_alloc(mutator, arena, sum, GAIT_ARENA_FIELD_ALIGNMENT);
    if (!start)
        return NULL;
    char *next = start;
    for (size_t i = 0; i < fields; i++) {
        starts[i] = next;
        array_bytes(count, field_bytes[i], &bytes);
        next += bytes;
    }
    return start;
}

/* ---- Placement ---- */

static struct arena_place place_of(const struct arena_own *own, const void *near,
                                   const char *call) {
    if (!(own->record.flags & GAIT_ARENA_PLACED))
        return (struct arena_place){false, NULL};
    if (!near)
        return (struct arena_place){true, NULL};
    struct heap_chunk *chunk = chunk_at(&own->heap->space, own->record.index, (uintptr_t)near);
    if (!chunk || chunk->bump.era != own->bump.era)
        platform_fatal("%s: %p is nothing that was allocated in arena \"%s\" since its last reset",
                       call, (const void *)near, own->record.name);
    return (struct arena_place){false, &chunk->bump};
}

void *gait_arena_alloc_near(gait_mutator *mutator, gait_arena *arena, const void *near,
                            size_t bytes, size_t alignment) {
    struct arena_own *own = arena_mine(mutator, arena, __func__);
    struct arena_place place = place_of(own, near, __func__);
    mutator->sampler.caller = __builtin_return_address(0);
    return arena_alloc_at(mutator, own, &place, bytes, alignment, __func__);
}

void *gait_arena_new_near(gait_mutator *mutator, gait_arena *arena, const void *near,
                          gait_kind kind, size_t bytes) {
    struct arena_own *own = arena_mine(mutator, arena, __func__);
    struct arena_place place = place_of(own, near, __func__);
    mutator->sampler.caller = __builtin_return_address(0);
    return arena_new_at(mutator, own, &place, kind, bytes, __func__);
}

/* ---- What it is good for ---- */

struct edges {
    const struct arena_own *own;
    uint64_t all, crossing;
};

/* The chunk and the block in it that an address of the arena lies in. NULL: it is none. Of what
 * lies elsewhere nothing is read: its owner may free it meanwhile. */
static const struct heap_chunk *block_of(const struct arena_own *own, uintptr_t address,
                                         size_t *block) {
    const struct heap_chunk *chunk = chunk_at(&own->heap->space, own->record.index, address);
    if (!chunk)
        return NULL;
    const char *start = own->range.pages > 0 ? own->range.whole.start : chunk->bump.start;
    *block = (address - (uintptr_t)start) >> BLOCK_SHIFT;
    return own->range.pages > 0 ? (const struct heap_chunk *)&own->range : chunk;
}

static void count_piece(void *data, char *start, char *end) {
    struct edges *edges = data;
    const struct arena_own *own = edges->own;
    for (char *at = start; at + sizeof(gait_word) <= end; at += sizeof(gait_word)) {
        /* relaxed: other threads may store meanwhile; each word is counted as it is at a moment */
        uintptr_t to = (uintptr_t)AO_load((const volatile AO_t *)at) & own->heap->value_mask;
        size_t from_block = 0, to_block = 0;
        const struct heap_chunk *chunk = block_of(own, to, &to_block);
        if (!chunk)
            continue;
        edges->all++;
        if (block_of(own, (uintptr_t)at, &from_block) != chunk || from_block != to_block)
            edges->crossing++;
    }
}

uint64_t gait_arena_count_edges(gait_mutator *mutator, gait_arena *arena, uint64_t *crossing) {
    struct arena_own *own = arena_mine(mutator, arena, __func__);
    struct edges edges = {.own = own};
    struct bump *bump;
    for (unsigned i = 0; (bump = arena_bump(own, i)) != NULL; i++)
        bump_each_low(bump, count_piece, &edges);
    if (crossing)
        *crossing = edges.crossing;
    return edges.all;
}
