/* SPDX-License-Identifier: MIT */
/*
 * Placement: which block a piece comes from, so that what belongs together lies together. A block
 * is a chunk of 64 KiB of a bump without windows; all blocks that are begun can be taken from.
 *
 *   cluster    pieces that refer to one another more than to others. The first says so, and the
 *              block that it begins in promises it room; each other is asked for near one of them
 *   overflow   where a block's clusters go on when it is full: a chain of blocks, each of which
 *              serves several
 *   plain      what was asked for near nothing: in the order of allocation
 *
 *   .inv.promise: a cluster begins in a block only if what that block has promised, or handed out,
 *   whichever is more, leaves room for one more promise. So clusters that grow at the same time
 *   don't take each other's room, as long as they are no larger than what was promised.
 *   .inv.chain: overflow leads to a block that became an overflow's after those before it: there is
 *   no circle.
 *
 * The owner's, as the bump.
 */
#ifndef GAIT_PLACED_H
#define GAIT_PLACED_H

#include "bump.h"

#define PLACED_BLOCK_BYTES ((size_t)65536)

struct placed {
    size_t era;                  /* of the bump: of another one, the blocks below mean nothing */
    size_t cluster_bytes;        /* constant: what a cluster is promised */
    struct bump_chunk *plain;    /* where the next plain piece goes; NULL: none */
    struct bump_chunk *clusters; /* where the next cluster begins, if there is room */
    struct bump_chunk *overflow; /* where the next full block's clusters go on */
};

/** cluster_bytes: at most a block's; 0: three quarters of a block. */
void placed_init(struct placed *placed, size_t cluster_bytes);

/** Take a plain piece; as bump_take, which what is too large for a block is handed on to. */
void *placed_take(struct placed *placed, struct bump *bump, void *context, size_t bytes,
                  size_t alignment, bool low);

/** Take the first piece of a cluster. */
void *placed_begin(struct placed *placed, struct bump *bump, void *context, size_t bytes,
                   size_t alignment, bool low);

/** Take a piece near what lies in this block, which is begun. */
void *placed_take_near(struct placed *placed, struct bump *bump, void *context,
                       struct bump_chunk *near, size_t bytes, size_t alignment, bool low);

#endif
