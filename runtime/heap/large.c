/* SPDX-License-Identifier: MIT */
/*
 * Longer and shorter spans of large objects. See large.h.
 */
#include "large.h"

#include "kinds.h"

bool large_extend(struct space *space, struct span *span, size_t count, bool *zeroed) {
    size_t page = span_page(space, span), pages = span_pages_now(span);
    if (!space_take_pages_at(space, page + pages, count, zeroed))
        return false;
    page_entry entry = space_entry(space, page);
    for (size_t back = pages; back < pages + count; back++)
        AO_store((volatile AO_t *)&space->entries[page + back],
                 entry | (page_entry)back << ENTRY_BACK_SHIFT);
    counter_add(&space->kinds[span->kind].span_bytes, count << PAGE_SHIFT);
    span_set_pages(span, pages + count);
    return true;
}

void large_give(struct space *space, struct span *span, size_t kept) {
    size_t pages = span_pages_now(span);
    counter_sub(&space->kinds[span->kind].span_bytes, (pages - kept) << PAGE_SHIFT);
    if (kept > 0) {
        struct span *rest = span + kept;
        span_set_pages(span, kept);
        span_set_pages(rest, pages - kept);
        span = rest;
    }
    space_give_pages(space, span);
}
