/* SPDX-License-Identifier: MIT */
/*
 * gccheckmark, before a minor cycle: what of old objects refers to young ones lies on dirty cards.
 * See verify.h.
 */
#include "verify.h"

#include "../heap/walk.h"
#include "../instance.h"
#include "../observe/observe.h"

#define REPORTS_MAX 8

struct look {
    gait_heap *heap;
    unsigned epoch;
    size_t missed;
};

/* Is the cell that an address leads to allocated and not marked? Not where the program has freed
 * memory: the word may be of what was there before, in what is garbage itself (docs/design/heap.md,
 * Freeing). That was at the address; the cell may begin on another page. */
static bool cell_is_young(const struct look *look, const struct cell *cell, gait_word address) {
    const struct space *space = &look->heap->space;
    return cell_allocated(cell, look->epoch) && !cell_marked(cell, look->epoch) &&
           !AO_char_load(&space->spans[space_page(space, address)].reborn);
}

/* Is it a reference to an object that is not marked? */
static bool is_young(const struct look *look, gait_word word, bool conservative) {
    const struct space *space = &look->heap->space;
    gait_word address = word & look->heap->value_mask;
    struct cell cell;
    if (conservative && space_holds(space, word) && space_cell(space, word, &cell))
        return cell_is_young(look, &cell, word);
    return space_holds(space, address) && space_cell(space, address, &cell) &&
           (conservative || cell_is_meant(space, &cell, address)) &&
           cell_is_young(look, &cell, address);
}

static void tell(struct look *look, const char *start, page_entry entry, const gait_word *slot) {
    gait_heap *heap = look->heap;
    if (look->missed++ >= REPORTS_MAX)
        return;
    if (look->missed == 1)
        observe_flush(heap); /* the report is written at once: nothing comes after it */
    struct line line = {.length = 0};
    line_add(&line, "gccheckmark: no card remembers that %p (%s), which is old, refers to %p",
             (const void *)start, heap->space.kinds[ENTRY_KIND(entry)].name, (void *)*slot);
    line_add(&line, ", which is not, at byte %zu", (size_t)((const char *)slot - start));
    line_write(&line, heap->log);
}

/* Of pairs the value counts: a key keeps nothing alive. A look at a card sees whole pairs. */
static bool is_remembered(const struct cards *cards, const char *start, const gait_word *slot,
                          bool value) {
    return card_is_dirty(cards, (uintptr_t)slot) ||
           (value && card_is_dirty(cards, (uintptr_t)(slot - 1))) ||
           (cards->by_object && card_is_dirty(cards, (uintptr_t)start));
}

static unsigned char byte_read(const unsigned char *byte) { return *byte; }

static bool span_is_carded(void *data, const struct span *span, page_entry entry) {
    (void)data, (void)span;
    return ENTRY_LAYOUT(entry) != GAIT_LEAF && ENTRY_LAYOUT(entry) != GAIT_CALLBACK;
}

static void look_at_old(void *data, char *start, page_entry entry, size_t bytes) {
    struct look *look = data;
    const struct space *space = &look->heap->space;
    const struct kind *kind = &space->kinds[ENTRY_KIND(entry)];
    const gait_word *words = (const gait_word *)start;
    size_t count = bytes / sizeof(gait_word), head = head_words(kind, count);
    for (size_t i = 0; i < count; i++) {
        bool value = kind->layout == GAIT_EPHEMERON && i > head && (i - head) % 2 == 1;
        if ((value || kind_refers_now(kind, words, count, i, byte_read)) &&
            is_young(look, words[i], kind_points_inside(kind, count, i)) &&
            !is_remembered(&space->cards, start, &words[i], value))
            tell(look, start, entry, &words[i]);
    }
}

void verify_cards(gait_heap *heap) {
    struct look look = {heap, space_epoch(&heap->space), 0};
    walk_cells(&heap->space, ~look.epoch & 1,
               &(struct walk){.wants = span_is_carded, .cell = look_at_old, .data = &look});
    if (look.missed > 0)
        platform_fatal("gccheckmark: %zu references from old objects to young ones are not "
                       "remembered by a card; the log has them",
                       look.missed);
}
