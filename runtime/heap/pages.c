/* SPDX-License-Identifier: MIT */
/*
 * The page heap: free runs of pages in bins by length, joined with their neighbours when pages come
 * back, taken best fit first. Pages that the OS has back stay in the runs, marked page by page, and
 * are taken last.
 *
 * See pages.h for the invariant. Everything here runs with the lock PAGES held, except for the
 * calls into the OS that space_scavenge makes: it takes the pages out of the runs meanwhile.
 */
#include "pages.h"

#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"

/* How many pages space_scavenge gives back in one call of the OS: long enough to be cheap, short
 * enough not to hold a large run out of reach. Guess: 1 MiB. */
#define SCAVENGE_PAGES 128

static unsigned bin_of(size_t pages) {
    if (pages < 64)
        return (unsigned)pages;
    unsigned shift = 61 - (unsigned)__builtin_clzll(pages); /* 64 .. 79 -> 4 .. */
    return 64 + 4 * (shift - 4) + (unsigned)((pages >> shift) & 3);
}

static bool is_released(struct space *space, size_t page) {
    return (space_entry(space, page) & ENTRY_RELEASED) != 0;
}

static struct page_bin_set *bin_set_of(struct space *space, const struct span *run) {
    return run->zeroed ? &space->bins->released : &space->bins->kept;
}

static void bin_add(struct space *space, struct span *run) {
    size_t first = span_page(space, run);
    run->zeroed = is_released(space, first) && is_released(space, first + run->pages - 1);
    struct page_bin_set *set = bin_set_of(space, run);
    unsigned bin = bin_of(run->pages);
    span_set_previous(run, NULL);
    run->next = set->heads[bin];
    if (run->next)
        span_set_previous(run->next, run);
    set->heads[bin] = run;
    set->filled[bin >> 6] |= (uint64_t)1 << (bin & 63);
}

static void bin_remove(struct space *space, struct span *run) {
    struct page_bin_set *set = bin_set_of(space, run);
    unsigned bin = bin_of(run->pages);
    if (run->previous)
        run->previous->next = run->next;
    else if (!(set->heads[bin] = run->next))
        set->filled[bin >> 6] &= ~((uint64_t)1 << (bin & 63));
    if (run->next)
        span_set_previous(run->next, run->previous);
    span_set_state(run, SPAN_NONE);
}

static void entry_set(struct space *space, size_t page, page_entry entry) {
    AO_store((volatile AO_t *)&space->entries[page], entry);
}

/* Have a free page's entry lead back to the first page of its run. */
static void entry_lead_back(struct space *space, size_t page, size_t back) {
    page_entry flags = space_entry(space, page) & (ENTRY_FREE | ENTRY_RELEASED);
    entry_set(space, page, flags | (page_entry)back << ENTRY_BACK_SHIFT);
}

/* Give a run that is in no bin its descriptor and the entries that lead back, and put it into its
 * bin. */
static void run_link(struct space *space, size_t first, size_t count) {
    struct span *run = &space->spans[first];
    span_set_state(run, SPAN_FREE);
    span_set_pages(run, count);
    entry_lead_back(space, first + count - 1, count - 1);
    bin_add(space, run);
}

void run_insert(struct space *space, size_t first, size_t count, page_entry flags) {
    for (size_t page = first; page < first + count; page++)
        entry_set(space, page, ENTRY_FREE | flags);
    if (first > 0 && (space_entry(space, first - 1) & ENTRY_FREE)) {
        size_t before = first - 1 - ENTRY_BACK(space_entry(space, first - 1));
        bin_remove(space, &space->spans[before]);
        count += first - before;
        first = before;
    }
    size_t after = first + count;
    if (after < AO_load(&space->extent_bytes) >> PAGE_SHIFT &&
        span_state(&space->spans[after]) == SPAN_FREE) {
        bin_remove(space, &space->spans[after]);
        count += space->spans[after].pages;
    }
    run_link(space, first, count);
    if (first + count > space->scavenge_top && !flags)
        space->scavenge_top = first + count;
}

/* The run of a set to take count pages from: the best fit, or one of the next larger bin. */
static struct span *set_find(const struct page_bin_set *set, size_t count) {
    unsigned bin = bin_of(count);
    struct span *best = NULL;
    for (struct span *run = set->heads[bin]; run; run = run->next)
        if (run->pages >= count && (!best || run->pages < best->pages)) {
            best = run;
            if (run->pages == count)
                return run;
        }
    if (best)
        return best;
    for (bin++; bin < PAGE_BINS; bin = (bin | 63) + 1) {
        uint64_t filled = set->filled[bin >> 6] >> (bin & 63);
        if (filled)
            return set->heads[bin + (unsigned)__builtin_ctzll(filled)];
    }
    return NULL;
}

static struct span *run_find(struct space *space, size_t count) {
    struct span *run = set_find(&space->bins->kept, count);
    return run ? run : set_find(&space->bins->released, count);
}

/* Take count pages from the start of a run, or, unless those are wanted (`at`), from its end if
 * only there the OS has none; *released: how many of them the OS has. @return the first page. */
static size_t run_take(struct space *space, struct span *run, size_t count, bool at,
                       size_t *released) {
    size_t start = span_page(space, run), total = run->pages, first = start;
    if (!at && is_released(space, start) && !is_released(space, start + total - 1))
        first += total - count;
    bin_remove(space, run);
    *released = 0;
    for (size_t page = first; page < first + count; page++) {
        *released += is_released(space, page);
        entry_set(space, page, 0);
    }
    if (first > start)
        run_link(space, start, first - start);
    else if (total > count)
        run_link(space, first + count, total - count);
    return first;
}

/* Take count pages of a run; `at`: its first ones. The lock is held, and let go. Inline: each run
 * of a fresh span comes here. */
static inline __attribute__((always_inline)) struct span *pages_take(struct space *space,
                                                                     struct span *run, size_t count,
                                                                     bool at, bool *zeroed,
                                                                     AO_t *counter) {
    size_t released;
    struct span *span = &space->spans[run_take(space, run, count, at, &released)];
    lock_release(&space->lock);
    PERTURB(PAGES_TAKEN);
    *zeroed = released == count;
    /* room under the limit is made before the pages count as the heap's */
    if (released && space->hooks.before_grow)
        space->hooks.before_grow(space->hooks.data, released << PAGE_SHIFT);
    counter_add(counter, count << PAGE_SHIFT);
    if (released)
        counter_sub(&space->released_bytes, released << PAGE_SHIFT);
    counter_sub(&space->free_bytes, (count - released) << PAGE_SHIFT);
    return span;
}

struct span *space_take_pages_for(struct space *space, size_t count, bool *zeroed, AO_t *counter) {
    if (count == 0 || count > space->reserved_bytes >> PAGE_SHIFT)
        return NULL;
    lock_acquire(&space->lock);
    struct span *run = run_find(space, count);
    if (!run && space_extend(space, count << PAGE_SHIFT) == 0)
        run = run_find(space, count);
    if (!run) {
        lock_release(&space->lock);
        return NULL;
    }
    return pages_take(space, run, count, false, zeroed, counter);
}

/* With the lock held: the free pages from this one on. */
static size_t free_at(struct space *space, size_t page) {
    bool there = page < AO_load(&space->extent_bytes) >> PAGE_SHIFT;
    const struct span *run = &space->spans[page];
    return there && span_state(run) == SPAN_FREE ? run->pages : 0;
}

bool space_take_pages_at(struct space *space, size_t page, size_t count, bool *zeroed) {
    lock_acquire(&space->lock);
    size_t free = free_at(space, page);
    /* what lies behind them is not committed yet? */
    if (free < count && page + free == AO_load(&space->extent_bytes) >> PAGE_SHIFT &&
        space_extend(space, (count - free) << PAGE_SHIFT) == 0)
        free = free_at(space, page);
    if (free < count) {
        lock_release(&space->lock);
        return false;
    }
    pages_take(space, &space->spans[page], count, true, zeroed, &space->used_bytes);
    return true;
}

int space_release_pages(struct space *space, size_t first, size_t count) {
    size_t page_bytes = platform_page_bytes();
    char *start = space_page_start(space, first), *end = start + (count << PAGE_SHIFT);
    char *inner = start + (-(uintptr_t)start & (page_bytes - 1));
    char *inner_end = end - ((uintptr_t)end & (page_bytes - 1));
    if (inner >= inner_end)
        inner = inner_end = end; /* less than a page of the OS */
    else if (platform_release(inner, (size_t)(inner_end - inner)) < 0)
        return -1;
    memset(start, 0, (size_t)(inner - start)); /* pages that they share with others */
    memset(inner_end, 0, (size_t)(end - inner_end));
    return 0;
}

size_t space_take_addresses(struct space *space, size_t count) {
    if (count == 0 || count > space->reserved_bytes >> PAGE_SHIFT)
        return SIZE_MAX;
    lock_acquire(&space->lock);
    /* untouched pages rather than others, which would have to be released first */
    struct span *run = set_find(&space->bins->released, count);
    if (!run && space_extend(space, count << PAGE_SHIFT) == 0)
        run = set_find(&space->bins->released, count);
    run = run ? run : run_find(space, count);
    if (!run) {
        lock_release(&space->lock);
        return SIZE_MAX;
    }
    size_t released, first = run_take(space, run, count, false, &released);
    lock_release(&space->lock);
    PERTURB(PAGES_TAKEN);
    size_t dirty_bytes = (count - released) << PAGE_SHIFT;
    bool failed = dirty_bytes && space_release_pages(space, first, count) < 0;
    lock_acquire(&space->lock);
    if (failed) { /* which of them are zero is not known any more */
        counter_sub(&space->released_bytes, released << PAGE_SHIFT);
        counter_add(&space->free_bytes, released << PAGE_SHIFT);
        run_insert(space, first, count, 0);
    } else {
        counter_sub(&space->free_bytes, dirty_bytes);
        counter_add(&space->released_bytes, dirty_bytes);
        span_set_pages(&space->spans[first], count);
        span_set_state(&space->spans[first], SPAN_ADDRESSES);
    }
    lock_release(&space->lock);
    return failed ? SIZE_MAX : first;
}

size_t space_open_addresses(struct space *space, size_t first, size_t count, bool front) {
    size_t bytes = count << PAGE_SHIFT;
    if (space->hooks.before_grow)
        space->hooks.before_grow(space->hooks.data, bytes);
    lock_acquire(&space->lock);
    struct span *span = &space->spans[first];
    size_t left = span->pages - count;
    size_t opened = front ? first : first + left, rest = front ? first + count : first;
    span_set_state(span, SPAN_NONE);
    if (left > 0) {
        span_set_pages(&space->spans[rest], left);
        span_set_state(&space->spans[rest], SPAN_ADDRESSES);
    }
    counter_add(&space->arena_bytes, bytes);
    counter_sub(&space->released_bytes, bytes);
    lock_release(&space->lock);
    return opened;
}

void space_give_addresses(struct space *space, size_t first) {
    lock_acquire(&space->lock);
    struct span *span = &space->spans[first];
    span_set_state(span, SPAN_NONE);
    run_insert(space, first, span->pages, ENTRY_RELEASED);
    lock_release(&space->lock);
}

void space_give_pages(struct space *space, struct span *span) {
    size_t count = span->pages;
    PERTURB(PAGES_GIVE);
    lock_acquire(&space->lock);
    bool arena = span_state(span) == SPAN_ARENA;
    span_set_state(span, SPAN_NONE);
    counter_sub(arena ? &space->arena_bytes : &space->used_bytes, count << PAGE_SHIFT);
    counter_add(&space->free_bytes, count << PAGE_SHIFT);
    run_insert(space, span_page(space, span), count, 0);
    lock_release(&space->lock);
}

void space_give_spans(struct space *space, size_t first, size_t count) {
    PERTURB(PAGES_GIVE);
    lock_acquire(&space->lock);
    for (size_t page = first; page < first + count; page += space->spans[page].pages)
        span_set_state(&space->spans[page], SPAN_NONE);
    counter_sub(&space->used_bytes, count << PAGE_SHIFT);
    counter_add(&space->free_bytes, count << PAGE_SHIFT);
    run_insert(space, first, count, 0);
    lock_release(&space->lock);
}

void space_give_released(struct space *space, struct span *span) {
    size_t count = span->pages;
    PERTURB(PAGES_GIVE);
    lock_acquire(&space->lock);
    span_set_state(span, SPAN_NONE);
    counter_add(&space->released_bytes, count << PAGE_SHIFT);
    run_insert(space, span_page(space, span), count, ENTRY_RELEASED);
    lock_release(&space->lock);
}

/* The highest stretch of at most SCAVENGE_PAGES pages below scavenge_top that the OS could have:
 * aligned to its pages, and across no multiple of SCAVENGE_PAGES. @return its length, 0: there is
 * none. */
static size_t scavenge_find(struct space *space, size_t most, size_t *found) {
    size_t unit = platform_page_bytes() >> PAGE_SHIFT;
    unit = unit ? unit : 1;
    size_t top = space->scavenge_top / unit * unit;
    for (; top > 0; top -= unit) {
        size_t first = top - unit;
        page_entry entry = space_entry(space, first);
        if (!(entry & ENTRY_FREE) || (entry & ENTRY_RELEASED))
            continue;
        size_t start = top;
        while (start > 0 && top - start < most && (start == top || start % SCAVENGE_PAGES != 0) &&
               (space_entry(space, start - 1) & (ENTRY_FREE | ENTRY_RELEASED)) == ENTRY_FREE)
            start--;
        start = (start + unit - 1) / unit * unit;
        if (start >= top)
            continue;
        space->scavenge_top = start;
        *found = start;
        return top - start;
    }
    space->scavenge_top = 0;
    return 0;
}

/* The free run that holds a page: the one that the last call found, unless it has changed; else
 * walk back to its first page, which is the one with a state. The scavenger goes down through a
 * run. */
static struct span *run_of(struct space *space, size_t page) {
    const struct span *last = &space->spans[space->scavenge_run];
    if (space->scavenge_run <= page && span_state(last) == SPAN_FREE &&
        page < space->scavenge_run + last->pages)
        return &space->spans[space->scavenge_run];
    while (span_state(&space->spans[page]) != SPAN_FREE)
        page--;
    space->scavenge_run = page;
    return &space->spans[page];
}

/* The bits of free pages mean nothing, and a span that takes them clears its own. Gives back those
 * that fill pages of the OS: most of what the tables take. (metadata_bytes counts them still: the
 * pages may be taken again at any time.) */
static void release_bits(struct space *space, size_t first, size_t count) {
    size_t unit = platform_page_bytes() / (BITS_WORDS * sizeof(uint64_t));
    size_t from = (first + unit - 1) / unit * unit, to = (first + count) / unit * unit;
    if (from < to)
        platform_release(&space->bits[from * BITS_WORDS],
                         (to - from) * BITS_WORDS * sizeof(uint64_t));
}

size_t space_scavenge(struct space *space, size_t bytes) {
    size_t given = 0;
    while (given < bytes) {
        size_t left = bytes - given, first;
        size_t want = (left >> PAGE_SHIFT) + (left % PAGE_BYTES != 0); /* bytes may be SIZE_MAX */
        lock_acquire(&space->lock);
        size_t count = scavenge_find(space, want < SCAVENGE_PAGES ? want : SCAVENGE_PAGES, &first);
        if (count == 0) {
            lock_release(&space->lock);
            break;
        }
        /* out of the runs: nobody takes these pages while the OS does */
        struct span *run = run_of(space, first);
        size_t start = span_page(space, run), total = run->pages;
        bin_remove(space, run);
        for (size_t page = first; page < first + count; page++)
            entry_set(space, page, 0);
        if (first > start)
            run_link(space, start, first - start);
        if (start + total > first + count)
            run_link(space, first + count, start + total - first - count);
        space->out_pages += count;
        lock_release(&space->lock);

        PERTURB(PAGES_SCAVENGE);
        bool gone = platform_release(space_page_start(space, first), count << PAGE_SHIFT) == 0;
        if (gone)
            release_bits(space, first, count);

        lock_acquire(&space->lock);
        space->out_pages -= count;
        run_insert(space, first, count, gone ? ENTRY_RELEASED : 0);
        if (gone) {
            counter_sub(&space->free_bytes, count << PAGE_SHIFT);
            counter_add(&space->released_bytes, count << PAGE_SHIFT);
            given += count << PAGE_SHIFT;
        }
        lock_release(&space->lock);
        if (!gone)
            break;
    }
    return given;
}

void space_lock_whole(struct space *space) {
    for (;;) {
        lock_acquire(&space->lock);
        if (space->out_pages == 0)
            return;
        lock_release(&space->lock);
        platform_yield();
    }
}

static void must(bool holds, const char *what) {
    if (!holds)
        platform_fatal("the page heap is damaged: %s", what);
}

void space_check(struct space *space) {
    lock_acquire(&space->lock);
    size_t pages = AO_load(&space->extent_bytes) >> PAGE_SHIFT, dirty = 0, released = 0, used = 0;
    bool after_free = false;
    for (size_t page = 0; page < pages;) {
        struct span *span = &space->spans[page];
        size_t length = span_state(span) == SPAN_NONE ? 1 : span->pages;
        must(page + length <= pages, "a run ends past the extent");
        if (span_state(span) == SPAN_FREE) {
            must(!after_free, "two free runs touch");
            for (size_t i = page; i < page + length; i++) {
                page_entry entry = space_entry(space, i);
                must((entry & ENTRY_FREE) && ENTRY_CLASS(entry) == 0, "a free page's entry");
                *(entry & ENTRY_RELEASED ? &released : &dirty) += PAGE_BYTES;
            }
            must(span->zeroed ==
                     (is_released(space, page) && is_released(space, page + length - 1)),
                 "a free run is in the wrong set");
            must(ENTRY_BACK(space_entry(space, page + length - 1)) == length - 1,
                 "a free run's last page does not lead to its first");
        } else if (span_state(span) == SPAN_USED) {
            used += length << PAGE_SHIFT;
        } else if (span_state(span) == SPAN_ADDRESSES) {
            for (size_t i = page; i < page + length; i++)
                must(space_entry(space, i) == 0, "a page of addresses has an entry");
            released += length << PAGE_SHIFT;
        } else if (span_state(span) == SPAN_ARENA) {
            for (size_t i = page; i < page + length; i++)
                must(ENTRY_CLASS(space_entry(space, i)) == CLASS_ARENA &&
                         ENTRY_BACK(space_entry(space, i)) == i - page,
                     "an arena's page does not lead to its first");
        }
        after_free = span_state(span) == SPAN_FREE;
        page += length;
    }
    /* pages between two states, with the lock free, are in the figures only */
    must(dirty <= AO_load(&space->free_bytes), "free pages are counted wrong");
    must(released <= AO_load(&space->released_bytes), "released pages are counted wrong");
    must(used <= AO_load(&space->used_bytes), "pages in use are counted wrong");
    lock_release(&space->lock);
}
