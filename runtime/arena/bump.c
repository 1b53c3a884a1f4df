/* SPDX-License-Identifier: MIT */
/*
 * Chunks and windows. See bump.h. One file of some 650 lines: each function here relies on how the
 * others leave lists and cursors to a marker that walks meanwhile.
 */
#include "bump.h"

#include <string.h>

/* A chunk kept from before a reset is looked for among so many, and is at most so much larger than
 * what is wanted: a frame's large pieces are those of the frame before, in the same order. Guess.
 */
#define SPARE_LOOKS 8
#define SPARE_FACTOR 2

#define LOAD(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define STORE(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) & ~(unit - 1); }

static char *align_up(char *address, size_t alignment) {
    return address + (-(uintptr_t)address & (alignment - 1));
}

static size_t chunk_bytes(const struct bump_chunk *chunk) {
    return (size_t)(chunk->end - chunk->start);
}

/* ---- Lists ---- */

static void list_append(struct bump_list *list, struct bump_chunk *chunk) {
    chunk->next = NULL;
    if (list->last)
        STORE(&list->last->next, chunk);
    else
        STORE(&list->first, chunk);
    list->last = chunk;
}

/* Put one chain behind another. */
static struct bump_chunk *chain_join(struct bump_chunk *first, struct bump_chunk *second) {
    if (!first)
        return second;
    struct bump_chunk *last = first;
    while (last->next)
        last = last->next;
    STORE(&last->next, second);
    return first;
}

static void next_bytes_set(struct bump *bump, size_t bytes) {
    bump->next_bytes = least(bytes, bump->most_bytes);
}

/* Is its chunk memory only as far as it was opened? */
static bool is_opened(const struct bump *bump) { return bump->source->open != NULL; }

static size_t unopened_bytes(const struct bump *bump) {
    return is_opened(bump) ? (size_t)(bump->open_high - bump->open_low) : 0;
}

/* Count a chunk that the source gave. */
static void chunk_count(struct bump *bump, struct bump_chunk *chunk) {
    chunk->seen = NULL;
    bump->held_bytes += chunk_bytes(chunk) - unopened_bytes(bump);
    bump->chunk_count++;
}

static void chunk_uncount(struct bump *bump, const struct bump_chunk *chunk) {
    bump->held_bytes -= chunk_bytes(chunk);
    bump->chunk_count--;
}

static size_t chain_give(struct bump *bump, void *context, struct bump_chunk *chunk) {
    size_t bytes = 0;
    for (struct bump_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        bytes += chunk_bytes(chunk);
        chunk_uncount(bump, chunk);
        bump->source->give(context, chunk);
    }
    return bytes;
}

/* ---- The current chunk ---- */

static bool is_begun(const struct bump *bump, const struct bump_chunk *chunk) {
    return LOAD(&chunk->era) == LOAD(&bump->era);
}

static void windows_set(struct bump *bump, char *low, char *high) {
    struct gait_arena_head *head = bump->head;
    head->low_end = low;
    head->high = head->high_end = high;
    STORE(&head->low, low);
}

/* Fill a chunk from now on. */
static void chunk_begin(struct bump *bump, struct bump_chunk *chunk) {
    STORE(&chunk->low, chunk->first);
    chunk->high = chunk->end;
    chunk->overflow = NULL;
    chunk->promised_bytes = 0;
    STORE(&chunk->era, bump->era);
    bump->current = chunk;
    windows_set(bump, chunk->first, chunk->end);
}

static void chunk_leave(struct bump *bump) {
    struct bump_chunk *chunk = bump->current;
    if (!is_begun(bump, chunk))
        return;
    struct gait_arena_head *head = bump->head;
    bump->left_bytes += (size_t)(head->low - chunk->first) + (size_t)(chunk->end - head->high);
    bump->left_waste_bytes += (size_t)(head->high - head->low);
    chunk->high = head->high;
    STORE(&chunk->low, head->low); /* before head->low leaves the chunk */
}

/* Have [start, end), which a window gets, read as zero. */
static void window_zero(struct bump_chunk *chunk, char *start, char *end) {
    char *clean = chunk->clean, *clean_end = chunk->clean_end;
    char *before = end < clean ? end : clean, *after = start > clean_end ? start : clean_end;
    if (start < before)
        memset(start, 0, (size_t)(before - start));
    if (after < end)
        memset(after, 0, (size_t)(end - after));
    if (start <= clean && end > clean)
        chunk->clean = end < clean_end ? end : clean_end;
    else if (end >= clean_end && start < clean_end)
        chunk->clean_end = start > clean ? start : clean;
}

/* How far a window is moved on beyond what is wanted now, at a place. */
static size_t ahead_bytes(struct bump *bump, const char *place, bool low) {
    if (!bump->windows)
        return 0;
    const struct bump_chunk *chunk = bump->current;
    if (place >= chunk->clean && place < chunk->clean_end)
        return least(BUMP_WINDOW_CLEAN_BYTES, bump->ahead_most[low]);
    size_t bytes = bump->ahead_bytes;
    bump->ahead_bytes = least(2 * bytes, BUMP_WINDOW_BYTES);
    return least(bytes, bump->ahead_most[low]);
}

/* Have what a request takes be memory. @return false: it is not; or there is no room for it. */
static bool open_ahead(struct bump *bump, void *context, size_t most, bool low) {
    const struct gait_arena_head *head = bump->head;
    for (;;) {
        if (most > (size_t)(head->high - head->low))
            return false;
        size_t room =
            low ? (size_t)(bump->open_low - head->low) : (size_t)(head->high - bump->open_high);
        if (most <= room || bump->open_low == bump->open_high)
            return true;
        size_t before = unopened_bytes(bump);
        bool opened = bump->source->open(context, most - room, low);
        bump->held_bytes +=
            before - unopened_bytes(bump); /* some may be open though it was refused */
        if (!opened)
            return false;
    }
}

/* What a window may get of the other one: half of what is free. */
static size_t half_of(const struct bump *bump, size_t free) { return free / 2 & bump->head->mask; }

static char *take_low(struct bump *bump, size_t bytes, size_t alignment) {
    struct gait_arena_head *head = bump->head;
    size_t room = (size_t)(head->high - head->low);
    size_t gap = -(uintptr_t)head->low & (alignment - 1);
    if (gap > room || bytes > room - gap)
        return NULL;
    char *start = head->low + gap, *stop = start + bytes;
    if (stop > head->low_end) {
        /* past the other window's beginning what is free is zero, and that window's no more */
        size_t more = (size_t)(head->high - stop), ahead = ahead_bytes(bump, head->low_end, true);
        char *end = stop + least(more, ahead);
        if (is_opened(bump) && end > bump->open_low && bump->open_low < bump->open_high)
            end = stop > bump->open_low ? stop : bump->open_low;
        if (end > head->high_end) {
            char *most = stop + half_of(bump, more);
            most = most > head->high_end ? most : head->high_end;
            end = end < most ? end : most;
        }
        char *zero_end = end < head->high_end ? end : head->high_end;
        if (head->low_end < zero_end)
            window_zero(bump->current, head->low_end, zero_end);
        if (end > head->high_end)
            head->high_end = end;
        head->low_end = end;
    }
    STORE(&head->low, stop);
    return start;
}

static char *take_high(struct bump *bump, size_t bytes, size_t alignment) {
    struct gait_arena_head *head = bump->head;
    size_t room = (size_t)(head->high - head->low);
    if (bytes > room)
        return NULL;
    size_t gap = (uintptr_t)(head->high - bytes) & (alignment - 1);
    if (gap > room - bytes)
        return NULL;
    char *start = head->high - bytes - gap;
    if (start < head->high_end) {
        size_t more = (size_t)(start - head->low),
               ahead = ahead_bytes(bump, head->high_end - 1, false);
        char *end = start - least(more, ahead);
        if (is_opened(bump) && end < bump->open_high && bump->open_low < bump->open_high)
            end = start < bump->open_high ? start : bump->open_high;
        if (end < head->low_end) {
            char *most = start - half_of(bump, more);
            most = most < head->low_end ? most : head->low_end;
            end = end > most ? end : most;
        }
        char *zero_start = end > head->low_end ? end : head->low_end;
        if (zero_start < head->high_end)
            window_zero(bump->current, zero_start, head->high_end);
        if (end < head->low_end)
            head->low_end = end;
        head->high_end = end;
    }
    head->high = start;
    return start;
}

static char *take_current(struct bump *bump, size_t bytes, size_t alignment, bool low) {
    if (!is_begun(bump, bump->current))
        return NULL;
    return low ? take_low(bump, bytes, alignment) : take_high(bump, bytes, alignment);
}

/* ---- Large pieces ---- */

/* Take a chunk that fits out of those kept. */
static struct bump_chunk *spare_take(struct bump *bump, size_t bytes) {
    struct bump_chunk **link = &bump->spare;
    for (unsigned i = 0; *link && i < SPARE_LOOKS; i++, link = &(*link)->next) {
        struct bump_chunk *chunk = *link;
        if (chunk_bytes(chunk) >= bytes && chunk_bytes(chunk) / SPARE_FACTOR <= bytes) {
            *link = chunk->next;
            return chunk;
        }
    }
    return NULL;
}

static void large_zero(struct bump *bump, void *context, struct bump_chunk *chunk, size_t bytes) {
    const struct bump_source *source = bump->source;
    if (chunk->clean == chunk->start && chunk->clean_end == chunk->end) {
        chunk->clean = chunk->clean_end;
        return;
    }
    chunk->clean = chunk->clean_end = chunk->end;
    if (source->zero)
        source->zero(context, chunk->start,
                     least(chunk_bytes(chunk), round_up(bytes, source->granule_bytes)));
    else
        memset(chunk->start, 0, bytes);
}

static char *large_take(struct bump *bump, void *context, size_t bytes, size_t alignment,
                        bool low) {
    size_t most = bytes + alignment - 1; /* chunks are aligned to no more than words */
    struct bump_chunk *chunk = spare_take(bump, most);
    if (!chunk) {
        if (bump->spare) { /* the sizes have changed: what is kept doesn't grow */
            struct bump_chunk *other = bump->spare;
            bump->spare = other->next;
            other->next = NULL;
            chain_give(bump, context, other);
        }
        chunk = bump->source->take(context, most);
        if (!chunk)
            return NULL;
        chunk_count(bump, chunk);
    }
    char *start = align_up(chunk->start, alignment);
    large_zero(bump, context, chunk, (size_t)(start + bytes - chunk->start));
    chunk->first = chunk->start;
    chunk->high = low ? chunk->end : start;
    STORE(&chunk->low, low ? start + bytes : chunk->first);
    chunk->overflow = NULL;
    chunk->promised_bytes = 0;
    STORE(&chunk->era, bump->era);
    bump->left_bytes += bytes;
    bump->left_waste_bytes += chunk_bytes(chunk) - bytes;
    list_append(&bump->large, chunk);
    return start;
}

/* ---- Allocation ---- */

/* Is a piece too large for the next chunk? A quarter of one may be lost at its end. */
static bool is_large(const struct bump *bump, size_t most) {
    const struct bump_chunk *next = bump->current->next;
    size_t bytes = next ? chunk_bytes(next) : bump->next_bytes;
    return most > least(bytes / 4, BUMP_SMALL_BYTES);
}

bool bump_step(struct bump *bump, void *context) {
    if (bump->fixed)
        return false;
    if (!bump->current->next) {
        size_t bytes = bump->next_bytes;
        struct bump_chunk *chunk = bump->source->take(context, bytes);
        if (!chunk)
            return false;
        chunk_count(bump, chunk);
        chunk->first = chunk->start + BUMP_CHUNK_LEAD;
        if (chunk->clean < chunk->first)
            chunk->clean = chunk->first; /* so that windows begin where it does */
        chunk->era = bump->era - 1;
        STORE(&chunk->low, chunk->first);
        list_append(&bump->chunks, chunk);
        next_bytes_set(bump, 2 * bytes);
        if (bump->current->next != chunk) /* it was reset meanwhile, or filled */
            return true;
    }
    chunk_leave(bump);
    chunk_begin(bump, bump->current->next);
    return true;
}

/* What a request takes, with all that alignment may add. @return false: more than can be. */
static bool request(const struct bump *bump, size_t *bytes, size_t *alignment, size_t *most) {
    size_t unit = ~bump->head->mask + 1;
    if (*alignment < unit)
        *alignment = unit;
    if (*bytes == 0)
        *bytes = 1;
    if (*bytes > SIZE_MAX / 4 || *alignment > SIZE_MAX / 4)
        return false;
    *bytes = round_up(*bytes, unit);
    *most = *bytes + (*alignment - unit);
    return true;
}

void *bump_take(struct bump *bump, void *context, size_t bytes, size_t alignment, bool low) {
    size_t most;
    if (!request(bump, &bytes, &alignment, &most))
        return NULL;
    for (;;) {
        if (bump->fixed && is_opened(bump) && !open_ahead(bump, context, most, low))
            return NULL;
        if (most <= BUMP_SMALL_BYTES || bump->fixed) {
            char *start = take_current(bump, bytes, alignment, low);
            if (start)
                return start;
        }
        if (!bump->fixed && is_large(bump, most))
            return large_take(bump, context, bytes, alignment, low);
        if (!bump_step(bump, context))
            return NULL;
    }
}

bool bump_is_large(const struct bump *bump, size_t bytes, size_t alignment) {
    size_t most;
    return !request(bump, &bytes, &alignment, &most) || is_large(bump, most);
}

size_t bump_room_bytes(const struct bump *bump, const struct bump_chunk *chunk) {
    return chunk == bump->current ? (size_t)(bump->head->high - bump->head->low)
                                  : (size_t)(chunk->high - chunk->low);
}

void *bump_take_from(struct bump *bump, struct bump_chunk *chunk, size_t bytes, size_t alignment,
                     bool low) {
    size_t most;
    if (!request(bump, &bytes, &alignment, &most) || !is_begun(bump, chunk))
        return NULL;
    if (chunk == bump->current)
        return take_current(bump, bytes, alignment, low);
    size_t room = (size_t)(chunk->high - chunk->low);
    uintptr_t place = low ? (uintptr_t)chunk->low : (uintptr_t)chunk->high - bytes;
    size_t gap = (low ? 0 - place : place) & (alignment - 1);
    if (bytes > room || gap > room - bytes)
        return NULL;
    bump->left_bytes += gap + bytes;
    bump->left_waste_bytes -= gap + bytes;
    if (low) {
        char *start = chunk->low + gap;
        window_zero(chunk, chunk->low, start + bytes);
        STORE(&chunk->low, start + bytes);
        return start;
    }
    char *start = chunk->high - bytes - gap;
    window_zero(chunk, start, chunk->high);
    chunk->high = start;
    return start;
}

bool bump_has_room(const struct bump *bump, size_t bytes, size_t alignment) {
    size_t most;
    if (!request(bump, &bytes, &alignment, &most) || most > BUMP_SMALL_BYTES)
        return false;
    const struct gait_arena_head *head = bump->head;
    if (unopened_bytes(bump) > 0 && (most > (size_t)(bump->open_low - head->low) ||
                                     most > (size_t)(head->high - bump->open_high)))
        return false;
    if (is_begun(bump, bump->current) && most <= (size_t)(head->high - head->low))
        return true;
    return bump->current->next && !is_large(bump, most);
}

/* ---- Life ---- */

void bump_fill(struct bump *bump, size_t low_start, size_t low_end, size_t high_start) {
    struct bump_chunk *chunk = bump->current;
    chunk->first = chunk->start + low_start;
    STORE(&chunk->low, chunk->first);
    chunk->clean = chunk->start + low_end;
    chunk->clean_end = chunk->start + high_start;
    windows_set(bump, chunk->clean, chunk->clean_end);
}

int bump_open(struct bump *bump, const struct bump_source *source, void *context,
              const struct bump_config *config) {
    memset(bump, 0, sizeof *bump);
    bump->ahead_most[0] = bump->ahead_most[1] = SIZE_MAX;
    bump->source = source;
    bump->windows = config->windows;
    bump->fixed = config->fixed;
    bump->ahead_bytes = BUMP_WINDOW_BYTES_LEAST;
    size_t bytes = config->chunk_bytes;
    if (bytes < BUMP_CHUNK_BYTES_LEAST)
        bytes = BUMP_CHUNK_BYTES_LEAST;
    struct bump_chunk *chunk = source->take(context, bytes);
    if (!chunk)
        return -1;
    size_t head_bytes = round_up(config->head_bytes, BUMP_CHUNK_LEAD);
    bump->most_bytes = config->most_bytes ? config->most_bytes : BUMP_CHUNK_BYTES_MOST;
    if (bump->most_bytes < bytes)
        bump->most_bytes = bytes;
    next_bytes_set(bump, 2 * bytes);
    chunk_count(bump, chunk);
    bump->head = (struct gait_arena_head *)chunk->start;
    window_zero(chunk, chunk->start, chunk->start + head_bytes);
    chunk->first = chunk->start + head_bytes;
    bump->head->kinds = config->kinds;
    bump->head->mask = 0 - config->unit;
    list_append(&bump->chunks, chunk);
    chunk_begin(bump, chunk);
    return 0;
}

static void note_high_water(struct bump *bump) {
    size_t used = bump_used_bytes(bump);
    if (used > bump->high_water_bytes)
        bump->high_water_bytes = used;
}

/* A new era: nothing is allocated. */
static void renew(struct bump *bump) {
    note_high_water(bump);
    STORE(&bump->era, bump->era + 1);
    bump->left_bytes = bump->left_waste_bytes = 0;
    bump->ahead_bytes = BUMP_WINDOW_BYTES_LEAST;
}

/* Go on behind the first chunk: that one is current, but of an era that has ended. */
static void pass_first(struct bump *bump) {
    bump->current = bump->chunks.first;
    windows_set(bump, bump->current->end, bump->current->end);
}

static void large_keep(struct bump *bump) {
    if (!bump->large.first)
        return;
    bump->large.last->next = bump->spare;
    bump->spare = bump->large.first;
    STORE(&bump->large.first, NULL);
    bump->large.last = NULL;
}

void bump_reset(struct bump *bump) {
    renew(bump);
    large_keep(bump);
    chunk_begin(bump, bump->chunks.first);
}

void bump_reset_behind(struct bump *bump) {
    renew(bump);
    large_keep(bump);
    pass_first(bump);
}

struct bump_chunk *bump_reset_apart(struct bump *bump) {
    struct bump_chunk *first = bump->chunks.first, *apart = NULL;
    chunk_leave(bump);
    renew(bump);
    if (bump->current != first) {
        struct bump_chunk *behind = bump->current->next, *last = bump->chunks.last;
        apart = first->next;
        STORE(&bump->current->next, NULL);
        STORE(&first->next, behind);
        bump->chunks.last = behind ? last : first;
        if (!behind) /* what it held is not held any more: a reset that sets apart costs the same */
            next_bytes_set(bump, chunk_bytes(apart));
    }
    apart = chain_join(apart, bump->large.first);
    STORE(&bump->large.first, NULL);
    bump->large.last = NULL;
    for (struct bump_chunk *chunk = apart; chunk; chunk = chunk->next)
        chunk_uncount(bump, chunk);
    pass_first(bump);
    return apart;
}

size_t bump_trim(struct bump *bump, void *context) {
    struct bump_chunk *behind = bump->current->next, *spare = bump->spare;
    bump->current->next = NULL;
    bump->chunks.last = bump->current;
    bump->spare = NULL;
    if (behind)
        next_bytes_set(bump, chunk_bytes(behind));
    return chain_give(bump, context, behind) + chain_give(bump, context, spare);
}

struct bump_chunk *bump_close(struct bump *bump) {
    note_high_water(bump);
    chunk_leave(bump);
    windows_set(bump, bump->current->end, bump->current->end);
    struct bump_chunk *chunks = chain_join(bump->chunks.first, bump->large.first);
    chain_join(chunks, bump->spare);
    STORE(&bump->large.first, NULL); /* a marker may be at it: bump.h, .inv.publish */
    bump->large.last = NULL;
    bump->spare = NULL;
    return chunks;
}

static char *high_of(const struct bump *bump, const struct bump_chunk *chunk) {
    return chunk == bump->current ? bump->head->high : chunk->high;
}

static void chunk_overwrite(const struct bump *bump, const struct bump_chunk *chunk, int byte) {
    char *high = high_of(bump, chunk);
    if (!is_begun(bump, chunk))
        return;
    memset(chunk->first, byte, (size_t)(bump_low(bump, chunk) - chunk->first));
    memset(high, byte, (size_t)(chunk->end - high));
}

void bump_overwrite(struct bump *bump, int byte) {
    for (struct bump_chunk *chunk = bump->chunks.first; chunk; chunk = chunk->next)
        chunk_overwrite(bump, chunk, byte);
    for (struct bump_chunk *chunk = bump->large.first; chunk; chunk = chunk->next)
        chunk_overwrite(bump, chunk, byte);
}

/* ---- Looking at it ---- */

/* Where the low end of a chunk that is begun has come. */
static char *low_of(const struct bump *bump, const struct bump_chunk *chunk) {
    /* if the cursor is in this chunk, it is the current one: no end is another's first */
    char *low = LOAD(&bump->head->low);
    return low < chunk->first || low > chunk->end ? LOAD(&chunk->low) : low;
}

/* Inline, so that visit is known. */
static inline void each_begun(const struct bump *bump,
                              void (*visit)(void *data, struct bump_chunk *chunk, char *low),
                              void *data) {
    for (struct bump_chunk *chunk = LOAD(&bump->chunks.first); chunk; chunk = LOAD(&chunk->next))
        if (is_begun(bump, chunk))
            visit(data, chunk, low_of(bump, chunk));
    /* never current; and they begin where another's end may be, so the cursor would say nothing */
    for (struct bump_chunk *chunk = LOAD(&bump->large.first); chunk; chunk = LOAD(&chunk->next))
        if (is_begun(bump, chunk))
            visit(data, chunk, LOAD(&chunk->low));
}

struct low_visit {
    void (*visit)(void *data, char *start, char *end);
    void *data;
};

static void visit_low(void *data, struct bump_chunk *chunk, char *low) {
    const struct low_visit *to = data;
    if (low > chunk->first)
        to->visit(to->data, chunk->first, low);
}

void bump_each_low(const struct bump *bump, void (*visit)(void *data, char *start, char *end),
                   void *data) {
    each_begun(bump, visit_low, &(struct low_visit){visit, data});
}

struct part_visit {
    void (*visit)(void *data, char *start, char *seen, char *end);
    void *data;
};

static void visit_part(void *data, struct bump_chunk *chunk, char *low) {
    const struct part_visit *to = data;
    char *seen = LOAD(&chunk->seen);
    size_t era = LOAD(&chunk->era);
    if (!seen || chunk->seen_era != era)
        seen = chunk->first;
    chunk->seen_era = era;
    STORE(&chunk->seen, low);
    if (low > chunk->first)
        to->visit(to->data, chunk->first, seen, low);
}

void bump_each_part(const struct bump *bump,
                    void (*visit)(void *data, char *start, char *seen, char *end), void *data) {
    each_begun(bump, visit_part, &(struct part_visit){visit, data});
}

static void visit_used(const struct bump_chunk *chunk, char *low, char *high, bool alone,
                       void (*visit)(void *data, char *start, char *end, bool alone), void *data) {
    if (low > chunk->first)
        visit(data, chunk->first, low, alone);
    if (high < chunk->end)
        visit(data, high, chunk->end, alone);
}

void bump_each_used(const struct bump *bump,
                    void (*visit)(void *data, char *start, char *end, bool alone), void *data) {
    for (const struct bump_chunk *chunk = bump->chunks.first; chunk; chunk = chunk->next)
        if (is_begun(bump, chunk))
            visit_used(chunk, low_of(bump, chunk), high_of(bump, chunk), false, visit, data);
    for (const struct bump_chunk *chunk = bump->large.first; chunk; chunk = chunk->next)
        if (is_begun(bump, chunk))
            visit_used(chunk, chunk->low, chunk->high, true, visit, data);
}

size_t bump_used_bytes(const struct bump *bump) {
    const struct bump_chunk *chunk = bump->current;
    const struct gait_arena_head *head = bump->head;
    if (!is_begun(bump, chunk))
        return bump->left_bytes;
    return bump->left_bytes + (size_t)(head->low - chunk->first) +
           (size_t)(chunk->end - head->high);
}

size_t bump_waste_bytes(const struct bump *bump) { return bump->left_waste_bytes; }

bool bump_first_is_used(const struct bump *bump) { return is_begun(bump, bump->chunks.first); }

char *bump_low(const struct bump *bump, const struct bump_chunk *chunk) {
    return chunk == bump->current ? bump->head->low : chunk->low;
}

static bool chunk_check(const struct bump_chunk *chunk) {
    return chunk->start < chunk->end && chunk->first >= chunk->start &&
           chunk->clean >= chunk->start && chunk->clean <= chunk->clean_end &&
           chunk->clean_end <= chunk->end;
}

bool bump_check(const struct bump *bump) {
    const struct gait_arena_head *head = bump->head;
    const struct bump_chunk *current = bump->current, *chunk;
    size_t bytes = 0, count = 0;
    bool before = true, right = true;
    for (chunk = bump->chunks.first; chunk; bytes += chunk_bytes(chunk), chunk = chunk->next) {
        right = right && chunk_check(chunk) && ++count && (before || !is_begun(bump, chunk)) &&
                (chunk->next || bump->chunks.last == chunk);
        before = before && chunk != current;
    }
    for (chunk = bump->large.first; chunk; bytes += chunk_bytes(chunk), chunk = chunk->next)
        right = right && chunk_check(chunk) && ++count && is_begun(bump, chunk);
    for (chunk = bump->spare; chunk; bytes += chunk_bytes(chunk), chunk = chunk->next)
        right = right && ++count;
    return right && !before && bytes == bump->held_bytes + unopened_bytes(bump) &&
           count == bump->chunk_count && head->low <= head->low_end &&
           head->low_end <= head->high_end && head->high_end <= head->high &&
           head->high <= current->end && (head->low >= current->first) &&
           (((uintptr_t)head->low | (uintptr_t)head->high) & ~head->mask) == 0;
}
