/* SPDX-License-Identifier: MIT */
/*
 * A simulation by frames: one arena is filled while a thread that draws reads the frame before; a
 * scratch arena is reset each frame; each level is built in an arena of its own, and a part of it
 * is copied to the heap before the level ends. Run with GAIT_DEBUG=arenalog=FILE it is a picture.
 */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <pthread.h>
#include <sched.h>

enum { LEVELS = 6, FRAMES = 40, ROOMS = 10000, PARTICLES = 1000 };

struct particle {
    gait_word next;
    uint64_t frame, number;
};

struct room {
    gait_word doors[2];
    uint64_t number;
};

static gait_arena_pair *frames;
static unsigned over; /* atomic */

/* Reads whatever frame was published last. It is not attached: the frames hold no reference into
 * the heap. */
static void *draw(void *unused) {
    uint64_t last = 0;
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        gait_arena_view view = gait_arena_pair_read(frames);
        const struct particle *first = view.root;
        for (const struct particle *p = first; p; p = (const struct particle *)p->next)
            CHECK(p->frame == first->frame); /* one frame, and whole, as long as it is looked at */
        if (first) {
            CHECK(first->frame >= last);
            last = first->frame;
        }
        gait_arena_pair_done(frames, view);
        sched_yield();
    }
    return unused;
}

static struct particle *step(gait_mutator *mutator, gait_arena *arena, gait_kind kind,
                             uint64_t frame, uint64_t count) {
    struct particle *newest = NULL;
    for (uint64_t i = 0; i < count; i++) {
        struct particle *fresh = gait_arena_new(mutator, arena, kind, sizeof *fresh);
        CHECK(fresh);
        gait_init(&fresh->next, (gait_word)newest);
        fresh->frame = frame;
        fresh->number = i;
        newest = fresh;
    }
    return newest;
}

/* A level: rooms in a circle, with doors to both sides. */
static struct room *build(gait_mutator *mutator, gait_arena *level, gait_kind kind,
                          uint64_t rooms) {
    struct room *first = NULL, *before = NULL;
    for (uint64_t i = 0; i < rooms; i++) {
        struct room *room = gait_arena_new(mutator, level, kind, sizeof *room);
        CHECK(room);
        room->number = i;
        if (before) {
            gait_store(mutator, &room->doors[0], (gait_word)before);
            gait_store(mutator, &before->doors[1], (gait_word)room);
        } else {
            first = room;
        }
        before = room;
    }
    gait_store(mutator, &before->doors[1], (gait_word)first);
    gait_store(mutator, &first->doors[0], (gait_word)before);
    return first;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind particle = example_kind(
        heap, &(gait_kind_info){.name = "particle", .layout = GAIT_PREFIX, .head_words = 1});
    gait_kind room = example_kind(
        heap, &(gait_kind_info){.name = "room", .layout = GAIT_PREFIX, .head_words = 2});
    gait_kind leaf = example_kind(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_word kept[2] = {0};
    struct gait_frame frame;
    CHECK(gait_roots_add(mutator, kept, 2) == 0);

    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "frame";
    frames = gait_arena_pair_create(mutator, &config);
    config.name = "scratch";
    config.flags = GAIT_ARENA_PINNED;
    gait_arena *scratch = gait_arena_create(mutator, &config);
    CHECK(frames && scratch);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, draw, NULL) == 0);

    uint64_t number = 0;
    for (uint64_t i = 0; i < LEVELS; i++) {
        uint64_t rooms = ROOMS * (i + 1);
        config.name = "level";
        config.flags = GAIT_ARENA_DESCRIBED; /* its objects know their kinds and sizes */
        gait_arena *level = gait_arena_create(mutator, &config);
        CHECK(level);
        gait_word slots[1] = {(gait_word)level};
        gait_push_frame(mutator, &frame, slots, 1);
        struct room *entrance = build(mutator, level, room, rooms);
        for (uint64_t k = 0; k < FRAMES; k++) {
            gait_arena *current;
            while (!(current = gait_arena_pair_current(mutator, frames)))
                sched_yield(); /* somebody still draws the frame before the last one */
            number++;
            struct particle *root = step(mutator, current, particle, number,
                                         PARTICLES * (1 + (k < FRAMES / 2 ? k : FRAMES - k)));
            gait_arena_pair_swap(mutator, frames, root);
            CHECK(gait_arena_alloc(mutator, scratch, 1000 * (1 + k % 50), 8));
            gait_arena_reset(mutator, scratch);
            for (int garbage = 0; garbage < 100; garbage++)
                CHECK(gait_alloc(mutator, leaf, 2000));
        }
        /* the rooms are all reached from one: the circle is one on the heap as well */
        struct room *copy = gait_arena_clone_deep(mutator, level, entrance);
        CHECK(copy);
        gait_store(mutator, &kept[i % 2], (gait_word)copy);
        gait_pop_frame(mutator);
        gait_arena_free(mutator, level);
        struct room *back = (struct room *)copy->doors[0];
        CHECK(back->number == rooms - 1 && (struct room *)back->doors[1] == copy);
    }
    __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_write_arenas(heap, stdout);
    gait_arena_pair_free(mutator, frames);
    gait_arena_free(mutator, scratch);
    gait_heap_destroy(heap);
    return 0;
}
