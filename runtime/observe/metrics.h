/* SPDX-License-Identifier: MIT */
/*
 * The values of all metrics at one time. See gait/metrics.h.
 *
 *   .inv.grows: what is told of a cumulative metric is never less than what was told before.
 * Whoever reads counters takes a lower one for a new process's, and counts all of it anew. But some
 * of the figures that they are made of fall: memory that was handed to a thread is counted as
 *   allocated until the thread gives back what it has not used; the collector's CPU time is
 *   counted when a piece of work ends, and is not the program's any more from then on.
 */
#ifndef GAIT_OBSERVE_METRICS_H
#define GAIT_OBSERVE_METRICS_H

#include <gait/metrics.h>

#include "../instance.h"

struct metrics {
    gait_stats stats;
    uint64_t
        values[METRICS_MOST]; /* as gait_describe_metric counts; those that are numbers: in ns */
};

void metrics_read(gait_heap *heap, struct metrics *all);

/** Where this bucket of a histogram begins, seconds; INFINITY past the last. */
double metrics_bound_s(size_t bucket);

#endif
