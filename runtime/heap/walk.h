/* SPDX-License-Identifier: MIT */
/*
 * A walk over the cells of a heap whose bits are set, beside mutators that take fresh spans.
 *
 *   .inv.walk: a span that is USED has its entries, and stays what it is until it is swept. So a
 *   walk has to be over before sweeping opens. It meets every span that there was as it began; one
 *   that is taken meanwhile it may meet or not.
 */
#ifndef GAIT_WALK_H
#define GAIT_WALK_H

#include "space.h"

struct walk {
    /* Does the walk look into this span? */
    bool (*wants)(void *data, const struct span *span, page_entry entry);
    /* A cell whose bit is set. What it sets in the same word of 64 may be passed over. */
    void (*cell)(void *data, char *start, page_entry entry, size_t bytes);
    void *data;
    bool alone; /* only cells whose other bit is clear */
    bool both;  /* only cells whose other bit is set   */
};

/** side: which of each pair of words is looked at; an epoch's low bit for allocations. */
void walk_cells(const struct space *space, unsigned side, const struct walk *walk);

/* Does a span in use begin at this page? The state first: the entries follow from it. */
static inline bool walk_is_span(const struct space *space, size_t page) {
    return span_state(&space->spans[page]) == SPAN_USED;
}

#endif
