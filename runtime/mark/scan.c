/* SPDX-License-Identifier: MIT */
/*
 * Where the references of an object lie: one scan per layout, for markers and for any visitor.
 */
#include "marker.h"

static void push_bitmap(struct marker *marker, const gait_word *words, size_t count,
                        const uint64_t *bitmap) {
    for (size_t at = 0; at < count; at += 64)
        for (uint64_t bits = bitmap[at >> 6]; bits; bits &= bits - 1) {
            size_t i = at + (size_t)__builtin_ctzll(bits);
            if (i < count)
                marker_push(marker, word_read(&words[i]));
        }
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

void marker_scan(struct marker *marker, char *start, page_entry entry, size_t bytes) {
    const struct kind *kind = &marker->space->kinds[ENTRY_KIND(entry)];
    const gait_word *object = (const gait_word *)start;
    size_t words = bytes / sizeof(gait_word), head;
    switch ((gait_layout)ENTRY_LAYOUT(entry)) {
    case GAIT_LEAF:
        return;
    case GAIT_PREFIX:
        words = head_words(kind, words);
        /* fall through */
    case GAIT_REFS:
        marker_push_words(marker, object, words);
        return; /* counted there: the rest of a large object is scanned later */
    case GAIT_BITMAP:
        head = head_words(kind, words);
        if (kind->bitmap)
            push_bitmap(marker, object, head, kind->bitmap);
        bytes = head * sizeof(gait_word);
        break;
    case GAIT_REPEAT:
        head = head_words(kind, words);
        if (kind->bitmap)
            push_bitmap(marker, object, head, kind->bitmap);
        for (size_t at = head; at + kind->element_words <= words; at += kind->element_words)
            push_bitmap(marker, object + at, kind->element_words, &kind->element_bitmap);
        break;
    case GAIT_CALLBACK:
        kind->scan(&marker->visitor, start, bytes, kind->scan_data);
        break;
    case GAIT_CONSERVATIVE:
        for (size_t i = 0; i < words; i++)
            marker_push_interior(marker, word_read(&object[i]));
        break;
    case GAIT_WEAK:
        marker_push_range(marker, object, head_words(kind, words));
        break;
    case GAIT_EPHEMERON:
        head = head_words(kind, words);
        marker_push_range(marker, object, head);
        if (push_pairs(marker, object + head, words - head) && !marker_defer(marker, start))
            /* no memory to wait for its keys: keep its values, in this cycle */
            marker_push_range(marker, object + head, words - head);
        break;
    }
    marker->scanned_bytes += bytes;
}

void marker_visit_object(struct space *space, struct gait_visitor *visitor, char *start,
                         page_entry entry, size_t bytes) {
    const struct kind *kind = &space->kinds[ENTRY_KIND(entry)];
    const gait_word *object = (const gait_word *)start;
    size_t words = bytes / sizeof(gait_word), head = head_words(kind, words);
    switch ((gait_layout)ENTRY_LAYOUT(entry)) {
    case GAIT_LEAF:
        return;
    case GAIT_CALLBACK:
        kind->scan(visitor, start, bytes, kind->scan_data);
        return;
    case GAIT_REFS:
    case GAIT_CONSERVATIVE:
        for (size_t i = 0; i < words; i++)
            visitor->visit(visitor, word_read(&object[i]), kind->layout == GAIT_CONSERVATIVE);
        return;
    case GAIT_PREFIX:
    case GAIT_WEAK:
    case GAIT_EPHEMERON:
        for (size_t i = 0; i < head; i++)
            visitor->visit(visitor, word_read(&object[i]), false);
        return;
    case GAIT_BITMAP:
    case GAIT_REPEAT:
        for (size_t i = 0; i < head; i++)
            if (kind->bitmap && kind->bitmap[i >> 6] >> (i & 63) & 1)
                visitor->visit(visitor, word_read(&object[i]), false);
        for (size_t i = head; kind->layout == GAIT_REPEAT && i < words; i++) {
            size_t in_element = (i - head) % kind->element_words;
            bool whole = i - in_element + kind->element_words <= words;
            if (whole && kind->element_bitmap >> in_element & 1)
                visitor->visit(visitor, word_read(&object[i]), false);
        }
        return;
    }
}

/* ---- The API's visits ---- */

void gait_visit(gait_visitor *visitor, gait_word word) {
    visitor->words++;
    visitor->visit(visitor, word, false);
}

void gait_visit_range(gait_visitor *visitor, const gait_word *words, size_t count) {
    visitor->words += count;
    for (size_t i = 0; i < count; i++)
        visitor->visit(visitor, word_read(&words[i]), false);
}

void gait_visit_conservative(gait_visitor *visitor, const gait_word *words, size_t count) {
    visitor->words += count;
    for (size_t i = 0; i < count; i++)
        visitor->visit(visitor, word_read(&words[i]), true);
}
