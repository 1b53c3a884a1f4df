/* SPDX-License-Identifier: MIT */
/*
 * Counting spans by the sizes of their objects. See census.h.
 *
 * It reads what it may read of pages that it does not own: their state, their length, their entry;
 * all of them atomic. The three may be of different moments: then a span counts as another one's
 * class, or the walk goes on in the middle of one, where no state says that a span begins.
 */
#include "census.h"

#include <string.h>

#include "space.h"

static const size_t bounds[CENSUS_GROUPS] = {16, 64, 256, 1024, 4096, 32768, 0};

size_t census_bound_bytes(unsigned group) { return bounds[group]; }

static unsigned group_of(unsigned size_class) {
    unsigned group = 0;
    while (group + 1 < CENSUS_GROUPS && class_table[size_class].cell_bytes > bounds[group])
        group++;
    return size_class == CLASS_LARGE ? CENSUS_GROUPS - 1 : group;
}

void census_take(const struct space *space, uint64_t bytes[CENSUS_GROUPS]) {
    size_t pages = AO_load_acquire(&space->extent_bytes) >> PAGE_SHIFT;
    memset(bytes, 0, CENSUS_GROUPS * sizeof *bytes);
    for (size_t page = 0, length; page < pages; page += length) {
        const struct span *span = &space->spans[page];
        enum span_state state = span_state(span);
        length = state == SPAN_NONE ? 1 : span_pages_now(span);
        if (length == 0)
            length = 1;
        unsigned size_class = ENTRY_CLASS(space_entry(space, page));
        if (state == SPAN_USED && size_class != 0 && size_class != CLASS_ARENA)
            bytes[group_of(size_class)] += (uint64_t)length << PAGE_SHIFT;
    }
}

void census_hand(struct census_handed *handed, unsigned size_class, size_t bytes) {
    counter_add(&handed->bytes[group_of(size_class)], bytes);
}
