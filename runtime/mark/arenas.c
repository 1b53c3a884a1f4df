/* SPDX-License-Identifier: MIT */
/*
 * Records of arenas: their table, and what an owner may do with an arena while marking is on. See
 * arenas.h.
 */
#include "arenas.h"

#include <assert.h>
#include <string.h>

#include "../heap/counted.h"
#include "../platform/perturb.h"

/* ---- The table ---- */

void arenas_init(struct arenas *arenas, struct space *space) {
    memset(arenas, 0, sizeof *arenas);
    arenas->space = space;
    lock_init(&arenas->noted, LOCK_NOTED, "noted arenas");
    lock_init(&arenas->lock, LOCK_ARENAS, "arenas");
    space->arenas = arenas;
}

static size_t block_bytes(const struct arenas *arenas, unsigned block) {
    return ((size_t)ARENA_BLOCK_LEAST << block) * arenas->node_bytes;
}

void arenas_destroy(struct arenas *arenas) {
    for (uint32_t i = 1; i <= AO_load(&arenas->count); i++)
        if (arena_state(arenas_at(arenas, i)) != ARENA_NONE)
            arenas->hooks.forget(arenas->hooks.data, arenas_at(arenas, i));
    for (unsigned block = 0; block < ARENA_BLOCKS; block++)
        counted_free(&arenas->space->metadata_bytes, (void *)AO_load(&arenas->blocks[block]),
                     block_bytes(arenas, block));
    lock_destroy(&arenas->lock);
    lock_destroy(&arenas->noted);
}

void arenas_use(struct arenas *arenas, const struct arena_hooks *hooks, size_t node_bytes) {
    arenas->hooks = *hooks;
    arenas->node_bytes = (node_bytes + sizeof(AO_t) - 1) / sizeof(AO_t) * sizeof(AO_t);
}

/* A record that there was not before. With the lock held. NULL: no memory. */
static struct arena *record_add(struct arenas *arenas) {
    uint32_t index = (uint32_t)AO_load(&arenas->count) + 1;
    unsigned block = 0;
    while (index - 1 >= (ARENA_BLOCK_LEAST << block << 1) - ARENA_BLOCK_LEAST)
        block++;
    if (block >= ARENA_BLOCKS)
        return NULL;
    if (!AO_load(&arenas->blocks[block])) {
        void *records = counted_alloc(&arenas->space->metadata_bytes, block_bytes(arenas, block));
        if (!records)
            return NULL;
        AO_store_release(&arenas->blocks[block], (AO_t)records); /* pairs with arenas_at */
    }
    struct arena *arena = arenas_at(arenas, index);
    arena->index = index;
    AO_store_release(&arenas->count, index); /* pairs with walks of the table */
    return arena;
}

struct arena *arenas_new(struct arenas *arenas) {
    assert(arenas->node_bytes >= sizeof(struct arena));
    lock_acquire(&arenas->lock);
    struct arena *arena = arenas->unused;
    if (arena)
        arenas->unused = arena->next;
    else
        arena = record_add(arenas);
    if (arena) {
        /* one that found it by a word that is no reference may be looking at these */
        size_t left_alone = offsetof(struct arena, state);
        uint32_t index = arena->index;
        memset(arena, 0, left_alone);
        memset((char *)arena + sizeof *arena, 0, arenas->node_bytes - sizeof *arena);
        arena->index = index;
        arena->id = ++arenas->ids;
        AO_store(&arena->conservative, 0);
        arena->apart_cycle = 0;
        arena->apart_black = false;
        arena->apart_alone = false;
        memset(&arena->first_apart, 0, sizeof *arena - offsetof(struct arena, first_apart));
        AO_store_release(&arena->state, ARENA_NEW);
    }
    lock_release(&arenas->lock);
    return arena;
}

void arenas_drop(struct arenas *arenas, struct arena *arena) {
    lock_acquire(&arenas->lock);
    AO_store_release(&arena->state, ARENA_NONE);
    arena->next = arenas->unused;
    arenas->unused = arena;
    lock_release(&arenas->lock);
}

struct arena_sums arenas_sum(struct arenas *arenas) {
    struct arena_sums sums = {0};
    for (uint32_t i = 1; i <= AO_load_acquire(&arenas->count); i++) {
        const struct arena *arena = arenas_at(arenas, i);
        lock_acquire(&arenas->lock); /* it does not end, nor does its record become another's */
        if (arena_state(arena) == ARENA_LIVE && arenas->hooks.add_figures)
            arenas->hooks.add_figures(arena, &sums);
        lock_release(&arenas->lock);
    }
    return sums;
}

/* ---- Claims by owners ---- */

static AO_t scan_word(unsigned cycle, AO_t left) { return (AO_t)cycle << 32 | left; }

/* The cycle that marks, or the next one. A mutator between two safepoints: it stays the same. */
static unsigned marking_cycle(const struct arenas *arenas) {
    return space_epoch(arenas->space) + 1;
}

void arenas_publish(struct arenas *arenas, struct arena *arena, bool marking) {
    unsigned cycle = marking_cycle(arenas);
    bool black = marking && arenas_are_open(arenas, cycle);
    /* not claimed in the cycle before: it would be dead to weak words */
    AO_store(&arena->scan, scan_word(black ? cycle : cycle - 1, 0));
    counter_add(&arenas->live, 1);
    AO_store_release(&arena->state, ARENA_LIVE);
}

enum arena_leave arenas_leave(struct arenas *arenas, struct arena *arena, bool marking) {
    if (!marking || !(arena->flags & ARENA_TRACED))
        return ARENA_LEAVE_NOW;
    unsigned cycle = marking_cycle(arenas);
    bool scanned = arenas_are_open(arenas, cycle);
    bool again = arena->apart_cycle == cycle;
    arena->apart_cycle = cycle;
    if (!again)
        arena->apart_alone = false;
    for (;;) {
        PERTURB(ARENA_LEAVE);
        AO_t scan = AO_load_acquire(&arena->scan); /* pairs with the release of the last piece */
        /* what is left was there when the walk ended: so it is set apart now, or was. With an
         * object barrier the collector may push more at any time */
        bool walked = scan & (ARENA_WALKED | ARENA_UNSCANNED) || arenas->space->cards.by_object;
        if (ARENA_CYCLE(scan) != cycle) {
            arena->apart_black = scanned;
            /* what comes from now on is black only if all were scanned */
            if (!scanned || AO_compare_and_swap_full(&arena->scan, scan, scan_word(cycle, 0)))
                return ARENA_LEAVE_SCAN;
        } else if (again && arena->apart_black) {
            if (!ARENA_LEFT(scan) || arena->apart_alone)
                return ARENA_LEAVE_FIRST;
            arena->apart_alone = !walked;
            return ARENA_LEAVE_REST;
        } else if (ARENA_LEFT(scan)) {
            /* a marker is at it, or is to be: it finds what it finds, the list has all */
            arena->apart_black = scanned;
            arena->apart_alone = !walked;
            return ARENA_LEAVE_SCAN;
        } else if (again) {
            return ARENA_LEAVE_FIRST;
        } else {
            arena->apart_cycle = cycle - 1;
            return ARENA_LEAVE_NOW;
        }
    }
}

bool arenas_begin_leave(struct arenas *arenas, const struct arena *arena, bool marking) {
    bool begins = marking && arenas->space->cards.by_object && (arena->flags & ARENA_TRACED);
    if (begins)
        lock_acquire(&arenas->noted);
    return begins;
}

void arenas_left(struct arenas *arenas, bool begun) {
    if (begun)
        lock_release(&arenas->noted);
}

bool arenas_are_walked(struct arenas *arenas, struct arena *arena, bool marking) {
    if (!marking || !(arena->flags & ARENA_TRACED))
        return false;
    AO_t scan = AO_load_acquire(&arena->scan); /* pairs with the release of the last piece */
    return ARENA_CYCLE(scan) != marking_cycle(arenas) || ARENA_LEFT(scan) != 0;
}

/* ---- What is set apart ---- */

/* Push a list on to one that is only added to, or taken as a whole. */
static void list_push(volatile AO_t *list, struct arena_chunk *first) {
    struct arena_chunk *last = first;
    while (last->next)
        last = last->next;
    for (;;) {
        AO_t top = AO_load(list);
        last->next = (struct arena_chunk *)top;
        if (AO_compare_and_swap_full(list, top, (AO_t)first))
            return;
    }
}

static struct arena_chunk *list_take(volatile AO_t *list) {
    AO_t first;
    do
        first = AO_load(list);
    while (!AO_compare_and_swap_full(list, first, 0));
    return (struct arena_chunk *)first;
}

void arenas_set_apart(struct arenas *arenas, struct arena_chunk *chunks, bool scan) {
    if (!chunks)
        return;
    PERTURB(ARENA_APART);
    list_push(scan ? &arenas->apart : &arenas->resting, chunks);
}

struct arena_chunk *arenas_take_apart(struct arenas *arenas) {
    return list_take(&arenas->apart);
}

struct arena_chunk *arenas_take_resting(struct arenas *arenas) {
    return list_take(&arenas->resting);
}

void arenas_set_first_apart(struct arenas *arenas, struct arena *arena, char *low, char *low_end) {
    struct arena_chunk *chunk = &arena->first_apart;
    *chunk = (struct arena_chunk){.arena = arena, .low = low, .low_end = low_end, .stays = true};
    arenas_set_apart(arenas, chunk, true);
}
