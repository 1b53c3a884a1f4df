/* SPDX-License-Identifier: MIT */
/*
 * Many small pieces that are freed at once. See gait/offheap.h.
 *
 * Pieces are cut from the youngest block, which is twice as large as the one before; what fits in
 * no such block gets one of its own, behind the youngest. The allocator itself lies in its first
 * block. An allocator is one thread's at a time; nothing is shared.
 */
#include <gait/offheap.h>
#include <string.h>

#define BLOCK_BYTES_FIRST ((size_t)4096)
#define BLOCK_BYTES_MOST ((size_t)1 << 20)

struct chunk {
    struct chunk *older;
    size_t bytes; /* the block's */
};

struct gait_offheap_allocator {
    gait_heap *heap; /* constant, as is the tag */
    int tag;
    struct chunk *youngest; /* leads to all but the first block, in which this lies */
    char *cursor;           /* of the youngest block */
    char *end;
    size_t next_bytes; /* of the next block */
    size_t taken_bytes;
};

static size_t rounded(size_t bytes) { return (bytes + 15) & ~(size_t)15; }

static char *first_piece(gait_offheap_allocator *allocator) {
    return (char *)allocator + rounded(sizeof *allocator);
}

static void begin(gait_offheap_allocator *allocator) {
    allocator->youngest = NULL;
    allocator->cursor = first_piece(allocator);
    allocator->end = (char *)allocator + BLOCK_BYTES_FIRST;
    allocator->next_bytes = 2 * BLOCK_BYTES_FIRST;
    allocator->taken_bytes = 0;
}

gait_offheap_allocator *gait_offheap_allocator_new(gait_heap *heap, int tag) {
    gait_offheap_allocator *allocator = gait_offheap_calloc(heap, 1, BLOCK_BYTES_FIRST, tag);
    if (!allocator)
        return NULL;
    allocator->heap = heap;
    allocator->tag = tag;
    begin(allocator);
    return allocator;
}

/* A block with room for one piece, or more. @return the piece, NULL: no memory. */
static void *take_block(gait_offheap_allocator *allocator, size_t bytes) {
    size_t head = rounded(sizeof(struct chunk)), next = allocator->next_bytes;
    int alone = bytes > next - head;
    size_t block_bytes = alone ? head + bytes : next;
    struct chunk *chunk = gait_offheap_calloc(allocator->heap, 1, block_bytes, allocator->tag);
    if (!chunk)
        return NULL;
    chunk->bytes = block_bytes;
    char *piece = (char *)chunk + head;
    if (alone && allocator->youngest) { /* the youngest one goes on to give pieces */
        chunk->older = allocator->youngest->older;
        allocator->youngest->older = chunk;
        return piece;
    }
    chunk->older = allocator->youngest;
    allocator->youngest = chunk;
    allocator->cursor = piece + bytes;
    allocator->end = (char *)chunk + block_bytes;
    if (!alone && next < BLOCK_BYTES_MOST)
        allocator->next_bytes = 2 * next;
    return piece;
}

void *gait_offheap_allocator_take(gait_offheap_allocator *allocator, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - 4096)
        return NULL;
    bytes = bytes ? rounded(bytes) : 16;
    char *piece = allocator->cursor;
    if ((size_t)(allocator->end - piece) >= bytes)
        allocator->cursor += bytes;
    else
        piece = take_block(allocator, bytes);
    if (piece)
        allocator->taken_bytes += bytes;
    return piece;
}

size_t gait_offheap_allocator_bytes(const gait_offheap_allocator *allocator) {
    return allocator->taken_bytes;
}

/* Free the blocks but the first. */
static void free_chunks(gait_offheap_allocator *allocator) {
    for (struct chunk *chunk = allocator->youngest, *older; chunk; chunk = older) {
        older = chunk->older;
        gait_offheap_free(allocator->heap, chunk);
    }
}

/* Take the largest block that is none of one piece off the list. NULL: there is none. */
static struct chunk *unlink_largest(gait_offheap_allocator *allocator) {
    struct chunk **largest = NULL;
    for (struct chunk **link = &allocator->youngest; *link; link = &(*link)->older)
        if ((*link)->bytes <= BLOCK_BYTES_MOST && (!largest || (*link)->bytes > (*largest)->bytes))
            largest = link;
    struct chunk *chunk = largest ? *largest : NULL;
    if (chunk)
        *largest = chunk->older;
    return chunk;
}

void gait_offheap_allocator_reset(gait_offheap_allocator *allocator) {
    size_t next_bytes = allocator->next_bytes;
    const struct chunk *youngest = allocator->youngest;
    struct chunk *kept = unlink_largest(allocator);
    free_chunks(allocator);
    if (!kept) { /* all that was given lies in the first block, or was freed */
        char *first = first_piece(allocator);
        memset(first, 0, (size_t)((char *)allocator + BLOCK_BYTES_FIRST - first));
        begin(allocator);
        return;
    }
    char *start = (char *)kept + rounded(sizeof *kept), *end = (char *)kept + kept->bytes;
    const char *dirty_end = kept == youngest ? allocator->cursor : end;
    memset(start, 0, (size_t)(dirty_end - start));
    kept->older = NULL;
    allocator->youngest = kept;
    allocator->cursor = start;
    allocator->end = end;
    allocator->next_bytes = next_bytes;
    allocator->taken_bytes = 0;
}

void gait_offheap_allocator_free(gait_offheap_allocator *allocator) {
    if (!allocator)
        return;
    free_chunks(allocator);
    gait_offheap_free(allocator->heap, allocator);
}
