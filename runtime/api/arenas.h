/* SPDX-License-Identifier: MIT */
/*
 * What an arena is made of, beyond what the collector knows of it (mark/arenas.h).
 *
 *   handle   struct gait_arena, at the start of the first chunk: the frozen head. Nothing else of
 *            an arena lies in its own memory, which may be inaccessible
 *   record   struct arena_own: begins with the collector's part; from an address in the arena by
 *            the page it lies in (arenas_of)
 */
#ifndef GAIT_API_ARENAS_H
#define GAIT_API_ARENAS_H

#include <gait/arena.h>

#include "../arena/bump.h"
#include "../arena/placed.h"
#include "../heap/chunks.h"
#include "../heap/range.h"
#include "../instance.h"
#include "../mark/arenas.h"

#define ARENA_WHERE_BYTES 64

struct gait_arena {
    struct gait_arena_head head; /* first: the inline functions' part */
};

/* What others may read of an arena. Unordered: api/arena_stats.c says why. */
struct arena_figures {
    AO_t used_bytes, waste_bytes, held_bytes, high_water_bytes, chunks;
};

/* How far allocation in a bump may go until it is sampled: arena_sample.h. Whose the bump is. */
struct arena_sampler {
    size_t rate_bytes; /* for which the rest holds; 0: nothing is sampled */
    size_t era;        /* of the bump, likewise */
    double mean_bytes;
    double left_bytes[2];   /* [low]: to the next sample at this end */
    const char *cursors[2]; /* likewise: from where */
};

/* Of an arena that several threads allocate from: a part of it. Whose `taken` it is has the rest,
 * except what a marker reads of a bump. */
#define ARENA_SHARDS 8
struct arena_shard {
    AO_t taken; /* 0: nobody's; acquire, release */
    struct bump bump;
    struct arena_sampler sampler;
    struct arena_figures figures;
    struct arena_chunk first_apart; /* the bump's first chunk, while what it held is set apart */
    char rest[64];                  /* no line of the cache is two shards' */
};

/* An arena that is being made: api/arena_making.c. */
struct arena_making {
    struct arena_own *next;    /* of the mutator's */
    gait_coroutine *coroutine; /* that runs */
    struct gait_frame frame;   /* of no words */
};

/* An arena's record. Used by its thread, except what is named. */
struct arena_own {
    struct arena record;        /* first: mark/arenas.h */
    gait_heap *heap;            /* constant, as is node */
    struct bump bump;           /* of a concurrent one: has the handle, and nothing else */
    struct arena_shard *shards; /* ARENA_SHARDS, of a concurrent one; constant. NULL: it is none */
    struct range range;   /* of a contiguous one: its memory, which is one chunk to the bump */
    struct placed placed; /* of a placed one */
    void *root;           /* gait_arena_set_root; NULL: none */
    AO_t owner;           /* gait_mutator *: whose it is. Unordered: it tells bugs apart */
    int node;             /* -1: none */
    AO_t resets;          /* a figure, unordered */
    struct arena_sampler sampler;
    struct sample *samples;          /* that are live; lock of the heap's samples */
    struct arena_making making;      /* its maker's, while its state is NEW */
    struct arena_figures figures;    /* as arena_note said them last */
    char created[ARENA_WHERE_BYTES]; /* constant */
    char freed[ARENA_WHERE_BYTES];   /* constant once the state is FREED */
};

static inline struct arena_own *arena_own(struct arena *record) {
    return (struct arena_own *)record;
}

static inline gait_arena *arena_handle(const struct arena_own *own) {
    return (gait_arena *)(void *)own->record.handle;
}

static inline struct heap_chunk *arena_heap_chunk(struct bump_chunk *chunk) {
    return (struct heap_chunk *)chunk;
}

/** What a configuration says, or one line. @return false: something in it can't be. */
bool arena_config_read(gait_arena_config *config, const gait_arena_config *given, char *error,
                       size_t error_bytes);

/** An arena that nobody knows yet. NULL: refused, with one line. A safepoint. */
struct arena_own *arena_prepare(gait_mutator *mutator, const gait_arena_config *config,
                                const char *where, char *error, size_t error_bytes);

/** Hand it out: with no safepoint before the caller has the handle in a root, or returns it. */
gait_arena *arena_introduce(gait_mutator *mutator, struct arena_own *own);

/** Take back one that nobody knows. */
void arena_discard(gait_mutator *mutator, struct arena_own *own);

/** The record of a live arena's handle, or one line and the end. Any thread. */
struct arena_own *arena_find(gait_heap *heap, gait_arena *arena, const char *call);

/** The same of one that is the mutator's. The mutator is checked as well; for what must be fast,
 * without its thread. Of a concurrent one the second takes any attached thread. */
struct arena_own *arena_mine(gait_mutator *mutator, gait_arena *arena, const char *call);
struct arena_own *arena_of_mutator(gait_mutator *mutator, gait_arena *arena, const char *call);

/** The context of this heap's source of chunks: who takes, for which arena. */
struct arena_call {
    gait_mutator *mutator;
    struct arena_own *own;
    struct arena_shard *shard; /* that the mutator has taken; NULL: the arena is its own */
    bool refused; /* set: not memory was missing, but it could not be bound to the node */
};
extern const struct bump_source arena_source __attribute__((visibility("hidden")));
extern const struct bump_source arena_range_source __attribute__((visibility("hidden")));

/** The memory of a contiguous arena that nobody has seen goes back. */
void arena_range_give(struct arena_own *own);

/** One line of an arena that has ended, and the end of the process. */
_Noreturn void arena_ended(const struct arena_own *own, const char *call);

/** Before the first arena of a heap: have faults looked at, unless its flags say no. */
void arenas_trap_faults(const gait_heap *heap);

/** Say the figures of a bump as they are now. Whose it is, wherever it is on a slow path. */
static inline void arena_note(struct arena_figures *figures, const struct bump *bump) {
    AO_store(&figures->used_bytes, bump_used_bytes(bump));
    AO_store(&figures->waste_bytes, bump_waste_bytes(bump));
    AO_store(&figures->held_bytes, bump->held_bytes);
    AO_store(&figures->high_water_bytes, bump->high_water_bytes);
    AO_store(&figures->chunks, bump->chunk_count);
}

/** All bumps of an arena: NULL beyond the last. */
static inline struct bump *arena_bump(struct arena_own *own, unsigned i) {
    if (i == 0)
        return &own->bump;
    return own->shards && i <= ARENA_SHARDS ? &own->shards[i - 1].bump : NULL;
}

/** The same for all of them. Its thread, while nobody else allocates. */
static inline void arena_note_all(struct arena_own *own) {
    arena_note(&own->figures, &own->bump);
    for (unsigned i = 0; own->shards && i < ARENA_SHARDS; i++)
        arena_note(&own->shards[i].figures, &own->shards[i].bump);
}

/* ---- Arenas that are being made: api/arena_making.c ---- */

/** Note one, over the safepoints at which its chunks are taken; and the end of that. */
void arena_making_begin(gait_mutator *mutator, struct arena_own *own);
void arena_making_end(gait_mutator *mutator, struct arena_own *own);

/** Give back those that a handler has left by longjmp. */
void arena_making_look(gait_mutator *mutator);

/** Give back all: the mutator is being detached, or its thread is lost. */
void arena_making_drop(gait_mutator *mutator);

/** Give back the chunks of an arena that nobody has seen; not its record. */
void arena_give_up(gait_mutator *mutator, struct arena_own *own);

/* ---- Concurrent arenas: api/arena_shared.c ---- */

/** Open the shards of an arena. @return negative: no memory; then those that were opened stay. */
int arena_shards_open(struct arena_call *call, const struct bump_config *config);
void arena_shards_free(struct arena_own *own);

/** Allocate from some shard. Any attached thread. */
void *arena_shared_take(gait_mutator *mutator, struct arena_own *own, size_t bytes,
                        size_t alignment, bool low);

/** Take a certain shard, and let it go. */
void arena_shard_wait(struct arena_shard *shard);
void arena_shard_let_go(struct arena_shard *shard);

/* Where in an arena something is to lie; looked at in placed arenas only. */
struct arena_place {
    bool cluster;            /* begin one */
    struct bump_chunk *near; /* in this block; NULL: anywhere */
};

/** The slow paths of allocation, at a place. call: for messages. */
void *arena_alloc_at(gait_mutator *mutator, struct arena_own *own, const struct arena_place *place,
                     size_t bytes, size_t alignment, const char *call);
void *arena_new_at(gait_mutator *mutator, struct arena_own *own, const struct arena_place *place,
                   gait_kind kind, size_t bytes, const char *call);

/** What stats and the hook have of an arena's figures: api/arena_stats.c. */
void arena_add_figures(const struct arena *record, struct arena_sums *sums);

/** The hooks each_object and object_at: api/arena_objects.c. */
void arena_each_object(struct arena *record,
                       void (*visit)(void *data, const struct arena_object *object), void *data);
struct arena_object arena_object_at(const struct arena *record, char *start);

/** A new heap: what its arenas are made of. */
void arenas_start(gait_heap *heap);

#endif
