/* SPDX-License-Identifier: MIT */
/*
 * The slow paths of allocation in arenas, and where their chunks come from.
 *
 * Taking a chunk is a safepoint, as taking a run is in gait_alloc: it lets the collector in, makes
 * room under the limit, and when there is none collects and asks the handler. The handler may reset
 * or free the very arena, or be left by longjmp: the bump is whole at that time, and what is taken
 * is put into it afterwards.
 */
#include <gait/library.h>

#include "alloc_room.h"
#include "api_arenas.h"
#include "arena/described.h"
#include "observe/arenalog.h"
#include "platform/platform.h"
#include "zero.h"

#define ALIGNMENT_MOST ((size_t)65536)

/* ---- Chunks ---- */

/* Let the collector in, as gait_alloc does. */
static void safepoint(gait_mutator *mutator) {
    gait_poll(mutator);
    uint32_t stress = mutator->heap->options.gcstress;
    if (stress && ++mutator->stress_count >= stress) {
        mutator->stress_count = 0;
        gait_collect(mutator);
    }
}

static struct heap_chunk *chunk_find(gait_mutator *mutator, size_t bytes, unsigned arena) {
    struct space *space = &mutator->heap->space;
    safepoint(mutator);
    struct heap_chunk *chunk = chunk_take_kept(space, bytes, arena);
    if (chunk)
        return chunk;
    size_t page_bytes = (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    if (page_bytes < bytes)
        return NULL;
    if (control_is_tight(&mutator->heap->control, page_bytes))
        chunks_drain(space);
    struct alloc_need need = {.bytes = bytes, .page_bytes = page_bytes};
    alloc_make_room(mutator, &need);
    chunk = chunk_take(space, bytes, arena);
    for (unsigned failures = 0; !chunk && gait_out_of_memory(mutator, bytes, failures);
         failures++) {
        chunks_drain(space);
        chunk = chunk_take(space, bytes, arena);
    }
    return chunk;
}

static struct bump_chunk *source_take(void *context, size_t bytes) {
    const struct arena_call *call = context;
    struct arena_own *own = call->own;
    struct arena *record = &own->record;
    gait_heap *heap = call->mutator->heap;
    struct heap_chunk *chunk = chunk_find(call->mutator, bytes, record->index);
    if (!chunk)
        return NULL;
    if (arena_state(record) == ARENA_FREED) { /* by the handler */
        chunk_give(&heap->space, chunk);
        return NULL;
    }
    if (own->node >= 0)
        chunk->bound = platform_bind(chunk->bump.start, chunk_bytes(chunk), own->node) == 0;
    arenalog_arena(heap, GAIT_ARENALOG_chunk, record->id, record->name, chunk_bytes(chunk),
                   own->bump.held_bytes + chunk_bytes(chunk));
    return &chunk->bump;
}

static void source_give(void *context, struct bump_chunk *chunk) {
    const struct arena_call *call = context;
    call->mutator->heap->arenas.hooks.give(call->mutator->heap, &arena_heap_chunk(chunk)->apart);
}

static void source_zero(void *context, char *start, size_t bytes) {
    const struct arena_call *call = context;
    zero_pages(call->mutator, start, bytes);
}

const struct bump_source arena_source = {source_take, source_give, source_zero, PAGE_BYTES};

/* ---- Allocation ---- */

static void *take(gait_mutator *mutator, struct arena_own *own, size_t bytes, size_t alignment,
                  bool low) {
    struct arena_call call = {mutator, own};
    if (bump_has_room(&own->bump, bytes, alignment))
        return bump_take(&own->bump, &call, bytes, alignment, low);
    gait_word handle = (gait_word)own->record.handle; /* over the safepoint */
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &handle, 1);
    void *start = bump_take(&own->bump, &call, bytes, alignment, low);
    gait_pop_frame(mutator);
    return start;
}

/* An object of an arena with GAIT_ARENA_DESCRIBED: with a word before it (arena/described.h). */
static void *take_described(gait_mutator *mutator, struct arena_own *own, size_t bytes,
                            size_t alignment, const gait_kind *kind, bool low) {
    size_t lead = described_lead(~own->bump.head->mask + 1);
    lead = lead > alignment ? lead : alignment;
    if (bytes > DESCRIBED_BYTES_MOST)
        return NULL;
    char *start = take(mutator, own, bytes + lead, alignment, low);
    if (!start)
        return NULL;
    described_set(start + lead, kind ? *kind : 0, bytes, kind != NULL);
    return start + lead;
}

void *gait_arena_alloc_slow(gait_mutator *mutator, gait_arena *arena, size_t bytes,
                            size_t alignment) {
    struct arena_own *own = arena_mine(mutator, arena, "gait_arena_alloc");
    if ((alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MOST)
        platform_fatal("gait_arena_alloc: alignment %zu: a power of two up to 65536, or 0",
                       alignment);
    if (own->record.flags & GAIT_ARENA_DESCRIBED)
        return take_described(mutator, own, bytes ? bytes : 1, alignment, NULL, false);
    return take(mutator, own, bytes, alignment, false);
}

/* @return its layout, if objects of the kind may be in arenas. */
static gait_layout check_kind(const gait_heap *heap, gait_kind kind) {
    if (kind >= kinds_count(&heap->kinds))
        platform_fatal("gait_arena_new: unknown kind %u", (unsigned)kind);
    const struct kind *known = &heap->kinds.kinds[kind];
    if (known->layout == GAIT_CALLBACK || known->layout == GAIT_WEAK ||
        known->layout == GAIT_EPHEMERON)
        platform_fatal("gait_arena_new: kind %u (%s) has layout %s, which no arena can hold",
                       (unsigned)kind, known->name,
                       known->layout == GAIT_CALLBACK ? "GAIT_CALLBACK"
                       : known->layout == GAIT_WEAK   ? "GAIT_WEAK"
                                                      : "GAIT_EPHEMERON");
    return known->layout;
}

void *gait_arena_new_slow(gait_mutator *mutator, gait_arena *arena, gait_kind kind, size_t bytes) {
    struct arena_own *own = arena_mine(mutator, arena, "gait_arena_new");
    gait_layout layout = check_kind(mutator->heap, kind);
    if (bytes == 0)
        bytes = 1;
    if (layout == GAIT_CONSERVATIVE) {
        AO_store_release(&own->record.conservative, 1);
        own->bump.head->kinds = mutator->heap->kinds.arena_kinds_conservative;
    }
    if (own->record.flags & GAIT_ARENA_DESCRIBED)
        return take_described(mutator, own, bytes, 0, &kind, layout != GAIT_LEAF);
    return take(mutator, own, bytes, 0, layout != GAIT_LEAF);
}
