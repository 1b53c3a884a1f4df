/* SPDX-License-Identifier: MIT */
/* Which block a piece comes from; see placed.h. */
#include "placed.h"

/* By default a block promises a cluster so much of it: one cluster to a block, unless told
 * otherwise. Of clusters of 12 to 51 KiB that grow at the same time, none is split so; with half a
 * block, one edge in six crosses (examples/arenas/placement.c). */
#define CLUSTER_BYTES (PLACED_BLOCK_BYTES / 4 * 3)

/* What an overflow takes is a part of a cluster: a block serves so many of them. Guess. */
#define OVERFLOW_PARTS 4

void placed_init(struct placed *placed, size_t cluster_bytes) {
    *placed = (struct placed){.cluster_bytes = cluster_bytes ? cluster_bytes : CLUSTER_BYTES};
}

/* After a reset no block is begun but the first. */
static void catch_up(struct placed *placed, struct bump *bump) {
    if (placed->era == bump->era && placed->plain)
        return;
    placed->era = bump->era;
    placed->clusters = placed->overflow = NULL;
    placed->plain = bump->current;
}

/* A block that nothing is in yet; or another one, if the source had the bump used or reset
 * meanwhile: the caller looks at it. NULL: no memory. */
static struct bump_chunk *block_take(struct placed *placed, struct bump *bump, void *context) {
    if (!bump_step(bump, context))
        return NULL;
    catch_up(placed, bump);
    return bump->current;
}

static size_t used_bytes(const struct bump *bump, const struct bump_chunk *block) {
    return (size_t)(block->end - block->first) - bump_room_bytes(bump, block);
}

/* May one more that is promised so much begin in a block? */
static bool has_room_for(const struct bump *bump, const struct bump_chunk *block, size_t bytes) {
    size_t used = used_bytes(bump, block);
    size_t taken = used > block->promised_bytes ? used : block->promised_bytes;
    size_t whole = (size_t)(block->end - block->start); /* its head or lead is not missed */
    return taken < whole && bytes <= whole - taken;
}

void *placed_take(struct placed *placed, struct bump *bump, void *context, size_t bytes,
                  size_t alignment, bool low) {
    if (bump_is_large(bump, bytes, alignment))
        return bump_take(bump, context, bytes, alignment, low);
    for (;;) {
        catch_up(placed, bump);
        void *start = bump_take_from(bump, placed->plain, bytes, alignment, low);
        if (start)
            return start;
        struct bump_chunk *block = block_take(placed, bump, context);
        if (!block)
            return NULL;
        placed->plain = block;
    }
}

void *placed_begin(struct placed *placed, struct bump *bump, void *context, size_t bytes,
                   size_t alignment, bool low) {
    if (bump_is_large(bump, bytes, alignment))
        return bump_take(bump, context, bytes, alignment, low);
    for (;;) {
        catch_up(placed, bump);
        struct bump_chunk *block = placed->clusters;
        if (block && has_room_for(bump, block, placed->cluster_bytes)) {
            void *start = bump_take_from(bump, block, bytes, alignment, low);
            if (start) {
                block->promised_bytes += placed->cluster_bytes;
                return start;
            }
        }
        block = block_take(placed, bump, context);
        if (!block)
            return NULL;
        placed->clusters = block;
    }
}

/* The block in which those of a full one go on. NULL: no memory. */
static struct bump_chunk *overflow_of(struct placed *placed, struct bump *bump, void *context,
                                      struct bump_chunk *full) {
    struct bump_chunk *block = placed->overflow;
    size_t part = placed->cluster_bytes / OVERFLOW_PARTS;
    if (!block || block == full || !has_room_for(bump, block, part)) {
        size_t era = bump->era;
        block = block_take(placed, bump, context);
        if (!block || bump->era != era)
            return NULL;
        placed->overflow = block;
    }
    block->promised_bytes += part;
    full->overflow = block;
    return block;
}

void *placed_take_near(struct placed *placed, struct bump *bump, void *context,
                       struct bump_chunk *near, size_t bytes, size_t alignment, bool low) {
    if (bump_is_large(bump, bytes, alignment))
        return bump_take(bump, context, bytes, alignment, low);
    catch_up(placed, bump);
    struct bump_chunk *block = near;
    for (;;) {
        void *start = bump_take_from(bump, block, bytes, alignment, low);
        if (start) {
            if (block != near)
                near->overflow = block; /* the next one needn't go through the full ones */
            return start;
        }
        struct bump_chunk *next = block->overflow;
        if (!next)
            next = overflow_of(placed, bump, context, block);
        if (!next)
            return NULL;
        block = next;
    }
}
