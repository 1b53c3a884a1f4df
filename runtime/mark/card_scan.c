/* SPDX-License-Identifier: MIT */
/*
 * The cards of a minor cycle: what was stored to old objects since the last one. See
 * docs/design/minor.md.
 *
 * The collector pushes a piece for each 32 KiB with a dirty card; whichever marker meets one takes
 * its cards and scans. So the queue's end is the end of the cards too.
 *
 *   .inv.taken: a card is cleaned before what it covers is read. It is taken only when all
 *   mutators' roots were scanned: what is stored after that was shaded.
 *
 * In a heap with GAIT_OBJECT_BARRIER an object is written to as a whole, and its first card says
 * so: it costs the program the same for objects of any size. There cards are taken in every cycle,
 * and more than once: docs/design/objects.md.
 */
#include <string.h>

#include "../platform/perturb.h"
#include "arenas.h"
#include "marker.h"

/* What one piece covers: a slice's worth of words and more, some 20 us. */
#define PIECE_BYTES ((uintptr_t)32768)

/* ---- What a card covers ---- */

/* An object of which some words lie on a dirty card. */
struct touched {
    char *start;
    page_entry entry;
    size_t bytes;
};

/* A tag that its owner may be initialising. */
static unsigned char byte_read(const unsigned char *byte) {
    uintptr_t offset = (uintptr_t)byte % sizeof(gait_word);
    gait_word word;
    marker_copy_words(&word, (const gait_word *)(const void *)(byte - offset), 1);
    return ((const unsigned char *)&word)[offset];
}

/* The most words of an element, by their bitmap. */
#define ELEMENT_WORDS ((size_t)64)

/* .inv.element: of elements that say themselves which of their words count, all words are looked at
 * where one is: a tag may lie on the card, and on the page, beside that of its word. */
static void widen(const struct kind *kind, size_t words, size_t *first, size_t *end) {
    size_t head = head_words(kind, words), length = kind->element_words;
    if (*first > head)
        *first -= (*first - head) % length;
    if (*end > head)
        *end += (length - (*end - head) % length) % length;
    if (*end > words)
        *end = words;
}

/* Push the strong words of an object from first to below end, at most a card. */
static void push_words(struct marker *marker, const struct touched *object, size_t first,
                       size_t end) {
    const struct kind *kind = &marker->space->kinds[ENTRY_KIND(object->entry)];
    size_t words = object->bytes / sizeof(gait_word);
    gait_layout layout = (gait_layout)ENTRY_LAYOUT(object->entry);
    gait_word copy[CARD_WORDS + 2 * ELEMENT_WORDS];
    if (layout == GAIT_TAGGED)
        widen(kind, words, &first, &end);
    if (layout == GAIT_PREFIX || layout == GAIT_WEAK || layout == GAIT_EPHEMERON)
        end = head_words(kind, end);
    if (first >= end)
        return;
    /* next to what is old its owner may be initialising an object by plain stores */
    marker_copy_words(copy, (const gait_word *)object->start + first, end - first);
    bool chosen = layout == GAIT_BITMAP || layout == GAIT_REPEAT || layout == GAIT_TAGGED;
    if (!chosen && layout != GAIT_CONSERVATIVE) {
        marker_push_words(marker, copy, end - first);
        return;
    }
    marker->scanned_bytes += (end - first) * sizeof(gait_word);
    if (!chosen) {
        marker_push_conservative(marker, copy, end - first);
        return;
    }
    for (size_t i = first; i < end; i++) {
        if (!kind_refers_now(kind, (const gait_word *)object->start, words, i, byte_read))
            continue;
        if (kind_points_inside(kind, words, i))
            marker_push_interior(marker, copy[i - first]);
        else
            marker_push(marker, copy[i - first]);
    }
}

/* Scan the words of an object from first to below end. */
static void scan_touched(void *data, const struct touched *object, size_t first, size_t end) {
    struct marker *marker = data;
    push_words(marker, object, first, end);
    if (ENTRY_LAYOUT(object->entry) == GAIT_EPHEMERON)
        marker_scan_pairs(marker, object->start, object->entry, object->bytes, first, end);
}

/* Is a cell marked? What no reference has led to may be a span that is being made: what of it is
 * not in its entry, a large object's size, is read after this. */
static bool is_marked(const uint64_t *bits, size_t index) {
    const uint64_t *pair = &bits[2 * (index >> 6)];
    uint64_t both = bits_get(&pair[0]) & bits_get(&pair[1]);
    return both >> (index & 63) & 1;
}

/* What is done with the words of an object from first to below end, which lie on one card. */
typedef void touched_fn(void *data, const struct touched *object, size_t first, size_t end);

/* For the marked objects on a card. Inline, so that touched is known. */
static inline void each_touched(const struct space *space, uintptr_t card, touched_fn *touched,
                                void *data) {
    struct cell cell;
    if (!space_cell(space, card, &cell) || ENTRY_LAYOUT(cell.entry) == GAIT_LEAF ||
        ENTRY_LAYOUT(cell.entry) == GAIT_CALLBACK)
        return;
    bool large = ENTRY_CLASS(cell.entry) == CLASS_LARGE;
    const struct class_info *info = &class_table[ENTRY_CLASS(cell.entry)];
    const char *low = (const char *)card, *high = low + CARD_BYTES;
    char *span = space_page_start(space, cell.head);
    size_t cells = large ? 1 : info->cells;
    size_t index = large ? 0 : (size_t)(cell.start - span) / info->cell_bytes;
    uint64_t *bits = space_bits(space, cell.head);
    struct touched object = {cell.start, cell.entry, 0};
    for (; index < cells && object.start < high; index++, object.start += info->cell_bytes) {
        if (!is_marked(bits, index))
            continue;
        object.bytes = entry_cell_bytes(space, cell.entry, cell.head);
        size_t words = object.bytes / sizeof(gait_word);
        size_t first = low > object.start ? (size_t)(low - object.start) / sizeof(gait_word) : 0;
        size_t end = (size_t)(high - object.start) / sizeof(gait_word);
        bool whole = space->cards.by_object && !large && object.start >= low;
        end = end < words && !whole ? end : words;
        for (size_t next; first < end; first = next) {
            next = end - first < CARD_WORDS ? end : first + CARD_WORDS;
            touched(data, &object, first, next);
        }
    }
}

/* Does a large object that is marked begin here, in a heap where its first card stands for all?
 * @return its bytes; 0: none does. */
static size_t large_bytes(const struct space *space, uintptr_t start) {
    struct cell cell;
    if (!space->cards.by_object || !space_cell(space, start, &cell) ||
        ENTRY_CLASS(cell.entry) != CLASS_LARGE || (uintptr_t)cell.start != start ||
        !is_marked(space_bits(space, cell.head), 0))
        return 0;
    return entry_cell_bytes(space, cell.entry, cell.head);
}

/* Its first card was taken: so are the others, each by the marker that takes the piece that it lies
 * in. */
static void spread(struct marker *marker, uintptr_t start, size_t bytes) {
    uintptr_t end = start + bytes, first = start - (start - marker->base) % PIECE_BYTES;
    cards_renew(&marker->space->cards, (char *)start + CARD_GROUP_BYTES, (char *)end);
    for (uintptr_t piece = first + PIECE_BYTES; piece < end; piece += PIECE_BYTES)
        marker_push_cards(marker, piece);
}

static bool is_traced_arena(const struct space *space, uintptr_t address) {
    const struct arena *arena = arenas_of(space, address);
    return arena && arena_state(arena) != ARENA_FREED && (arena->flags & ARENA_TRACED);
}

/* Take the cards of a group, and scan what they cover. */
static void scan_group(struct marker *marker, uintptr_t start) {
    if (marker->space->cards.by_object && is_traced_arena(marker->space, start))
        return; /* the collector takes these, with what it knows of the arena */
    uint64_t dirty = cards_take(&marker->space->cards, start);
    if (!dirty)
        return;
    PERTURB(CARDS_TAKEN);
    unsigned char cards[CARD_GROUP];
    memcpy(cards, &dirty, sizeof cards);
    size_t bytes = cards[0] ? large_bytes(marker->space, start) : 0;
    if (bytes > 0) {
        memset(cards, 1, sizeof cards);
        spread(marker, start, bytes);
    }
    for (size_t i = 0; i < CARD_GROUP; i++)
        if (cards[i])
            each_touched(marker->space, start + i * CARD_BYTES, scan_touched, marker);
}

/* ---- Objects with a function of their own ----
 *
 * What their function visits may lie anywhere, so cards say nothing of them: old ones are scanned
 * in each minor cycle. */

static bool is_called(page_entry entry) {
    return ENTRY_CLASS(entry) != 0 && ENTRY_LAYOUT(entry) == GAIT_CALLBACK;
}

bool kinds_are_called(const struct space *space, size_t kinds) {
    for (size_t kind = 0; kind < kinds; kind++)
        if (space->kinds[kind].layout == GAIT_CALLBACK && AO_load(&space->kinds[kind].span_bytes))
            return true;
    return false;
}

/* Scan the marked cells that begin in a page. */
static void scan_called(struct marker *marker, size_t page) {
    const struct space *space = marker->space;
    page_entry entry = space_entry(space, page);
    if (!is_called(entry))
        return;
    size_t head = page - ENTRY_BACK(entry);
    const struct class_info *info = &class_table[ENTRY_CLASS(entry)];
    bool large = ENTRY_CLASS(entry) == CLASS_LARGE;
    if (large && page != head)
        return;
    char *span = space_page_start(space, head), *start = space_page_start(space, page);
    size_t step = large ? PAGE_BYTES : info->cell_bytes;
    size_t cells = large ? 1 : info->cells;
    const uint64_t *bits = space_bits(space, head);
    for (size_t index = ((size_t)(start - span) + step - 1) / step;
         index < cells && span + index * step < start + PAGE_BYTES; index++)
        if (is_marked(bits, index))
            marker_scan(marker, span + index * step, entry, entry_cell_bytes(space, entry, head));
}

/* ---- Pieces ---- */

void marker_scan_cards(struct marker *marker, gait_word piece) {
    size_t before = marker->scanned_bytes;
    for (uintptr_t at = piece; at < piece + PIECE_BYTES; at += CARD_GROUP_BYTES)
        scan_group(marker, at);
    for (uintptr_t at = piece; at < piece + PIECE_BYTES; at += PAGE_BYTES)
        scan_called(marker, space_page(marker->space, at));
    counter_add(&marker->space->cards.work_bytes, marker->scanned_bytes - before);
}

static bool has_dirty(const struct space *space, uintptr_t piece) {
    for (uintptr_t at = piece; at < piece + PIECE_BYTES; at += CARD_GROUP_BYTES)
        if (AO_load((volatile AO_t *)cards_group(&space->cards, at)))
            return true;
    return false;
}

static bool has_called(const struct space *space, uintptr_t piece) {
    for (uintptr_t at = piece; at < piece + PIECE_BYTES; at += PAGE_BYTES)
        if (is_called(space_entry(space, space_page(space, at))))
            return true;
    return false;
}

void cards_push(struct marker *marker, size_t kinds) {
    const struct space *space = marker->space;
    uintptr_t end = marker->base + AO_load_acquire(&space->extent_bytes);
    bool called = kinds_are_called(space, kinds);
    for (uintptr_t piece = marker->base; piece < end; piece += PIECE_BYTES)
        if (has_dirty(space, piece) || (called && has_called(space, piece)))
            marker_push_cards(marker, piece);
}

void cards_wipe(struct marker *marker) {
    const struct space *space = marker->space;
    uintptr_t end = marker->base + AO_load_acquire(&space->extent_bytes);
    for (uintptr_t at = marker->base; at < end; at += CARD_GROUP_BYTES) {
        volatile AO_t *group = (volatile AO_t *)cards_group(&space->cards, at);
        if (AO_load(group))
            AO_store(group, 0);
    }
}

/* ---- How much is dirty ---- */

static void count_touched(void *data, const struct touched *object, size_t first, size_t end) {
    (void)object;
    *(uint64_t *)data += (end - first) * sizeof(gait_word);
}

uint64_t cards_dirty_bytes(const struct space *space) {
    uint64_t bytes = 0;
    size_t extent = AO_load_acquire(&space->extent_bytes);
    for (size_t at = 0; at < extent; at += CARD_BYTES) {
        uintptr_t card = (uintptr_t)space->base + at;
        if (at % CARD_GROUP_BYTES == 0 &&
            !AO_load((volatile AO_t *)cards_group(&space->cards, card)))
            at += CARD_GROUP_BYTES - CARD_BYTES;
        else if (card_is_dirty(&space->cards, card)) {
            if (is_traced_arena(space, card))
                bytes += CARD_BYTES;
            each_touched(space, card, count_touched, &bytes);
            bytes += large_bytes(space, card);
        }
    }
    return bytes;
}
