/* SPDX-License-Identifier: MIT */
/*
 * Pairs of arenas: one is filled while the one before it is read. What is said about the functions
 * is in gait/arena.h; tests/model/pair.pml checks the protocol.
 *
 *   .inv.word: one word says which side is read, and how many readers have come to it since it was
 *   published. So a reader that comes learns its side and is counted in one step.
 *   .inv.gone: each side counts those that have left it. As many as had come when the other side
 *   was published: nobody is in it any more, since nobody comes to it any more. Then its count
 *   begins anew, by the writer, which is alone in it.
 *   .inv.side: a side's root is written while nobody reads the side, before it is published.
 *
 * A reader comes and goes by one addition each. The writer publishes by a compare-and-swap that
 * only a reader's coming makes it repeat. Nobody waits.
 *
 * Publishing comes first, and the side that was read until then is the writer's when its readers
 * have left: those that come meanwhile go to the new one. A swap that is refused while somebody
 * reads would never succeed with readers that overlap (the model's REFUSE).
 *
 * Both arenas are pinned, as the pair is C memory; what a traced one holds is kept by that.
 */
#include "../abi.h"
#include "../error.h"
#include "../heap/counted.h"
#include "../platform/perturb.h"
#include "arenas.h"

/* Of the word: bit 0 is the side, the count is above. */
#define READER ((AO_t)2)
#define SIDE(word) ((word)&1)
#define READERS(word) ((word) >> 1)

struct side {
    AO_t gone;         /* .inv.gone; released by readers, acquired by the writer */
    gait_arena *arena; /* constant */
    void *root;        /* .inv.side */
    char apart[128 - sizeof(AO_t) - 2 * sizeof(void *)];
};

struct gait_arena_pair {
    struct side sides[2];
    AO_t word; /* .inv.word; readers acquire what the writer's swap releases */
    char apart[128 - sizeof(AO_t)];
    /* the writer's */
    gait_heap *heap; /* constant */
    unsigned filled; /* the side that is filled, or is to be when its readers have left */
    bool waits;      /* for readers of that side */
    AO_t come;       /* how many had come to it */
};

static gait_arena_pair *say(char *error, size_t error_bytes, const char *why) {
    error_say(error, error_bytes, "gait_arena_pair_create: %s", why);
    return NULL;
}

/* Both, or none: a handler may leave by longjmp while the second one is made. */
static bool prepare_both(gait_mutator *mutator, const gait_arena_config *config,
                         struct arena_own *sides[2], const char *where, char *error,
                         size_t error_bytes) {
    sides[0] = arena_prepare(mutator, config, where, error, error_bytes);
    if (!sides[0])
        return false;
    arena_making_begin(mutator, sides[0]);
    sides[1] = arena_prepare(mutator, config, where, error, error_bytes);
    arena_making_end(mutator, sides[0]);
    if (!sides[1])
        arena_discard(mutator, sides[0]);
    return sides[1] != NULL;
}

gait_arena_pair *gait_arena_pair_create_at(gait_mutator *mutator, const gait_arena_config *config,
                                           const char *where, char *error, size_t error_bytes) {
    mutator_check_thread(mutator, "gait_arena_pair_create");
    gait_heap *heap = mutator->heap;
    gait_arena_config pinned;
    gait_arena_config_init(&pinned);
    if (config && (config->struct_bytes < ABI0_BYTES(gait_arena_config, reserve_bytes) ||
                   !abi_take(&pinned, sizeof pinned, config, config->struct_bytes)))
        return say(error, error_bytes, "config is not set by gait_arena_config_init, or newer");
    pinned.struct_bytes = sizeof pinned;
    pinned.flags |= GAIT_ARENA_PINNED;
    gait_arena_config each;
    if (!arena_config_read(&each, &pinned, error, error_bytes))
        return NULL;
    struct arena_own *sides[2];
    if (!prepare_both(mutator, &each, sides, where, error, error_bytes))
        return NULL;
    struct gait_arena_pair *pair = counted_alloc(&heap->space.metadata_bytes, sizeof *pair);
    if (!pair) {
        arena_discard(mutator, sides[0]);
        arena_discard(mutator, sides[1]);
        return say(error, error_bytes, "no memory");
    }
    pair->heap = heap;
    AO_store(&pair->word, 1); /* a reader before the first swap finds the other side, empty */
    for (unsigned i = 0; i < 2; i++)
        pair->sides[i].arena = arena_introduce(mutator, sides[i]);
    return pair;
}

gait_arena *gait_arena_pair_current(gait_mutator *mutator, gait_arena_pair *pair) {
    mutator_check(mutator);
    struct side *side = &pair->sides[pair->filled];
    if (!pair->waits)
        return side->arena;
    PERTURB(PAIR_LOOK);
    if (AO_load_acquire(&side->gone) != pair->come) /* pairs with gait_arena_pair_done */
        return NULL;
    AO_store(&side->gone, 0); /* nobody comes here before it is published */
    side->root = NULL;
    pair->waits = false;
    gait_arena_reset(mutator, side->arena);
    return side->arena;
}

bool gait_arena_pair_swap(gait_mutator *mutator, gait_arena_pair *pair, void *root) {
    mutator_check(mutator);
    struct side *side = &pair->sides[pair->filled];
    if (!gait_arena_pair_current(mutator, pair))
        platform_fatal("%s: a reader is still in the arena that is to be published: "
                       "gait_arena_pair_current has returned NULL",
                       __func__);
    if (root && gait_arena_of(mutator->heap, root) != side->arena)
        platform_fatal("%s: the root %p is not in the pair's current arena", __func__, root);
    side->root = root;
    AO_t word = AO_load(&pair->word);
    for (;;) {
        PERTURB(PAIR_SWAP);
        /* full: a reader sees the side's root and contents; pairs with gait_arena_pair_read */
        AO_t seen = AO_fetch_compare_and_swap_full(&pair->word, word, pair->filled);
        if (seen == word)
            break;
        word = seen;
    }
    pair->filled = (unsigned)SIDE(word);
    pair->come = READERS(word);
    pair->waits = true;
    return gait_arena_pair_current(mutator, pair) != NULL;
}

gait_arena_view gait_arena_pair_read(gait_arena_pair *pair) {
    AO_t word = AO_fetch_and_add_full(&pair->word, READER); /* pairs with gait_arena_pair_swap */
    PERTURB(PAIR_READ);
    const struct side *side = &pair->sides[SIDE(word)];
    return (gait_arena_view){side->arena, side->root, (size_t)SIDE(word)};
}

void gait_arena_pair_done(gait_arena_pair *pair, gait_arena_view view) {
    if (view.side > 1 || view.arena != pair->sides[view.side].arena)
        platform_fatal("%s: a view of another pair", __func__);
    PERTURB(PAIR_DONE);
    (void)AO_fetch_and_add_full(&pair->sides[view.side].gone, 1); /* pairs with ..._current */
}

void gait_arena_pair_adopt(gait_mutator *mutator, gait_arena_pair *pair) {
    mutator_check(mutator);
    for (unsigned i = 0; i < 2; i++)
        gait_arena_adopt(mutator, pair->sides[i].arena);
}

void gait_arena_pair_free_at(gait_mutator *mutator, gait_arena_pair *pair, const char *where) {
    mutator_check_thread(mutator, "gait_arena_pair_free");
    AO_t word = AO_load_acquire(&pair->word);
    const struct side *sides = pair->sides;
    if (AO_load_acquire(&sides[SIDE(word)].gone) != READERS(word) ||
        (pair->waits && AO_load_acquire(&sides[pair->filled].gone) != pair->come))
        platform_fatal("gait_arena_pair_free: a reader is still in an arena of the pair");
    gait_heap *heap = pair->heap;
    for (unsigned i = 0; i < 2; i++)
        gait_arena_free_at(mutator, sides[i].arena, where);
    counted_free(&heap->space.metadata_bytes, pair, sizeof *pair);
}
