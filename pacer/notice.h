/* SPDX-License-Identifier: MIT */
/*
 * When a program is told that its memory is high. Gait's own, and as pure as the rest: figures go
 * in, a decision comes out.
 */
#ifndef PACER_NOTICE_H
#define PACER_NOTICE_H

#include "gait/pacer.h"

/**
 * Memory that a program is told of when it is passed: so many bytes, or a share of the limit,
 * whichever is lower. GAIT_PACER_NO_LIMIT: none.
 *
 * @param notice_bytes        GAIT_PACER_NO_LIMIT: no such threshold
 * @param percent_of_limit    0, or what is no number: no such threshold
 * @param memory_limit_bytes  GAIT_PACER_NO_LIMIT: there is none, and so no share of it
 */
int64_t gait_governor_notice_at(int64_t notice_bytes, double percent_of_limit,
                                int64_t memory_limit_bytes);

/**
 * Memory at which it is low again, once it was high: an eighth below. With less between the two, a
 * heap whose cycles take it up and down would be told of in each.
 */
uint64_t gait_governor_notice_low(int64_t notice_at_bytes);

/** Is memory high, given whether it was? */
bool gait_governor_is_high(bool was_high, uint64_t total_bytes, int64_t notice_at_bytes);

#endif
