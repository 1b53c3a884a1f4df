/* SPDX-License-Identifier: MIT */
/*
 * gait_read_stats and gait_read_kinds: counters as figures of the API.
 */
#include <gait/stats.h>
#include <string.h>

#include "../abi.h"
#include "../instance.h"
#include "counters.h"

#define STATS_BYTES_0 ABI0_BYTES(gait_stats, pause_histogram)
#define KIND_STATS_BYTES_0 ABI0_BYTES(gait_kind_stats, span_bytes)

static void read_memory(gait_heap *heap, gait_stats *stats) {
    struct memory_counters memory;
    counters_memory(heap, &memory);
    stats->span_bytes = memory.span_bytes;
    stats->free_bytes = memory.free_bytes;
    stats->metadata_bytes = memory.metadata_bytes;
    stats->released_bytes = memory.released_bytes;
    stats->arena_bytes = memory.arena_bytes;
    stats->offheap_bytes = memory.offheap_bytes;
    stats->foreign_bytes = memory.foreign_bytes;
    stats->total_bytes = memory.total_bytes;
    stats->peak_total_bytes = memory.peak_total_bytes;
    stats->globals_bytes = memory.globals_bytes;
    stats->arena_pool_bytes = chunks_pooled_bytes(&heap->space);
    stats->quarantine_bytes = AO_load(&heap->arenas.quarantined_bytes);
    stats->arenas = AO_load(&heap->arenas.live);
    stats->arenas_leaked = AO_load(&heap->arenas.leaked);
}

static void read_pacing(gait_heap *heap, gait_stats *stats) {
    struct pacing_counters pacing;
    counters_pacing(heap, &pacing);
    stats->heap_live_bytes = pacing.live_bytes;
    stats->heap_goal_bytes = pacing.goal_bytes;
    stats->heap_trigger_bytes = pacing.trigger_bytes;
    stats->limit_bytes = pacing.limit_bytes;
    stats->freed_bytes = pacing.freed_bytes;
    stats->allocated_bytes = control_allocated_bytes(&heap->control);
}

static void read_settings(gait_heap *heap, gait_stats *stats) {
    struct control *control = &heap->control;
    stats->min_heap_bytes = AO_load(&control->min_heap_bytes);
    stats->gogc_floor_percent = AO_load(&control->gogc_floor_percent);
    stats->assists_off = AO_load(&control->assists_off);
    intptr_t gogc = (intptr_t)AO_load(&control->gogc_percent);
    stats->gogc_percent = gogc < 0 ? UINT64_MAX : (uint64_t)gogc;
    control_settle_procs(control);
    stats->max_procs = (uint64_t)control_procs(control);
}

static void read_notices(gait_heap *heap, gait_stats *stats) {
    const struct control *control = &heap->control;
    AO_t notice_at = AO_load(&control->notices.at_bytes);
    stats->notice_bytes = notice_at == SIZE_MAX ? INT64_MAX : notice_at;
    stats->notices_high = AO_load(&control->notices.times_high);
    stats->limiter_starts = AO_load(&control->notices.times_limited);
    stats->limiter_cycle = AO_load(&control->notices.limited_cycle);
    stats->notices_queued = finalizers_notices(&heap->finalizers);
}

static void read_cpu(gait_heap *heap, gait_stats *stats) {
    struct cpu_counters cpu;
    counters_cpu(heap, &cpu);
    stats->cpu_assist_ns = (uint64_t)cpu.purpose_ns[CPU_ASSIST];
    stats->cpu_dedicated_ns = (uint64_t)cpu.purpose_ns[CPU_DEDICATED];
    stats->cpu_fractional_ns = (uint64_t)cpu.purpose_ns[CPU_FRACTIONAL];
    stats->cpu_idle_ns = (uint64_t)cpu.purpose_ns[CPU_IDLE];
    stats->cpu_sweep_ns = (uint64_t)cpu.purpose_ns[CPU_SWEEP];
    stats->cpu_scavenge_ns = (uint64_t)cpu.purpose_ns[CPU_SCAVENGE];
    stats->cpu_total_ns = (uint64_t)cpu.process_ns;
    stats->gc_cpu_fraction = cpu_gc_fraction(&cpu);
    stats->limiter_ns = (uint64_t)cpu.limiter_ns;
}

static void read_cycles(gait_heap *heap, gait_stats *stats) {
    struct cycle_counters cycles;
    counters_cycles(heap, &cycles);
    stats->cycles = cycles.cycles;
    stats->forced_cycles = cycles.forced_cycles;
    stats->minor_cycles = cycles.minor_cycles;
    stats->floor_cycles = cycles.floor_cycles;
    stats->limit_cycles = cycles.limit_cycles;
    stats->heap_marked_bytes = cycles.marked_bytes;
    stats->heap_peak_bytes = cycles.peak_bytes;
    stats->heap_reachable_bytes = cycles.reachable_bytes;
    stats->stack_bytes = cycles.stack_bytes;
    stats->pauses = cycles.pauses;
    stats->pause_total_ns = cycles.pause_total_ns;
    stats->pause_max_ns = cycles.pause_max_ns;
    memcpy(stats->pause_histogram, cycles.pause_histogram, sizeof stats->pause_histogram);
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
    HEAP_CALL(heap);
    size_t given_bytes = stats->struct_bytes;
    if (given_bytes < STATS_BYTES_0)
        return GAIT_E_INVALID;
    gait_stats whole = {.struct_bytes = given_bytes};
    read_memory(heap, &whole);
    if (given_bytes > offsetof(gait_stats, arena_used_bytes)) /* it takes time with their number */
        read_arenas(heap, &whole);
    read_pacing(heap, &whole);
    read_settings(heap, &whole);
    read_notices(heap, &whole);
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
    HEAP_CALL(heap);
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
