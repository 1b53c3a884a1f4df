/* SPDX-License-Identifier: MIT */
/*
 * A heap's counters, read once: statistics, trace and recordings are made from this, so that they
 * agree. Counters are read unordered, each for itself; those of the last cycle together, under its
 * lock.
 */
#ifndef GAIT_COUNTERS_H
#define GAIT_COUNTERS_H

#include <gait/stats.h>

#include "../control/control.h"

/* Memory, bytes. */
struct memory_counters {
    uint64_t span_bytes;
    uint64_t free_bytes;
    uint64_t metadata_bytes;
    uint64_t arena_bytes;
    uint64_t offheap_bytes;
    uint64_t foreign_bytes;
    uint64_t total_bytes; /* of those above: read again, they would be of another moment */
    uint64_t peak_total_bytes;
    uint64_t released_bytes; /* counts as nobody's, as do roots that lie elsewhere: */
    uint64_t globals_bytes;
};

/* The heap that is paced, bytes. */
struct pacing_counters {
    uint64_t live_bytes;
    uint64_t goal_bytes;
    uint64_t trigger_bytes;
    uint64_t limit_bytes;
    uint64_t freed_bytes; /* by sweeping, since the heap was created */
};

/* CPU time since the heap was created, ns. */
struct cpu_counters {
    int64_t purpose_ns[CPU_PURPOSES];
    int64_t gc_ns; /* all purposes */
    int64_t limiter_ns;
    int64_t process_ns; /* read last: what is counted above is in it */
};

/* Cycles and pauses. */
struct cycle_counters {
    uint64_t cycles;
    uint64_t forced_cycles;
    uint64_t minor_cycles;
    uint64_t floor_cycles;
    uint64_t limit_cycles;
    uint64_t marked_bytes; /* of the last one, as are the next three */
    uint64_t peak_bytes;
    uint64_t reachable_bytes;
    uint64_t stack_bytes;
    uint64_t pauses;
    uint64_t pause_total_ns;
    uint64_t pause_max_ns;
    uint64_t pause_histogram[GAIT_PAUSE_BUCKETS];
};

/** Any thread. */
void counters_memory(const gait_heap *heap, struct memory_counters *counters);
void counters_pacing(const gait_heap *heap, struct pacing_counters *counters);
void counters_cpu(const gait_heap *heap, struct cpu_counters *counters);
void counters_cycles(gait_heap *heap, struct cycle_counters *counters);

/** gc_ns of process_ns, from 0 to 1. */
static inline double cpu_gc_fraction(const struct cpu_counters *cpu) {
    return cpu->process_ns > 0 ? (double)cpu->gc_ns / (double)cpu->process_ns : 0;
}

#endif
