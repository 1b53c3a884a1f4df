/* SPDX-License-Identifier: MIT */
/*
 * Taking runs out of spans, and spans out of the central lists and the page heap. See cache.h.
 */
#include "cache.h"

#include <string.h>

#include "../platform/perturb.h"
#include "central.h"

/* A run is at most this long: zeroed memory should still be in the first-level cache when objects
 * are made of it. */
#define RUN_BYTES_MAX ((size_t)8192)

/* What every mutator's head starts with: a full run for every class, shared and never written. */
static struct gait_run no_runs[GAIT_SIZE_CLASSES];

_Static_assert(sizeof(struct cache_kind) <= POOL_NODE_BYTES_MOST &&
                   sizeof(struct cache_kind) % 8 == 0,
               "a pool's node");

void cache_init(struct cache *cache, struct space *space, struct gait_run **runs, bool single) {
    memset(cache, 0, sizeof *cache);
    cache->space = space;
    cache->runs = runs;
    cache->single = single;
    for (unsigned kind = 0; kind < GAIT_KINDS_MAX; kind++)
        runs[kind] = no_runs;
}

/* ---- Sets of kinds and classes ---- */

static void flag_set(uint64_t *flags, unsigned index, bool value) {
    uint64_t bit = (uint64_t)1 << (index & 63);
    flags[index >> 6] = value ? flags[index >> 6] | bit : flags[index >> 6] & ~bit;
}

static bool flag_get(const uint64_t *flags, unsigned index) {
    return flags[index >> 6] >> (index & 63) & 1;
}

/* The first index from `from` on whose flag is set; count: none. */
static unsigned flag_next(const uint64_t *flags, unsigned from, unsigned count) {
    while (from < count) {
        uint64_t rest = flags[from >> 6] >> (from & 63);
        if (rest)
            return from + (unsigned)__builtin_ctzll(rest);
        from = (from | 63) + 1;
    }
    return count;
}

/* ---- Spans ---- */

static void bits_reset(struct space *space, const struct span *span) {
    uint64_t *pair = space_bits(space, span_page(space, span));
    for (unsigned i = 0; i < (span->cells + 63u) / 64; i++)
        AO_store((volatile AO_t *)&pair[2 * i], 0), AO_store((volatile AO_t *)&pair[2 * i + 1], 0);
}

/* For an entry: ENTRY_WORDS. */
static size_t reference_words(const struct kind *kind, unsigned size_class) {
    size_t words = class_table[size_class].cell_bytes / sizeof(gait_word);
    switch (kind->layout) {
    case GAIT_REFS:
        return words;
    case GAIT_PREFIX:
        return kind->head_words < words ? kind->head_words : words;
    default:
        return 0;
    }
}

/* Make a span of pages that were just taken. Its entries are written last: from then on markers
 * and walkers may look at it. */
static void span_make(struct space *space, struct span *span, unsigned kind, unsigned size_class,
                      size_t pages, unsigned cells, size_t object_bytes) {
    size_t page = span_page(space, span);
    span->next = NULL;
    span_set_previous(span, NULL);
    span_set_object_bytes(span, object_bytes);
    span_set_pages(span, pages);
    AO_int_store(&span->swept, space_epoch(space));
    span->cells = (uint16_t)cells;
    span->search = 0;
    span->size_class = (uint8_t)size_class;
    span->kind = (uint8_t)kind;
    AO_char_store(&span->listed, 0);
    AO_char_store(&span->recorded, 0);
    bits_reset(space, span);
    page_entry entry = size_class | kind << 8 | (page_entry)space->kinds[kind].layout << 16 |
                       (page_entry)reference_words(&space->kinds[kind], size_class) << 22;
    for (size_t back = 0; back < pages; back++)
        AO_store((volatile AO_t *)&space->entries[page + back],
                 entry | (page_entry)back << ENTRY_BACK_SHIFT);
    counter_add(&space->kinds[kind].span_bytes, pages << PAGE_SHIFT);
    span_set_state(span, SPAN_USED);
}

static struct span *span_fresh(struct space *space, unsigned kind, unsigned size_class) {
    const struct class_info *info = &class_table[size_class];
    bool zeroed;
    struct span *span = space_take_pages(space, info->span_pages, &zeroed);
    if (!span)
        return NULL;
    PERTURB(SPAN_TAKEN);
    span->zeroed = zeroed;
    AO_char_store(&span->owned, 1);
    span_make(space, span, kind, size_class, info->span_pages, info->cells, 0);
    return span;
}

void *cache_large(struct cache *cache, unsigned kind, size_t bytes, bool *zeroed) {
    struct space *space = cache->space;
    size_t words_bytes = (bytes + 7) & ~(size_t)7;
    size_t pages = (words_bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;
    if (words_bytes < bytes || pages > space->reserved_bytes >> PAGE_SHIFT)
        return NULL;
    struct span *span = space_take_pages(space, pages, zeroed);
    if (!span)
        return NULL;
    PERTURB(SPAN_TAKEN);
    span->zeroed = false;
    AO_char_store(&span->owned, 1);
    span_make(space, span, kind, CLASS_LARGE, pages, 1, words_bytes);
    cache->large = span;
    return span_start(space, span);
}

void cache_large_done(struct cache *cache, const char *object) {
    struct space *space = cache->space;
    size_t page = space_page(space, (uintptr_t)object);
    struct span *span = &space->spans[page];
    uint64_t *pair = space_bits(space, page);
    unsigned epoch = space_epoch(space);
    PERTURB(LARGE_DONE);
    /* a sweep that comes after the bit takes it for a survivor, and keeps its mark: then it is
     * old before it is initialised */
    if (space->keeps && AO_int_load_acquire(&span->swept) != epoch)
        cards_dirty(&space->cards, object, object + span_cell_bytes(span));
    bits_set(&pair[epoch & 1], 1);
    if (cache->black && cache->whites) {
        cache_note_births(cache);
        cache->born = object;
        cache->born_end = object + span_cell_bytes(span);
    } else if (cache->black) {
        bits_set(&pair[~epoch & 1], 1);
        cache->black_bytes += (size_t)span->pages << PAGE_SHIFT;
    }
    AO_char_store_release(&span->owned, 0); /* pairs with span_sweep: it sees the bit */
    cache->large = NULL;
}

/* ---- Runs ---- */

/* The next free run of an owned span, from span->search on, at most most cells long. @return its
 * length in cells, 0: none. */
static unsigned run_find(struct space *space, struct span *span, unsigned most, unsigned *first) {
    unsigned side = space_epoch(space) & 1, cells = span->cells, at = span->search;
    const uint64_t *bits = space_bits(space, span_page(space, span));
    uint64_t used = 0;
    for (; at < cells; at = (at | 63) + 1) {
        used = bits_get(&bits[2 * (at >> 6) + side]) >> (at & 63);
        uint64_t free = ~used << (at & 63) >> (at & 63); /* of this word's cells only */
        if (free) {
            at += (unsigned)__builtin_ctzll(free);
            break;
        }
    }
    *first = at;
    unsigned limit = at < cells && most < cells - at ? at + most : cells;
    while (at < limit) {
        used = bits_get(&bits[2 * (at >> 6) + side]) >> (at & 63);
        unsigned room = 64 - (at & 63);
        unsigned length = used ? (unsigned)__builtin_ctzll(used) : room;
        at += length;
        if (length < room)
            break;
    }
    span->search = (uint16_t)(at < limit ? at : limit);
    return *first < cells ? span->search - *first : 0;
}

/* How much of the next run is fetched. Of a longer one the CPU sees by itself that all is wanted.
 * 512 for 256: `bench-gait persistent` 0.91 of the wall time, trees depth=18 0.94, the others ties;
 * 1024 and 4096 for 512: ties (seven runs by turns), alloc shape=mixed is slower, if anything. */
#define FETCH_BYTES ((size_t)512)
#define LINE_BYTES ((size_t)64)

/* Have the CPU fetch the run after this one, if it begins in this word of bits or the next. What is
 * dead has left the caches, and stores leave a CPU in order: each line that the next refill zeroes
 * would be waited for by all that the program stores next, and soon by its loads.
 * @param bits   the span's allocation bits: each second word
 * @param start  of the span */
static inline __attribute__((always_inline)) void run_fetch_next(const uint64_t *bits,
                                                                 const struct span *span,
                                                                 const char *start,
                                                                 size_t cell_bytes) {
    unsigned cells = span->cells, at = span->search, end = (at | 63) + 65;
    for (; at < cells && at < end; at = (at | 63) + 1) {
        uint64_t free = ~bits_get(&bits[2 * (at >> 6)]) >> (at & 63);
        if (!free)
            continue;
        unsigned skipped = (unsigned)__builtin_ctzll(free);
        if (at + skipped >= cells)
            return; /* behind the last cell all bits are 0, and what lies there is others' */
        uint64_t used = ~(free >> skipped);
        size_t bytes = (used ? (unsigned)__builtin_ctzll(used) : 64) * cell_bytes;
        const char *line = start + (at + skipped) * cell_bytes;
        const char *last = line + (bytes < FETCH_BYTES ? bytes : FETCH_BYTES);
        for (; line < last; line += LINE_BYTES)
            __builtin_prefetch(line, 1);
        return;
    }
}

/* Do something with the bits of a span's cells from `at` to below end. Inline: act is a few
 * instructions, and a run of large cells has one word. */
static inline __attribute__((always_inline)) void
cells_bits(struct space *space, struct span *span, size_t at, size_t end,
           void (*act)(uint64_t *pair, uint64_t bits, unsigned epoch)) {
    uint64_t *bits = space_bits(space, span_page(space, span));
    unsigned epoch = space_epoch(space);
    while (at < end) {
        size_t length = end - at < 64 - (at & 63) ? end - at : 64 - (at & 63);
        uint64_t mask = (length == 64 ? ~(uint64_t)0 : ((uint64_t)1 << length) - 1) << (at & 63);
        act(&bits[2 * (at >> 6)], mask, epoch);
        at += length;
    }
}

/* The same of the cells from a run's cursor to its end. */
static inline __attribute__((always_inline)) void
run_bits(struct space *space, struct span *span, const struct gait_run *run,
         void (*act)(uint64_t *pair, uint64_t bits, unsigned epoch)) {
    size_t cell_bytes = class_table[span->size_class].cell_bytes;
    char *start = span_start(space, span);
    cells_bits(space, span, (size_t)(run->cursor - start) / cell_bytes,
               (size_t)(run->end - start) / cell_bytes, act);
}

/* .inv.owner: nobody else writes the word, so it is no locked instruction, which would wait for all
 * that was zeroed to leave the CPU. release: as bits_set. */
static void cells_allocate(uint64_t *pair, uint64_t bits, unsigned epoch) {
    volatile AO_t *word = (volatile AO_t *)&pair[epoch & 1];
    AO_store_release(word, AO_load(word) | bits);
}

static void cells_mark(uint64_t *pair, uint64_t bits, unsigned epoch) {
    bits_set(&pair[~epoch & 1], bits);
}

/* Of a swept span. A marker that a stale word has led here may set a mark after this: that cell is
 * lost until the cycle after the next, or taken all the same. */
static void cells_free(uint64_t *pair, uint64_t bits, unsigned epoch) {
    bits_clear(&pair[epoch & 1], bits);
    bits_clear(&pair[~epoch & 1], bits);
}

static struct cache_kind *cache_kind_of(struct cache *cache, unsigned kind) {
    if (!cache->kinds[kind]) {
        lock_acquire(&cache->space->lock);
        cache->kinds[kind] = pool_take(&cache->space->cache_kinds);
        lock_release(&cache->space->lock);
        if (cache->kinds[kind]) {
            memset(cache->kinds[kind], 0, sizeof **cache->kinds);
            cache->runs[kind] = cache->kinds[kind]->runs;
            flag_set(cache->used, kind, true);
        }
    }
    return cache->kinds[kind];
}

static void cache_kind_free(struct cache *cache, unsigned kind) {
    lock_acquire(&cache->space->lock);
    pool_give(&cache->space->cache_kinds, cache->kinds[kind]);
    lock_release(&cache->space->lock);
    cache->kinds[kind] = NULL;
    cache->runs[kind] = no_runs;
    flag_set(cache->used, kind, false);
}

/* A span with free cells for its new owner. */
static struct span *span_find(struct space *space, unsigned kind, unsigned size_class) {
    for (;;) {
        const struct central *central = &space->kinds[kind].centrals[size_class];
        struct span *span = central_seems_filled(central, space_epoch(space))
                                ? central_take(space, kind, size_class)
                                : NULL;
        if (span)
            return span;
        if (!space->hooks.sweep_more ||
            !space->hooks.sweep_more(space->hooks.data, kind, size_class))
            return span_fresh(space, kind, size_class);
    }
}

/* Is a cell at or after span->search free? */
static bool span_has_room(const struct space *space, const struct span *span) {
    unsigned side = space_epoch(space) & 1;
    const uint64_t *bits = space_bits(space, span_page(space, span));
    for (unsigned at = span->search; at < span->cells; at = (at | 63) + 1) {
        unsigned left = span->cells - (at & ~63u); /* cells from this word's first on */
        uint64_t cells = left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0;
        if (~bits_get(&bits[2 * (at >> 6) + side]) & cells & ~(uint64_t)0 << (at & 63))
            return true;
    }
    return false;
}

bool cache_needs_pages(const struct cache *cache, unsigned kind, unsigned size_class) {
    const struct space *space = cache->space;
    unsigned epoch = space_epoch(space);
    const struct central *central = &space->kinds[kind].centrals[size_class];
    const struct span *span = cache->kinds[kind] ? cache->kinds[kind]->spans[size_class] : NULL;
    if (span && AO_int_load_acquire(&span->swept) == epoch && span_has_room(space, span))
        return false;
    return !central_seems_filled(central, epoch);
}

/* Make the cards of what was made of a run dirty; a run is no longer than RUN_BYTES_MAX, or one
 * cell. */
static void run_note_births(const struct cache *cache, const struct cache_kind *cached,
                            unsigned size_class) {
    const struct gait_run *run = &cached->runs[size_class];
    const struct span *span = cached->spans[size_class];
    if (!run->cursor || !span)
        return;
    const char *start = span_start(cache->space, span), *low = run->cursor - RUN_BYTES_MAX;
    if (class_table[size_class].cell_bytes > RUN_BYTES_MAX)
        low = run->cursor - class_table[size_class].cell_bytes;
    /* at a refill markers may be taking them */
    cards_renew(&cache->space->cards, low > start ? low : start, run->cursor);
}

size_t cache_refill(struct cache *cache, unsigned kind, unsigned size_class) {
    struct space *space = cache->space;
    struct cache_kind *cached = cache_kind_of(cache, kind);
    if (!cached)
        return 0;
    const struct class_info *info = &class_table[size_class];
    size_t cell_bytes = info->cell_bytes;
    /* no division: a run is as short as one cell where survivors lie everywhere */
    unsigned most = cache->single || cell_bytes > RUN_BYTES_MAX
                        ? 1
                        : (unsigned)(RUN_BYTES_MAX * info->magic >> 32);
    struct gait_run *run = &cached->runs[size_class];
    struct span **slot = &cached->spans[size_class];
    if (cache->black && cache->whites)
        run_note_births(cache, cached, size_class);
    run->cursor = run->end = NULL;
    flag_set(cached->owned, size_class, false);
    unsigned first, count = 0;
    while (count == 0) {
        if (*slot && AO_int_load_acquire(&(*slot)->swept) != space_epoch(space) &&
            !space->hooks.sweep_span(space->hooks.data, *slot)) {
            /* the sweeper will find it, and put it on the list */
            central_disown(space, *slot, false);
            *slot = NULL;
        }
        if (!*slot && !(*slot = span_find(space, kind, size_class)))
            return 0;
        PERTURB(REFILL_SWEPT);
        count = run_find(space, *slot, most, &first);
        if (count == 0) {
            central_disown(space, *slot, false);
            *slot = NULL;
        }
    }
    PERTURB(REFILL_FOUND);
    size_t bytes = count * cell_bytes;
    flag_set(cached->owned, size_class, true);
    flag_set(cached->uncounted, size_class, false);
    run->cursor = span_start(space, *slot) + first * cell_bytes;
    run->end = run->cursor + bytes;
    if (!(*slot)->zeroed && !space->kinds[kind].raw)
        memset(run->cursor, 0, bytes);
    PERTURB(REFILL_ZEROED);
    /* after it is zero: a stale word may lead a marker here as soon as the bits are set (what is
     * raw, nobody reads) */
    cells_bits(space, *slot, first, first + count, cells_allocate);
    PERTURB(REFILL_SET);
    if (!(*slot)->zeroed)
        run_fetch_next(space_bits(space, span_page(space, *slot)) + (space_epoch(space) & 1), *slot,
                       span_start(space, *slot), cell_bytes);
    if (cache->black && !cache->whites) {
        cells_bits(space, *slot, first, first + count, cells_mark);
        cache->black_bytes += bytes;
    } else {
        young_note(&cache->young,
                   &(struct young_run){run->cursor, run->end, (uint8_t)kind, (uint8_t)size_class});
    }
    return bytes;
}

/* ---- Cycles ---- */

/* Give what is left of a run back, and its span. */
static void run_give_back(struct cache *cache, unsigned kind, unsigned size_class,
                          struct cache_rest *rest) {
    struct space *space = cache->space;
    struct cache_kind *cached = cache->kinds[kind];
    struct gait_run *run = &cached->runs[size_class];
    struct span *span = cached->spans[size_class];
    /* of an unswept span the marks are allocations already: the next cycle frees what is left */
    bool swept = AO_int_load_acquire(&span->swept) == space_epoch(space);
    if (swept && run->cursor < run->end) {
        size_t bytes = (size_t)(run->end - run->cursor);
        run_bits(space, span, run, cells_free);
        /* it is zero still: span->zeroed goes on to hold */
        size_t first =
            (size_t)(run->cursor - span_start(space, span)) / class_table[size_class].cell_bytes;
        if (first < span->search) /* else a sweep has had it since */
            span->search = (uint16_t)first;
        size_t scannable = space->kinds[kind].layout != GAIT_LEAF ? bytes : 0;
        rest->bytes += bytes;
        rest->scannable_bytes += scannable;
        if (!flag_get(cached->uncounted, size_class)) {
            rest->live_bytes += bytes;
            rest->live_scannable_bytes += scannable;
        }
        if (cache->black && !cache->whites)
            cache->black_bytes -= bytes;
    }
    central_disown(space, span, swept && span->search < span->cells);
    run->cursor = run->end = NULL;
    cached->spans[size_class] = NULL;
    flag_set(cached->owned, size_class, false);
}

/* What is left of a run goes on to be its mutator's: make it black. */
static void run_blacken(struct cache *cache, struct cache_kind *cached, unsigned size_class) {
    const struct gait_run *run = &cached->runs[size_class];
    cached->seen[size_class] = run->cursor;
    if (run->cursor == run->end)
        return;
    run_bits(cache->space, cached->spans[size_class], run, cells_mark);
    cache->black_bytes += (size_t)(run->end - run->cursor);
}

/* The first class from `from` on of which the cache owns a span. */
static unsigned owned_next(const struct cache_kind *cached, unsigned from) {
    return flag_next(cached->owned, from, GAIT_SIZE_CLASSES);
}

static unsigned used_next(const struct cache *cache, unsigned from) {
    return flag_next(cache->used, from, GAIT_KINDS_MAX);
}

struct cache_rest cache_begin_cycle(struct cache *cache, bool within) {
    struct cache_rest rest = {0};
    if (cache->black)
        return rest; /* its mutator came while this cycle was beginning */
    for (unsigned kind = 0; (kind = used_next(cache, kind)) < GAIT_KINDS_MAX; kind++) {
        struct cache_kind *cached = cache->kinds[kind];
        for (unsigned at = 0; (at = owned_next(cached, at)) < GAIT_SIZE_CLASSES; at++) {
            if (cached->runs[at].cursor == cached->seen[at] && !within)
                run_give_back(cache, kind, at, &rest);
            else if (cache->whites)
                cached->seen[at] = cached->runs[at].cursor;
            else
                run_blacken(cache, cached, at);
        }
        if (owned_next(cached, 0) == GAIT_SIZE_CLASSES && !within)
            cache_kind_free(cache, kind);
    }
    cache->black = true;
    return rest;
}

void cache_note_births(struct cache *cache) {
    for (unsigned kind = 0; (kind = used_next(cache, kind)) < GAIT_KINDS_MAX; kind++)
        for (unsigned at = 0; (at = owned_next(cache->kinds[kind], at)) < GAIT_SIZE_CLASSES; at++)
            run_note_births(cache, cache->kinds[kind], at);
    if (cache->born)
        cards_renew(&cache->space->cards, cache->born, cache->born_end);
    cache->born = NULL;
}

void cache_blacken(struct cache *cache) {
    for (unsigned kind = 0; (kind = used_next(cache, kind)) < GAIT_KINDS_MAX; kind++)
        for (unsigned at = 0; (at = owned_next(cache->kinds[kind], at)) < GAIT_SIZE_CLASSES; at++) {
            const char *seen = cache->kinds[kind]->seen[at];
            run_blacken(cache, cache->kinds[kind], at);
            cache->kinds[kind]->seen[at] = seen;
        }
}

size_t cache_end_cycle(struct cache *cache) {
    size_t black_bytes = cache->black_bytes;
    for (unsigned kind = 0; (kind = used_next(cache, kind)) < GAIT_KINDS_MAX; kind++) {
        struct cache_kind *cached = cache->kinds[kind];
        struct kind *figures = &cache->space->kinds[kind];
        for (unsigned at = 0; (at = owned_next(cached, at)) < GAIT_SIZE_CLASSES; at++) {
            size_t bytes = (size_t)(cached->runs[at].end - cached->runs[at].cursor);
            flag_set(cached->uncounted, at, true);
            if (bytes == 0)
                continue;
            black_bytes -= bytes;
            /* below zero until the sweep, which takes them for objects, has added them */
            counter_sub(&figures->live_objects, bytes / class_table[at].cell_bytes);
            counter_sub(&figures->live_bytes, bytes);
        }
    }
    cache->black = false;
    cache->black_bytes = 0;
    return black_bytes;
}

void cache_remember_rest(const struct cache *cache) {
    const struct space *space = cache->space;
    for (unsigned kind = 0; (kind = used_next(cache, kind)) < GAIT_KINDS_MAX; kind++) {
        const struct cache_kind *cached = cache->kinds[kind];
        if (space->kinds[kind].layout == GAIT_LEAF)
            continue;
        for (unsigned at = 0; (at = owned_next(cached, at)) < GAIT_SIZE_CLASSES; at++)
            cards_dirty(&space->cards, cached->runs[at].cursor, cached->runs[at].end);
    }
}

struct cache_rest cache_destroy(struct cache *cache) {
    struct cache_rest rest = {0};
    if (cache->large) /* its thread was zeroing it when another one forked: the next sweep frees it
                       */
        AO_char_store_release(&cache->large->owned, 0);
    cache->large = NULL;
    for (unsigned kind = 0; (kind = used_next(cache, kind)) < GAIT_KINDS_MAX; kind++) {
        struct cache_kind *cached = cache->kinds[kind];
        for (unsigned at = 0; (at = owned_next(cached, at)) < GAIT_SIZE_CLASSES; at++)
            run_give_back(cache, kind, at, &rest);
        cache_kind_free(cache, kind);
    }
    return rest;
}
