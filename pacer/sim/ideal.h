/* SPDX-License-Identifier: MIT */
/**
 * The ideal program: a model in which allocation and scanning run at constant
 * rates over a cycle, assists keep exactly to the pacer's ratio, and time
 * advances in periods of 500 us. It is the model of Go's TestGcPacer
 * (src/runtime/mgcpacer_test.go), so that Go's results can be held against it.
 *
 * Pure like the pacer that it drives: no clock, no allocation, no I/O.
 *
 * Invariant: between cycles the pacer is committed, with sweeping not done.
 */
#ifndef SIM_IDEAL_H
#define SIM_IDEAL_H

#include "gait/pacer.h"

/** A program, and the pacer of its heap. */
struct ideal {
    struct gait_pacer pacer;
    uint64_t globals_bytes;       /**< static data, scanned in every cycle         */
    int32_t procs;                /**< CPUs                                        */
    int64_t cycles;               /**< done so far                                 */
    int64_t last_allocated_black; /**< bytes allocated while the last cycle marked */
};

/** How the program behaves over one cycle. */
struct ideal_behaviour {
    double alloc_rate;     /**< KiB allocated per CPU-ms of the program, > 0             */
    double scan_rate;      /**< KiB scanned per CPU-ms of marking, > 0                   */
    double growth_rate;    /**< marked bytes over those of the cycle before, > 0         */
    double scannable_frac; /**< part of the heap that may hold references, 0..1          */
    uint64_t stack_bytes;  /**< stacks, all of which are scanned                         */
};

/** What one cycle came to. */
struct ideal_result {
    int64_t next_marked;     /**< bytes this cycle finds live, without those allocated black */
    uint64_t live;           /**< bytes marked by the cycle before                           */
    int64_t scannable;       /**< part of these that had references                          */
    uint64_t trigger;        /**< live bytes as it started                                   */
    uint64_t goal;           /**< goal as it ended, bytes                                    */
    uint64_t peak;           /**< live bytes as it ended                                     */
    double gc_utilization;   /**< share of the CPUs that marked, assists included            */
    int64_t assist_ns;       /**< CPU-ns of assists                                          */
    int64_t duration_ns;     /**< wall time of marking                                       */
    int64_t allocated_black; /**< bytes allocated while marking                              */
};

/** Start a program with an empty heap. */
void ideal_init(struct ideal *ideal, int32_t gogc_percent, int64_t memory_limit_bytes,
                uint64_t globals_bytes, int32_t procs);

/**
 * Run the program up to its next cycle and through it.
 *
 * @return false if marking would not end within 10^7 periods (rates near 0, or
 *         a ratio so low that nothing is scanned), or the heap grows beyond 2^60
 *         bytes; the state is then spoilt.
 */
bool ideal_cycle(struct ideal *ideal, const struct ideal_behaviour *behaviour,
                 struct ideal_result *result);

#endif
