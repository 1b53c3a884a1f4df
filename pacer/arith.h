/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic of the pacer: every result is defined, on every machine.
 *
 * Two rules. Sums and products of bytes and times saturate: an absurd input
 * gives an absurdly large goal, never a tiny one. A double that does not fit
 * an integer becomes what Go's compiler makes of it on amd64 (the policy has
 * such conversions with GOGC and the limit both off, and is right only with
 * exactly these results).
 */
#ifndef PACER_ARITH_H
#define PACER_ARITH_H

#include <stdbool.h>
#include <stdint.h>

#define ARITH_TWO_63 9223372036854775808.0

static inline uint64_t arith_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

static inline uint64_t arith_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static inline int64_t arith_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

static inline uint64_t arith_add_u64(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline int64_t arith_add_i64(int64_t a, int64_t b) {
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

static inline int64_t arith_sub_i64(int64_t a, int64_t b) {
    int64_t difference;
    if (!__builtin_sub_overflow(a, b, &difference))
        return difference;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

/** a x factor, for a >= 0 and factor > 0. */
static inline int64_t arith_scale_i64(int64_t a, int32_t factor) {
    return a > INT64_MAX / factor ? INT64_MAX : a * factor;
}

/** a x percent / 100, truncated; saturates if the product does not fit, as the quotient may not. */
static inline uint64_t arith_percent_u64(uint64_t a, uint32_t percent) {
    uint64_t product;
    return __builtin_mul_overflow(a, (uint64_t)percent, &product) ? UINT64_MAX : product / 100;
}

/** Two's complement difference, for heap distances that overflow on purpose (see arith_to_i64). */
static inline int64_t arith_wrap_sub_i64(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t arith_wrap_add_i64(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/** Truncates; NaN and what does not fit become INT64_MIN (cvttsd2sq). */
static inline int64_t arith_to_i64(double x) {
    return x >= -ARITH_TWO_63 && x < ARITH_TWO_63 ? (int64_t)x : INT64_MIN;
}

/** Truncates; negative values wrap round, NaN and 2^64 or more become 0 (Go on amd64). */
static inline uint64_t arith_to_u64(double x) {
    if (x < ARITH_TWO_63)
        return (uint64_t)arith_to_i64(x);
    return (uint64_t)arith_to_i64(x - ARITH_TWO_63) ^ (UINT64_C(1) << 63);
}

#endif
