/* SPDX-License-Identifier: MIT */
/*
 * Fault injection: makes calls of platform.h fail on purpose.
 *
 * A call that takes a resource asks fault_hits(its site) before it asks the OS, and fails when the
 * answer is true. Calls at the armed sites are numbered from 0 over all sites together; the first
 * `after` succeed, and from then on each `every`-th fails. While nothing is armed the question
 * costs one relaxed load.
 *
 * Checked builds (GAIT_CHECKS) also arm from the environment when the library is loaded, but not in
 * a process that has more rights than its caller:
 *     GAIT_FAULT=SITES:AFTER:EVERY      such as commit+map:100:3 or all:0:1
 */
#ifndef GAIT_FAULT_H
#define GAIT_FAULT_H

#include "atomic.h"

#include <stdbool.h>
#include <stdint.h>

/* X(constant, word in GAIT_FAULT): one site per function of platform.h that can fail. */
#define FAULT_SITES(X)                                                                             \
    X(RESERVE, "reserve")                                                                          \
    X(COMMIT, "commit")                                                                            \
    X(RELEASE, "release")                                                                          \
    X(MAP, "map")                                                                                  \
    X(THREAD, "thread")                                                                            \
    X(STACK, "stack")                                                                              \
    X(KEY_CREATE, "keycreate")                                                                     \
    X(KEY_SET, "keyset")                                                                           \
    X(FORK, "fork")                                                                                \
    X(BIND, "bind")                                                                                \
    X(PROTECT, "protect")                                                                          \
    X(WRITE, "write")                                                                              \
    X(READ, "read")                                                                                \
    X(WATCH, "watch")

enum fault_site {
#define X(constant, word) FAULT_##constant,
    FAULT_SITES(X)
#undef X
        FAULT_SITE_COUNT
};

/* A mask of sites is the sum of FAULT_MASK(site). */
#define FAULT_MASK(site) (UINT32_C(1) << (site))
#define FAULT_MASK_ALL (FAULT_MASK(FAULT_SITE_COUNT) - 1)

/**
 * Let the calls at these sites fail: `after` calls succeed first, then each `every`-th fails,
 * beginning at once (1: all; 0: one call only). Counting begins anew.
 * Thread rule: any thread, one at a time. Calls under way in other threads may still count by the
 * setting before.
 */
void fault_arm(uint32_t site_mask, size_t after, size_t every);

/** Arm from text in the form of GAIT_FAULT. @return negative: malformed, nothing changed. */
int fault_arm_text(const char *text);

/** Stop all failures. fault_failures keeps its value until the next fault_arm. */
void fault_disarm(void);

/** How many calls were made to fail since the last fault_arm. */
size_t fault_failures(void);

/* The rest is for platform/ alone. */

/** The armed sites, 0 when off. Written by fault_arm; unordered reads only begin or end late. */
extern volatile AO_t fault_armed;

/** Count a call at an armed site. @return true: it must fail. */
bool fault_count(enum fault_site site);

static inline bool fault_hits(enum fault_site site) {
    return __builtin_expect(AO_load(&fault_armed) != 0, 0) && fault_count(site);
}

#endif
