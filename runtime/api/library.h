/* SPDX-License-Identifier: MIT */
/*
 * Libraries that belong to a heap: their states, and what they count. See gait/library.h.
 *
 * A count goes to one of several shards, each on a line of the cache of its own, and from there, as
 * soon as it is LIBRARY_FLUSH_BYTES either way, to the heap's total (space.offheap_bytes), of which
 * the pacer is told then.
 *
 *   .inv.slack: the total differs from what was counted by less than LIBRARY_FLUSH_BYTES on each
 *   shard: 1 MiB in all, as large as the reserve below the limit that the pacer leaves at least.
 */
#ifndef GAIT_RUNTIME_LIBRARY_H
#define GAIT_RUNTIME_LIBRARY_H

#include <gait/library.h>

#include "../platform/atomic.h"

#define LIBRARY_SHARDS 16
#define LIBRARY_FLUSH_BYTES ((size_t)65536)

struct library_shard {
    AO_t pending_bytes; /* counted, not yet in the total; signed */
    AO_t added_bytes;   /* all that was taken since the heap was created; a figure */
    char rest[64 - 2 * sizeof(AO_t)];
};

/* An argument of at_exit. */
struct library_exit {
    gait_heap *heap;
    int library;
    size_t
        place; /* in the table of at_exit.h, plus 1; 0: in none. Who asked for it, then destroy */
};

struct libraries {
    AO_t states[GAIT_LIBRARIES_MAX]; /* set once by compare-and-swap: release and acquire */
    struct library_exit exits[GAIT_LIBRARIES_MAX];
    struct library_shard shards[LIBRARY_SHARDS];
};

/** The heap is destroyed: no thread uses it. Before its log and its memory go. */
void libraries_destroy(gait_heap *heap);

/** What all libraries have taken since the heap was created, bytes: a figure. */
uint64_t libraries_added(const gait_heap *heap);

/** Around fork: all heaps rest. */
void libraries_hold(void);
void libraries_let_go(void);
void libraries_lost(void);

/** In the child, for each heap. */
void libraries_forked(gait_heap *heap);

#endif
