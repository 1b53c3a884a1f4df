/* SPDX-License-Identifier: MIT */
/*
 * Memory of libraries that belong to a heap, beside its pages: how much there is. It counts under
 * the limit.
 *
 * A count goes to one of several shards, each on a line of the cache of its own, and from there, as
 * soon as it is OFFHEAP_STEP_BYTES either way, to the sum, of which the pacer is told then.
 *
 *   .inv.slack: the sum differs from what was counted by less than OFFHEAP_STEP_BYTES on each
 *   shard: 1 MiB in all, as large as the reserve below the limit that the pacer leaves at least.
 */
#ifndef GAIT_OFFHEAP_COUNT_H
#define GAIT_OFFHEAP_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

#define OFFHEAP_SHARDS 16
#define OFFHEAP_STEP_BYTES ((size_t)65536)

struct offheap_shard {
    AO_t pending_bytes; /* counted, not yet in the sum; signed */
    AO_t added_bytes;   /* all that was taken since the heap was created; a figure */
    char rest[64 - 2 * sizeof(AO_t)];
};

struct offheap {
    AO_t sum_bytes; /* unordered: a figure. Signed: what was given back may be counted first */
    struct offheap_shard shards[OFFHEAP_SHARDS];
};

/**
 * Count bytes, in a shard. Any thread.
 * @return what has left the shard for the sum: the caller adds it to sum_bytes. 0: nothing yet.
 */
ptrdiff_t offheap_count(struct offheap *offheap, ptrdiff_t bytes);

/** What there is to the last byte. Any thread. */
uint64_t offheap_read(const struct offheap *offheap);

/** All that was taken since the heap was created: a figure. */
uint64_t offheap_added(const struct offheap *offheap);

/** What there is, as the sum has heard of it. */
static inline size_t offheap_sum(const struct offheap *offheap) {
    AO_t bytes = AO_load(&offheap->sum_bytes);
    return (intptr_t)bytes > 0 ? bytes : 0;
}

#endif
