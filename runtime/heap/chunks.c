/* SPDX-License-Identifier: MIT */
/*
 * Chunks from the page heap, and the pool. See chunks.h.
 */
#include "chunks.h"

#include "../platform/perturb.h"
#include "free.h"

/* The pool keeps so much of each size, and two at least. What a program with many short arenas
 * gives up between two collections is more, what one with a few needs is less. Guess. */
#define POOL_BYTES ((size_t)4 << 20)

#define STACK_PAGE_BITS 32 /* a heap has fewer than 2^29 pages */
#define STACK_PAGE(word) ((size_t)((word) & (((AO_t)1 << STACK_PAGE_BITS) - 1)))

void chunks_init(struct space *space) {
    pool_init(&space->chunk_nodes, (sizeof(struct heap_chunk) + 7) & ~(size_t)7,
              &space->metadata_bytes);
}

void chunks_destroy(struct space *space) { pool_destroy(&space->chunk_nodes); }

/* ---- The pool ---- */

/* The stack for chunks of so many pages; NULL: none. */
static struct chunk_stack *stack_of(struct space *space, size_t pages) {
    unsigned shift = (unsigned)__builtin_ctzll(pages);
    return pages == (size_t)1 << shift && shift < CHUNK_STACKS ? &space->chunk_stacks[shift] : NULL;
}

/* What links a page to the next one of its stack: page + 1, 0: the end. Loads may be of a page that
 * has left the stack: then the swap that follows fails. */
static volatile AO_t *link_of(struct space *space, size_t page) {
    return (volatile AO_t *)&space->spans[page].previous;
}

static void stack_push(struct space *space, struct chunk_stack *stack, size_t page) {
    for (;;) {
        AO_t top = AO_load(&stack->top);
        AO_store(link_of(space, page), STACK_PAGE(top));
        AO_t fresh = ((top >> STACK_PAGE_BITS) + 1) << STACK_PAGE_BITS | (page + 1);
        PERTURB(CHUNK_PUSH);
        /* full: the link is seen before the top; pairs with stack_pop */
        if (AO_compare_and_swap_full(&stack->top, top, fresh))
            return;
    }
}

/* @return a page + 1; 0: none. */
static size_t stack_pop(struct space *space, struct chunk_stack *stack) {
    for (;;) {
        AO_t top = AO_load_acquire(&stack->top); /* pairs with stack_push */
        size_t page = STACK_PAGE(top);
        if (page == 0)
            return 0;
        AO_t next = AO_load(link_of(space, page - 1));
        AO_t fresh = ((top >> STACK_PAGE_BITS) + 1) << STACK_PAGE_BITS | next;
        PERTURB(CHUNK_POP);
        if (AO_compare_and_swap_full(&stack->top, top, fresh))
            return page;
    }
}

static struct heap_chunk *chunk_of_page(struct space *space, size_t page) {
    return (struct heap_chunk *)AO_load_acquire((const volatile AO_t *)&space->spans[page].next);
}

static struct heap_chunk *pool_chunk_take(struct space *space, size_t pages) {
    struct chunk_stack *stack = stack_of(space, pages);
    size_t page = stack ? stack_pop(space, stack) : 0;
    if (page == 0)
        return NULL;
    counter_sub(&stack->count, 1);
    return chunk_of_page(space, page - 1);
}

static bool pool_chunk_give(struct space *space, struct heap_chunk *chunk) {
    struct chunk_stack *stack = stack_of(space, chunk->pages);
    size_t most = POOL_BYTES / chunk_bytes(chunk);
    /* unordered: one more or less does no harm */
    if (!stack || AO_load(&stack->count) >= (most < 2 ? 2 : most))
        return false;
    counter_add(&stack->count, 1);
    stack_push(space, stack, chunk->page);
    return true;
}

/* ---- Pages ---- */

static struct heap_chunk *node_take(struct space *space) {
    lock_acquire(&space->lock);
    struct heap_chunk *chunk = pool_take(&space->chunk_nodes);
    lock_release(&space->lock);
    return chunk;
}

static void node_give(struct space *space, struct heap_chunk *chunk) {
    lock_acquire(&space->lock);
    pool_give(&space->chunk_nodes, chunk);
    lock_release(&space->lock);
}

static void note_peak(struct space *space) {
    size_t bytes = AO_load(&space->arena_bytes);
    for (AO_t peak = AO_load(&space->arena_peak_bytes); peak < bytes;) {
        AO_t seen = AO_fetch_compare_and_swap(&space->arena_peak_bytes, peak, bytes);
        if (seen == peak)
            return;
        peak = seen;
    }
}

/* Make pages that nobody else has a chunk. */
static void chunk_init(struct space *space, struct heap_chunk *chunk, size_t page, size_t pages,
                       bool zeroed, unsigned arena) {
    struct span *span = &space->spans[page];
    char *start = space_page_start(space, page), *end = start + (pages << PAGE_SHIFT);
    note_peak(space);
    *chunk = (struct heap_chunk){
        .bump = {.start = start, .end = end, .clean = zeroed ? start : end, .clean_end = end},
        .page = page,
        .pages = pages};
    span_set_pages(span, pages);
    span->size_class = CLASS_ARENA;
    span->cells = 0;
    AO_store_release((volatile AO_t *)&span->next, (AO_t)chunk);
    AO_int_store_release(&span->arena, arena); /* after it; pairs with chunk_at */
    span_set_state(span, SPAN_ARENA);
    PERTURB(CHUNK_MADE);
    for (size_t back = 0; back < pages; back++)
        AO_store_release((volatile AO_t *)&space->entries[page + back],
                         CLASS_ARENA | (page_entry)back << ENTRY_BACK_SHIFT);
}

struct heap_chunk *chunk_open(struct space *space, size_t first, size_t pages, bool low,
                              unsigned arena) {
    struct heap_chunk *chunk = node_take(space);
    if (chunk)
        chunk_init(space, chunk, space_open_addresses(space, first, pages, low), pages, true,
                   arena);
    return chunk;
}

static struct heap_chunk *chunk_make(struct space *space, size_t pages, unsigned arena) {
    bool zeroed;
    struct heap_chunk *chunk = node_take(space);
    if (!chunk)
        return NULL;
    struct span *span = space_take_pages_for(space, pages, &zeroed, &space->arena_bytes);
    if (!span) {
        node_give(space, chunk);
        return NULL;
    }
    chunk_init(space, chunk, span_page(space, span), pages, zeroed, arena);
    return chunk;
}

static size_t pages_of(size_t bytes) { return (bytes >> PAGE_SHIFT) + (bytes % PAGE_BYTES != 0); }

struct heap_chunk *chunk_take_kept(struct space *space, size_t bytes, unsigned arena) {
    struct heap_chunk *chunk = bytes > 0 ? pool_chunk_take(space, pages_of(bytes)) : NULL;
    if (!chunk)
        return NULL;
    chunk->bump.clean = chunk->bump.clean_end = chunk->bump.end;
    AO_int_store_release(&space->spans[chunk->page].arena, arena); /* pairs with chunk_arena */
    counter_add(&space->allocated_arena_bytes, chunk_bytes(chunk));
    return chunk;
}

struct heap_chunk *chunk_take(struct space *space, size_t bytes, unsigned arena) {
    size_t pages = pages_of(bytes);
    if (pages == 0 || pages > space->reserved_bytes >> PAGE_SHIFT)
        return NULL;
    struct heap_chunk *chunk = chunk_take_kept(space, bytes, arena);
    if (!chunk && (chunk = chunk_make(space, pages, arena)))
        counter_add(&space->allocated_arena_bytes, chunk_bytes(chunk));
    return chunk;
}

/* An old object may still refer to what the arena had there. */
static void note_reborn(struct space *space, const struct heap_chunk *chunk) {
    space_note_reborn(space, space_page_start(space, chunk->page), chunk_bytes(chunk));
}

void chunk_free(struct space *space, struct heap_chunk *chunk) {
    note_reborn(space, chunk);
    struct span *span = &space->spans[chunk->page];
    AO_int_store_release(&span->arena, 0); /* .inv.index */
    space_give_pages(space, span);         /* its entries are a free run's from here on */
    node_give(space, chunk);
}

void chunk_free_bare(struct space *space, struct heap_chunk *chunk) {
    note_reborn(space, chunk);
    AO_int_store_release(&space->spans[chunk->page].arena, 0);
    space_give_released(space, &space->spans[chunk->page]);
    node_give(space, chunk);
}

void chunk_give(struct space *space, struct heap_chunk *chunk) {
    AO_int_store_release(&space->spans[chunk->page].arena, 0);
    if (!pool_chunk_give(space, chunk))
        chunk_free(space, chunk);
}

size_t chunks_drain(struct space *space) {
    size_t bytes = 0;
    for (unsigned i = 0; i < CHUNK_STACKS; i++)
        for (struct heap_chunk *chunk; (chunk = pool_chunk_take(space, (size_t)1 << i));) {
            bytes += chunk_bytes(chunk);
            chunk_free(space, chunk);
        }
    return bytes;
}
