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

#include "../arena/described.h"
#include "../mutator/alloc_room.h"
#include "../mutator/zero.h"
#include "../observe/arenalog.h"
#include "../platform/platform.h"
#include "arena_sample.h"

#define ALIGNMENT_MOST ((size_t)65536)

/* ---- Chunks ---- */

/* Let the collector in, as gait_alloc does. */
static void safepoint(gait_mutator *mutator) {
    world_poll(mutator);
    uint32_t stress = mutator->heap->options.gcstress;
    if (stress && ++mutator->stress_count >= stress) {
        mutator->stress_count = 0;
        gait_collect(mutator);
    }
}

/* Let the collector in and make room for pages that count anew. */
static void make_room(gait_mutator *mutator, size_t bytes, size_t page_bytes) {
    struct alloc_need need = {.bytes = bytes, .page_bytes = page_bytes};
    alloc_make_room(mutator, &need);
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
    make_room(mutator, bytes, page_bytes);
    chunk = chunk_take(space, bytes, arena);
    for (unsigned failures = 0; !chunk && gait_out_of_memory(mutator, bytes, failures);
         failures++) {
        chunks_drain(space);
        chunk = chunk_take(space, bytes, arena);
    }
    if (chunk && control_memory_changed(&mutator->heap->control))
        collector_request(mutator->heap);
    return chunk;
}

static bool was_freed(const struct arena_own *own) {
    return arena_state(&own->record) == ARENA_FREED;
}

/* Bind a chunk to the arena's node, if it has one. @return false: refused. */
static bool bind(struct arena_call *call, struct heap_chunk *chunk) {
    int node = call->own->node;
    if (node < 0)
        return true;
    chunk->bound = platform_bind(chunk_start(&call->mutator->heap->space, chunk),
                                 chunk_bytes(chunk), node) == 0;
    call->refused = !chunk->bound;
    return chunk->bound;
}

static void log_chunk(const struct arena_own *own, size_t bytes) {
    const struct arena *record = &own->record;
    arenalog_arena(own->heap, GAIT_ARENALOG_chunk, record->id, record->name, bytes,
                   own->bump.held_bytes + bytes);
}

static struct bump_chunk *source_take(void *context, size_t bytes) {
    struct arena_call *call = context;
    struct arena_own *own = call->own;
    if (call->shard) /* a safepoint: .inv.shard */
        arena_shard_let_go(call->shard);
    struct heap_chunk *chunk = chunk_find(call->mutator, bytes, own->record.index);
    if (call->shard)
        arena_shard_wait(call->shard);
    if (!chunk)
        return NULL;
    if (was_freed(own) /* by the handler */ || !bind(call, chunk)) {
        chunk_give(&own->heap->space, chunk);
        return NULL;
    }
    log_chunk(own, chunk_bytes(chunk));
    return &chunk->bump;
}

static void source_give(void *context, struct bump_chunk *chunk) {
    const struct arena_call *call = context;
    call->mutator->heap->arenas.hooks.give(call->mutator->heap, &arena_heap_chunk(chunk)->apart);
}

static void source_zero(void *context, char *start, size_t bytes) {
    const struct arena_call *call = context;
    if (call->shard)
        arena_shard_let_go(call->shard);
    zero_pages(call->mutator, start, bytes);
    if (call->shard)
        arena_shard_wait(call->shard);
}

const struct bump_source arena_source = {
    .take = source_take, .give = source_give, .zero = source_zero, .granule_bytes = PAGE_BYTES};

/* ---- The memory of contiguous arenas: one range, opened as it is filled ---- */

#define RANGE_STEP_LEAST ((size_t)65536)
#define RANGE_STEP_MOST ((size_t)4 << 20)

/* How much is opened at once: an eighth of what is open, so that what is opened and not used is
 * little, and the calls are few. Guess. */
static size_t range_step(const struct range *range) {
    size_t bytes = (range->low_pages + range->high_pages) << PAGE_SHIFT >> 3;
    bytes = bytes < RANGE_STEP_LEAST ? RANGE_STEP_LEAST : bytes;
    return bytes > RANGE_STEP_MOST ? RANGE_STEP_MOST : bytes;
}

/* Open more of the range; not yet the bump's. @return bytes; 0: nothing was, or it could not be
 * bound. */
static size_t open_more(struct arena_call *call, size_t bytes, bool low) {
    struct arena_own *own = call->own;
    struct space *space = &own->heap->space;
    size_t opened = range_open(space, &own->range, bytes, low, own->record.index);
    return opened > 0 && bind(call, arena_heap_chunk(own->range.last)) ? opened : 0;
}

static void say_opened(struct arena_own *own) {
    const struct range *range = &own->range;
    own->bump.open_low = range->whole.start + (range->low_pages << PAGE_SHIFT);
    own->bump.open_high = range->whole.end - (range->high_pages << PAGE_SHIFT);
}

static bool range_source_open(void *context, size_t bytes, bool low) {
    struct arena_call *call = context;
    struct arena_own *own = call->own;
    safepoint(call->mutator);
    size_t step = range_step(&own->range), want = bytes > step ? bytes : step;
    make_room(call->mutator, bytes, want);
    if (was_freed(own))
        return false;
    size_t opened = open_more(call, want, low);
    if (opened > 0)
        log_chunk(own, opened);
    say_opened(own);
    return opened > 0;
}

/* bytes: of the whole range. */
static struct bump_chunk *range_source_take(void *context, size_t bytes) {
    struct arena_call *call = context;
    struct arena_own *own = call->own;
    struct space *space = &own->heap->space;
    safepoint(call->mutator);
    make_room(call->mutator, RANGE_STEP_LEAST, RANGE_STEP_LEAST);
    if (range_reserve(space, &own->range, bytes) < 0)
        return NULL;
    if (open_more(call, RANGE_STEP_LEAST, true) == 0) {
        arena_range_give(own);
        return NULL;
    }
    say_opened(own);
    return &own->range.whole;
}

void arena_range_give(struct arena_own *own) {
    struct bump_chunk *pieces = range_close(&own->heap->space, &own->range), *next;
    for (; pieces; pieces = next) {
        next = pieces->next;
        own->heap->arenas.hooks.give(own->heap, &arena_heap_chunk(pieces)->apart);
    }
}

const struct bump_source arena_range_source = {.take = range_source_take,
                                               .give = source_give,
                                               .zero = source_zero,
                                               .granule_bytes = PAGE_BYTES,
                                               .open = range_source_open};

/* ---- Allocation ---- */

static void *take_at(struct arena_call *call, const struct arena_place *place, size_t bytes,
                     size_t alignment, bool low) {
    struct arena_own *own = call->own;
    struct bump *bump = &own->bump;
    if (!(own->record.flags & GAIT_ARENA_PLACED))
        return bump_take(bump, call, bytes, alignment, low);
    if (place->near)
        return placed_take_near(&own->placed, bump, call, place->near, bytes, alignment, low);
    return (place->cluster ? placed_begin : placed_take)(&own->placed, bump, call, bytes, alignment,
                                                         low);
}

static void *take_own(gait_mutator *mutator, struct arena_own *own, const struct arena_place *place,
                      size_t bytes, size_t alignment, bool low) {
    struct arena_call call = {.mutator = mutator, .own = own};
    if (!(own->record.flags & GAIT_ARENA_PLACED) && bump_has_room(&own->bump, bytes, alignment)) {
        void *start = bump_take(&own->bump, &call, bytes, alignment, low);
        arena_note(&own->figures, &own->bump);
        return start;
    }
    gait_word handle = (gait_word)own->record.handle; /* over the safepoint */
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &handle, 1);
    void *start = take_at(&call, place, bytes, alignment, low);
    gait_pop_frame(mutator);
    if (start) /* else the handler may have freed it */
        arena_note(&own->figures, &own->bump);
    return start;
}

static void *take(gait_mutator *mutator, struct arena_own *own, const struct arena_place *place,
                  size_t bytes, size_t alignment, bool low) {
    if (own->shards)
        return arena_shared_take(mutator, own, bytes, alignment, low);
    bool sampled = arena_is_sampled(mutator, &own->sampler);
    if (sampled)
        arena_sample_look(mutator, &own->sampler, &own->bump, bytes, low);
    void *start = take_own(mutator, own, place, bytes, alignment, low);
    if (sampled && start)
        arena_sample_left(&own->sampler, &own->bump);
    return start;
}

/* An object of an arena with GAIT_ARENA_DESCRIBED: with a word before it (arena/described.h). */
static void *take_described(gait_mutator *mutator, struct arena_own *own,
                            const struct arena_place *place, size_t bytes, size_t alignment,
                            const gait_kind *kind, bool low) {
    size_t lead = described_lead(~own->bump.head->mask + 1);
    lead = lead > alignment ? lead : alignment;
    if (bytes > DESCRIBED_BYTES_MOST)
        return NULL;
    char *start = take(mutator, own, place, bytes + lead, alignment, low);
    if (!start)
        return NULL;
    described_set(start + lead, kind ? *kind : 0, bytes, kind != NULL);
    return start + lead;
}

void *arena_alloc_at(gait_mutator *mutator, struct arena_own *own, const struct arena_place *place,
                     size_t bytes, size_t alignment, const char *call) {
    if ((alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MOST)
        platform_fatal("%s: alignment %zu: a power of two up to 65536, or 0", call, alignment);
    void *start =
        own->record.flags & GAIT_ARENA_DESCRIBED
            ? take_described(mutator, own, place, bytes ? bytes : 1, alignment, NULL, false)
            : take(mutator, own, place, bytes ? bytes : 1, alignment, false);
    arena_sample_taken(mutator, own, NULL, start);
    return start;
}

/* @return its layout, if objects of the kind may be in arenas. */
static gait_layout check_kind(const gait_heap *heap, gait_kind kind, const char *call) {
    if (kind >= kinds_count(&heap->kinds))
        platform_fatal("%s: unknown kind %u", call, (unsigned)kind);
    const struct kind *known = &heap->kinds.kinds[kind];
    if (known->layout == GAIT_CALLBACK || known->layout == GAIT_WEAK ||
        known->layout == GAIT_EPHEMERON)
        platform_fatal("%s: kind %u (%s) has layout %s, which no arena can hold", call,
                       (unsigned)kind, known->name,
                       known->layout == GAIT_CALLBACK ? "GAIT_CALLBACK"
                       : known->layout == GAIT_WEAK   ? "GAIT_WEAK"
                                                      : "GAIT_EPHEMERON");
    return known->layout;
}

void *arena_new_at(gait_mutator *mutator, struct arena_own *own, const struct arena_place *place,
                   gait_kind kind, size_t bytes, const char *call) {
    gait_layout layout = check_kind(mutator->heap, kind, call);
    if (bytes == 0)
        bytes = 1;
    if (kind_has_interior(&mutator->heap->kinds.kinds[kind])) {
        AO_store_release(&own->record.conservative, 1);
        if (!own->shards) /* where all go the slow way */
            own->bump.head->kinds = mutator->heap->kinds.arena_kinds_conservative;
    }
    bool low = layout != GAIT_LEAF;
    void *start = own->record.flags & GAIT_ARENA_DESCRIBED
                      ? take_described(mutator, own, place, bytes, 0, &kind, low)
                      : take(mutator, own, place, bytes, 0, low);
    arena_sample_taken(mutator, own, &kind, start);
    return start;
}

static const struct arena_place anywhere = {false, NULL};

void *gait_arena_alloc_slow(gait_mutator *mutator, gait_arena *arena, size_t bytes,
                            size_t alignment) {
    struct arena_own *own = arena_of_mutator(mutator, arena, "gait_arena_alloc");
    mutator->sampler.caller = __builtin_return_address(0);
    return arena_alloc_at(mutator, own, &anywhere, bytes, alignment, "gait_arena_alloc");
}

void *gait_arena_new_slow(gait_mutator *mutator, gait_arena *arena, gait_kind kind, size_t bytes) {
    struct arena_own *own = arena_of_mutator(mutator, arena, "gait_arena_new");
    mutator->sampler.caller = __builtin_return_address(0);
    return arena_new_at(mutator, own, &anywhere, kind, bytes, "gait_arena_new");
}
