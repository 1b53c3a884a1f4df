/* SPDX-License-Identifier: MIT */
/*
 * Runs that tell how much of what is new lives. See young.h.
 */
#include "young.h"

#include "cache.h"

void young_note(struct young *young, const struct young_run *run) {
    if (++young->skipped < 1u << young->skip)
        return;
    young->skipped = 0;
    if (young->count == YOUNG_RUNS) {
        for (unsigned i = 0; i < YOUNG_RUNS / 2; i++)
            young->runs[i] = young->runs[2 * i];
        young->count = YOUNG_RUNS / 2;
        young->skip++;
    }
    size_t most = YOUNG_CELLS * class_table[run->size_class].cell_bytes;
    young->runs[young->count] = *run;
    if ((size_t)(run->end - run->start) > most)
        young->runs[young->count].end = run->start + most;
    young->count++;
}

/* Bytes of a run's cells that are marked. The space has a cell of this class there. */
static size_t marked_bytes(const struct space *space, const struct young_run *run) {
    size_t page = space_page(space, (uintptr_t)run->start);
    size_t head = page - ENTRY_BACK(space_entry(space, page));
    size_t cell_bytes = class_table[run->size_class].cell_bytes, marked = 0;
    const char *span = space_page_start(space, head);
    size_t at = (size_t)(run->start - span) / cell_bytes,
           end = (size_t)(run->end - span) / cell_bytes;
    const uint64_t *bits = space_bits(space, head) + (~space_epoch(space) & 1);
    for (size_t length; at < end; at += length) {
        length = end - at < 64 - (at & 63) ? end - at : 64 - (at & 63);
        uint64_t mask = length == 64 ? ~(uint64_t)0 : ((uint64_t)1 << length) - 1;
        marked += (size_t)__builtin_popcountll(bits_get(&bits[2 * (at >> 6)]) >> (at & 63) & mask);
    }
    return marked * cell_bytes;
}

static bool in_use(const struct cache *cache, const struct young_run *run) {
    const struct cache_kind *cached = cache->kinds[run->kind];
    if (!cached)
        return false;
    const struct gait_run *now = &cached->runs[run->size_class];
    return now->cursor < run->end && now->end >= run->end;
}

/* Is what lies there still a span of this class? The program may have freed all of it. */
static bool is_there(const struct space *space, const struct young_run *run) {
    page_entry entry = space_entry(space, space_page(space, (uintptr_t)run->start));
    return ENTRY_CLASS(entry) == run->size_class;
}

void young_take(struct cache *cache, struct young_sums *sums) {
    struct young *young = &cache->young;
    for (unsigned i = 0; i < young->count; i++) {
        const struct young_run *run = &young->runs[i];
        if (in_use(cache, run) || !is_there(cache->space, run))
            continue;
        sums->seen_bytes += (uint64_t)(run->end - run->start) << young->skip;
        sums->live_bytes += (uint64_t)marked_bytes(cache->space, run) << young->skip;
    }
    young->count = young->skip = young->skipped = 0;
}
