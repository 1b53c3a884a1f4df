/* SPDX-License-Identifier: MIT */
/*
 * Walking spans and their cells. See walk.h.
 */
#include "walk.h"

static void walk_span(const struct space *space, size_t page, page_entry entry, unsigned side,
                      const struct walk *walk) {
    const struct span *span = &space->spans[page];
    const uint64_t *bits = space_bits(space, page);
    char *start = space_page_start(space, page);
    size_t bytes = span_cell_bytes(span);
    for (size_t first = 0; first < span->cells; first += 64) {
        const uint64_t *pair = &bits[2 * (first >> 6)];
        uint64_t set = bits_get(&pair[side]);
        if (walk->alone)
            set &= ~bits_get(&pair[side ^ 1]);
        else if (walk->both)
            set &= bits_get(&pair[side ^ 1]);
        for (; set; set &= set - 1) {
            size_t cell = first + (size_t)__builtin_ctzll(set);
            walk->cell(walk->data, start + cell * bytes, entry, bytes);
        }
    }
}

void walk_cells(const struct space *space, unsigned side, const struct walk *walk) {
    size_t pages = AO_load_acquire(&space->extent_bytes) >> PAGE_SHIFT;
    for (size_t page = 0; page < pages;) {
        const struct span *span = &space->spans[page];
        if (!walk_is_span(space, page)) {
            enum span_state state = span_state(span);
            /* a chunk that has gone since, and what is there now, hold nothing of before */
            page += state == SPAN_ARENA || state == SPAN_ADDRESSES ? span_pages_now(span) : 1;
            continue;
        }
        page_entry entry = space_entry(space, page);
        size_t length = span_pages_now(span);
        if (walk->wants(walk->data, span, entry))
            walk_span(space, page, entry, side, walk);
        page += length;
    }
}
