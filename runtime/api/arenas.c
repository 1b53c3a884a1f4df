/* SPDX-License-Identifier: MIT */
/*
 * The life of arenas: create, reset, trim, free, adopt. What is said about each function is in
 * gait/arena.h; what marking beside the program means for them, in mark/arenas.h.
 */
#include "arena_sample.h"

#include <string.h>

#include "../abi.h"
#include "../error.h"
#include "../observe/arenalog.h"
#include "../platform/platform.h"

#define CHUNK_BYTES_DEFAULT ((size_t)65536)
#define FLAGS_KNOWN                                                                                \
    (GAIT_ARENA_TRACED | GAIT_ARENA_PINNED | GAIT_ARENA_CONCURRENT | GAIT_ARENA_DESCRIBED |        \
     GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_PLACED)

_Static_assert(ARENA_TRACED == GAIT_ARENA_TRACED && ARENA_PINNED == GAIT_ARENA_PINNED &&
                   ARENA_DESCRIBED == GAIT_ARENA_DESCRIBED,
               "the collector's part of the flags");
_Static_assert(offsetof(struct arena_own, record) == 0, "records are cast");

/* ---- Misuse ---- */

struct arena_own *arena_find(gait_heap *heap, gait_arena *arena, const char *call) {
    struct arena *record = NULL;
    if (space_holds(&heap->space, (uintptr_t)arena))
        record = arenas_of(&heap->space, (uintptr_t)arena);
    if (!record || record->handle != (char *)arena)
        platform_fatal("%s: %p is no arena of this heap, or one that was freed long ago", call,
                       (void *)arena);
    if (arena_state(record) != ARENA_LIVE)
        arena_ended(arena_own(record), call);
    return arena_own(record);
}

static struct arena_own *check_owner(gait_mutator *mutator, struct arena_own *own,
                                     const char *call) {
    if (AO_load(&own->owner) != (AO_t)mutator)
        platform_fatal("%s: arena \"%s\", created at %s, is another thread's: gait_arena_adopt "
                       "takes it over",
                       call, own->record.name, own->created);
    return own;
}

struct arena_own *arena_of_mutator(gait_mutator *mutator, gait_arena *arena, const char *call) {
    mutator_check_as(mutator, call);
    struct arena_own *own = arena_find(mutator->heap, arena, call);
    return own->shards ? own : check_owner(mutator, own, call);
}

struct arena_own *arena_mine(gait_mutator *mutator, gait_arena *arena, const char *call) {
    mutator_check_thread(mutator, call);
    return check_owner(mutator, arena_find(mutator->heap, arena, call), call);
}

void gait_arena_check(gait_mutator *mutator, gait_arena *arena, const char *call) {
    mutator_check_thread(mutator, call);
    arena_of_mutator(mutator, arena, call);
}

/* ---- What the collector asks ---- */

/* A bump's chunks as the collector holds them, in the same order; era: what they hold is of that.
 */
static struct arena_chunk *chunks_apart(struct arena_own *own, struct bump_chunk *chunk,
                                        size_t era) {
    struct arena_chunk *first = NULL, **end = &first;
    for (; chunk; chunk = chunk->next) {
        struct arena_chunk *apart = &arena_heap_chunk(chunk)->apart;
        *apart = (struct arena_chunk){.arena = &own->record,
                                      .start = chunk->start,
                                      .bytes = (size_t)(chunk->end - chunk->start),
                                      .low = chunk->first,
                                      .low_end = chunk->era == era ? chunk->low : chunk->first};
        *end = apart;
        end = &apart->next;
    }
    return first;
}

static void hook_each_low(struct arena *record, void (*visit)(void *, char *, char *), void *data) {
    struct arena_own *own = arena_own(record);
    for (unsigned i = 0; arena_bump(own, i); i++)
        bump_each_low(arena_bump(own, i), visit, data);
}

static void hook_each_part(struct arena *record, void (*visit)(void *, char *, char *, char *),
                           void *data) {
    struct arena_own *own = arena_own(record);
    for (unsigned i = 0; arena_bump(own, i); i++)
        bump_each_part(arena_bump(own, i), visit, data);
}

static struct arena_chunk *chunks_join(struct arena_chunk *first, struct arena_chunk *second) {
    struct arena_chunk *last = first;
    while (last->next)
        last = last->next;
    last->next = second;
    return first;
}

static size_t held_bytes_of(struct arena_own *own) {
    size_t bytes = 0;
    for (unsigned i = 0; arena_bump(own, i); i++)
        bytes += arena_bump(own, i)->held_bytes;
    return bytes;
}

/* All that an arena has, for the collector. */
static struct arena_chunk *close_arena(struct arena_own *own) {
    struct bump_chunk *chunks = bump_close(&own->bump);
    if (own->range.pages > 0)
        chunks = range_close(&own->heap->space, &own->range);
    struct arena_chunk *apart = chunks_apart(own, chunks, own->bump.era);
    for (unsigned i = 1; arena_bump(own, i); i++) /* the first of all stays first */
        apart->next = chunks_join(chunks_apart(own, bump_close(arena_bump(own, i)), own->bump.era),
                                  apart->next);
    return apart;
}

static struct arena_chunk *hook_close(struct arena *record) {
    struct arena_own *own = arena_own(record);
    arena_samples_end(own);
    arenalog_arena(own->heap, GAIT_ARENALOG_leak, record->id, record->name, held_bytes_of(own), 0);
    return close_arena(own);
}

static void hook_give(void *data, struct arena_chunk *apart) {
    struct heap_chunk *chunk =
        (struct heap_chunk *)((char *)apart - offsetof(struct heap_chunk, apart));
    gait_heap *heap = data;
    if (chunk->bound)
        platform_bind(chunk->bump.start, chunk_bytes(chunk), -1);
    chunk->bound = false;
    if (apart->access == ARENA_BARE)
        chunk_free_bare(&heap->space, chunk);
    else
        chunk_give(&heap->space, chunk);
}

static void hook_forget(void *data, struct arena *record) {
    (void)data;
    if (arena_own(record)->shards)
        arena_shards_free(arena_own(record));
}

void arenas_start(gait_heap *heap) {
    struct arena_hooks hooks = {.data = heap,
                                .each_low = hook_each_low,
                                .each_part = hook_each_part,
                                .each_object = arena_each_object,
                                .object_at = arena_object_at,
                                .close = hook_close,
                                .give = hook_give,
                                .forget = hook_forget,
                                .add_figures = arena_add_figures};
    arenas_use(&heap->arenas, &hooks, sizeof(struct arena_own));
}

/* ---- Create ---- */

/* Copy the end of a text that has no room: of a path that says most. */
static void copy_end(char to[ARENA_WHERE_BYTES], const char *from) {
    size_t length = from ? strlen(from) : 0;
    size_t cut = length < ARENA_WHERE_BYTES ? 0 : length - (ARENA_WHERE_BYTES - 1);
    memcpy(to, from ? from + cut : "", length - cut + 1);
}

bool arena_config_read(gait_arena_config *config, const gait_arena_config *given, char *error,
                       size_t error_bytes) {
    gait_arena_config_init(config);
    if (given && (given->struct_bytes < ABI0_BYTES(gait_arena_config, reserve_bytes) ||
                  !abi_take(config, sizeof *config, given, given->struct_bytes))) {
        error_say(error, error_bytes,
                  "gait_arena_create: config.struct_bytes is %zu (gait_arena_config_"
                  "init sets it), or a field is newer than the library",
                  given->struct_bytes);
        return false;
    }
    if (config->flags & ~(uint32_t)FLAGS_KNOWN) {
        error_say(error, error_bytes, "gait_arena_create: flags %#x (known: %#x)",
                  (unsigned)config->flags, (unsigned)FLAGS_KNOWN);
        return false;
    }
    if (config->node != -1 && !platform_has_node(config->node)) {
        char nodes[128];
        platform_nodes(nodes, sizeof nodes);
        error_say(error, error_bytes, "gait_arena_create: there is no NUMA node %d; there are: %s",
                  (int)config->node, nodes);
        return false;
    }
    if (config->chunk_bytes == 0)
        config->chunk_bytes = CHUNK_BYTES_DEFAULT;
    if (config->chunk_bytes < BUMP_CHUNK_BYTES_LEAST ||
        config->chunk_bytes > BUMP_CHUNK_BYTES_MOST) {
        error_say(error, error_bytes, "gait_arena_create: chunk_bytes %zu (%zu to %zu)",
                  config->chunk_bytes, BUMP_CHUNK_BYTES_LEAST, BUMP_CHUNK_BYTES_MOST);
        return false;
    }
    bool contiguous = config->flags & GAIT_ARENA_CONTIGUOUS;
    if (contiguous && config->flags & GAIT_ARENA_CONCURRENT) {
        error_say(error, error_bytes, "gait_arena_create: flags %#x: contiguous or concurrent",
                  (unsigned)config->flags);
        return false;
    }
    if (contiguous != (config->reserve_bytes != 0)) {
        error_say(error, error_bytes,
                  "gait_arena_create: reserve_bytes is %zu, and GAIT_ARENA_CONTIGUOUS "
                  "%sset",
                  config->reserve_bytes, contiguous ? "" : "not ");
        return false;
    }
    if (contiguous && (config->flags & (GAIT_ARENA_TRACED | GAIT_ARENA_PLACED))) {
        error_say(
            error, error_bytes,
            "gait_arena_create: a contiguous arena holds no references into the heap, and is no "
            "blocks: not GAIT_ARENA_TRACED, nor GAIT_ARENA_PLACED");
        return false;
    }
    bool placed = config->flags & GAIT_ARENA_PLACED;
    if (config->cluster_bytes > (placed ? PLACED_BLOCK_BYTES : 0)) {
        error_say(error, error_bytes,
                  "gait_arena_create: cluster_bytes is %zu (at most %zu, with GAIT_ARENA_PLACED)",
                  config->cluster_bytes, PLACED_BLOCK_BYTES);
        return false;
    }
    if (placed && config->flags & GAIT_ARENA_CONCURRENT) {
        error_say(error, error_bytes, "gait_arena_create: flags %#x: placed or concurrent",
                  (unsigned)config->flags);
        return false;
    }
    if (placed)
        config->chunk_bytes = PLACED_BLOCK_BYTES;
    return true;
}

/* Make an arena of a record. @return negative: refused. */
static int open_arena(gait_mutator *mutator, struct arena_own *own, const gait_arena_config *config,
                      char *error, size_t error_bytes) {
    gait_heap *heap = mutator->heap;
    bool fixed = config->flags & GAIT_ARENA_CONTIGUOUS;
    struct arena_call call = {.mutator = mutator, .own = own};
    struct bump_config bump = {
        .head_bytes = sizeof(struct gait_arena),
        .chunk_bytes = fixed ? config->reserve_bytes : config->chunk_bytes,
        .unit = heap->wide_cells ? 16 : 8,
        .kinds = heap->kinds.arena_kinds,
        .windows =
            !(config->flags & (GAIT_ARENA_DESCRIBED | GAIT_ARENA_CONCURRENT | GAIT_ARENA_PLACED)),
        .most_bytes = config->flags & GAIT_ARENA_PLACED ? PLACED_BLOCK_BYTES : 0,
        .fixed = fixed,
    };
    const struct bump_source *source = fixed ? &arena_range_source : &arena_source;
    if (config->flags & GAIT_ARENA_CONCURRENT) {
        bump.chunk_bytes = config->chunk_bytes / ARENA_SHARDS;
        if (bump.chunk_bytes < BUMP_CHUNK_BYTES_LEAST)
            bump.chunk_bytes = BUMP_CHUNK_BYTES_LEAST;
    }
    if (bump_open(&own->bump, source, &call, &bump) == 0) {
        bump.windows = true;
        if (!(config->flags & GAIT_ARENA_CONCURRENT) || arena_shards_open(&call, &bump) == 0)
            return 0;
        arena_give_up(mutator, own);
    }
    if (call.refused)
        error_say(error, error_bytes,
                  "gait_arena_create: the system binds no memory to NUMA node %d", own->node);
    else
        error_say(error, error_bytes, "gait_arena_create: no memory for %zu bytes",
                  bump.chunk_bytes);
    return -1;
}

/* A contiguous one may be full with what describes its objects. */
static bool is_described_anyway(const gait_heap *heap, const gait_arena_config *config) {
    return heap->options.arenaobjects && !(config->flags & GAIT_ARENA_CONTIGUOUS);
}

struct arena_own *arena_prepare(gait_mutator *mutator, const gait_arena_config *given,
                                const char *where, char *error, size_t error_bytes) {
    gait_heap *heap = mutator->heap;
    gait_arena_config own_config = *given, *config = &own_config;
    if (is_described_anyway(heap, given))
        config->flags |= GAIT_ARENA_DESCRIBED;
    if (heap->watches && config->flags & GAIT_ARENA_TRACED) { /* docs/design/objects.md */
        error_say(error, error_bytes,
                  "gait_arena_create: a heap with GAIT_DEBUG=gcdirty=1 has no traced arenas");
        return NULL;
    }
    arenas_trap_faults(heap);
    arena_making_look(mutator);
    struct arena *record = arenas_new(&heap->arenas);
    if (!record) {
        error_say(error, error_bytes, "gait_arena_create: no memory");
        return NULL;
    }
    struct arena_own *own = arena_own(record);
    own->heap = heap;
    own->node = config->node;
    placed_init(&own->placed, config->cluster_bytes);
    copy_end(own->created, where);
    record->flags = config->flags;
    record->created = own->created;
    if (config->name)
        strncpy(record->name, config->name, sizeof record->name - 1);
    arena_making_begin(mutator, own);
    int opened = open_arena(mutator, own, config, error, error_bytes);
    arena_making_end(mutator, own);
    if (opened < 0) {
        arenas_drop(&heap->arenas, record);
        return NULL;
    }
    record->handle = (char *)own->bump.head;
    return own;
}

gait_arena *arena_introduce(gait_mutator *mutator, struct arena_own *own) {
    gait_heap *heap = own->heap;
    struct arena *record = &own->record;
    AO_store(&own->owner, (AO_t)mutator);
    arena_note_all(own);
    arenas_publish(&heap->arenas, record, mutator_is_marking(mutator));
    gait_shade(mutator, (gait_word)record->handle);
    collector_arena_created(heap);
    arenalog_arena(heap, GAIT_ARENALOG_create, record->id, record->name, 0, held_bytes_of(own));
    return arena_handle(own);
}

gait_arena *gait_arena_create_at(gait_mutator *mutator, const gait_arena_config *given,
                                 const char *where, char *error, size_t error_bytes) {
    mutator_check_thread(mutator, "gait_arena_create");
    gait_arena_config config;
    if (!arena_config_read(&config, given, error, error_bytes))
        return NULL;
    struct arena_own *own = arena_prepare(mutator, &config, where, error, error_bytes);
    return own ? arena_introduce(mutator, own) : NULL;
}

/* ---- Reset and end ---- */

/* What a reset leaves, while a marker may be at it or is yet to come. */
static void reset_apart(struct arena_own *own, unsigned i, bool scan) {
    struct arenas *arenas = &own->heap->arenas;
    struct bump *bump = arena_bump(own, i);
    struct bump_chunk *first = bump->chunks.first;
    if (scan && bump_first_is_used(bump)) {
        char *low = first->first, *low_end = bump_low(bump, first);
        if (i == 0) {
            arenas_set_first_apart(arenas, &own->record, low, low_end);
        } else {
            struct arena_chunk *apart = &own->shards[i - 1].first_apart;
            *apart = (struct arena_chunk){
                .arena = &own->record, .low = low, .low_end = low_end, .stays = true};
            arenas_set_apart(arenas, apart, true);
        }
    }
    size_t era = bump->era;
    struct bump_chunk *chunks = bump_reset_apart(bump);
    arenas_set_apart(arenas, chunks_apart(own, chunks, era), scan);
}

static void reset(struct arena_own *own, unsigned i, enum arena_leave leave) {
    struct bump *bump = arena_bump(own, i);
    /* else a marker may be reading it */
    if (own->heap->options.clobberfree && leave == ARENA_LEAVE_NOW)
        bump_overwrite(bump, CELL_CLOBBER);
    if (leave == ARENA_LEAVE_NOW)
        bump_reset(bump);
    else if (leave == ARENA_LEAVE_FIRST)
        bump_reset_behind(bump);
    else
        reset_apart(own, i, leave == ARENA_LEAVE_SCAN);
}

void gait_arena_reset(gait_mutator *mutator, gait_arena *arena) {
    struct arena_own *own = arena_mine(mutator, arena, __func__);
    if (mutator->heap->options.arenacheck)
        arenas_check(&mutator->heap->arenas, &own->record, mutator->heap->value_mask);
    size_t used_bytes = 0;
    struct arenas *arenas = &mutator->heap->arenas;
    bool marking = mutator_is_marking(mutator);
    bool begun = arenas_begin_leave(arenas, &own->record, marking);
    enum arena_leave leave = arenas_leave(arenas, &own->record, marking);
    for (unsigned i = 0; arena_bump(own, i); i++) {
        used_bytes += bump_used_bytes(arena_bump(own, i));
        reset(own, i, leave);
    }
    arenas_left(arenas, begun);
    own->root = NULL;
    arena_samples_end(own);
    AO_store(&own->resets, AO_load(&own->resets) + 1);
    arena_note_all(own);
    arenalog_arena(mutator->heap, GAIT_ARENALOG_reset, own->record.id, own->record.name, used_bytes,
                   held_bytes_of(own));
}

size_t gait_arena_trim(gait_mutator *mutator, gait_arena *arena) {
    struct arena_own *own = arena_mine(mutator, arena, __func__);
    struct arenas *arenas = &mutator->heap->arenas;
    struct arena_call call = {.mutator = mutator, .own = own};
    bool marking = mutator_is_marking(mutator);
    bool begun = arenas_begin_leave(arenas, &own->record, marking);
    bool walked = arenas_are_walked(arenas, &own->record, marking);
    size_t bytes = 0;
    for (unsigned i = 0; !walked && arena_bump(own, i); i++)
        bytes += bump_trim(arena_bump(own, i), &call);
    arenas_left(arenas, begun);
    if (walked)
        return 0;
    arena_note_all(own);
    arenalog_arena(mutator->heap, GAIT_ARENALOG_trim, own->record.id, own->record.name, bytes,
                   held_bytes_of(own));
    return bytes;
}

void gait_arena_free_at(gait_mutator *mutator, gait_arena *arena, const char *where) {
    struct arena_own *own = arena_mine(mutator, arena, "gait_arena_free");
    gait_heap *heap = mutator->heap;
    if (heap->options.arenacheck)
        arenas_check(&heap->arenas, &own->record, heap->value_mask);
    struct arenas *arenas = &heap->arenas;
    size_t held_bytes = held_bytes_of(own);
    bool marking = mutator_is_marking(mutator), more = false;
    bool begun = arenas_begin_leave(arenas, &own->record, marking);
    enum arena_leave leave = arenas_leave(arenas, &own->record, marking);
    copy_end(own->freed, where && where[0] ? where : "?");
    if (!arenas_end(arenas, &own->record, marking, own->freed))
        arena_ended(own, "gait_arena_free");
    struct arena_chunk *chunks = close_arena(own);
    arenas_left(arenas, begun);
    arena_samples_end(own);
    if (leave == ARENA_LEAVE_FIRST && own->shards) /* which have a first one each */
        leave = ARENA_LEAVE_REST;
    if (leave == ARENA_LEAVE_FIRST) {
        struct arena_chunk *first = chunks;
        chunks = first->next;
        first->next = NULL;
        arenas_set_apart(arenas, first, false);
    }
    if (leave == ARENA_LEAVE_NOW || leave == ARENA_LEAVE_FIRST)
        more = chunks && arenas_retire(arenas, &own->record, chunks);
    else
        arenas_set_apart(arenas, chunks, leave == ARENA_LEAVE_SCAN);
    collector_quarantined(heap, more);
    arenalog_arena(heap, GAIT_ARENALOG_free, own->record.id, own->record.name, held_bytes, 0);
}

void gait_arena_adopt(gait_mutator *mutator, gait_arena *arena) {
    mutator_check(mutator);
    struct arena_own *own = arena_find(mutator->heap, arena, __func__);
    AO_store(&own->owner, (AO_t)mutator);
    gait_shade(mutator, (gait_word)arena);
}

gait_arena *gait_arena_of(gait_heap *heap, const void *address) {
    if (!space_holds(&heap->space, (uintptr_t)address))
        return NULL;
    struct arena *record = arenas_of(&heap->space, (uintptr_t)address);
    return record && arena_state(record) == ARENA_LIVE ? arena_handle(arena_own(record)) : NULL;
}
