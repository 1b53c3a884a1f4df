/* SPDX-License-Identifier: MIT */
/*
 * gait_read_metrics: figures under names that say what they are. See gait/metrics.h.
 *
 * One table gives each metric's name, help and type, and how it is computed from gait_stats; the
 * text (metrics_text.c) is made from the same table. It is sorted, so that a name is found fast.
 */
#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

static uint64_t gc_ns(const gait_stats *s) {
    return s->cpu_assist_ns + s->cpu_dedicated_ns + s->cpu_fractional_ns + s->cpu_idle_ns +
           s->cpu_sweep_ns;
}

/* The rest; of figures that were read one after another. */
static uint64_t less(uint64_t of, uint64_t part) { return of > part ? of - part : 0; }

/* Bytes of objects that are allocated, and of those that are not swept yet. */
static uint64_t object_bytes(const gait_stats *s) {
    uint64_t bytes = less(s->allocated_bytes, s->freed_bytes);
    return bytes < s->span_bytes ? bytes : s->span_bytes;
}

/* X(type, cumulative, name, what it is, expression of `s`); NS: nanoseconds, read as seconds. */
#define METRICS(X)                                                                                 \
    X(NS, true, "/cpu/classes/gc/mark/assist:cpu-seconds",                                         \
      "CPU time of mutators that marked to pay for what they allocated.", s->cpu_assist_ns)        \
    X(NS, true, "/cpu/classes/gc/mark/dedicated:cpu-seconds",                                      \
      "CPU time of the collector's thread and of workers that mark by plan.",                      \
      s->cpu_dedicated_ns + s->cpu_fractional_ns)                                                  \
    X(NS, true, "/cpu/classes/gc/mark/idle:cpu-seconds",                                           \
      "CPU time of workers that mark on CPUs which nobody else wants.", s->cpu_idle_ns)            \
    X(NS, true, "/cpu/classes/gc/sweep:cpu-seconds",                                               \
      "CPU time of sweeping, by the collector and by mutators.", s->cpu_sweep_ns)                  \
    X(NS, true, "/cpu/classes/gc/total:cpu-seconds",                                               \
      "CPU time of collecting: marking and sweeping, by whomever.", gc_ns(s))                      \
    X(NS, true, "/cpu/classes/scavenge/total:cpu-seconds",                                         \
      "CPU time of giving memory back to the operating system.", s->cpu_scavenge_ns)               \
    X(NS, true, "/cpu/classes/total:cpu-seconds",                                                  \
      "CPU time of the process since the heap was created, idle CPUs left out.", s->cpu_total_ns)  \
    X(NS, true, "/cpu/classes/user:cpu-seconds", "CPU time of the program's own code.",            \
      less(s->cpu_total_ns, gc_ns(s) + s->cpu_scavenge_ns))                                        \
    X(UINT64, true, "/gc/arenas/leaked:arenas",                                                    \
      "Arenas that the collector freed, since nothing led to them.", s->arenas_leaked)             \
    X(UINT64, false, "/gc/arenas/live:arenas", "Arenas that are live.", s->arenas)                 \
    X(UINT64, true, "/gc/cycles/automatic:gc-cycles",                                              \
      "Cycles that the collector began by itself.", less(s->cycles, s->forced_cycles))             \
    X(UINT64, true, "/gc/cycles/by-cpu:gc-cycles",                                                 \
      "Cycles whose goal the CPU gave, since a lower one would take half of it.", s->floor_cycles) \
    X(UINT64, true, "/gc/cycles/by-limit:gc-cycles", "Cycles whose goal the memory limit gave.",   \
      s->limit_cycles)                                                                             \
    X(UINT64, true, "/gc/cycles/forced:gc-cycles", "Cycles that the program asked for.",           \
      s->forced_cycles)                                                                            \
    X(UINT64, true, "/gc/cycles/minor:gc-cycles", "Cycles that looked at young objects only.",     \
      s->minor_cycles)                                                                             \
    X(UINT64, true, "/gc/cycles/total:gc-cycles", "Cycles that have ended.", s->cycles)            \
    X(UINT64, false, "/gc/finalizers/queued:finalizers",                                           \
      "Finalizers and cleanups that wait to be run.", s->finalizers_queued)                        \
    X(UINT64, false, "/gc/gogc:percent",                                                           \
      "GOGC in force: how far the heap may grow over what is live; 2^64-1: off.", s->gogc_percent) \
    X(UINT64, false, "/gc/gomemlimit:bytes", "GOMEMLIMIT in force; 2^63-1: none.", s->limit_bytes) \
    X(UINT64, true, "/gc/heap/allocs:bytes", "Bytes that were allocated.", s->allocated_bytes)     \
    X(UINT64, true, "/gc/heap/frees:bytes", "Bytes that were swept.", s->freed_bytes)              \
    X(UINT64, false, "/gc/heap/goal:bytes",                                                        \
      "Live heap at which the cycle that runs, or comes next, is to end.", s->heap_goal_bytes)     \
    X(UINT64, false, "/gc/heap/live:bytes", "Bytes that the last cycle marked.",                   \
      s->heap_marked_bytes)                                                                        \
    X(UINT64, false, "/gc/heap/peak:bytes", "Live heap as the last cycle's marking ended.",        \
      s->heap_peak_bytes)                                                                          \
    X(UINT64, false, "/gc/heap/trigger:bytes", "Live heap at which the next cycle begins.",        \
      s->heap_trigger_bytes)                                                                       \
    X(UINT64, false, "/gc/limiter/last-enabled:gc-cycle",                                          \
      "The cycle in which the CPU limiter last began to hold the collector down; 0: never.",       \
      s->limiter_cycle)                                                                            \
    X(UINT64, true, "/gc/limiter/starts:events",                                                   \
      "Times that the CPU limiter began to hold the collector down.", s->limiter_starts)           \
    X(NS, true, "/gc/limiter/time:seconds", "How long the CPU limiter held the collector down.",   \
      s->limiter_ns)                                                                               \
    X(HISTOGRAM, true, "/gc/pauses:seconds", "Stops of all mutators, by length.", 0)               \
    X(UINT64, false, "/gc/scan/globals:bytes", "Static slots, handles and ranges.",                \
      s->globals_bytes)                                                                            \
    X(UINT64, false, "/gc/scan/stack:bytes", "Stacks and frames that the last cycle scanned.",     \
      s->stack_bytes)                                                                              \
    X(UINT64, false, "/memory/classes/arenas:bytes", "Arenas, and chunks kept for the next ones.", \
      s->arena_bytes)                                                                              \
    X(UINT64, false, "/memory/classes/foreign:bytes",                                              \
      "Foreign memory that the program has counted.", s->foreign_bytes)                            \
    X(UINT64, false, "/memory/classes/heap/free:bytes",                                            \
      "Free pages that the operating system does not have back.", s->free_bytes)                   \
    X(UINT64, false, "/memory/classes/heap/objects:bytes",                                         \
      "Objects: those that are live, and those that are not swept yet.", object_bytes(s))          \
    X(UINT64, false, "/memory/classes/heap/released:bytes",                                        \
      "Free pages that the operating system has back.", s->released_bytes)                         \
    X(UINT64, false, "/memory/classes/heap/unused:bytes", "Spans: free cells, and rests.",         \
      less(s->span_bytes, object_bytes(s)))                                                        \
    X(UINT64, false, "/memory/classes/metadata:bytes", "The collector's own tables and queues.",   \
      s->metadata_bytes)                                                                           \
    X(UINT64, false, "/memory/classes/offheap:bytes", "Counted off-heap memory.",                  \
      s->offheap_bytes)                                                                            \
    X(UINT64, false, "/memory/classes/total:bytes",                                                \
      "The sum of these classes; without what is released it is what the limit holds.",            \
      s->total_bytes + s->released_bytes)                                                          \
    X(UINT64, false, "/memory/peak:bytes", "The most memory so far that counts for the limit.",    \
      s->peak_total_bytes)                                                                         \
    X(UINT64, false, "/sched/gomaxprocs:threads", "CPUs that the collector counts with.",          \
      s->max_procs)                                                                                \
    X(UINT64, false, "/sched/mutators:threads", "Threads that are attached.", s->mutators)

enum { UINT64, NS, HISTOGRAM };

/* Constants: an element of an array is none to each compiler. */
enum {
    TYPE_OF_UINT64 = GAIT_METRIC_UINT64,
    TYPE_OF_NS = GAIT_METRIC_FLOAT64,
    TYPE_OF_HISTOGRAM = GAIT_METRIC_HISTOGRAM
};

#define ROW(type, cumulative, name, help, expression)                                              \
    {name, help, (gait_metric_type)TYPE_OF_##type, cumulative},
static const gait_metric metrics[] = {METRICS(ROW)};
#undef ROW

#define COUNT (sizeof metrics / sizeof metrics[0])
_Static_assert(COUNT <= METRICS_MOST, "room for each value");

const gait_metric *gait_describe_metric(size_t index) {
    return index < COUNT ? &metrics[index] : NULL;
}

/* .inv.grows */
static uint64_t grown(AO_t *told, uint64_t value) {
    for (;;) {
        AO_t before = AO_load(told);
        if (before >= value)
            return before;
        if (AO_compare_and_swap(told, before, (AO_t)value))
            return value;
    }
}

void metrics_read(gait_heap *heap, struct metrics *all) {
    all->stats.struct_bytes = sizeof all->stats;
    gait_read_stats(heap, &all->stats);
    const gait_stats *s = &all->stats;
    size_t next = 0;
#define VALUE(type, cumulative, name, help, expression) all->values[next++] = expression;
    METRICS(VALUE)
#undef VALUE
    for (size_t i = 0; i < COUNT; i++)
        if (metrics[i].cumulative)
            all->values[i] = grown(&heap->told[i], all->values[i]);
}

double metrics_bound_s(size_t bucket) {
    if (bucket == 0)
        return 0;
    return bucket < GAIT_METRIC_BUCKETS ? ldexp(1, (int)bucket) / NS_PER_S : INFINITY;
}

static int compare_names(const void *name, const void *metric) {
    return strcmp(name, ((const gait_metric *)metric)->name);
}

static void give_histogram(const struct metrics *all, gait_metric_histogram *histogram) {
    memcpy(histogram->counts, all->stats.pause_histogram, sizeof histogram->counts);
    for (size_t bucket = 0; bucket <= GAIT_METRIC_BUCKETS; bucket++)
        histogram->bounds[bucket] = metrics_bound_s(bucket);
}

/* @return false: no metric has this name. */
static bool give(const struct metrics *all, gait_metric_sample *sample) {
    const gait_metric *metric =
        sample->name ? bsearch(sample->name, metrics, COUNT, sizeof metrics[0], compare_names)
                     : NULL;
    sample->type = metric ? metric->type : GAIT_METRIC_BAD;
    if (!metric)
        return false;
    uint64_t value = all->values[metric - metrics];
    if (metric->type == GAIT_METRIC_UINT64)
        sample->value.uint64 = value;
    else if (metric->type == GAIT_METRIC_FLOAT64)
        sample->value.float64 = (double)value / NS_PER_S;
    else if (sample->histogram)
        give_histogram(all, sample->histogram);
    return true;
}

size_t gait_read_metrics(gait_heap *heap, gait_metric_sample *samples, size_t count) {
    struct metrics all;
    metrics_read(heap, &all);
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += give(&all, &samples[i]);
    return known;
}
