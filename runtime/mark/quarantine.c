/* SPDX-License-Identifier: MIT */
/*
 * The end of arenas: their addresses are inaccessible, and stay nobody's, until nothing refers to
 * them. See arenas.h.
 *
 * Changing the access of memory takes the OS 80 ns a page, so most of it is not done in
 * gait_arena_free, and none with the lock held: a thread that works on an arena's chunks makes it
 * busy.
 */
#include <assert.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "arenas.h"

/* What is made inaccessible within gait_arena_free: some 0.7 ms. */
#define SHUT_BYTES ((size_t)32 << 20)
/* What is, between two looks of the scavenger at what else is due. */
#define TEND_BYTES ((size_t)4 << 20)

/* ---- Access ---- */

/* Do something to the OS's pages that lie in a chunk as a whole. @return negative: it refused. */
static int chunk_do(const struct arena_chunk *chunk, int (*what)(void *start, size_t bytes)) {
    uintptr_t mask = platform_page_bytes() - 1;
    uintptr_t start = ((uintptr_t)chunk->start + mask) & ~mask;
    uintptr_t end = ((uintptr_t)chunk->start + chunk->bytes) & ~mask;
    return start < end ? what((void *)start, end - start) : 0;
}

/* Of chunks in a list, make some inaccessible, up to most bytes, but the first in any case.
 * @return the bytes of those that this call did. */
static size_t chunks_shut(struct arena_chunk *chunk, size_t most) {
    size_t bytes = 0;
    bool first = true;
    for (; chunk; chunk = chunk->next, first = false) {
        if (chunk->access != ARENA_OPEN || (!first && bytes + chunk->bytes > most))
            continue;
        if (chunk_do(chunk, platform_protect) < 0)
            continue; /* as many mappings as the OS allows: it is tried again */
        chunk->access = ARENA_SHUT;
        bytes += chunk->bytes;
    }
    return bytes;
}

/* Give the memory of chunks in a list back, up to most bytes and a chunk more. @return how much. */
static size_t chunks_bare(struct arena_chunk *chunk, size_t most) {
    size_t bytes = 0;
    for (; chunk && bytes < most; chunk = chunk->next)
        if (chunk->access == ARENA_SHUT && chunk_do(chunk, platform_release) == 0) {
            chunk->access = ARENA_BARE;
            bytes += chunk->bytes;
        }
    return bytes;
}

/* Have work done on a FREED arena's chunks, with the lock let go meanwhile. */
static size_t work_on(struct arenas *arenas, struct arena *arena,
                      size_t (*work)(struct arena_chunk *chunk, size_t most), size_t most) {
    struct arena_chunk *chunks = arena->chunks; /* to which others are only put in front */
    arena->busy = true;
    arenas->busy++;
    lock_release(&arenas->lock);
    size_t bytes = work(chunks, most);
    lock_acquire(&arenas->lock);
    arena->busy = false;
    arenas->busy--;
    return bytes;
}

void arenas_lock_whole(struct arenas *arenas) {
    for (;;) {
        lock_acquire(&arenas->lock);
        if (arenas->busy == 0)
            return;
        lock_release(&arenas->lock);
        platform_yield();
    }
}

static void count_shut(struct arenas *arenas, struct arena *arena, size_t bytes) {
    arena->open_bytes -= bytes;
    counter_sub(&arenas->open_bytes, bytes);
}

bool arenas_tend(struct arenas *arenas) {
    size_t bytes = 0;
    lock_acquire(&arenas->lock);
    for (struct arena *arena = arenas->freed; arena && bytes < TEND_BYTES; arena = arena->next) {
        if (arena->open_bytes == 0 || arena->busy)
            continue;
        size_t shut = work_on(arenas, arena, chunks_shut, TEND_BYTES);
        count_shut(arenas, arena, shut);
        bytes += shut;
    }
    lock_release(&arenas->lock);
    return bytes > 0 && AO_load(&arenas->open_bytes) > 0;
}

/* With the lock held, as work_on. */
static size_t make_bare(struct arenas *arenas, struct arena *arena, size_t most) {
    size_t bytes = work_on(arenas, arena, chunks_bare, most);
    counter_sub(&arenas->quarantined_bytes, bytes);
    counter_sub(&arenas->space->arena_bytes, bytes);
    return bytes;
}

size_t arenas_release(struct arenas *arenas, size_t bytes) {
    size_t given = 0;
    lock_acquire(&arenas->lock);
    for (struct arena *arena = arenas->freed; arena && given < bytes; arena = arena->next)
        if (!arena->busy)
            given += make_bare(arenas, arena, bytes - given);
    lock_release(&arenas->lock);
    return given;
}

/* ---- The end ---- */

bool arenas_end(struct arenas *arenas, struct arena *arena, bool marking, const char *freed) {
    lock_acquire(&arenas->lock);
    bool live = arena_state(arena) == ARENA_LIVE;
    if (live) {
        arena->freed = freed;
        arena->freed_cycle = space_epoch(arenas->space) + marking;
        arena->chunks = NULL;
        arena->next = arenas->freed;
        arenas->freed = arena;
        AO_store_release(&arena->state, ARENA_FREED);
        counter_sub(&arenas->live, 1);
        counter_add(&arenas->quarantined, 1);
    }
    lock_release(&arenas->lock);
    return live;
}

/* Put chunks into their arena's quarantine. */
static void chunks_add(struct arenas *arenas, struct arena *arena, struct arena_chunk *chunks) {
    size_t bytes = 0, open = 0;
    struct arena_chunk *last = NULL;
    for (struct arena_chunk *chunk = chunks; chunk; last = chunk, chunk = chunk->next) {
        bytes += chunk->bytes;
        open += chunk->access == ARENA_OPEN ? chunk->bytes : 0;
    }
    if (!last)
        return;
    lock_acquire(&arenas->lock);
    assert(arena_state(arena) == ARENA_FREED);
    last->next = arena->chunks;
    arena->chunks = chunks;
    arena->open_bytes += open;
    counter_add(&arenas->open_bytes, open);
    counter_add(&arenas->quarantined_bytes, bytes);
    lock_release(&arenas->lock);
}

bool arenas_retire(struct arenas *arenas, struct arena *arena, struct arena_chunk *chunks) {
    for (struct arena_chunk *chunk = chunks; chunk; chunk = chunk->next)
        chunk->access = ARENA_OPEN;
    chunks_shut(chunks, SHUT_BYTES);
    chunks_add(arenas, arena, chunks);
    return AO_load(&arenas->open_bytes) > 0;
}

/* ---- The collector, as marking has ended ---- */

static void give(struct arenas *arenas, struct arena_chunk *chunk) {
    size_t page = space_page(arenas->space, (uintptr_t)chunk->start);
    arenas_own(&arenas->space->spans[page], NULL);
    arenas->hooks.give(arenas->hooks.data, chunk);
}

static void sort(struct arenas *arenas, struct arena_chunk *chunk) {
    for (struct arena_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        if (chunk->stays)
            continue;
        PERTURB(ARENA_SETTLE);
        chunk->next = NULL;
        chunk->access = ARENA_OPEN;
        /* it ends under the lock: if it does so now, what it sets apart waits for the next cycle,
         * but this chunk is not among what it has */
        if (arena_state(chunk->arena) == ARENA_FREED)
            arenas_retire(arenas, chunk->arena, chunk);
        else
            give(arenas, chunk);
    }
}

size_t arenas_live_bytes(const struct arenas *arenas) {
    size_t bytes = AO_load(&arenas->space->arena_bytes);
    size_t ended = AO_load(&arenas->quarantined_bytes);
    return bytes > ended ? bytes - ended : 0; /* read one after the other */
}

bool arenas_may_leak(const struct arenas *arenas, size_t bytes) {
    size_t settled = AO_load(&arenas->settled);
    return AO_load(&arenas->live) > settled + settled / 2 &&
           arenas_live_bytes(arenas) > AO_load(&arenas->settled_bytes) + bytes;
}

static bool is_leaked(const struct arena *arena, unsigned epoch) {
    return arena_state(arena) == ARENA_LIVE && arena_is_dead(arena, epoch);
}

void arenas_settle(struct arenas *arenas, void (*leaked)(void *data, const struct arena *arena),
                   void *data) {
    sort(arenas, arenas_take_resting(arenas));
    sort(arenas, arenas_take_apart(arenas));
    unsigned epoch = space_epoch(arenas->space);
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++) {
        struct arena *arena = arenas_at(arenas, i);
        assert(arena_state(arena) != ARENA_LIVE || ARENA_CYCLE(AO_load(&arena->scan)) != epoch ||
               ARENA_LEFT(AO_load(&arena->scan)) == 0);
        if (!is_leaked(arena, epoch))
            continue;
        PERTURB(ARENA_SETTLE);
        if (!arenas_end(arenas, arena, false, ""))
            continue; /* its owner had kept its handle from us */
        arenas_retire(arenas, arena, arenas->hooks.close(arena));
        counter_add(&arenas->leaked, 1);
        if (leaked)
            leaked(data, arena);
    }
}

void arenas_note_settled(struct arenas *arenas) {
    AO_store(&arenas->settled, AO_load(&arenas->live));
    AO_store(&arenas->settled_bytes, arenas_live_bytes(arenas));
}

/* Has its quarantine ended? With the lock held. */
static bool is_over(const struct arena *arena, unsigned cycle) {
    return !arena->busy && (int)(cycle - arena->freed_cycle) > 0 &&
           ARENA_CYCLE(AO_load(&arena->scan)) != cycle;
}

/* Take arenas whose quarantine is over out of the list. */
static struct arena *take_over(struct arenas *arenas, unsigned cycle) {
    struct arena *over = NULL, *arena;
    lock_acquire(&arenas->lock);
    for (struct arena **link = &arenas->freed; (arena = *link);) {
        if (!is_over(arena, cycle)) {
            link = &arena->next;
            continue;
        }
        *link = arena->next;
        arena->next = over;
        over = arena;
    }
    lock_release(&arenas->lock);
    return over;
}

/* Give an arena's chunks away; keep those that the OS does not make accessible. */
static void chunks_give(struct arenas *arenas, struct arena *arena) {
    struct arena_chunk *chunk = arena->chunks, *kept = NULL;
    size_t bytes = 0, open = 0;
    for (struct arena_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        if (chunk->access != ARENA_OPEN && chunk_do(chunk, platform_commit) < 0) {
            chunk->next = kept;
            kept = chunk;
            continue;
        }
        open += chunk->access == ARENA_OPEN ? chunk->bytes : 0;
        bytes += chunk->access != ARENA_BARE ? chunk->bytes : 0;
        PERTURB(ARENA_REUSE);
        give(arenas, chunk);
    }
    arena->chunks = kept;
    count_shut(arenas, arena, open);
    counter_sub(&arenas->quarantined_bytes, bytes);
}

/* What a whole cycle has found references to may stay for long: addresses only. */
static void release_kept(struct arenas *arenas, unsigned cycle) {
    lock_acquire(&arenas->lock);
    for (struct arena *arena = arenas->freed; arena; arena = arena->next)
        if (!arena->busy && (int)(cycle - arena->freed_cycle) > 0)
            make_bare(arenas, arena, SIZE_MAX);
    lock_release(&arenas->lock);
}

void arenas_reuse(struct arenas *arenas) {
    unsigned cycle = space_epoch(arenas->space);
    struct arena *arena = take_over(arenas, cycle);
    for (struct arena *next; arena; arena = next) {
        next = arena->next;
        chunks_give(arenas, arena);
        if (arena->chunks) {
            lock_acquire(&arenas->lock);
            arena->next = arenas->freed;
            arenas->freed = arena;
            lock_release(&arenas->lock);
            continue;
        }
        arenas->hooks.forget(arenas->hooks.data, arena);
        counter_sub(&arenas->quarantined, 1);
        arenas_drop(arenas, arena);
    }
    release_kept(arenas, cycle);
}
