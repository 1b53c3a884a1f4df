/* SPDX-License-Identifier: MIT */
/*
 * Marking of arenas: claims, pieces of traced ones, and what was set apart. See arenas.h.
 *
 * A piece goes through the queue as a slice does, by the address of its first word and how many
 * there are. While one is in the queue, or being scanned, it counts in arena->scan; one that was
 * set apart has SLICE_APART beside its length, and does not: its arena has nothing to do with it
 * any more.
 *
 * What was stored to since an arena was scanned lies on dirty cards. A minor cycle looks at those
 * once; a heap with GAIT_OBJECT_BARRIER in each cycle, and as often as at those of objects
 * (docs/design/objects.md, Traced arenas).
 */
#include <string.h>

#include "../platform/perturb.h"
#include "arenas.h"
#include "cells.h"
#include "marker.h"

#define SLICE_APART ((size_t)1 << 60)

/* Words that are copied before they are looked at. */
#define COPY_WORDS 128

static AO_t scan_word(unsigned cycle, AO_t left) { return (AO_t)cycle << 32 | left; }

bool marker_arena_is_white(const struct marker *marker, const struct arena *arena) {
    enum arena_state state = arena_state(arena);
    if (state != ARENA_FREED &&
        (state != ARENA_LIVE || (arena->flags & (ARENA_PINNED | ARENA_TRACED)) == ARENA_PINNED))
        return false;
    return ARENA_CYCLE(AO_load_acquire(&arena->scan)) != marker->cycle;
}

/* ---- Claims ---- */

static void piece_begin(struct arena *arena) { AO_fetch_and_add1_full(&arena->scan); }

/* release: what was read of the piece was read before; pairs with arenas_leave */
static void piece_end(struct arena *arena) {
    PERTURB(ARENA_PIECE);
    AO_fetch_and_sub1_full(&arena->scan);
}

/* It is claimed, and to be scanned when marking has run out of other work. */
static void leave_for_rescan(struct marker *marker, struct arena *arena) {
    AO_or_full(&arena->scan, ARENA_UNSCANNED);
    AO_store_release(&marker->queue->overflowed, 1); /* after the bit: see marker_rescan */
}

/* A walk of an arena's pieces. */
struct walk {
    struct marker *marker;
    struct arena *arena;
    bool at_once; /* what can't be pushed is scanned: a second walk would come no further */
    size_t bytes; /* pushed */
};

static void push_low(void *data, char *low, char *low_end) {
    struct walk *walk = data;
    size_t count = (size_t)(low_end - low) / sizeof(gait_word);
    if (count == 0)
        return;
    walk->bytes += (size_t)(low_end - low);
    piece_begin(walk->arena);
    if (marker_push_slice(walk->marker, (const gait_word *)low, count))
        return;
    if (walk->at_once) {
        marker_scan_arena(walk->marker, (const gait_word *)low, count);
        return;
    }
    leave_for_rescan(walk->marker, walk->arena);
    piece_end(walk->arena);
}

/* Only what begins a chunk of its own begins where a page does. Its first card stands for all of it
 * where stores are told of by objects. */
static bool is_told_of_as_a_whole(const struct cards *cards, const char *low) {
    return cards->by_object && (uintptr_t)low % PAGE_BYTES == 0 &&
           card_is_dirty(cards, (uintptr_t)low);
}

/* Take the cards of a piece of a chunk, and push what lies on dirty ones. A chunk shares no group
 * of cards with anything else. */
static void push_dirty(void *data, char *low, char *end) {
    struct walk *walk = data;
    const struct cards *cards = &walk->marker->space->cards;
    bool whole = is_told_of_as_a_whole(cards, low);
    char *run = NULL; /* begins what is dirty up to here */
    for (char *group = low - (uintptr_t)low % CARD_GROUP_BYTES; group < end;
         group += CARD_GROUP_BYTES) {
        uint64_t taken = cards_take(cards, (uintptr_t)group);
        unsigned char dirty[CARD_GROUP];
        memcpy(dirty, &taken, sizeof dirty);
        for (size_t i = 0; i < CARD_GROUP; i++) {
            char *card = group + i * CARD_BYTES;
            if (card + CARD_BYTES <= low || card >= end)
                continue;
            if (run && !dirty[i] && !whole)
                push_low(walk, run, card);
            run = !dirty[i] && !whole ? NULL : run ? run : card < low ? low : card;
        }
    }
    if (run)
        push_low(walk, run, end);
}

/* What is new, and what was stored to of what was there before. */
static void push_changed_part(void *data, char *low, char *seen, char *low_end) {
    push_dirty(data, low, seen);
    push_low(data, seen, low_end);
}

static void push_part(void *data, char *low, char *seen, char *low_end) {
    (void)seen;
    push_low(data, low, low_end);
}

/* changed: cards say what was stored to since the last cycle, and all else was looked at. */
static void push_parts(struct walk *walk, bool changed) {
    const struct space *space = walk->marker->space;
    const struct arena_hooks *hooks = &space->arenas->hooks;
    if (space->cards.by_object) /* what is new has dirty cards, or will: arenas_note */
        hooks->each_low(walk->arena, changed ? push_dirty : push_low, walk);
    else
        hooks->each_part(walk->arena, changed ? push_changed_part : push_part, walk);
}

/* With ARENA_WALKED set, which stands for the pieces that are not pushed yet. */
static void push_pieces(struct marker *marker, struct arena *arena, bool at_once, bool changed) {
    struct walk walk = {marker, arena, at_once, 0};
    PERTURB(ARENA_WALK);
    if (arena_is_scanned(arena)) /* else its owner set it apart */
        push_parts(&walk, changed);
    PERTURB(ARENA_PIECE);
    AO_and_full(&arena->scan, ~ARENA_WALKED); /* release: as piece_end */
}

/* @return whether this call claimed it. left: what it has then. *last: in which cycle it was
 * before. */
static bool claim(const struct marker *marker, struct arena *arena, AO_t left, unsigned *last) {
    unsigned cycle = marker->cycle;
    enum arena_state state = arena_state(arena);
    if (state != ARENA_LIVE && state != ARENA_FREED)
        return false;
    for (;;) {
        AO_t scan = AO_load(&arena->scan);
        *last = ARENA_CYCLE(scan);
        if (*last == cycle)
            return false;
        PERTURB(ARENA_CLAIM);
        if (AO_compare_and_swap_full(&arena->scan, scan, scan_word(cycle, left)))
            return true;
    }
}

/* minor: cards say what was stored to since the last cycle. */
static void claim_and_push(struct marker *marker, struct arena *arena, bool minor) {
    bool traced = (arena->flags & ARENA_TRACED) != 0;
    unsigned last;
    if (!claim(marker, arena, traced ? ARENA_WALKED : 0, &last))
        return;
    if (keys_are_awaited(marker))
        marker_push_pairs(marker, ephemerons_take(&marker->queue->keys, (uintptr_t)arena->handle));
    if (traced)
        push_pieces(marker, arena, false, minor && last == marker->cycle - 1);
}

void marker_claim(struct marker *marker, struct arena *arena) {
    claim_and_push(marker, arena, false);
}

void marker_claim_later(struct marker *marker, struct arena *arena) {
    bool traced = (arena->flags & ARENA_TRACED) != 0;
    unsigned last;
    /* pairs may wait for it: as for a leaf, see overflow */
    if (claim(marker, arena, traced ? ARENA_UNSCANNED : 0, &last) &&
        (traced || AO_load(&marker->queue->keys.pairs) > 0 || AO_load(&marker->queue->watched))) {
        ephemerons_miss(&marker->queue->keys);
        AO_store_release(&marker->queue->overflowed, 1);
    }
}

/* ---- Pieces ---- */

/* An owner initialises new objects by plain stores, perhaps beyond what was to be scanned: either
 * word will do. */
__attribute__((noinline, no_sanitize("thread"))) void
marker_copy_words(gait_word *to, const gait_word *from, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] = *(const volatile gait_word *)&from[i];
}

static void scan_words(struct marker *marker, const gait_word *words, size_t count,
                       bool conservative) {
    gait_word copy[COPY_WORDS];
    for (size_t some; count > 0; words += some, count -= some) {
        some = count < COPY_WORDS ? count : COPY_WORDS;
        marker_copy_words(copy, words, some);
        if (!conservative) {
            marker_push_words(marker, copy, some);
            continue;
        }
        marker->scanned_bytes += some * sizeof(gait_word);
        for (size_t i = 0; i < some; i++)
            marker_push_interior(marker, copy[i]);
    }
}

void marker_scan_arena(struct marker *marker, const gait_word *words, size_t count) {
    struct arena *arena = arenas_of(marker->space, (uintptr_t)words);
    size_t apart = count & SLICE_APART, now = count & ~SLICE_APART;
    if (now > MARK_SLICE_WORDS) {
        /* counted first: another marker may be done with the rest before this one is */
        if (!apart)
            piece_begin(arena);
        if (marker_push_slice(marker, words + MARK_SLICE_WORDS, count - MARK_SLICE_WORDS))
            now = MARK_SLICE_WORDS;
        else if (!apart)
            piece_end(arena);
    }
    scan_words(marker, words, now, AO_load(&arena->conservative) != 0);
    if (!apart)
        piece_end(arena);
}

/* ---- The collector ---- */

void arenas_open(struct arenas *arenas) {
    /* release: one that sees it knows that all roots were scanned; pairs with arenas_are_open */
    AO_store_release(&arenas->scanned, (AO_t)(space_epoch(arenas->space) + 1));
}

void arenas_push_pinned(struct arenas *arenas, struct marker *marker) {
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++) {
        struct arena *arena = arenas_at(arenas, i);
        if (arena_is_scanned(arena) && (arena->flags & ARENA_PINNED))
            marker_claim(marker, arena);
    }
}

void arenas_push_all(struct arenas *arenas, struct marker *marker) {
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++) {
        struct arena *arena = arenas_at(arenas, i);
        enum arena_state state = arena_state(arena); /* before its flags: it may be being made */
        if (state == ARENA_LIVE || state == ARENA_FREED)
            claim_and_push(marker, arena, true);
    }
}

/* ---- Where stores are plain ---- */

struct noting {
    const struct cards *cards;
    bool dirties;
};

static void note_part(void *data, char *low, char *seen, char *low_end) {
    const struct noting *noting = data;
    (void)low;
    if (noting->dirties && seen < low_end)
        cards_renew(noting->cards, seen, low_end);
}

/* Have an arena as it is, so that its owner takes nothing out of it. @return false: there is
 * nothing to look at. */
static bool hold(struct arenas *arenas, const struct arena *arena) {
    if (!arena_is_scanned(arena))
        return false;
    lock_acquire(&arenas->noted);
    if (arena_is_scanned(arena))
        return true;
    lock_release(&arenas->noted);
    return false;
}

void arenas_note(struct arenas *arenas, bool dirties) {
    struct noting noting = {&arenas->space->cards, dirties};
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++) {
        struct arena *arena = arenas_at(arenas, i);
        if (!hold(arenas, arena))
            continue;
        arenas->hooks.each_part(arena, note_part, &noting);
        lock_release(&arenas->noted);
    }
    PERTURB(ARENA_NOTED);
}

void arenas_push_changed(struct arenas *arenas, struct marker *marker) {
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++) {
        struct arena *arena = arenas_at(arenas, i);
        if (!hold(arenas, arena))
            continue;
        struct walk walk = {.marker = marker, .arena = arena};
        /* white: it is read after it is claimed, and keeps its cards */
        if (ARENA_CYCLE(AO_load_acquire(&arena->scan)) == marker->cycle)
            arenas->hooks.each_low(arena, push_dirty, &walk);
        lock_release(&arenas->noted);
        counter_add(&arenas->space->cards.work_bytes, walk.bytes);
    }
}

void arenas_push_apart(struct arenas *arenas, struct marker *marker) {
    struct arena_chunk *first = arenas_take_apart(arenas);
    for (struct arena_chunk *chunk = first; chunk; chunk = chunk->next) {
        size_t count = (size_t)(chunk->low_end - chunk->low) / sizeof(gait_word);
        if (count > 0 &&
            !marker_push_slice(marker, (const gait_word *)chunk->low, count | SLICE_APART))
            marker_scan_arena(marker, (const gait_word *)chunk->low, count | SLICE_APART);
    }
    arenas_set_apart(arenas, first, false);
}

void arenas_rescan(struct arenas *arenas, struct marker *marker) {
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++) {
        struct arena *arena = arenas_at(arenas, i);
        AO_t scan = AO_load_acquire(&arena->scan);
        if (!(scan & ARENA_UNSCANNED) || ARENA_CYCLE(scan) != marker->cycle)
            continue;
        AO_or_full(&arena->scan, ARENA_WALKED);
        AO_and_full(&arena->scan, ~ARENA_UNSCANNED);
        push_pieces(marker, arena, true, false);
        marker_drain(marker, SIZE_MAX);
    }
}
