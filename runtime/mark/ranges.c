/* SPDX-License-Identifier: MIT */
/*
 * Ranges of roots in pieces, data segments. See ranges.h.
 */
#include "ranges.h"

#include "../heap/counted.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"

/* Of the program's writable segments. Guess: it has one or two. */
#define SEGMENTS_MAX 16

static size_t range_bytes(size_t count) {
    size_t pieces = (count + RANGE_PIECE_WORDS - 1) / RANGE_PIECE_WORDS;
    return sizeof(struct root_range) + pieces * sizeof(struct root_piece);
}

static int range_add(struct roots *roots, void *low, size_t bytes, bool conservative,
                     bool segment) {
    uintptr_t start = (uintptr_t)low, end = start + bytes;
    if (!low || end < start || (!conservative && (start | bytes) % sizeof(gait_word) != 0))
        return GAIT_E_INVALID;
    start = (start + sizeof(gait_word) - 1) & ~(sizeof(gait_word) - 1);
    size_t count = end > start ? (end - start) / sizeof(gait_word) : 0;
    struct root_range *range = counted_alloc(roots->metadata_bytes, range_bytes(count));
    if (!range)
        return GAIT_E_MEMORY;
    range->words = (const gait_word *)start;
    range->count = count;
    range->conservative = conservative;
    range->segment = segment;
    range->fresh = true;
    for (size_t i = 0; i * RANGE_PIECE_WORDS < count; i++)
        range->pieces[i] = (struct root_piece){range, i * RANGE_PIECE_WORDS};
    lock_acquire(&roots->lock);
    range->next = roots->long_ranges;
    roots->long_ranges = range;
    lock_release(&roots->lock);
    counter_add(&roots->bytes, count * sizeof(gait_word));
    counter_add(&roots->piece_bytes, count * sizeof(gait_word));
    return 0;
}

int ranges_add(struct roots *roots, void *low, size_t bytes, bool conservative) {
    return range_add(roots, low, bytes, conservative, false);
}

/* With the lock held: the link to the last range that was added with this address, or to NULL. */
static struct root_range **range_link(struct roots *roots, const void *low) {
    uintptr_t start = ((uintptr_t)low + sizeof(gait_word) - 1) & ~(sizeof(gait_word) - 1);
    struct root_range **link = &roots->long_ranges;
    while (*link && (uintptr_t)(*link)->words != start)
        link = &(*link)->next;
    return link;
}

bool ranges_lie_in(const struct roots *roots, uintptr_t low, uintptr_t high) {
    const struct root_range *range = roots->long_ranges;
    while (range &&
           ((uintptr_t)range->words >= high || (uintptr_t)(range->words + range->count) <= low))
        range = range->next;
    return range != NULL;
}

bool ranges_find(struct roots *roots, const void *low, const gait_word **words, size_t *count) {
    lock_acquire(&roots->lock);
    const struct root_range *range = *range_link(roots, low);
    if (range) {
        *words = range->words;
        *count = range->count;
    }
    lock_release(&roots->lock);
    return range != NULL;
}

struct root_range *ranges_take(struct roots *roots, const void *low) {
    lock_acquire(&roots->lock);
    struct root_range **link = range_link(roots, low), *range = *link;
    if (range) {
        *link = range->next;
        if (roots->range_cursor == range)
            roots->range_cursor = range->next;
    }
    lock_release(&roots->lock);
    if (!range)
        return NULL;
    counter_sub(&roots->bytes, range->count * sizeof(gait_word));
    counter_sub(&roots->piece_bytes, range->count * sizeof(gait_word));
    AO_int_store_full(&range->removed, 1); /* then look for users; pairs with ranges_scan_piece */
    AO_nop_full();
    PERTURB(RANGE_REMOVED);
    return range;
}

void ranges_retire(struct roots *roots, struct root_range *range, bool queued) {
    while (ranges_is_used(range)) /* by each for a short time */
        platform_yield();
    if (!queued) {
        counted_free(roots->metadata_bytes, range, range_bytes(range->count));
        return;
    }
    lock_acquire(&roots->lock);
    range->next = roots->retired; /* its pieces may be in the queue */
    roots->retired = range;
    lock_release(&roots->lock);
}

static void free_list(struct roots *roots, struct root_range **list) {
    for (struct root_range *range = *list, *next; range; range = next) {
        next = range->next;
        counted_free(roots->metadata_bytes, range, range_bytes(range->count));
    }
    *list = NULL;
}

void ranges_destroy(struct roots *roots) {
    free_list(roots, &roots->long_ranges);
    free_list(roots, &roots->retired);
}

size_t ranges_piece_bytes(const struct roots *roots) { return AO_load(&roots->piece_bytes); }

/* ---- Visits ---- */

static void visit_words(struct gait_visitor *visitor, const struct root_range *range, size_t first,
                        size_t count) {
    visitor_enter(visitor, range->segment ? ROOTS_SEGMENT : ROOTS_RANGE, range->words);
    if (range->conservative) {
        visitor_scan(visitor, range->words + first, count);
        return;
    }
    for (size_t i = first; i < first + count; i++) {
        visitor->at = &range->words[i];
        visitor->visit(visitor, word_read(&range->words[i]), false);
    }
}

static size_t piece_words(const struct root_piece *piece) {
    size_t left = piece->range->count - piece->first;
    return left < RANGE_PIECE_WORDS ? left : RANGE_PIECE_WORDS;
}

void ranges_scan_piece(struct marker *marker, const struct root_piece *piece) {
    struct root_range *range = piece->range;
    AO_fetch_and_add1_full(&range->users); /* full: then look; pairs with ranges_take */
    PERTURB(RANGE_PIECE);
    if (!AO_int_load_acquire(&range->removed)) {
        visit_words(&marker->visitor, range, piece->first, piece_words(piece));
        marker->scanned_bytes += piece_words(piece) * sizeof(gait_word);
    }
    AO_fetch_and_sub1_full(&range->users);
}

/* ---- Data segments ---- */

struct segments {
    struct platform_range found[SEGMENTS_MAX];
    size_t count;
};

static void note_segment(void *data, struct platform_range range) {
    struct segments *segments = data;
    if (segments->count < SEGMENTS_MAX)
        segments->found[segments->count] = range;
    segments->count++;
}

int ranges_add_segments(struct roots *roots) {
    struct segments segments = {.count = 0};
    platform_data_segments(false, note_segment, &segments);
    if (segments.count > SEGMENTS_MAX)
        return GAIT_E_FULL;
    for (size_t i = 0; i < segments.count; i++) {
        const struct platform_range *found = &segments.found[i];
        size_t bytes = (size_t)(found->high - found->low);
        int result = range_add(roots, found->low, bytes, true, true);
        if (result < 0)
            return result;
    }
    roots->visits_libraries = true;
    return 0;
}

struct library_visit {
    struct gait_visitor *visitor;
    size_t bytes;
};

static void visit_segment(void *data, struct platform_range range) {
    struct library_visit *visit = data;
    uintptr_t start = ((uintptr_t)range.low + sizeof(gait_word) - 1) & ~(sizeof(gait_word) - 1);
    if (start >= (uintptr_t)range.high)
        return;
    size_t count = ((uintptr_t)range.high - start) / sizeof(gait_word);
    visitor_enter(visit->visitor, ROOTS_SEGMENT, range.low);
    visitor_scan(visit->visitor, (const volatile gait_word *)start, count);
    visit->bytes += count * sizeof(gait_word);
}

static size_t visit_libraries(struct gait_visitor *visitor) {
    struct library_visit visit = {.visitor = visitor};
    platform_data_segments(true, visit_segment, &visit);
    return visit.bytes;
}

/* ---- All of them ---- */

/* The next range to push, and this thread among its users; NULL at the end. */
static struct root_range *range_next(struct roots *roots) {
    lock_acquire(&roots->lock);
    struct root_range *range = roots->range_cursor;
    if (range) {
        AO_fetch_and_add1_full(&range->users);
        roots->range_cursor = range->next;
    }
    lock_release(&roots->lock);
    return range;
}

static void ranges_rewind(struct roots *roots) {
    lock_acquire(&roots->lock);
    free_list(roots, &roots->retired);
    roots->range_cursor = roots->long_ranges;
    lock_release(&roots->lock);
}

/* May a piece hold what it did not as the last cycle ended? */
static bool piece_is_changed(const struct space *space, const struct root_piece *piece) {
    const struct root_range *range = piece->range;
    bool changed = range->fresh || range->segment;
    size_t end = piece->first + piece_words(piece);
    for (size_t i = piece->first; i < end && !changed; i += card_words(&range->words[i], end - i))
        changed = card_is_dirty(&space->cards, (uintptr_t)&range->words[i]);
    return changed;
}

/* Its cards are clean from now on. */
static void piece_note(struct space *space, const struct root_piece *piece) {
    const gait_word *words = piece->range->words;
    size_t end = piece->first + piece_words(piece);
    for (size_t i = piece->first; i < end; i += card_words(&words[i], end - i))
        root_card_is_dirty(space, &words[i]);
}

/* Push a piece, if it may have. */
static void push_changed(struct marker *marker, const struct root_piece *piece) {
    if (!piece_is_changed(marker->space, piece))
        return;
    piece_note(marker->space, piece);
    marker_push_piece(marker, piece);
}

void ranges_push(struct roots *roots, struct marker *marker, bool changed) {
    ranges_rewind(roots);
    for (struct root_range *range; (range = range_next(roots));) {
        for (size_t i = 0; i * RANGE_PIECE_WORDS < range->count; i++)
            if (changed)
                push_changed(marker, &range->pieces[i]);
            else
                marker_push_piece(marker, &range->pieces[i]);
        range->fresh = false;
        AO_fetch_and_sub1_full(&range->users);
    }
}

size_t ranges_changed_bytes(struct roots *roots, const struct space *space) {
    size_t words = 0;
    ranges_rewind(roots);
    for (struct root_range *range; (range = range_next(roots));) {
        for (size_t i = 0; i * RANGE_PIECE_WORDS < range->count; i++)
            if (piece_is_changed(space, &range->pieces[i]))
                words += piece_words(&range->pieces[i]);
        AO_fetch_and_sub1_full(&range->users);
    }
    return words * sizeof(gait_word);
}

void ranges_push_libraries(struct roots *roots, struct marker *marker) {
    if (!roots->visits_libraries)
        return;
    size_t bytes = visit_libraries(&marker->visitor);
    counter_add(&roots->bytes, bytes);
    counter_sub(&roots->bytes, roots->library_bytes);
    roots->library_bytes = bytes;
}

void ranges_visit(struct roots *roots, struct gait_visitor *visitor) {
    for (const struct root_range *range = roots->long_ranges; range; range = range->next)
        visit_words(visitor, range, 0, range->count);
    if (roots->visits_libraries)
        visit_libraries(visitor);
}
