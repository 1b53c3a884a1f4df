/* SPDX-License-Identifier: MIT */
/*
 * Notices of memory. See notice.h.
 */
#include "notice.h"

#include "arith.h"

/** A program is told anew only after memory has fallen so far below: one part in so many. A heap
 * whose pages the scavenger keeps to its goal plus a tenth swings by less than that. Guess. */
#define NOTICE_HYSTERESIS_DIVISOR 8

int64_t gait_governor_notice_at(int64_t notice_bytes, double percent_of_limit,
                                int64_t memory_limit_bytes) {
    if (memory_limit_bytes == GAIT_PACER_NO_LIMIT || !(percent_of_limit > 0))
        return notice_bytes;
    int64_t share = arith_to_i64((double)memory_limit_bytes / 100 * percent_of_limit);
    return share < notice_bytes ? share : notice_bytes;
}

uint64_t gait_governor_notice_low(int64_t notice_at_bytes) {
    uint64_t at = notice_at_bytes > 0 ? (uint64_t)notice_at_bytes : 0;
    return at - at / NOTICE_HYSTERESIS_DIVISOR;
}

bool gait_governor_is_high(bool was_high, uint64_t total_bytes, int64_t notice_at_bytes) {
    if (notice_at_bytes == GAIT_PACER_NO_LIMIT)
        return false;
    return was_high ? total_bytes >= gait_governor_notice_low(notice_at_bytes)
                    : notice_at_bytes <= 0 || total_bytes >= (uint64_t)notice_at_bytes;
}
