/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic of the pacer: every result is defined, on every machine, and everything saturates. An
 * absurd input gives an absurdly large goal, never a tiny one, and no infinity, NaN or integer that
 * has wrapped round.
 *
 * Go wraps where it does not fit, and is right only with what amd64 makes of a double that does not
 * fit: with GOGC and the limit both off, goals near 2^63 come out as "no assists". Saturating gives
 * the same there.
 */
#ifndef PACER_ARITH_H
#define PACER_ARITH_H

#include <stdbool.h>
#include <stdint.h>

#define ARITH_TWO_63 9223372036854775808.0

static inline uint64_t arith_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

static inline uint64_t arith_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static inline int64_t arith_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t arith_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

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

/** A count of bytes as a signed one. */
static inline int64_t arith_i64_of_u64(uint64_t a) {
    return a > INT64_MAX ? INT64_MAX : (int64_t)a;
}

/** Truncates; NaN becomes 0. */
static inline int64_t arith_to_i64(double x) {
    if (x >= ARITH_TWO_63)
        return INT64_MAX;
    return x > -ARITH_TWO_63 ? (int64_t)x : x <= -ARITH_TWO_63 ? INT64_MIN : 0;
}

/** Truncates; negative values and NaN become 0. */
static inline uint64_t arith_to_u64(double x) {
    if (x >= 2 * ARITH_TWO_63)
        return UINT64_MAX;
    return x > 0 ? (uint64_t)x : 0;
}

#endif
