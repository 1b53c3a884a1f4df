/* SPDX-License-Identifier: MIT */
/*
 * gait_realloc: an object of another size. It stays where it is if its cell has room, or the pages
 * behind a large one are free; else what it holds is moved to a new object.
 *
 *   .inv.zero: beyond what an object was asked for as it was made or resized last, its cell reads
 *   as zero, unless the program has stored there. So what is beyond a smaller size is cleared, and
 *   what a larger one adds is zero. Not of kinds that are raw.
 *
 * Other threads don't use the object meanwhile; markers do. What becomes of one that changes its
 * length while they look is .inv.large of heap/large.h.
 */
#include <gait/gait.h>
#include <string.h>

#include "../heap/large.h"
#include "../instance.h"
#include "../mark/weak.h"
#include "alloc_free.h"
#include "alloc_room.h"
#include "zero.h"

/* A cell of which less than this part is wanted is left for a smaller one. Guess: what sizes that
 * double as they grow come down to once. */
#define SHRINK_PART 2
/* Between two safepoints, as gait_move: some 100 us of copying or less. */
#define PIECE_BYTES ((size_t)65536)

struct resizing {
    gait_mutator *mutator;
    struct cell cell;
    gait_kind kind;
    gait_layout layout;
    size_t old_bytes; /* of the cell */
};

static const struct kind *kind_of(const struct resizing *resizing) {
    return &resizing->mutator->heap->kinds.kinds[resizing->kind];
}

/* ---- What is beyond a smaller size ---- */

/* Where pairs or weak words of an object begin, in words. */
static size_t weak_from(const struct resizing *resizing, size_t words) {
    bool weak = resizing->layout == GAIT_WEAK || resizing->layout == GAIT_EPHEMERON;
    return weak ? head_words(kind_of(resizing), words) : words;
}

/* Pairs are cleared whole, also one of which the key would stay. */
static void clear_pairs(const struct resizing *resizing, size_t from, size_t words) {
    gait_mutator *mutator = resizing->mutator;
    gait_word *start = (gait_word *)resizing->cell.start;
    size_t head = weak_from(resizing, words), i = from > head ? from : head;
    for (i -= (i - head) % 2; i + 1 < words; i += 2) {
        gait_ephemeron_set(mutator, &start[i], 0, 0);
        if ((i - head) % (2 * GAIT_PIECE_WORDS) == 0)
            world_poll(mutator);
    }
    if (i < words)
        gait_store(mutator, &start[i], 0); /* half of a pair */
}

/* How many words before a word belong to the element that it lies in. */
static size_t in_element(const struct resizing *resizing, size_t word) {
    const struct kind *kind = kind_of(resizing);
    bool repeats = resizing->layout == GAIT_REPEAT || resizing->layout == GAIT_TAGGED;
    return repeats && word > kind->head_words ? (word - kind->head_words) % kind->element_words : 0;
}

/* An element is about to lose its words from one on, and perhaps the tags of those before: what
 * these refer to is shaded, as by stores to them. */
static void shade_split(const struct resizing *resizing, size_t word) {
    const gait_word *start = (const gait_word *)resizing->cell.start;
    for (size_t i = word - in_element(resizing, word); i < word; i++)
        mutator_shade(resizing->mutator, __atomic_load_n(&start[i], __ATOMIC_ACQUIRE));
}

/* An element that was not whole is: what its words refer to is new to the collector, as if it were
 * stored now. */
static void renew_split(const struct resizing *resizing) {
    gait_word *start = (gait_word *)resizing->cell.start;
    size_t word = resizing->old_bytes / sizeof(gait_word);
    for (size_t i = word - in_element(resizing, word); i < word; i++)
        gait_store(resizing->mutator, &start[i], start[i]);
}

/* Clear what lies from a byte to before another one. A safepoint. */
static void clear(const struct resizing *resizing, size_t from, size_t to) {
    gait_mutator *mutator = resizing->mutator;
    char *start = resizing->cell.start;
    if (kind_of(resizing)->raw)
        return;
    if (resizing->layout == GAIT_LEAF) {
        zero_pages(mutator, start + from, to - from);
        return;
    }
    /* a word that is there in part is there */
    size_t words = to / sizeof(gait_word);
    size_t first = (from + sizeof(gait_word) - 1) / sizeof(gait_word);
    size_t end = words;
    if (resizing->layout == GAIT_EPHEMERON) {
        clear_pairs(resizing, first, words);
        end = weak_from(resizing, words);
    }
    if (first >= end)
        return;
    shade_split(resizing, first);
    gait_fill(mutator, (gait_word *)start + first, 0, end - first);
}

/* ---- In place ---- */

/* Have a span swept. @return false: sweeping is not open; it may be at any moment. */
static bool is_swept(const struct resizing *resizing, struct span *span) {
    struct space *space = &resizing->mutator->heap->space;
    return AO_int_load_acquire(&span->swept) == space_epoch(space) ||
           space->hooks.sweep_span(space->hooks.data, span);
}

/* Make a large object smaller, and give back pages; not while markers run: they may have put parts
 * of it back for later, by their words. What is given back counts as cleared by plain stores
 * (.inv.free of heap/free.h). */
static void shorten(const struct resizing *resizing, size_t words_bytes) {
    gait_mutator *mutator = resizing->mutator;
    struct space *space = &mutator->heap->space;
    struct span *span = &space->spans[resizing->cell.head];
    if (!alloc_may_free(mutator) || !is_swept(resizing, span) || AO_char_load(&span->recorded))
        return; /* recorded: a link's word may lie in what would go */
    size_t less = span_pages_now(span) - large_pages(words_bytes);
    span_set_object_bytes(span, words_bytes);
    if (less == 0)
        return;
    space_note_reborn(space, resizing->cell.start, resizing->old_bytes);
    large_give(space, span, large_pages(words_bytes));
    alloc_freed(mutator, resizing->kind, less << PAGE_SHIFT);
}

/* Take pages behind a large object. @return false: they are not free, or the heap is full. */
static bool lengthen(const struct resizing *resizing, size_t words_bytes) {
    gait_mutator *mutator = resizing->mutator;
    struct space *space = &mutator->heap->space;
    struct span *span = &space->spans[resizing->cell.head];
    size_t pages = span_pages_now(span), more = large_pages(words_bytes) - pages;
    size_t more_bytes = more << PAGE_SHIFT;
    struct alloc_need need = {.bytes = more_bytes, .page_bytes = more_bytes};
    world_poll(mutator);
    if (!alloc_has_room(mutator, &need))
        alloc_make_room(mutator, &need);
    bool zeroed;
    if (!is_swept(resizing, span))
        return false; /* a sweep that may begin at any moment counts its pages */
    if (!large_extend(space, span, more, &zeroed))
        return false;
    if (!zeroed && !kind_of(resizing)->raw)
        zero_pages(mutator, resizing->cell.start + (pages << PAGE_SHIFT), more_bytes);
    alloc_count(mutator, resizing->kind, CLASS_LARGE, more_bytes);
    /* what was marked before counts without them */
    if (mutator->cache.black && cell_marked(&resizing->cell, space_epoch(space)))
        mutator->cache.black_bytes += more_bytes;
    return true;
}

/* @return whether it has the size now. */
static bool resize_large(const struct resizing *resizing, size_t bytes) {
    struct span *span = &resizing->mutator->heap->space.spans[resizing->cell.head];
    size_t words_bytes = (bytes + 7) & ~(size_t)7;
    if (words_bytes < bytes || words_bytes > resizing->mutator->heap->space.reserved_bytes)
        return false;
    if (words_bytes <= resizing->old_bytes) {
        shorten(resizing, words_bytes);
        size_t end = span_pages_now(span) << PAGE_SHIFT;
        clear(resizing, bytes, end < resizing->old_bytes ? end : resizing->old_bytes);
        return true;
    }
    if (large_pages(words_bytes) > span_pages_now(span) && !lengthen(resizing, words_bytes))
        return false;
    span_set_object_bytes(span, words_bytes);
    renew_split(resizing);
    return true;
}

static bool resize_small(const struct resizing *resizing, size_t bytes) {
    if (bytes > resizing->old_bytes)
        return false;
    clear(resizing, bytes, resizing->old_bytes);
    return true;
}

/* Is so much less wanted that a smaller cell is better? */
static bool is_roomy(const struct resizing *resizing, size_t bytes) {
    if (ENTRY_CLASS(resizing->cell.entry) == CLASS_LARGE)
        return bytes <= GAIT_SMALL_MAX_BYTES;
    return bytes <= resizing->old_bytes / SHRINK_PART && gait_size_class(bytes) > 2 &&
           gait_size_class(bytes) != ENTRY_CLASS(resizing->cell.entry);
}

/* ---- Moving ---- */

/* Weak words are read as the program reads them: what they lead to may be dead already. */
static void move_weak(const struct resizing *resizing, gait_word *to, size_t from_word,
                      size_t words) {
    gait_mutator *mutator = resizing->mutator;
    const gait_word *from = (const gait_word *)resizing->cell.start;
    bool pairs = resizing->layout == GAIT_EPHEMERON;
    size_t i = from_word;
    for (; i + pairs < words; i += 1 + pairs) {
        gait_word word = gait_weak_get(mutator, &from[i]);
        if (!pairs)
            gait_weak_set(mutator, &to[i], word);
        else if (word)
            gait_ephemeron_set(mutator, &to[i], word, gait_ephemeron_get(mutator, &from[i]));
        if ((i - from_word) % GAIT_PIECE_WORDS == 0)
            world_poll(mutator);
    }
    if (i < words)
        gait_store(mutator, &to[i], from[i]); /* half of a pair */
}

/* Move what both have. Both are rooted. */
static void move_contents(const struct resizing *resizing, char *to, size_t bytes) {
    const char *from = resizing->cell.start;
    if (resizing->layout == GAIT_LEAF) {
        for (size_t at = 0; at < bytes; at += PIECE_BYTES) {
            memcpy(to + at, from + at, bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES);
            world_poll(resizing->mutator);
        }
        return;
    }
    size_t words = (bytes + sizeof(gait_word) - 1) / sizeof(gait_word);
    size_t weak = weak_from(resizing, words);
    gait_move(resizing->mutator, (gait_word *)to, (const gait_word *)from, weak);
    if (weak < words)
        move_weak(resizing, (gait_word *)to, weak, words);
}

/* @return the new object; NULL: no memory for one. */
static void *move(const struct resizing *resizing, size_t bytes) {
    gait_mutator *mutator = resizing->mutator;
    char *fresh = gait_alloc(mutator, resizing->kind, bytes);
    if (!fresh)
        return NULL;
    gait_word slots[] = {(gait_word)fresh, (gait_word)resizing->cell.start};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);
    move_contents(resizing, fresh, bytes < resizing->old_bytes ? bytes : resizing->old_bytes);
    gait_pop_frame(mutator);
    alloc_free(mutator, &resizing->cell);
    return fresh;
}

void *gait_realloc_slow(gait_mutator *mutator, void *object, size_t bytes) {
    MUTATOR_CALL = mutator_call_thread(mutator, "gait_realloc");
    struct resizing resizing = {mutator, alloc_object(mutator, object, "gait_realloc"), 0, 0, 0};
    const struct cell *cell = &resizing.cell;
    resizing.kind = (gait_kind)ENTRY_KIND(cell->entry);
    resizing.layout = (gait_layout)ENTRY_LAYOUT(cell->entry);
    resizing.old_bytes = entry_cell_bytes(&mutator->heap->space, cell->entry, cell->head);
    if (bytes == 0)
        bytes = 1;
    gait_word word = (gait_word)object;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &word, 1);
    bool large = ENTRY_CLASS(cell->entry) == CLASS_LARGE, roomy = is_roomy(&resizing, bytes);
    bool stays = !roomy && (large ? resize_large : resize_small)(&resizing, bytes);
    void *result = stays ? object : move(&resizing, bytes);
    if (!result && roomy) { /* no memory for a smaller one */
        clear(&resizing, bytes, resizing.old_bytes);
        result = object;
    }
    gait_pop_frame(mutator);
    return result;
}
