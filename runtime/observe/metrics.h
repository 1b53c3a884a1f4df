/* SPDX-License-Identifier: MIT */
/*
 * The values of all metrics at one time. See gait/metrics.h.
 */
#ifndef GAIT_OBSERVE_METRICS_H
#define GAIT_OBSERVE_METRICS_H

#include <gait/metrics.h>

#define METRICS_MOST 64

struct metrics {
    gait_stats stats;
    uint64_t
        values[METRICS_MOST]; /* as gait_describe_metric counts; those that are numbers: in ns */
};

void metrics_read(gait_heap *heap, struct metrics *all);

/** Where this bucket of a histogram begins, seconds; INFINITY past the last. */
double metrics_bound_s(size_t bucket);

#endif
