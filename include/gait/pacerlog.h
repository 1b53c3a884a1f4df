/* SPDX-License-Identifier: MIT */
/**
 * The format of recordings: what GAIT_DEBUG=pacerlog=FILE has a running program write, and what
 * gait-sim reads. Described in docs/pacerlog.md; the tables below are what writer and readers go
 * by.
 *
 * All numbers are little-endian. A file is a header and records:
 *
 *     header   magic (8 bytes), version (u32), header bytes (u32), the fields of
 *              GAIT_PACERLOG_HEADER (i64 each), GAIT_PACERLOG_TEXT_BYTES of text: Gait's version
 *     record   type (u16), bytes of the whole record (u16), records lost before it (u32),
 *              the fields of its type (i64 each)
 *
 * Within a version fields are only added, at the end of a table, and types of records: a reader
 * takes the fields that it knows, reads 0 for those that a file does not have, and skips types that
 * it does not know. Bytes, nanoseconds or counts, as the names say; times since the heap was
 * created; CPU time and allocation are sums since then.
 */
#ifndef GAIT_PACERLOG_H
#define GAIT_PACERLOG_H

#include <stdint.h>

#define GAIT_PACERLOG_MAGIC "GaitLog\n"
#define GAIT_PACERLOG_VERSION 1
#define GAIT_PACERLOG_PREFIX_BYTES 16 /* of the header, before its fields */
#define GAIT_PACERLOG_TEXT_BYTES 32   /* filled up with zeros */
#define GAIT_PACERLOG_HEAD_BYTES 8    /* of a record, before its fields */

enum gait_pacerlog_type {
    GAIT_PACERLOG_IS_SAMPLE = 1,   /* every 100 ms, as a cycle starts, as its marking ends, last */
    GAIT_PACERLOG_IS_CYCLE = 2,    /* a cycle's marking has ended; its sample stands before */
    GAIT_PACERLOG_IS_SETTINGS = 3, /* settings have changed */
    GAIT_PACERLOG_IS_END = 4       /* the program ended or destroyed the heap: nothing follows */
};

/* X(name, what it says) */
#define GAIT_PACERLOG_HEADER(X)                                                                    \
    X(heap_number, "1 for the first recorded heap of the process, and so on")                      \
    X(page_bytes, "the OS's pages")                                                                \
    X(heap_page_bytes, "the heap's pages")                                                         \
    X(sample_ns, "time between two samples")                                                       \
    X(minimum_heap_bytes, "least heap goal at GOGC=100")                                           \
    X(stopped, "1: marks with the program stopped")                                                \
    X(gogc_percent, "GOGC; -1: off")                                                               \
    X(limit_bytes, "GOMEMLIMIT; the largest i64: off")                                             \
    X(procs, "GOMAXPROCS")                                                                         \
    X(min_heap_bytes, "least heap goal; 0: off")                                                   \
    X(gogc_floor_percent, "floor of GOGC under a limit; 0: off")                                   \
    X(assists_off, "1: mutators do not mark")                                                      \
    X(notice_bytes, "memory that is high; 0, or the largest i64: no threshold")

#define GAIT_PACERLOG_SETTINGS(X)                                                                  \
    X(time_ns, "when it was noticed")                                                              \
    X(gogc_percent, "as in the header")                                                            \
    X(limit_bytes, "as in the header")                                                             \
    X(procs, "as in the header")                                                                   \
    X(min_heap_bytes, "as in the header")                                                          \
    X(gogc_floor_percent, "as in the header")                                                      \
    X(assists_off, "as in the header")                                                             \
    X(notice_bytes, "as in the header")

#define GAIT_PACERLOG_SAMPLE(X)                                                                    \
    X(time_ns, "when it was taken")                                                                \
    X(flags, "1: marking; 2: the CPU limiter is limiting; 4: memory is high")                      \
    X(process_cpu_ns, "CPU time of the whole process")                                             \
    X(cpu_assist_ns, "the collector's CPU time: mutators that mark to pay for allocation")         \
    X(cpu_dedicated_ns, "dedicated workers, and what else a cycle takes")                          \
    X(cpu_fractional_ns, "fractional worker, and mutators that mark in turns")                     \
    X(cpu_idle_ns, "helpers on idle CPUs")                                                         \
    X(cpu_sweep_ns, "sweeping")                                                                    \
    X(cpu_scavenge_ns, "returning memory")                                                         \
    X(cpu_rest_ns, "of cpu_dedicated_ns: handshakes, roots, the last passes of cycles")            \
    X(allocated_scannable_bytes, "allocated: objects that may hold references")                    \
    X(allocated_leaf_bytes, "allocated: objects without references")                               \
    X(allocated_arena_bytes, "allocated: arenas, in chunks taken from the heap")                   \
    X(allocated_offheap_bytes, "allocated: off-heap")                                              \
    X(freed_bytes, "swept")                                                                        \
    X(live_bytes, "live heap: marked by the last cycle, and allocated since")                      \
    X(scannable_bytes, "of it, what may hold references")                                          \
    X(goal_bytes, "goal of the running or next cycle; the largest i64: none")                      \
    X(trigger_bytes, "live heap at which the next cycle starts; likewise")                         \
    X(span_bytes, "memory: spans in use")                                                          \
    X(free_bytes, "memory: free pages that are kept")                                              \
    X(metadata_bytes, "memory: the collector's own")                                               \
    X(arena_bytes, "memory: arenas")                                                               \
    X(offheap_bytes, "memory: off-heap")                                                           \
    X(total_bytes, "memory: the sum, to which the limit applies")                                  \
    X(peak_total_bytes, "the largest sum so far")                                                  \
    X(released_bytes, "free pages that the OS has back")                                           \
    X(resident_bytes, "of the process, as the OS sees it; 0 in samples at cycles")                 \
    X(stack_bytes, "stacks and frames scanned by the last cycle")                                  \
    X(globals_bytes, "static slots, handles, ranges")                                              \
    X(limiter_ns, "time that the CPU limiter held assists off")                                    \
    X(pauses, "pauses of all mutators")                                                            \
    X(pause_total_ns, "their sum")                                                                 \
    X(pause_max_ns, "the longest")                                                                 \
    X(mutators, "threads attached")                                                                \
    X(allocated_foreign_bytes, "allocated: foreign, which no other figure of allocation has")      \
    X(foreign_bytes, "memory: foreign, part of the live heap")                                     \
    X(foreign_marked_bytes, "of it, what the last cycle marked and nobody has taken back")

#define GAIT_PACERLOG_CYCLE(X)                                                                     \
    X(number, "from 1")                                                                            \
    X(flags, "1: forced; 2: by the clock; 4: stopped; 8: the limit asked for less than GOGC; "     \
             "16: minor: what was marked before stayed so; 32: the CPU gave the goal, which GOGC " \
             "or the limit would have lower")                                                      \
    X(start_ns, "when it started")                                                                 \
    X(mark_ns, "when roots were asked for: concurrent marking begins")                             \
    X(end_ns, "when marking had ended")                                                            \
    X(pause_ns, "pause at its end")                                                                \
    X(held_back_ns, "of its time, when marking was preempted, as it is now and then")              \
    X(cpu_assist_ns, "CPU time from its start to its end, as in samples")                          \
    X(cpu_dedicated_ns, "likewise")                                                                \
    X(cpu_fractional_ns, "likewise")                                                               \
    X(cpu_idle_ns, "likewise")                                                                     \
    X(start_bytes, "live heap as it started")                                                      \
    X(trigger_bytes, "trigger that it started by; the largest i64: none")                          \
    X(peak_bytes, "live heap as marking ended")                                                    \
    X(marked_bytes, "found live, black_bytes included")                                            \
    X(black_bytes, "of it, allocated while it marked")                                             \
    X(goal_bytes, "its goal as marking ended; the largest i64: none")                              \
    X(scannable_bytes, "live heap that may hold references, as it started")                        \
    X(scanned_bytes, "heap looked at for references")                                              \
    X(stack_bytes, "stacks and frames scanned")                                                    \
    X(globals_bytes, "static slots, handles, ranges scanned")                                      \
    X(procs, "GOMAXPROCS")                                                                         \
    X(foreign_bytes, "of marked_bytes, foreign memory as marking ended")                           \
    X(lag_cpu_ns, "CPU time of before it that counts as used in it, for the pacer")

#define GAIT_PACERLOG_END(X) X(time_ns, "when")

#define GAIT_PACERLOG_FIELD(name, text) int64_t name;
struct gait_pacerlog_header {
    GAIT_PACERLOG_HEADER(GAIT_PACERLOG_FIELD)
};
struct gait_pacerlog_settings {
    GAIT_PACERLOG_SETTINGS(GAIT_PACERLOG_FIELD)
};
struct gait_pacerlog_sample {
    GAIT_PACERLOG_SAMPLE(GAIT_PACERLOG_FIELD)
};
struct gait_pacerlog_cycle {
    GAIT_PACERLOG_CYCLE(GAIT_PACERLOG_FIELD)
};
struct gait_pacerlog_end {
    GAIT_PACERLOG_END(GAIT_PACERLOG_FIELD)
};
#undef GAIT_PACERLOG_FIELD

/* Flags of samples and of cycles. */
enum { GAIT_PACERLOG_MARKING = 1, GAIT_PACERLOG_LIMITING = 2, GAIT_PACERLOG_HIGH = 4 };
enum {
    GAIT_PACERLOG_FORCED = 1,
    GAIT_PACERLOG_PERIODIC = 2,
    GAIT_PACERLOG_STOPPED = 4,
    GAIT_PACERLOG_BY_LIMIT = 8,
    GAIT_PACERLOG_MINOR = 16,
    GAIT_PACERLOG_BY_FLOOR = 32
};

#endif
