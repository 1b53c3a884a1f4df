/* SPDX-License-Identifier: MIT */
/*
 * Pairs of arenas: each heap has one, which whoever has its lock fills and publishes, and anybody
 * reads without a lock. A frame is a chain of pieces, which say which frame they belong to and how
 * many follow; in a traced pair each leads to a letter of the heap, which checks itself.
 */
#include <gait/arena.h>

#include "ops.h"

#define PIECES_MOST 60
#define PIECES_RANGE 4096 /* more than a frame has: numbers of frames are multiples */

struct piece {
    gait_word next, letter; /* references */
    gait_word number;       /* odd: of the frame, and how many follow */
    gait_word rest[5];
};

static gait_word load(const gait_word *slot) {
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE); /* pairs with gait_store */
}

static gait_word number_of(unsigned frame, unsigned follow) {
    return ((gait_word)frame * PIECES_RANGE + follow) << 1 | 1;
}

/* ---- Readers ---- */

/* @return the number of the frame, or 0: an empty one. In native code nobody follows references
 * into the heap. */
static unsigned frame_check(gait_arena_view view, bool native) {
    const struct piece *piece = view.root;
    if (!piece)
        return 0;
    gait_word first = load(&piece->number);
    unsigned frame = (unsigned)((first >> 1) / PIECES_RANGE);
    unsigned follow = (unsigned)((first >> 1) % PIECES_RANGE);
    for (;; follow--) {
        gait_word number = load(&piece->number), letter = load(&piece->letter);
        CHECK(number == number_of(frame, follow), "%p: a piece of frame %u says %#zx, %u follow",
              (const void *)piece, frame, (size_t)number, follow);
        if (letter && !native)
            letter_check(letter);
        piece = (const struct piece *)load(&piece->next);
        if (follow == 0)
            break;
        CHECK(piece, "frame %u has ended, %u pieces were to follow", frame, follow);
    }
    CHECK(!piece, "frame %u goes on", frame);
    return frame;
}

void op_pair_read(struct context *context) {
    struct frames *frames = &context->heap->frames;
    bool native = one_in(&context->random, 4);
    if (native)
        gait_enter_native(context->mutator);
    gait_arena_view first = gait_arena_pair_read(frames->pair);
    unsigned before = frame_check(first, native);
    if (one_in(&context->random, 2)) { /* two at once */
        gait_arena_view second = gait_arena_pair_read(frames->pair);
        unsigned after = frame_check(second, native);
        CHECK(after >= before, "frame %u is read after frame %u", after, before);
        gait_arena_pair_done(frames->pair, second);
    } else if (!native) {
        gait_arena_stats stats = {.struct_bytes = sizeof stats};
        CHECK(gait_arena_read_stats(context->mutator, first.arena, &stats) == 0, "figures");
        arena_figures_check(&stats);
        CHECK(stats.flags & GAIT_ARENA_PINNED, "it is pinned");
        gait_poll(context->mutator);
    }
    CHECK(frame_check(first, native) == before, "a frame that is read became another one");
    gait_arena_pair_done(frames->pair, first);
    if (native)
        gait_leave_native(context->mutator);
}

/* ---- The writer ---- */

static bool piece_add(struct context *context, struct frames *frames, gait_arena *arena) {
    struct piece *piece =
        gait_arena_new(context->mutator, arena, context->heap->kinds[KIND_REFS], sizeof *piece);
    if (!piece) {
        CHECK(context->heap->plan->small, "no memory for a piece");
        return false;
    }
    CHECK(!piece->next && !piece->letter && !piece->number, "%p: a fresh piece is not empty",
          (void *)piece);
    gait_init(&piece->next, (gait_word)frames->first);
    gait_init(&piece->number, number_of(frames->number, frames->pieces++));
    frames->first = piece; /* in memory that nobody scans: the pair is pinned */
    struct letter *letter =
        frames->traced && one_in(&context->random, 2) ? letter_new(context, NULL) : NULL;
    if (letter)
        gait_store(context->mutator, &piece->letter, (gait_word)letter);
    return true;
}

/* What readers keep for longer is given back by anybody. */
static void view_keep_or_give_back(struct context *context, struct frames *frames) {
    size_t slot = pick(&context->random, VIEWS_KEPT);
    if (frames->kept & 1u << slot) {
        CHECK(frame_check(frames->views[slot], false) == frames->frame_of[slot],
              "a frame that is kept became another one");
        gait_arena_pair_done(frames->pair, frames->views[slot]);
    } else {
        frames->views[slot] = gait_arena_pair_read(frames->pair);
        frames->frame_of[slot] = frame_check(frames->views[slot], false);
        CHECK(frames->frame_of[slot] == frames->number - 1, "frame %u was published last, not %u",
              frames->number - 1, frames->frame_of[slot]);
    }
    frames->kept ^= 1u << slot;
}

static void pair_write(struct context *context, struct frames *frames) {
    uint64_t *random = &context->random;
    gait_arena_pair_adopt(context->mutator, frames->pair); /* perhaps from another thread */
    if (one_in(random, 4)) {
        view_keep_or_give_back(context, frames);
        return;
    }
    gait_arena *arena = gait_arena_pair_current(context->mutator, frames->pair);
    CHECK(arena || frames->pieces == 0, "the current arena is gone, with %u pieces",
          frames->pieces);
    if (!arena)
        return; /* somebody reads it */
    for (size_t n = pick(random, PIECES_MOST); n > 0 && frames->pieces < PIECES_RANGE - 1; n--)
        if (!piece_add(context, frames, arena))
            break;
    CHECK(gait_arena_pair_current(context->mutator, frames->pair) == arena,
          "another arena is current, without a swap");
    if (frames->pieces == 0 || one_in(random, 3))
        return; /* goes on with it later */
    bool at_hand = gait_arena_pair_swap(context->mutator, frames->pair, frames->first);
    frames->number++;
    frames->pieces = 0;
    frames->first = NULL;
    if (at_hand)
        CHECK(gait_arena_pair_current(context->mutator, frames->pair), "the other is not at hand");
}

void op_pair_write(struct context *context) {
    struct frames *frames = &context->heap->frames;
    if (context->actor->child)
        return; /* a thread that is not here may have had the lock */
    if (pthread_mutex_trylock(&frames->lock) != 0)
        return;
    pair_write(context, frames);
    pthread_mutex_unlock(&frames->lock);
}

/* ---- Beginning and end ---- */

void frames_begin(struct context *context) {
    struct frames *frames = &context->heap->frames;
    gait_arena_config config;
    gait_arena_config_init(&config);
    frames->traced = one_in(&context->random, 2) && !context->heap->plan->by_pages;
    config.flags = frames->traced ? GAIT_ARENA_TRACED : 0;
    config.chunk_bytes = 8192;
    config.name = "frames";
    CHECK(frames->pair = gait_arena_pair_create(context->mutator, &config), "a pair of arenas");
    frames->number = 1;
    pthread_mutex_init(&frames->lock, NULL);
}

void frames_end(struct context *context) {
    struct frames *frames = &context->heap->frames;
    for (size_t slot = 0; slot < VIEWS_KEPT; slot++)
        if (frames->kept & 1u << slot) {
            CHECK(frame_check(frames->views[slot], false) == frames->frame_of[slot],
                  "a frame that was kept became another one");
            gait_arena_pair_done(frames->pair, frames->views[slot]);
        }
    gait_arena_pair_adopt(context->mutator, frames->pair);
    CHECK(gait_arena_pair_current(context->mutator, frames->pair), "a reader has not left");
    gait_arena_pair_free(context->mutator, frames->pair);
    pthread_mutex_destroy(&frames->lock);
}
