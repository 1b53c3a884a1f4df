/* SPDX-License-Identifier: MIT */
/*
 * Blocks of marking work and the stacks that they change hands through. See queue.h.
 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"

/* Blocks come from the OS in slabs. 64 KiB: a multiple of every page size. */
#define SLAB_BYTES ((size_t)65536)
/* So many stay mapped between cycles: 1 MiB, 120,000 references. */
#define SLABS_KEPT 16
#define TOP_ADDRESS (((AO_t)1 << 36) - 1)
#define TOP_TAG ((AO_t)1 << 36)

/* The first block of a slab is its link. */
struct mark_slab {
    struct mark_slab *next;
};

_Static_assert(sizeof(struct mark_block) == MARK_BLOCK_BYTES, "a block fills its size");

void queue_init(struct mark_queue *queue, AO_t *metadata_bytes) {
    memset(queue, 0, sizeof *queue);
    queue->metadata_bytes = metadata_bytes;
    ephemerons_init(&queue->keys, metadata_bytes);
}

void queue_destroy(struct mark_queue *queue) {
    for (struct mark_slab *slab = (struct mark_slab *)queue->slabs, *next; slab; slab = next) {
        next = slab->next;
        platform_unreserve(slab, SLAB_BYTES);
    }
    ephemerons_destroy(&queue->keys);
}

/* ---- Who is active ---- */

void queue_open(struct mark_queue *queue) {
    PERTURB(QUEUE_OPEN);
    AO_or_full(&queue->active, QUEUE_OPEN);
}

void queue_close(struct mark_queue *queue) {
    PERTURB(QUEUE_CLOSE);
    AO_and_full(&queue->active, ~QUEUE_OPEN);
}

bool queue_join(struct mark_queue *queue) {
    AO_t active;
    do {
        active = AO_load(&queue->active);
        if (!(active & QUEUE_OPEN))
            return false;
        PERTURB(QUEUE_JOIN);
        /* full: counted before it takes or makes work; and what came before queue_open is seen */
    } while (!AO_compare_and_swap_full(&queue->active, active, active + 1));
    return true;
}

/* ---- Blocks ---- */

static void stack_push(struct mark_stack *stack, struct mark_block *block) {
    AO_t top;
    do {
        top = AO_load(&stack->top);
        AO_store(&block->next, top & TOP_ADDRESS);
        /* release: the taker sees the block's words; pairs with the acquire in stack_pop */
    } while (!AO_compare_and_swap_release(&stack->top, top,
                                          ((top & ~TOP_ADDRESS) + TOP_TAG) | (AO_t)block >> 12));
}

static struct mark_block *stack_pop(struct mark_stack *stack) {
    for (;;) {
        AO_t top = AO_load_acquire(&stack->top);
        struct mark_block *block = (struct mark_block *)((top & TOP_ADDRESS) << 12);
        if (!block)
            return NULL;
        /* stale if another thread took the block: then the swap fails */
        AO_t next = AO_load(&block->next);
        PERTURB(QUEUE_POP);
        if (AO_compare_and_swap_full(&stack->top, top, ((top & ~TOP_ADDRESS) + TOP_TAG) | next))
            return block;
    }
}

/* Put a slab's blocks on the free stack, except for the first ones: the link, and those kept. */
static void slab_free(struct mark_queue *queue, struct mark_slab *slab, size_t kept) {
    for (size_t at = (1 + kept) * MARK_BLOCK_BYTES; at < SLAB_BYTES; at += MARK_BLOCK_BYTES)
        stack_push(&queue->free, (struct mark_block *)((char *)slab + at));
}

/* Map a slab, keep one of its blocks, put the others on the free stack. */
static struct mark_block *slab_map(struct mark_queue *queue) {
    char *memory = platform_map(SLAB_BYTES);
    if (!memory)
        return NULL;
    struct mark_slab *slab = (struct mark_slab *)memory;
    AO_t first;
    do {
        first = AO_load(&queue->slabs);
        slab->next = (struct mark_slab *)first;
        /* release: pairs with the acquire in queue_active, before the collector walks the list */
    } while (!AO_compare_and_swap_release(&queue->slabs, first, (AO_t)slab));
    counter_add(&queue->slab_count, 1);
    counter_add(queue->metadata_bytes, SLAB_BYTES);
    slab_free(queue, slab, 1);
    return (struct mark_block *)(memory + MARK_BLOCK_BYTES);
}

struct mark_block *queue_block(struct mark_queue *queue) {
    struct mark_block *block = stack_pop(&queue->free);
    if (!block)
        block = slab_map(queue);
    if (block)
        block->count = 0;
    return block;
}

void queue_recycle(struct mark_queue *queue, struct mark_block *block) {
    stack_push(&queue->free, block);
}

void queue_publish(struct mark_queue *queue, struct mark_block *block) {
    AO_fetch_and_add1_full(&queue->published); /* full: before the block can be taken, or used up */
    PERTURB(QUEUE_PUBLISH);
    stack_push(&queue->full, block);
    news_tell(&queue->news);
}

struct mark_block *queue_take(struct mark_queue *queue) {
    return stack_pop(&queue->full);
}

void queue_publish_ephemerons(struct mark_queue *queue, struct mark_block *block) {
    stack_push(&queue->ephemerons, block);
}

struct mark_block *queue_take_ephemerons(struct mark_queue *queue) {
    return stack_pop(&queue->ephemerons);
}

/* If none is published at one moment, all of it is in the hands of active threads. When later there
 * is no active thread, and nothing was published in between, they have used it up: what is left of
 * it is published before a thread ends. */
bool queue_is_out(const struct mark_queue *queue) {
    AO_t published = AO_load_acquire(&queue->published);
    return !queue_has_work(queue) && queue_active(queue) == 0 &&
           AO_load_acquire(&queue->published) == published;
}

/* All blocks are free, and nobody holds or reads one: unmap the slabs that are too many. */
static void slabs_trim(struct mark_queue *queue) {
    size_t count = AO_load(&queue->slab_count);
    if (count <= SLABS_KEPT)
        return;
    AO_store(&queue->free.top, 0); /* nobody is about to swap it: no tag is needed */
    struct mark_slab *slab = (struct mark_slab *)AO_load(&queue->slabs), *next;
    for (; count > SLABS_KEPT; count--, slab = next) {
        next = slab->next;
        platform_unreserve(slab, SLAB_BYTES);
        counter_sub(queue->metadata_bytes, SLAB_BYTES);
    }
    AO_store(&queue->slabs, (AO_t)slab);
    AO_store(&queue->slab_count, count);
    for (; slab; slab = slab->next)
        slab_free(queue, slab, 0);
}

void queue_clear(struct mark_queue *queue) {
    for (struct mark_block *block; (block = stack_pop(&queue->full));)
        queue_recycle(queue, block);
    for (struct mark_block *block; (block = stack_pop(&queue->ephemerons));)
        queue_recycle(queue, block);
    slabs_trim(queue);
    ephemerons_clear(&queue->keys);
    AO_store(&queue->overflowed, 0);
    AO_store(&queue->lone, 0);
}
