/* SPDX-License-Identifier: MIT */
/*
 * A histogram of 64-bit values: 64 buckets to each doubling, so a quantile is right to 1.6 %.
 * A zeroed histogram is empty. One thread writes.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SPLIT_BITS = 6, HISTOGRAM_SPLIT = 1 << HISTOGRAM_SPLIT_BITS };

struct histogram {
    uint64_t buckets[(64 - HISTOGRAM_SPLIT_BITS + 1) * HISTOGRAM_SPLIT];
    uint64_t count, max;
};

/* Values below 64 have a bucket each; others drop all but their top 7 bits. */
static inline void histogram_add(struct histogram *histogram, uint64_t value) {
    unsigned shift = 0;
    if (value >= HISTOGRAM_SPLIT)
        shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SPLIT_BITS;
    histogram->buckets[shift * HISTOGRAM_SPLIT + (value >> shift)]++;
    histogram->count++;
    if (value > histogram->max)
        histogram->max = value;
}

static inline void histogram_merge(struct histogram *to, const struct histogram *from) {
    for (unsigned i = 0; i < sizeof to->buckets / sizeof to->buckets[0]; i++)
        to->buckets[i] += from->buckets[i];
    to->count += from->count;
    if (from->max > to->max)
        to->max = from->max;
}

/** The upper end of the bucket in which this share of the values ends. */
static inline double histogram_quantile(const struct histogram *histogram, double share) {
    uint64_t left = (uint64_t)(share * (double)histogram->count);
    for (unsigned i = 0; i < sizeof histogram->buckets / sizeof histogram->buckets[0]; i++) {
        if (left < histogram->buckets[i]) {
            unsigned shift = i < 2 * HISTOGRAM_SPLIT ? 0 : i / HISTOGRAM_SPLIT - 1;
            uint64_t top = ((i - shift * HISTOGRAM_SPLIT + UINT64_C(1)) << shift) - 1;
            return (double)(top < histogram->max ? top : histogram->max);
        }
        left -= histogram->buckets[i];
    }
    return (double)histogram->max;
}

#endif
