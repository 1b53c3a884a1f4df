/* SPDX-License-Identifier: MIT */
/*
 * Chunks of arenas: they are nothing to marking and walkers, lead to their arena, come back through
 * the pool, and are counted.
 */
#include "bare_heap.h"
#include "heap/chunks.h"
#include "mark/weak.h"
#include "platform/fault.h"
#include "platform/platform.h"

#include <pthread.h>

static size_t arena_bytes(void) { return AO_load(&bare.space.arena_bytes); }

static struct heap_chunk *take(size_t bytes, unsigned i) {
    struct heap_chunk *chunk = chunk_take(&bare.space, bytes, i + 1);
    cr_assert_not_null(chunk);
    return chunk;
}

Test(chunks, lead_to_their_arena) {
    bare_open(~(gait_word)0);
    size_t used = AO_load(&bare.space.used_bytes);
    struct heap_chunk *one = take(65536, 0), *other = take(100000, 1);
    cr_assert_eq(chunk_bytes(one), (size_t)65536);
    cr_assert_eq(chunk_bytes(other), (size_t)106496); /* whole pages */
    cr_assert_eq(arena_bytes(), (size_t)65536 + 106496);
    cr_assert_eq(AO_load(&bare.space.used_bytes), used);
    for (size_t at = 0; at < chunk_bytes(other); at += 1000)
        cr_assert_eq(chunk_at(&bare.space, 2, (uintptr_t)other->bump.start + at), other);
    cr_assert_eq(chunk_arena(&bare.space, other), 2u);
    cr_assert_eq(one->bump.clean, one->bump.start); /* fresh from the OS */
    for (size_t i = 0; i < chunk_bytes(one); i++)
        cr_assert_eq(one->bump.start[i], 0);
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 64);
    cr_assert_null(chunk_at(&bare.space, 2, (uintptr_t)object));
    cr_assert_null(chunk_at(&bare.space, 2, (uintptr_t)&object));
    cr_assert_null(chunk_at(&bare.space, 2, 0));
    space_check(&bare.space);
    uintptr_t start = (uintptr_t)one->bump.start;
    chunk_free(&bare.space, one);
    chunk_free(&bare.space, other);
    cr_assert_null(chunk_at(&bare.space, 1, start));
    cr_assert_eq(arena_bytes(), (size_t)0);
    bare_close();
}

/* One that has read a chunk's entry may ask whose it is when the page is something else already. */
Test(chunks, index_is_of_chunks_alone) {
    bare_open(~(gait_word)0);
    AO_int_store(&bare.space.epoch, 100);
    struct heap_chunk *chunk = take(PAGE_BYTES, 1);
    struct span *span = &bare.space.spans[chunk->page];
    chunk_free(&bare.space, chunk);
    cr_assert_eq(AO_int_load(&span->arena), 0u);
    gait_word *object = bare_alloc(bare_kind(GAIT_REFS, 0), 64);
    cr_assert_eq(&bare.space.spans[space_page(&bare.space, (uintptr_t)object)], span);
    cache_destroy(&bare.cache); /* it has free cells, and goes to a list */
    cr_assert_eq(AO_char_load(&span->owned), 0);
    cr_assert_neq(AO_char_load(&span->listed), 0);
    cr_assert_eq(AO_int_load(&span->arena), 0u);
    bare_close();
}

Test(chunks, are_no_objects) {
    bare_open(~(gait_word)0);
    unsigned refs = bare_kind(GAIT_REFS, 0), weak = bare_kind(GAIT_WEAK, 0);
    arenas_use(&bare.arenas, &(struct arena_hooks){0}, sizeof(struct arena));
    struct arena *arena = arenas_new(&bare.arenas); /* not live */
    struct heap_chunk *chunk = take(65536, arena->index - 1);
    gait_word *low = (gait_word *)chunk->bump.start;
    gait_word *holder = bare_alloc(refs, 64), *weakly = bare_alloc(weak, 16);
    gait_word *inside = bare_alloc(refs, 64); /* referred to by the chunk only */
    for (unsigned i = 0; i < 8; i++)
        holder[i] = (gait_word)(low + i);
    low[0] = bare_ref(inside);
    weakly[0] = (gait_word)(low + 2);
    struct cell cell;
    cr_assert_not(space_cell(&bare.space, (uintptr_t)low, &cell));
    gait_word roots[] = {bare_ref(holder), bare_ref(weakly), (gait_word)low};
    bare_mark(roots, 3);
    marker_begin(&bare.marker);
    marker_push_interior(&bare.marker, (gait_word)low + 100);
    marker_shade(&bare.marker, roots, 3, false);
    marker_rescan(&bare.marker);
    marker_end(&bare.marker);
    cr_assert(bare_is_marked(holder));
    cr_assert_not(bare_is_marked(inside));
    bare_flip();
    weak_settle(&bare.space, bare.value_mask);
    cr_assert_eq(weakly[0], (gait_word)(low + 2));
    arenas_drop(&bare.arenas, arena);
    chunk_free(&bare.space, chunk);
    bare_close();
}

Test(chunks, pool_by_size) {
    bare_open(~(gait_word)0);
    struct heap_chunk *one = take(65536, 0), *two = take(131072, 0);
    memset(one->bump.start, 1, 65536);
    chunk_give(&bare.space, one);
    chunk_give(&bare.space, two);
    cr_assert_eq(arena_bytes(), (size_t)65536 + 131072); /* still counted */
    cr_assert_eq(chunk_arena(&bare.space, one), 0u);
    struct heap_chunk *again = take(65000, 2);
    cr_assert_eq(again, one);
    cr_assert_eq(chunk_arena(&bare.space, again), 3u);
    cr_assert_eq(again->bump.clean, again->bump.clean_end); /* it is dirty */
    chunk_give(&bare.space, again);
    struct heap_chunk *odd = take(24576, 0); /* of no size that the pool has */
    chunk_give(&bare.space, odd);
    cr_assert_eq(arena_bytes(), (size_t)65536 + 131072);
    cr_assert_eq(chunks_drain(&bare.space), (size_t)65536 + 131072);
    cr_assert_eq(arena_bytes(), (size_t)0);
    /* beyond what it keeps, pages go back */
    struct heap_chunk *many[8];
    for (unsigned i = 0; i < 8; i++)
        many[i] = take((size_t)4 << 20, 0);
    for (unsigned i = 0; i < 8; i++)
        chunk_give(&bare.space, many[i]);
    cr_assert_eq(arena_bytes(), (size_t)8 << 20);
    chunks_drain(&bare.space);
    bare_close();
}

Test(chunks, no_memory) {
    bare_open(~(gait_word)0);
    fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), 0, 1);
    cr_assert_null(chunk_take(&bare.space, 65536, 1));
    fault_disarm();
    cr_assert_null(chunk_take(&bare.space, SIZE_MAX, 1));
    cr_assert_null(chunk_take(&bare.space, 0, 1));
    cr_assert_eq(arena_bytes(), (size_t)0);
    bare_close();
}

/* Threads take and give from one pool: no chunk is anybody's twice. */
static void *churn(void *argument) {
    unsigned number = (unsigned)(uintptr_t)argument;
    uint64_t random = number + 1;
    struct heap_chunk *held[4] = {NULL};
    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = bare_random(&random) % 4;
        if (held[at]) {
            for (unsigned word = 0; word < 4; word++)
                if (((uintptr_t *)held[at]->bump.start)[word] != (number << 8 | at))
                    return argument;
            chunk_give(&bare.space, held[at]);
            held[at] = NULL;
        } else {
            held[at] = chunk_take(&bare.space, bare_random(&random) % 2 ? 65536 : 8192, number);
            if (!held[at] || chunk_arena(&bare.space, held[at]) != number)
                return argument;
            for (unsigned word = 0; word < 4; word++)
                ((uintptr_t *)held[at]->bump.start)[word] = number << 8 | at;
        }
    }
    for (unsigned at = 0; at < 4; at++)
        if (held[at])
            chunk_give(&bare.space, held[at]);
    return NULL;
}

Test(chunks, pool_of_threads) {
    bare_open(~(gait_word)0);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (unsigned i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        cr_assert_null(result);
    }
    size_t held = arena_bytes();
    /* a chunk is made where none of its size is kept: all that there are are threads' then */
    cr_assert_leq(held, (size_t)3 * 4 * (65536 + 8192));
    cr_assert_eq(chunks_drain(&bare.space), held);
    cr_assert_eq(arena_bytes(), (size_t)0);
    bare_close();
}
