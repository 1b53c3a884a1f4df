/* SPDX-License-Identifier: MIT */
/*
 * Figures of arenas, one by one and as a list. What is said about the functions is in gait/arena.h.
 *
 * An arena's own figures are its thread's, and change with each allocation. That thread copies them
 * into atomics where it is on a slow path anyway (arena_note); others read those, unordered: each
 * is a figure for itself, and a stale one is an older figure. So allocation pays nothing.
 */
#include <string.h>

#include "../abi.h"
#include "../observe/line.h"
#include "arenas.h"

#define STATS_BYTES_0 ABI0_BYTES(gait_arena_stats, created)

/* A concurrent arena's parts are full at different times: its high-water mark is at most the sum.
 */
static void add_figures(gait_arena_stats *stats, const struct arena_figures *figures) {
    stats->used_bytes += AO_load(&figures->used_bytes);
    stats->held_bytes += AO_load(&figures->held_bytes);
    stats->waste_bytes += AO_load(&figures->waste_bytes);
    stats->high_water_bytes += AO_load(&figures->high_water_bytes);
    stats->chunks += AO_load(&figures->chunks);
}

static gait_arena_stats stats_of(const struct arena_own *own) {
    gait_arena_stats stats = {
        .struct_bytes = sizeof stats,
        .id = own->record.id,
        .flags = own->record.flags,
        .resets = AO_load(&own->resets),
    };
    add_figures(&stats, &own->figures);
    for (unsigned i = 0; own->shards && i < ARENA_SHARDS; i++)
        add_figures(&stats, &own->shards[i].figures);
    _Static_assert(sizeof stats.name == sizeof own->record.name &&
                       sizeof stats.created == sizeof own->created,
                   "texts are copied whole");
    memcpy(stats.name, own->record.name, sizeof stats.name);
    memcpy(stats.created, own->created, sizeof stats.created);
    /* taken one by one while the arena grows */
    if (stats.high_water_bytes < stats.used_bytes)
        stats.high_water_bytes = stats.used_bytes;
    return stats;
}

void arena_add_figures(const struct arena *record, struct arena_sums *sums) {
    gait_arena_stats stats = stats_of((const struct arena_own *)record);
    sums->used_bytes += stats.used_bytes;
    sums->waste_bytes += stats.waste_bytes;
    sums->chunks += stats.chunks;
    sums->resets += stats.resets;
}

int gait_arena_read_stats(gait_mutator *mutator, gait_arena *arena, gait_arena_stats *stats) {
    mutator_check(mutator);
    size_t given_bytes = stats->struct_bytes;
    if (given_bytes < STATS_BYTES_0)
        return GAIT_E_INVALID;
    struct arena_own *own = arena_find(mutator->heap, arena, __func__);
    if (AO_load(&own->owner) == (AO_t)mutator && !own->shards)
        arena_note_all(own);
    gait_arena_stats found = stats_of(own);
    found.struct_bytes = given_bytes;
    abi_give(stats, given_bytes, &found, sizeof found);
    return 0;
}

size_t gait_arena_list(gait_heap *heap, gait_arena_fn visit, void *data) {
    struct arenas *arenas = &heap->arenas;
    size_t count = 0;
    /* those that are made meanwhile may be left out */
    for (uint32_t i = 1; i <= AO_load_acquire(&arenas->count); i++) {
        struct arena_own *own = arena_own(arenas_at(arenas, i));
        gait_arena_stats stats;
        lock_acquire(&arenas->lock); /* none ends */
        bool live = arena_state(&own->record) == ARENA_LIVE;
        if (live)
            stats = stats_of(own);
        lock_release(&arenas->lock);
        if (!live)
            continue;
        count++;
        if (visit)
            visit(&stats, data);
    }
    return count;
}

/* ---- As text ---- */

struct listing {
    FILE *out;
    gait_arena_stats sum;
};

static void write_row(FILE *out, const gait_arena_stats *stats, bool is_sum) {
    static const char letters[] = "TPCDRB"; /* of the flags, from bit 0 on */
    struct line line = {.length = 0};
    char flags[sizeof letters], *end = flags;
    for (unsigned i = 0; letters[i] && !is_sum; i++)
        if (stats->flags >> i & 1)
            *end++ = letters[i];
    *end = 0;
    if (is_sum)
        line_add(&line, "%8s", "sum");
    else
        line_add(&line, "%8llu", (unsigned long long)stats->id);
    line_add(&line, " %14llu %14llu %14llu", (unsigned long long)stats->held_bytes,
             (unsigned long long)stats->used_bytes, (unsigned long long)stats->waste_bytes);
    line_add(&line, " %14llu %8llu %8llu %-6s", (unsigned long long)stats->high_water_bytes,
             (unsigned long long)stats->chunks, (unsigned long long)stats->resets, flags);
    if (is_sum) {
        line_add(&line, " %llu arenas", (unsigned long long)stats->id);
    } else {
        line_add(&line, " ");
        line_add_text(&line, stats->name);
        line_add(&line, " ");
        line_add_text(&line, stats->created);
    }
    line_end(&line);
    (void)!fwrite(line.text, 1, line.length, out);
}

static void visit_row(const gait_arena_stats *stats, void *data) {
    struct listing *listing = data;
    gait_arena_stats *sum = &listing->sum;
    write_row(listing->out, stats, false);
    sum->id++;
    sum->held_bytes += stats->held_bytes;
    sum->used_bytes += stats->used_bytes;
    sum->waste_bytes += stats->waste_bytes;
    sum->high_water_bytes += stats->high_water_bytes;
    sum->chunks += stats->chunks;
    sum->resets += stats->resets;
}

void gait_write_arenas(gait_heap *heap, FILE *out) {
    struct listing listing = {.out = out};
    fprintf(out, "%8s %14s %14s %14s %14s %8s %8s %-6s name, created\n", "id", "held", "used",
            "waste", "high water", "chunks", "resets", "flags");
    gait_arena_list(heap, visit_row, &listing);
    write_row(out, &listing.sum, true);
}
