/* SPDX-License-Identifier: MIT */
/*
 * Random inputs for tests of pure policy, edges most of all. Each run has a seed, which a failure
 * names: with GAIT_SEED=SEED in the environment a test begins with that one.
 */
#ifndef TESTS_ANY_INPUT_H
#define TESTS_ANY_INPUT_H

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static uint64_t run_seed, state;

static inline uint64_t first_seed(void) {
    const char *seed = getenv("GAIT_SEED");
    return seed ? strtoull(seed, NULL, 0) : 1;
}

static inline void seed_set(uint64_t seed) {
    run_seed = seed;
    state = seed;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t any_bits(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned below(unsigned limit) { return (unsigned)(any_bits() % limit); }

static inline uint64_t any_u64(void) {
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     999,
                                     1000,
                                     65535,
                                     65536,
                                     INT64_MAX,
                                     INT64_MAX - 1,
                                     UINT64_MAX,
                                     1u << 20,
                                     512u << 20,
                                     UINT64_MAX - 1};
    if (below(3) == 0)
        return edges[below(sizeof edges / sizeof *edges)];
    if (below(8) == 0)
        return (UINT64_C(1) << 63) + below(3) - 1;
    return any_bits() >> below(64);
}

/* A size as heaps have it. */
static inline uint64_t any_size(void) { return any_bits() >> (20 + below(40)); }

static inline int64_t any_i64(void) {
    int64_t value = (int64_t)any_u64();
    return below(4) == 0 ? -(value & INT64_MAX) : value;
}

static inline int32_t any_i32(void) {
    static const int32_t edges[] = {-1, 0, 1, 2, 4, 100, INT32_MIN, INT32_MAX};
    return below(2) ? edges[below(8)] : (int32_t)(any_bits() >> (32 + below(32)));
}

static inline double any_double(void) {
    static const double edges[] = {0, 1, -1, 1e-300, 1e300, 0.5, 1e18, INFINITY, -INFINITY, NAN};
    return below(2) ? edges[below(10)] : (double)any_i64() * ldexp(1, -(int)below(80));
}

/* 0 to 1. */
static inline double any_share(void) { return (double)(any_bits() >> 11) * 0x1p-53; }

#define EXPECT(condition) cr_assert((condition), "%s (GAIT_SEED=%" PRIu64 ")", #condition, run_seed)

#endif
