/* SPDX-License-Identifier: MIT */
/*
 * What a heap says about itself: one table of figures, a pause histogram, a listing by kind.
 */
#ifndef GAIT_STATS_H
#define GAIT_STATS_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, what it says). All are uint64_t; bytes, nanoseconds or counts as their names say.
 */
#define GAIT_STATS_FIRST(X)                                                                        \
    X(heap_live_bytes, "live heap now: marked by the last cycle, and allocated since")             \
    X(heap_marked_bytes, "marked by the last cycle")                                               \
    X(heap_goal_bytes, "goal of the running or next cycle")                                        \
    X(heap_trigger_bytes, "live heap at which the next cycle starts")                              \
    X(heap_peak_bytes, "live heap as the last cycle ended marking")                                \
    X(span_bytes, "memory: spans in use")                                                          \
    X(free_bytes, "memory: free pages that are not given back to the OS")                          \
    X(metadata_bytes, "memory: the collector's own tables and queues")                             \
    X(arena_bytes, "memory: arenas")                                                               \
    X(offheap_bytes, "memory: counted off-heap memory")                                            \
    X(total_bytes, "memory: the sum that the limit holds")                                         \
    X(peak_total_bytes, "memory: the largest sum so far")                                          \
    X(released_bytes, "free pages that the OS has back")                                           \
    X(stack_bytes, "stacks and frames scanned by the last cycle")                                  \
    X(globals_bytes, "static slots, handles, ranges")                                              \
    X(limit_bytes, "GOMEMLIMIT in force; INT64_MAX: none")                                         \
    X(allocated_bytes, "allocated since the heap was created")                                     \
    X(freed_bytes, "swept since the heap was created")                                             \
    X(cycles, "cycles ended")                                                                      \
    X(forced_cycles, "of these, asked for by gait_collect")                                        \
    X(mutators, "threads attached now")                                                            \
    X(cpu_assist_ns, "CPU time: mutators that mark to pay for allocation")                         \
    X(cpu_dedicated_ns, "CPU time: dedicated workers and the cycle's own work")                    \
    X(cpu_fractional_ns, "CPU time: fractional worker, and mutators that mark in turns")           \
    X(cpu_idle_ns, "CPU time: helpers on idle CPUs")                                               \
    X(cpu_sweep_ns, "CPU time: sweeping")                                                          \
    X(cpu_scavenge_ns, "CPU time: returning memory")                                               \
    X(cpu_total_ns, "CPU time of the process since the heap was created")                          \
    X(limiter_ns, "time that the CPU limiter held assists off")                                    \
    X(pauses, "pauses of all mutators")                                                            \
    X(pause_total_ns, "their sum")                                                                 \
    X(pause_max_ns, "the longest")                                                                 \
    X(finalizers_queued, "finalizers and cleanups waiting to run")

/* What came later, at the structure's end. */
#define GAIT_STATS_MORE(X)                                                                         \
    X(foreign_bytes, "memory: foreign, part of the live heap")                                     \
    X(arena_pool_bytes, "of arena_bytes: chunks kept for the next arenas")                         \
    X(quarantine_bytes, "of arena_bytes: ended arenas, until a cycle finds nothing that leads to " \
                        "them")                                                                    \
    X(arenas, "arenas that live now")                                                              \
    X(arenas_leaked, "arenas that the collector freed, since nothing led to them")                 \
    X(arena_used_bytes, "arenas: allocated in them since their last resets")                       \
    X(arena_waste_bytes, "arenas: lost in rests of their chunks")                                  \
    X(arena_chunks, "arenas: pieces of their memory")                                              \
    X(arena_resets, "arenas: resets of those that are live")                                       \
    X(arena_peak_bytes, "arenas: the most that arena_bytes had")                                   \
    X(heap_reachable_bytes, "of heap_marked_bytes: what a stopped mark would have found; 0: not "  \
                            "measured (GAIT_DEBUG=gcfloat=1)")                                     \
    X(min_heap_bytes, "least heap goal in force; 0: off")                                          \
    X(gogc_floor_percent, "floor of GOGC under a limit; 0: off")                                   \
    X(assists_off, "1: mutators do not mark")                                                      \
    X(notice_bytes, "memory at which a notice comes; INT64_MAX: never")                            \
    X(notices_high, "times that memory passed notice_bytes")                                       \
    X(limiter_starts, "times that the CPU limiter began to hold the collector down")               \
    X(notices_queued, "notices waiting to run")                                                    \
    X(minor_cycles, "of cycles, those that looked at young objects only")                          \
    X(gogc_percent, "GOGC in force; UINT64_MAX: off")                                              \
    X(max_procs, "CPUs that the collector counts with")                                            \
    X(limiter_cycle, "the cycle, from 1, in which the CPU limiter last began to hold the "         \
                     "collector down; 0: never")                                                   \
    X(limit_cycles, "of cycles, those whose goal the memory limit gave")                           \
    X(floor_cycles, "of cycles, those whose goal the CPU gave: GOGC, or the limit, would have it " \
                    "lower, and the collector would take half of the CPU")

/* The figures. */
#define GAIT_STATS(X) GAIT_STATS_FIRST(X) GAIT_STATS_MORE(X)

#define GAIT_PAUSE_BUCKETS 40 /* bucket b counts pauses of [2^b, 2^(b+1)) ns */

typedef struct gait_stats {
    size_t struct_bytes; /* sizeof(gait_stats), set by the caller */
#define GAIT_STATS_FIELD(name, text) uint64_t name;
    GAIT_STATS_FIRST(GAIT_STATS_FIELD)
    double gc_cpu_fraction; /* GC's CPU time, all purposes, / cpu_total_ns */
    uint64_t pause_histogram[GAIT_PAUSE_BUCKETS];
    GAIT_STATS_MORE(GAIT_STATS_FIELD)
#undef GAIT_STATS_FIELD
} gait_stats;

/**
 * Read the figures. They are taken one after another while the program runs: each is right for
 * some moment of the call. Those that this library does not know are 0.
 * @return 0, GAIT_E_INVALID (struct_bytes is not set).
 * Thread rule: any thread, attached or not.
 */
GAIT_API int gait_read_stats(gait_heap *heap, gait_stats *stats);

/** Name and meaning of every figure, in the order of the table; NULL past the last. */
GAIT_API const char *gait_stats_name(size_t index);
GAIT_API const char *gait_stats_text(size_t index);

/** What the last sweep found of one kind. */
typedef struct gait_kind_stats {
    gait_kind kind;
    const char *name;
    uint64_t objects;      /* live as the last cycle ended */
    uint64_t object_bytes; /* their cells, bytes */
    uint64_t span_bytes;   /* spans of this kind now, bytes */
} gait_kind_stats;

/** gait_read_kinds for entries of so many bytes each. */
GAIT_API size_t gait_read_kinds_sized(gait_heap *heap, gait_kind_stats *kinds, size_t count,
                                      size_t entry_bytes);

#ifdef GAIT_IN_LIBRARY
GAIT_API size_t gait_read_kinds(gait_heap *heap, gait_kind_stats *kinds, size_t count);
#else
/**
 * List the kinds.
 * @param kinds  room for count entries; may be NULL with count 0.
 * @return how many kinds there are.
 * Thread rule: any thread, attached or not.
 */
GAIT_INLINE size_t gait_read_kinds(gait_heap *heap, gait_kind_stats *kinds, size_t count) {
    return gait_read_kinds_sized(heap, kinds, count, sizeof *kinds);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
