/* SPDX-License-Identifier: MIT */
/*
 * A heap snapshot in the compact form (docs/heap-snapshots.md), in memory; and how it is written,
 * as it is or as V8 has it. See gait/heap_snapshot.h.
 */
#ifndef GAIT_OBSERVE_HEAP_SNAPSHOT_H
#define GAIT_OBSERVE_HEAP_SNAPSHOT_H

#include <gait/heap_snapshot.h>

#include "reach.h"
#include "stream.h"

#define HEAP_SNAPSHOT_NAME_BYTES 64
#define HEAP_SNAPSHOT_VERSION 2
/* An edge is a number: its place above so many bits of its type. */
#define HEAP_SNAPSHOT_TYPE_BITS 4

/* What is not asked for while the world is stopped. */
struct heap_snapshot_about {
    int64_t time_ns; /* since 1970 */
    unsigned process;
    char program[HEAP_SNAPSHOT_NAME_BYTES];
};

struct heap_snapshot {
    struct reach reach;
    struct stream stream;
    gait_snapshot_label_fn label;
    void *label_data;
    gait_snapshot_owned_fn owned;
    void *owned_data;
    /* what a cleanup frees outside the heap, bytes */
    size_t (*cleanup_bytes)(gait_cleanup_fn cleanup, const void *data);
    struct address_list cleanups; /* of those that free some: how much, by their objects */
    /* where in the stream these begin */
    struct pile_cursor kinds, groups, nodes, roots;
    uint64_t node_count, edge_count;
    uint64_t object_bytes;
    uint64_t owned_bytes, owner_count; /* outside the heap; objects that own some */
    size_t extent_bytes;               /* of the heap, as it was: it grows while this is written */
    uintptr_t last_address;            /* of the object that was written last */
    size_t number;                     /* of the node that is being written */
    int64_t walk_ns;
    int64_t stop_ns;
    bool forked;
};

/** Look at all of the heap: .inv.still of reach.h. Label functions run. What the heap is needed for
 * is over then. @return false: there was no memory. To be freed in any case. */
bool heap_snapshot_take(struct heap_snapshot *snapshot, gait_heap *heap,
                        const struct heap_snapshot_about *about);

/** The last record. */
void heap_snapshot_finish(struct heap_snapshot *snapshot, int64_t stop_ns, bool forked);

void heap_snapshot_free(struct heap_snapshot *snapshot);

/** Write it; idle_ns: as gait_snapshot_options. @return 0; negative: errno says why (ENOMEM: no
 * memory). */
int heap_snapshot_write(struct heap_snapshot *snapshot, unsigned format, int descriptor,
                        int64_t idle_ns);

/** The same as V8 has it: heap_snapshot_v8.c. */
int heap_snapshot_write_v8(struct heap_snapshot *snapshot, int descriptor, int64_t idle_ns);

#endif
