/* SPDX-License-Identifier: MIT */
/*
 * Counting of libraries' memory. See offheap.h.
 */
#include "offheap.h"

#include <stdbool.h>

/* Threads take the shards in turn. */
static struct offheap_shard *shard_here(struct offheap *offheap) {
    static AO_t threads;
    static _Thread_local unsigned mine; /* 0: none yet */
    if (mine == 0)
        mine = (unsigned)(AO_fetch_and_add1(&threads) % OFFHEAP_SHARDS) + 1;
    return &offheap->shards[mine - 1];
}

/* Is a count so far from 0, either way, that it goes to the sum? */
static bool is_much(AO_t pending) {
    return pending + (OFFHEAP_STEP_BYTES - 1) > 2 * (OFFHEAP_STEP_BYTES - 1);
}

static __attribute__((noinline)) ptrdiff_t take(struct offheap_shard *shard) {
    AO_t bytes;
    do {
        bytes = AO_load(&shard->pending_bytes);
        if (!is_much(bytes))
            return 0; /* another thread of this shard was first */
    } while (!AO_compare_and_swap(&shard->pending_bytes, bytes, 0));
    return (ptrdiff_t)bytes;
}

ptrdiff_t offheap_count(struct offheap *offheap, ptrdiff_t bytes) {
    struct offheap_shard *shard = shard_here(offheap);
    if (bytes > 0)
        counter_add(&shard->added_bytes, (size_t)bytes);
    AO_t pending = AO_fetch_and_add(&shard->pending_bytes, (AO_t)bytes) + (AO_t)bytes;
    return is_much(pending) ? take(shard) : 0;
}

uint64_t offheap_read(const struct offheap *offheap) {
    AO_t sum = AO_load(&offheap->sum_bytes);
    for (unsigned i = 0; i < OFFHEAP_SHARDS; i++)
        sum += AO_load(&offheap->shards[i].pending_bytes);
    return (intptr_t)sum > 0 ? sum : 0; /* what left a shard may not be in the sum yet */
}

uint64_t offheap_added(const struct offheap *offheap) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < OFFHEAP_SHARDS; i++)
        sum += AO_load(&offheap->shards[i].added_bytes);
    return sum;
}
