/* SPDX-License-Identifier: MIT */
/*
 * What the programs of tests/stress and tests/fuzz share: random numbers from a seed, and which
 * sanitizer they were built with.
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gcc tells of its sanitizers by names, clang by features. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

/* splitmix64 (Steele, Lea, Flood 2014); one state per thread. */

static inline uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t next_random(uint64_t *state) {
    return mix(*state += UINT64_C(0x9e3779b97f4a7c15));
}

/** 0 .. limit - 1. */
static inline size_t pick(uint64_t *state, size_t limit) {
    return (size_t)((next_random(state) >> 11) % limit);
}

/** True once in so many calls. */
static inline bool one_in(uint64_t *state, size_t times) { return pick(state, times) == 0; }

#endif
