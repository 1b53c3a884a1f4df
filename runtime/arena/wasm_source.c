/* SPDX-License-Identifier: MIT */
/*
 * Chunks in WebAssembly's memory. See wasm_source.h.
 */
#include "wasm_source.h"

/* Where data and stack end; the linker's. */
extern char __heap_base;

/* Free pages; the record of a chunk lies in the same place. By address, no two side by side. */
struct block {
    struct block *next;
    size_t pages;
    bool clean; /* nobody wrote to it except for this record */
};

/* A record, rounded up so that what follows lies at a multiple of 64. */
#define RECORD_BYTES ((size_t)64)
_Static_assert(sizeof(struct bump_chunk) <= RECORD_BYTES, "a record has its room");
_Static_assert(sizeof(struct block) <= RECORD_BYTES, "likewise");

static struct block *free_blocks;
static bool begun; /* the memory that there was at the start is among the blocks, or used up */

static char *end_of(struct block *block) { return (char *)block + block->pages * WASM_PAGE_BYTES; }

/* Join b with what follows it, if that is its neighbour. */
static void join(struct block *b) {
    struct block *after = b->next;
    if (!after || end_of(b) != (char *)after)
        return;
    bool clean = b->clean && after->clean;
    b->pages += after->pages;
    b->next = after->next;
    b->clean = clean;
    if (clean) /* its record is inside now */
        *after = (struct block){0};
}

static void give_pages(char *start, size_t pages, bool clean) {
    struct block *block = (struct block *)start, **link = &free_blocks, *before = NULL;
    while (*link && (char *)*link < start) {
        before = *link;
        link = &before->next;
    }
    *block = (struct block){.next = *link, .pages = pages, .clean = clean};
    *link = block;
    join(block);
    if (before)
        join(before);
}

/* The last page of 4 GiB is not used: its end is no address. */
#define PAGES_MOST ((size_t)65535)

static void begin(void) {
    uintptr_t base = (uintptr_t)&__heap_base;
    size_t first = (base + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES;
    size_t pages = __builtin_wasm_memory_size(0);
    if (pages > PAGES_MOST)
        pages = PAGES_MOST;
    begun = true;
    if (first < pages)
        give_pages((char *)(first * WASM_PAGE_BYTES), pages - first, true);
}

/* Have so many pages among the blocks, side by side. @return false: there are none. */
static bool grow(size_t pages) {
    size_t now = __builtin_wasm_memory_size(0);
    if (now > PAGES_MOST || pages > PAGES_MOST - now)
        return false;
    size_t first = __builtin_wasm_memory_grow(0, pages);
    if (first == SIZE_MAX)
        return false;
    give_pages((char *)(first * WASM_PAGE_BYTES), pages, true);
    return true;
}

/* The first block that is large enough; what is left of it stays. */
static struct block *take_pages(size_t pages) {
    for (struct block **link = &free_blocks; *link; link = &(*link)->next) {
        struct block *block = *link;
        if (block->pages < pages)
            continue;
        *link = block->next;
        if (block->pages > pages)
            give_pages((char *)block + pages * WASM_PAGE_BYTES, block->pages - pages, block->clean);
        block->pages = pages;
        return block;
    }
    return NULL;
}

static struct bump_chunk *take(void *context, size_t bytes) {
    (void)context;
    if (!begun)
        begin();
    if (bytes > SIZE_MAX - RECORD_BYTES - WASM_PAGE_BYTES)
        return NULL;
    size_t pages = (bytes + RECORD_BYTES + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES;
    struct block *block = take_pages(pages);
    if (!block && (!grow(pages) || !(block = take_pages(pages))))
        return NULL;
    char *start = (char *)block + RECORD_BYTES, *end = end_of(block);
    bool clean = block->clean;
    struct bump_chunk *chunk = (struct bump_chunk *)block;
    *chunk = (struct bump_chunk){
        .start = start, .end = end, .clean = clean ? start : end, .clean_end = end};
    return chunk;
}

static void give(void *context, struct bump_chunk *chunk) {
    (void)context;
    char *block = chunk->start - RECORD_BYTES;
    give_pages(block, (size_t)(chunk->end - block) / WASM_PAGE_BYTES, false);
}

size_t wasm_source_free_bytes(void) {
    size_t pages = 0;
    for (const struct block *block = free_blocks; block; block = block->next)
        pages += block->pages;
    return pages * WASM_PAGE_BYTES;
}

const struct bump_source wasm_source = {
    .take = take, .give = give, .granule_bytes = WASM_PAGE_BYTES};
