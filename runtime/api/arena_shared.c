/* SPDX-License-Identifier: MIT */
/*
 * Arenas that several threads allocate from at once.
 *
 * Such an arena has ARENA_SHARDS bumps beside the one that its handle lies in. A thread takes one
 * that nobody has, beginning with its own, allocates from it as the owner of an arena does, and
 * lets it go. Why not one cursor for all that each moves by a compare-and-swap: a cursor that
 * markers read may pass memory only when that is zero, so whole chunks would be zeroed ahead, and
 * each allocation of each thread would want the same line of the cache. And why not a bump for each
 * thread: threads come and go, and an arena of a thousand of them would be chunks that are mostly
 * empty.
 *
 *   .inv.shard: a thread that has a shard comes to no safepoint: where its bump asks the source,
 *   which is one, it is let go for that time. So one that waits for it waits some 100 ns, or until
 *   the OS lets its holder go on; and a fork, or a handler that is left by longjmp, finds none
 * taken.
 */
#include "../heap/counted.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "arena_sample.h"

int arena_shards_open(struct arena_call *call, const struct bump_config *config) {
    struct arena_own *own = call->own;
    AO_t *metadata_bytes = &own->heap->space.metadata_bytes;
    own->shards = counted_alloc(metadata_bytes, ARENA_SHARDS * sizeof(struct arena_shard));
    for (unsigned i = 0; own->shards && i < ARENA_SHARDS; i++) {
        struct arena_shard *shard = &own->shards[i];
        if (bump_open(&shard->bump, &arena_source, call, config) < 0)
            return -1;
        arena_note(&shard->figures, &shard->bump);
    }
    return own->shards ? 0 : -1;
}

void arena_shards_free(struct arena_own *own) {
    counted_free(&own->heap->space.metadata_bytes, own->shards,
                 ARENA_SHARDS * sizeof(struct arena_shard));
    own->shards = NULL;
}

static bool shard_try(struct arena_shard *shard) {
    /* acquire: pairs with arena_shard_let_go */
    return !AO_load(&shard->taken) && AO_compare_and_swap_acquire(&shard->taken, 0, 1);
}

void arena_shard_wait(struct arena_shard *shard) {
    while (!shard_try(shard))
        platform_yield();
}

void arena_shard_let_go(struct arena_shard *shard) { AO_store_release(&shard->taken, 0); }

/* Some shard, and the same for a thread as long as it finds it free. */
static struct arena_shard *shard_take(const gait_mutator *mutator, struct arena_own *own) {
    size_t mine = (uintptr_t)mutator / sizeof *mutator; /* they lie side by side, or anywhere */
    for (;;) {
        for (unsigned i = 0; i < ARENA_SHARDS; i++) {
            struct arena_shard *shard = &own->shards[(mine + i) % ARENA_SHARDS];
            if (shard_try(shard))
                return shard;
        }
        platform_yield();
    }
}

void *arena_shared_take(gait_mutator *mutator, struct arena_own *own, size_t bytes,
                        size_t alignment, bool low) {
    struct arena_shard *shard = shard_take(mutator, own);
    struct gait_arena_head *head = shard->bump.head;
    PERTURB(ARENA_SHARD);
    void *start = NULL;
    if (!low)
        start = gait_arena_take_high(head, bytes, alignment ? alignment : 1);
    else if (alignment <= 8)
        start = gait_arena_take_low(head, bytes);
    if (!start) {
        struct arena_call call = {.mutator = mutator, .own = own, .shard = shard};
        gait_word handle = (gait_word)own->record.handle; /* over the safepoint */
        struct gait_frame frame;
        bool sampled = arena_is_sampled(mutator, &shard->sampler);
        if (sampled)
            arena_sample_look(mutator, &shard->sampler, &shard->bump, bytes, low);
        gait_push_frame(mutator, &frame, &handle, 1);
        start = bump_take(&shard->bump, &call, bytes, alignment, low);
        gait_pop_frame(mutator);
        if (start) { /* else the handler may have freed it */
            arena_note(&shard->figures, &shard->bump);
            if (sampled)
                arena_sample_left(&shard->sampler, &shard->bump);
        }
    }
    arena_shard_let_go(shard);
    return start;
}
