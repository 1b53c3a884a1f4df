/* SPDX-License-Identifier: MIT */
/*
 * Copies of what is in arenas, on the heap. What is said about the functions is in gait/arena.h.
 *
 *   .inv.parent: a copy is stored into the object that refers to it before the next safepoint, so
 *   all copies are reachable from the first one, which a frame holds. Of copies that are not filled
 *   yet the words are zero.
 *   .inv.store: words of copies are stored by gait_store, also those that are no references: a copy
 *   may have been marked, or be black, by the time when it is filled.
 *
 * The walk goes breadth first over the list of what was copied (clone_table.h): no recursion,
 * however deep a graph is. Its table is C memory, so an out-of-memory handler that leaves by
 * longjmp would lose it: it hangs on the mutator until the call ends, or is seen to have been left.
 */
#include <string.h>

#include "../arena/described.h"
#include "../heap/counted.h"
#include "arenas.h"
#include "clones.h"

/* Between two polls; as gait_move's pieces: 100 us at most. */
#define PIECE_WORDS ((size_t)1024)
#define PIECE_BYTES ((size_t)65536)

/* ---- Filling a copy ---- */

/* A word of a source. What it leads to is read after it; pairs with gait_store. */
static gait_word word_at(const char *source, size_t i) {
    return AO_load_dd_acquire_read((const volatile AO_t *)source + i);
}

/* The last words of an object whose size is no multiple of a word: the rest of it is zero. */
static gait_word word_padded(const char *source, size_t at, size_t bytes) {
    gait_word word = 0;
    memcpy(&word, source + at, bytes - at);
    return word;
}

/* A large object lets the collector in between its pieces. Source and copy are reachable. */
static void fill_leaf(gait_mutator *mutator, char *copy, const char *source, size_t bytes) {
    for (size_t at = 0, piece; at < bytes; at += piece) {
        piece = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
        memcpy(copy + at, source + at, piece);
        if (at + piece < bytes)
            world_poll(mutator);
    }
}

static const struct kind *kind_at(const gait_heap *heap, gait_kind kind) {
    return &heap->kinds.kinds[kind];
}

/* ---- One object ---- */

/* Copy the words as they are. */
static void fill_plain(gait_mutator *mutator, char *copy, const char *source, size_t bytes) {
    gait_word *words = (gait_word *)(void *)copy;
    size_t whole = bytes / sizeof(gait_word);
    for (size_t i = 0; i < whole; i++) {
        gait_store(mutator, &words[i], word_at(source, i));
        if ((i + 1) % PIECE_WORDS == 0)
            world_poll(mutator);
    }
    if (bytes % sizeof(gait_word))
        gait_store(mutator, &words[whole], word_padded(source, whole * sizeof(gait_word), bytes));
}

static void check_kind(const gait_heap *heap, gait_kind kind) {
    if (kind >= kinds_count(&heap->kinds))
        platform_fatal("gait_arena_clone: unknown kind %u", (unsigned)kind);
    gait_layout layout = kind_at(heap, kind)->layout;
    if (layout == GAIT_WEAK || layout == GAIT_EPHEMERON)
        platform_fatal("gait_arena_clone: kind %u (%s) has weak words, which are no copies of "
                       "others",
                       (unsigned)kind, kind_at(heap, kind)->name);
}

void *gait_arena_clone(gait_mutator *mutator, const void *object, gait_kind kind, size_t bytes) {
    mutator_check(mutator);
    check_kind(mutator->heap, kind);
    gait_word words[2] = {(gait_word)object, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, words, 2);
    char *copy = gait_alloc(mutator, kind, bytes);
    gait_pop_frame(mutator);
    if (!copy)
        return NULL;
    words[1] = (gait_word)copy;
    gait_push_frame(mutator, &frame, words, 2);
    if (kind_at(mutator->heap, kind)->layout == GAIT_LEAF)
        fill_leaf(mutator, copy, object, bytes);
    else
        fill_plain(mutator, copy, object, bytes);
    gait_pop_frame(mutator);
    return copy;
}

/* ---- A graph ---- */

static bool is_in(const struct clone *clone, gait_word address) {
    const struct space *space = &clone->heap->space;
    return space_holds(space, address) && arenas_of(space, address) == clone->arena;
}

/* The object that a word refers to, if it is one of the arena. NULL: the word stays as it is. */
static const char *object_at(const struct clone *clone, gait_word word, unsigned *kind,
                             size_t *bytes) {
    gait_word address = word & clone->heap->value_mask;
    const char *object = (const char *)address;
    if (address % sizeof(uint64_t) || !is_in(clone, address) ||
        !is_in(clone, address - sizeof(uint64_t)) || !described_get(object, kind, bytes))
        return NULL;
    bool whole = *bytes > 0 && is_in(clone, address + *bytes - 1);
    return whole && *kind < kinds_count(&clone->heap->kinds) ? object : NULL;
}

/* The copy of an object, not filled if it is new. NULL: no memory. A safepoint. */
static char *copy_of(gait_mutator *mutator, struct clone *clone, const char *source, unsigned kind,
                     size_t bytes) {
    char *copy = clone_table_find(&clone->table, source);
    if (copy)
        return copy;
    copy = gait_alloc(mutator, (gait_kind)kind, bytes);
    if (!copy || !clone_table_add(&clone->table, source, copy))
        return NULL;
    return copy;
}

/* What a copy's word is to be. @return false: no memory. A safepoint. */
static bool translate(gait_mutator *mutator, struct clone *clone, gait_word *word) {
    unsigned kind;
    size_t bytes;
    const char *source = object_at(clone, *word, &kind, &bytes);
    if (!source)
        return true;
    char *copy = copy_of(mutator, clone, source, kind, bytes);
    if (!copy)
        return false;
    *word = (gait_word)copy | (*word & ~mutator->heap->value_mask);
    return true;
}

static unsigned char byte_read(const unsigned char *byte) { return *byte; }

/* Fill a copy, and copy what it refers to. @return false: no memory. */
static bool fill(gait_mutator *mutator, struct clone *clone, struct clone_entry entry) {
    unsigned number;
    size_t bytes;
    described_get(entry.source, &number, &bytes);
    const struct kind *kind = kind_at(mutator->heap, (gait_kind)number);
    if (kind->layout == GAIT_LEAF) {
        fill_leaf(mutator, entry.copy, entry.source, bytes);
        return true;
    }
    if (kind->layout == GAIT_CONSERVATIVE) { /* which words refer is a guess: none is changed */
        fill_plain(mutator, entry.copy, entry.source, bytes);
        return true;
    }
    gait_word *words = (gait_word *)(void *)entry.copy;
    size_t whole = bytes / sizeof(gait_word);
    for (size_t i = 0; i < whole; i++) {
        gait_word word = word_at(entry.source, i);
        if (kind_refers_now(kind, (const gait_word *)entry.source, whole, i, byte_read) &&
            !kind_points_inside(kind, whole, i) && !translate(mutator, clone, &word))
            return false;
        gait_store(mutator, &words[i], word); /* .inv.parent: no safepoint since translate */
        if ((i + 1) % PIECE_WORDS == 0)
            world_poll(mutator);
    }
    if (bytes % sizeof(gait_word))
        gait_store(mutator, &words[whole],
                   word_padded(entry.source, whole * sizeof(gait_word), bytes));
    return true;
}

/* ---- Walks of a mutator ---- */

static void clone_free(struct clone *clone) {
    AO_t *metadata_bytes = clone->table.metadata_bytes;
    clone_table_free(&clone->table);
    counted_free(metadata_bytes, clone, sizeof *clone);
}

void clones_free(gait_mutator *mutator) {
    for (struct clone *clone = mutator->clones, *next; clone; clone = next) {
        next = clone->next;
        clone_free(clone);
    }
    mutator->clones = NULL;
}

/* Free walks that a handler has left by longjmp: their frames are not pushed any more. Those of
 * other coroutines can't be told. */
static void drop_left(gait_mutator *mutator) {
    for (struct clone **link = &mutator->clones, *clone; (clone = *link);) {
        if (clone->coroutine == mutator->coroutine && !mutator_has_frame(mutator, &clone->frame)) {
            *link = clone->next;
            clone_free(clone);
        } else {
            link = &clone->next;
        }
    }
}

static void clone_end(gait_mutator *mutator, struct clone *clone) {
    struct clone **link = &mutator->clones;
    while (*link != clone)
        link = &(*link)->next;
    *link = clone->next;
    gait_pop_frame(mutator);
    clone_free(clone);
}

void *gait_arena_clone_deep(gait_mutator *mutator, gait_arena *arena, const void *object) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    struct arena_own *own = arena_find(heap, arena, __func__);
    if (!(own->record.flags & GAIT_ARENA_DESCRIBED))
        platform_fatal("%s: arena \"%s\", created at %s, is not GAIT_ARENA_DESCRIBED", __func__,
                       own->record.name, own->created);
    drop_left(mutator);
    struct clone *clone = counted_alloc(&heap->space.metadata_bytes, sizeof *clone);
    if (!clone)
        return NULL;
    clone->heap = heap;
    clone->arena = &own->record;
    clone->table.metadata_bytes = &heap->space.metadata_bytes;
    unsigned kind;
    size_t bytes;
    const char *source = object_at(clone, (gait_word)object, &kind, &bytes);
    if (!source)
        platform_fatal("%s: %p is no object of arena \"%s\", created at %s", __func__, object,
                       own->record.name, own->created);
    clone->coroutine = mutator->coroutine;
    clone->next = mutator->clones;
    mutator->clones = clone;
    clone->words[0] = (gait_word)source;
    gait_push_frame(mutator, &clone->frame, clone->words, 2);
    char *first = copy_of(mutator, clone, source, kind, bytes);
    bool whole = first != NULL;
    if (whole) {
        gait_pop_frame(mutator); /* a writer to a frame pops it before */
        clone->words[1] = (gait_word)first;
        gait_push_frame(mutator, &clone->frame, clone->words, 2);
    }
    for (size_t i = 0; whole && i < clone->table.count; i++)
        whole = fill(mutator, clone, clone->table.entries[i]);
    clone_end(mutator, clone);
    return whole ? first : NULL;
}
