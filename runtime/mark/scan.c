/* SPDX-License-Identifier: MIT */
/*
 * Where the references of an object lie: one scan per layout, for markers and for any visitor.
 */
#include <gait/tied.h>

#include "arenas.h"
#include "marker.h"

/* Of an object, the words from `first` to below `end`, of `words` in all. */
struct part {
    const gait_word *object;
    size_t first;
    size_t end;
    size_t words;
};

static void push_word(struct marker *marker, gait_word word, bool interior) {
    if (interior)
        marker_push_interior(marker, word);
    else
        marker_push(marker, word);
}

/* Push words of an object whose bits are set in a bitmap of it; those of another one (NULL: none)
 * may point inside an object. */
static void push_bitmap(struct marker *marker, const struct part *part, const uint64_t *bitmap,
                        const uint64_t *interior) {
    for (size_t at = part->first & ~(size_t)63; at < part->end; at += 64) {
        uint64_t inside = interior ? interior[at >> 6] : 0;
        for (uint64_t bits = bitmap[at >> 6]; bits; bits &= bits - 1) {
            size_t i = at + (size_t)__builtin_ctzll(bits);
            if (i >= part->first && i < part->end)
                push_word(marker, word_read(&part->object[i]), inside >> (i & 63) & 1);
        }
    }
}

/* A tag that its program may change: gait_store_tagged. */
static unsigned char tag_read(const unsigned char *tag) {
    return __atomic_load_n(tag, __ATOMIC_RELAXED);
}

/* Words of an element that hold a reference now. */
static uint64_t tagged_words(const struct kind *kind, const gait_word *element) {
    uint64_t words = kind->element_bitmap;
    const unsigned char *bytes = (const unsigned char *)element;
    for (uint32_t i = 0; i < kind->tag_rule_count; i++) {
        const gait_tag_rule *rule = &kind->tag_rules[i];
        words |= (uint64_t)tag_refers(kind, tag_read(&bytes[rule->tag_byte])) << rule->word;
    }
    return words;
}

/* Push what lies in the part of those elements that are whole in the object. */
static void push_elements(struct marker *marker, const struct kind *kind, const struct part *part,
                          size_t head) {
    size_t length = kind->element_words, first = part->first > head ? part->first : head;
    for (size_t at = first - (first - head) % length; at < part->end && at + length <= part->words;
         at += length)
        for (uint64_t bits = tagged_words(kind, &part->object[at]); bits; bits &= bits - 1) {
            unsigned in_element = (unsigned)__builtin_ctzll(bits);
            size_t i = at + in_element;
            if (i >= first && i < part->end && i < at + length)
                push_word(marker, word_read(&part->object[i]),
                          kind->element_interior >> in_element & 1);
        }
}

static void push_repeat(struct marker *marker, const struct kind *kind, const struct part *part) {
    size_t head = head_words(kind, part->words);
    struct part of_head = *part;
    of_head.end = part->end < head ? part->end : head;
    if (kind->bitmap)
        push_bitmap(marker, &of_head, kind->bitmap, kind->interior);
    if (part->end > head)
        push_elements(marker, kind, part, head);
}

/* Push the values whose keys are marked. @return whether some key is not. */
static bool push_pairs(struct marker *marker, const gait_word *pairs, size_t words) {
    bool open = false;
    for (size_t i = 0; i + 1 < words; i += 2) {
        if (marker_is_white(marker, word_read(&pairs[i])))
            open = true;
        else
            marker_push(marker, word_read(&pairs[i + 1]));
    }
    return open;
}

/* Scan at most count words of an object from `first` on: what is beyond a slice later. */
static void scan_part(struct marker *marker, const struct kind *kind, gait_layout layout,
                      struct part part, size_t count) {
    const gait_word *words = part.object + part.first;
    if (layout == GAIT_REFS || layout == GAIT_PREFIX || layout == GAIT_WEAK ||
        (layout == GAIT_EPHEMERON && part.first < head_words(kind, part.words))) {
        marker_push_words(marker, words, count);
        return;
    }
    count = marker_slice(marker, words, count);
    part.end = part.first + count;
    marker->scanned_bytes += count * sizeof(gait_word);
    if (layout == GAIT_CONSERVATIVE)
        marker_push_conservative(marker, words, count);
    else if (layout == GAIT_REPEAT || layout == GAIT_TAGGED)
        push_repeat(marker, kind, &part);
    else if (layout == GAIT_BITMAP)
        push_bitmap(marker, &part, kind->bitmap, kind->interior);
    else
        push_pairs(marker, words, count);
}

/* One that is large waits for its keys in any case; what is marked by now is found by slices. */
static void scan_pairs(struct marker *marker, const struct kind *kind, struct part part) {
    const gait_word *pairs = part.object + part.first;
    size_t count = part.words - part.first;
    if (count > MARK_SLICE_WORDS && marker_defer(marker, (char *)part.object)) {
        scan_part(marker, kind, GAIT_EPHEMERON, part, count);
        return;
    }
    marker->scanned_bytes += count * sizeof(gait_word);
    if (push_pairs(marker, pairs, count) && !marker_defer(marker, (char *)part.object))
        /* no memory to wait for its keys: keep its values, in this cycle */
        marker_push_range(marker, pairs, count);
}

void marker_scan_pairs(struct marker *marker, char *start, page_entry entry, size_t bytes,
                       size_t first, size_t end) {
    size_t words = bytes / sizeof(gait_word);
    size_t head = head_words(&marker->space->kinds[ENTRY_KIND(entry)], words);
    if (end <= head)
        return;
    first = first > head ? first - (first - head) % 2 : head;
    end += (end - head) % 2;
    end = end < words ? end : words;
    const gait_word *pairs = (const gait_word *)start + first;
    marker->scanned_bytes += (end - first) * sizeof(gait_word);
    if (push_pairs(marker, pairs, end - first) && !marker_defer(marker, start))
        marker_push_range(marker, pairs, end - first); /* as scan_pairs */
}

void marker_scan(struct marker *marker, char *start, page_entry entry, size_t bytes) {
    const struct kind *kind = &marker->space->kinds[ENTRY_KIND(entry)];
    size_t words = bytes / sizeof(gait_word), head = head_words(kind, words);
    gait_layout layout = (gait_layout)ENTRY_LAYOUT(entry);
    struct part part = {(const gait_word *)start, 0, 0, words};
    switch (layout) {
    case GAIT_LEAF:
        return;
    case GAIT_PREFIX:
    case GAIT_WEAK:
        marker_push_words(marker, part.object, head);
        return;
    case GAIT_REFS:
        marker_push_words(marker, part.object, words);
        return;
    case GAIT_BITMAP:
        if (kind->bitmap)
            scan_part(marker, kind, layout, part, head);
        return;
    case GAIT_REPEAT:
    case GAIT_TAGGED:
    case GAIT_CONSERVATIVE:
        scan_part(marker, kind, layout, part, words);
        return;
    case GAIT_CALLBACK:
        if (AO_int_load(&marker->space->defers))
            return; /* as marked as it is, it is scanned then */
        kind->scan(&marker->visitor, start, bytes, kind->scan_data);
        marker->scanned_bytes += bytes;
        return;
    case GAIT_EPHEMERON:
        marker_push_words(marker, part.object, head);
        part.first = head;
        scan_pairs(marker, kind, part);
        return;
    }
}

void marker_scan_slice(struct marker *marker, const gait_word *words, size_t count) {
    struct cell cell;
    gait_word address = (gait_word)words;
    bool holds = space_holds(marker->space, address);
    if (holds && arenas_of(marker->space, address)) {
        marker_scan_arena(marker, words, count);
        return;
    }
    if (!holds || !space_cell(marker->space, address, &cell)) {
        marker_push_words(marker, words, count); /* of a static range */
        return;
    }
    size_t bytes = entry_cell_bytes(marker->space, cell.entry, cell.head);
    struct part part = {(const gait_word *)cell.start, 0, 0, bytes / sizeof(gait_word)};
    part.first = (size_t)(words - part.object);
    scan_part(marker, &marker->space->kinds[ENTRY_KIND(cell.entry)],
              (gait_layout)ENTRY_LAYOUT(cell.entry), part, count);
}

void marker_visit_object(struct space *space, struct gait_visitor *visitor, char *start,
                         page_entry entry, size_t bytes) {
    const struct kind *kind = &space->kinds[ENTRY_KIND(entry)];
    const gait_word *object = (const gait_word *)start;
    gait_layout layout = (gait_layout)ENTRY_LAYOUT(entry);
    size_t words = bytes / sizeof(gait_word);
    if (layout == GAIT_CALLBACK) {
        kind->scan(visitor, start, bytes, kind->scan_data);
        return;
    }
    bool whole = layout == GAIT_REFS || layout == GAIT_CONSERVATIVE || layout == GAIT_REPEAT ||
                 layout == GAIT_TAGGED;
    size_t end = whole ? words : head_words(kind, words);
    for (size_t i = 0; i < end; i++)
        if (kind_refers_now(kind, object, words, i, tag_read)) {
            visitor->at = &object[i];
            visitor->visit(visitor, word_read(&object[i]), kind_points_inside(kind, words, i));
        }
}

/* ---- The API's visits ---- */

/* Odd, with bits all over: of splitmix64. */
#define PLACES_FACTOR UINT64_C(0xbf58476d1ce4e5b9)

void gait_visit(gait_visitor *visitor, gait_word word) {
    visitor->words++;
    visitor->at = NULL;
    visitor->visit(visitor, word, false);
}

void gait_visit_coroutine(gait_visitor *visitor, gait_coroutine *coroutine) {
    if (coroutine && visitor->reach)
        visitor->reach(visitor, coroutine);
}

static void visit_range(gait_visitor *visitor, const gait_word *words, size_t count,
                        bool conservative) {
    visitor->words += count;
    visitor->places = (visitor->places ^ (uintptr_t)words ^ count << 48) * PLACES_FACTOR;
    visitor->places ^= visitor->places >> 32;
    visitor_visit(visitor, words, count, conservative);
}

void gait_visit_range(gait_visitor *visitor, const gait_word *words, size_t count) {
    visit_range(visitor, words, count, false);
}

void gait_visit_conservative(gait_visitor *visitor, const gait_word *words, size_t count) {
    visit_range(visitor, words, count, true);
}
