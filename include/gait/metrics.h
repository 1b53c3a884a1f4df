/* SPDX-License-Identifier: MIT */
/*
 * Metrics: what a heap counts, under names that say what it is and in which unit, in the style of
 * Go's runtime/metrics; and as text that Prometheus and its like read.
 *
 *   name         "/gc/heap/live:bytes": a path and, behind the colon, the unit
 *   cumulative   it only grows while the heap lives
 *
 * Where a name is one of Go's, its meaning is Go's, except for CPU time: `/cpu/classes/total` and
 * `…/user` leave idle CPUs out, and `…/gc/total` has sweeping in it. Counters that a name does not
 * have are in gait/stats.h, from which all of these are computed.
 */
#ifndef GAIT_METRICS_H
#define GAIT_METRICS_H

#include <gait/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gait_metric_type {
    GAIT_METRIC_BAD,      /**< no metric of this library has that name */
    GAIT_METRIC_UINT64,   /**< a whole number                          */
    GAIT_METRIC_FLOAT64,  /**< a number                                */
    GAIT_METRIC_HISTOGRAM /**< how many events there were of each size */
} gait_metric_type;

typedef struct gait_metric {
    const char *name;
    const char *help; /* one sentence */
    gait_metric_type type;
    bool cumulative;
} gait_metric;

/**
 * The metrics of this library, in the order of their names.
 * @return the metric with this number; NULL past the last.
 * Thread rule: any thread.
 */
GAIT_API const gait_metric *gait_describe_metric(size_t index);

#define GAIT_METRIC_BUCKETS GAIT_PAUSE_BUCKETS

/** Bucket i counts events in [bounds[i], bounds[i + 1]), in the metric's unit. */
typedef struct gait_metric_histogram {
    uint64_t counts[GAIT_METRIC_BUCKETS];
    double bounds[GAIT_METRIC_BUCKETS + 1]; /* the first is 0, the last INFINITY */
} gait_metric_histogram;

typedef struct gait_metric_sample {
    const char *name;                 /* set by the caller */
    gait_metric_histogram *histogram; /* set by the caller for histograms; NULL: only its type */
    gait_metric_type type;            /* set by the call, as is the value */
    union {
        uint64_t uint64;
        double float64;
    } value;
} gait_metric_sample;

/**
 * Read metrics by name. They are taken one after another while the program runs: each is right for
 * some moment of the call; several of one call add up as far as that goes.
 *
 * @return how many of the names are this library's; the type of the others is GAIT_METRIC_BAD.
 * Thread rule: any thread, attached or not.
 */
GAIT_API size_t gait_read_metrics(gait_heap *heap, gait_metric_sample *samples, size_t count);

/** How gait_write_metrics writes. */
enum gait_metrics_format {
    /** Prometheus' text format, version 0.0.4: `text/plain; version=0.0.4` */
    GAIT_METRICS_TEXT,
    /** OpenMetrics 1.0: `application/openmetrics-text; version=1.0.0` */
    GAIT_METRICS_OPEN,
    /** As GAIT_METRICS_TEXT, but under the names that Go programs export, `go_…` and `process_…`,
     * as far as the same is meant, so that dashboards made for Go read them. */
    GAIT_METRICS_GO,
    /** Beside one of the others: with figures of the process, as Prometheus' own clients name them:
     * `process_resident_memory_bytes`, `process_cpu_seconds_total` and so on; GAIT_METRICS_GO has
     * them in any case. Not where the program puts such ones on the same page itself. */
    GAIT_METRICS_PROCESS = 8
};

/**
 * Write all metrics, and what each kind has live, as text. A name is made of the metric's:
 * "/gc/heap/live:bytes" becomes `gait_gc_heap_live_bytes`, and cumulative ones end in `_total`.
 *
 * @param descriptor  a file, pipe or socket, blocking or not; waits for room as long as it takes.
 *                    Raises no SIGPIPE.
 * @param format      one of enum gait_metrics_format, with GAIT_METRICS_PROCESS or without
 * @return 0, GAIT_E_INVALID (no such format; nothing was written), GAIT_E_FILE (not all was
 *         written; errno says why).
 * Thread rule: any thread. One that is attached calls it in native code, else the collector waits
 * for it as long as the descriptor does. No memory is allocated.
 */
GAIT_API int gait_write_metrics(gait_heap *heap, int descriptor, unsigned format);

#ifdef __cplusplus
}
#endif

#endif
