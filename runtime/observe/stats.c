/* SPDX-License-Identifier: MIT */
/*
 * gait_read_stats and gait_read_kinds: figures from where they are kept. Counters are read
 * unordered, each for itself; those of the last cycle together, under its lock.
 */
#include <gait/stats.h>
#include <string.h>

#include "../abi.h"
#include "../instance.h"

#define STATS_BYTES_0 ABI0_BYTES(gait_stats, pause_histogram)
#define KIND_STATS_BYTES_0 ABI0_BYTES(gait_kind_stats, span_bytes)

static void read_memory(gait_heap *heap, gait_stats *stats) {
    struct space *space = &heap->space;
    stats->span_bytes = AO_load(&space->used_bytes);
    stats->free_bytes = AO_load(&space->free_bytes);
    stats->metadata_bytes = AO_load(&space->metadata_bytes);
    stats->released_bytes = AO_load(&space->released_bytes);
    stats->arena_bytes = AO_load(&space->arena_bytes);
    stats->offheap_bytes = offheap_read(&space->offheap);
    stats->arena_pool_bytes = chunks_pooled_bytes(space);
    stats->quarantine_bytes = AO_load(&heap->arenas.quarantined_bytes);
    stats->arenas = AO_load(&heap->arenas.live);
    stats->arenas_leaked = AO_load(&heap->arenas.leaked);
    int64_t foreign_bytes = foreign_read(&space->foreign);
    stats->foreign_bytes = foreign_bytes > 0 ? (uint64_t)foreign_bytes : 0;
    stats->total_bytes = stats->span_bytes + stats->free_bytes + stats->metadata_bytes +
                         stats->arena_bytes + stats->offheap_bytes + stats->foreign_bytes;
    stats->peak_total_bytes = AO_load(&heap->control.peak_total_bytes);
    if (stats->peak_total_bytes < stats->total_bytes)
        stats->peak_total_bytes = stats->total_bytes; /* it is noted at pacing points only */
    stats->globals_bytes = roots_bytes(&heap->roots);
}

static void read_pacing(gait_heap *heap, gait_stats *stats) {
    struct control *control = &heap->control;
    stats->heap_live_bytes = control_live_bytes(control);
    stats->heap_goal_bytes = AO_load(&control->goal_bytes);
    stats->heap_trigger_bytes = AO_load(&control->trigger_bytes);
    stats->limit_bytes = AO_load(&control->limit_bytes);
    stats->allocated_bytes = control_allocated_bytes(control);
    stats->freed_bytes = AO_load(&heap->sweeper.freed_bytes);
    stats->min_heap_bytes = AO_load(&control->min_heap_bytes);
    stats->gogc_floor_percent = AO_load(&control->gogc_floor_percent);
    stats->assists_off = AO_load(&control->assists_off);
    AO_t notice_at = AO_load(&control->notices.at_bytes);
    stats->notice_bytes = notice_at == SIZE_MAX ? INT64_MAX : notice_at;
    stats->notices_high = AO_load(&control->notices.times_high);
    stats->limiter_starts = AO_load(&control->notices.times_limited);
    stats->notices_queued = finalizers_notices(&heap->finalizers);
}

static void read_cpu(gait_heap *heap, gait_stats *stats) {
    struct control *control = &heap->control;
    uint64_t gc_ns = 0;
    const struct {
        enum cpu_purpose purpose;
        uint64_t *field;
    } purposes[CPU_PURPOSES] = {
        {CPU_ASSIST, &stats->cpu_assist_ns},         {CPU_DEDICATED, &stats->cpu_dedicated_ns},
        {CPU_FRACTIONAL, &stats->cpu_fractional_ns}, {CPU_IDLE, &stats->cpu_idle_ns},
        {CPU_SWEEP, &stats->cpu_sweep_ns},           {CPU_SCAVENGE, &stats->cpu_scavenge_ns},
    };
    for (unsigned i = 0; i < CPU_PURPOSES; i++)
        gc_ns += *purposes[i].field = AO_load(&control->cpu_ns[purposes[i].purpose]);
    int64_t total_ns = control_process_cpu_ns(control);
    stats->cpu_total_ns = total_ns > 0 ? (uint64_t)total_ns : 0;
    stats->gc_cpu_fraction = total_ns > 0 ? (double)gc_ns / (double)total_ns : 0;
    stats->limiter_ns = AO_load(&control->limiter_ns);
}

static void read_cycles(gait_heap *heap, gait_stats *stats) {
    struct figures *figures = &heap->cycle.figures;
    lock_acquire(&figures->lock);
    stats->cycles = figures->cycles;
    stats->forced_cycles = figures->forced_cycles;
    stats->heap_marked_bytes = figures->last.marked_bytes;
    stats->heap_peak_bytes = figures->last.peak_bytes;
    stats->heap_reachable_bytes = figures->last.live_bytes;
    stats->stack_bytes = figures->last.stack_bytes;
    stats->pauses = figures->pauses;
    stats->pause_total_ns = figures->pause_total_ns;
    stats->pause_max_ns = figures->pause_max_ns;
    memcpy(stats->pause_histogram, figures->pause_histogram, sizeof stats->pause_histogram);
    lock_release(&figures->lock);
}

static void read_arenas(gait_heap *heap, gait_stats *stats) {
    struct arena_sums sum = arenas_sum(&heap->arenas);
    stats->arena_used_bytes = sum.used_bytes;
    stats->arena_waste_bytes = sum.waste_bytes;
    stats->arena_chunks = sum.chunks;
    stats->arena_resets = sum.resets;
    stats->arena_peak_bytes = AO_load(&heap->space.arena_peak_bytes);
}

int gait_read_stats(gait_heap *heap, gait_stats *stats) {
    size_t given_bytes = stats->struct_bytes;
    if (given_bytes < STATS_BYTES_0)
        return GAIT_E_INVALID;
    gait_stats whole = {.struct_bytes = given_bytes};
    read_memory(heap, &whole);
    if (given_bytes > offsetof(gait_stats, arena_used_bytes)) /* it takes time with their number */
        read_arenas(heap, &whole);
    read_pacing(heap, &whole);
    read_cpu(heap, &whole);
    read_cycles(heap, &whole);
    whole.mutators = AO_load(&heap->world.count);
    whole.finalizers_queued = finalizers_queued(&heap->finalizers);
    abi_give(stats, given_bytes, &whole, sizeof whole);
    return 0;
}

#define NAME(name, text) #name,
static const char *const names[] = {GAIT_STATS(NAME)};
#undef NAME
#define TEXT(name, text) text,
static const char *const texts[] = {GAIT_STATS(TEXT)};
#undef TEXT

const char *gait_stats_name(size_t index) {
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

const char *gait_stats_text(size_t index) {
    return index < sizeof texts / sizeof texts[0] ? texts[index] : NULL;
}

/* A count of live objects, which is below zero for a moment: cache_end_cycle. */
static uint64_t read_live(const AO_t *count) {
    AO_t value = AO_load(count);
    return (intptr_t)value > 0 ? value : 0;
}

size_t gait_read_kinds_sized(gait_heap *heap, gait_kind_stats *kinds, size_t count,
                             size_t entry_bytes) {
    size_t known = kinds_count(&heap->kinds);
    for (size_t i = 0; i < known && i < count; i++) {
        struct kind *kind = &heap->kinds.kinds[i];
        const gait_kind_stats whole = {
            .kind = (gait_kind)i,
            .name = kind->name,
            .objects = read_live(&kind->live_objects),
            .object_bytes = read_live(&kind->live_bytes),
            .span_bytes = AO_load(&kind->span_bytes),
        };
        abi_give((char *)kinds + i * entry_bytes, entry_bytes, &whole, sizeof whole);
    }
    return known;
}

size_t gait_read_kinds(gait_heap *heap, gait_kind_stats *kinds, size_t count) {
    return gait_read_kinds_sized(heap, kinds, count, KIND_STATS_BYTES_0);
}
