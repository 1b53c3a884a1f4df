/* SPDX-License-Identifier: MIT */
/*
 * Frames: a writer fills one arena of a pair while threads read the one before it, beside
 * collections at any time. A reader finds one frame, whole, for as long as it looks, with the
 * heap's objects that it refers to; and the writer goes on however readers overlap.
 *
 * With two pairs: a traced one, which attached threads read, and an untraced one, which others do.
 */
#include "stress.h"

#include <gait/arena.h>

#define READERS 3

/* A node of a frame: the words that may be references come first. */
struct node {
    gait_word next;
    gait_word object; /* on the heap: the frame's number; of the untraced pair 0 */
    uint64_t frame;
    uint64_t place;
};

static gait_heap *heap;
static gait_kind node_kind, leaf;
static gait_arena_pair *traced, *untraced;
static uint64_t done; /* atomic: the last frame was published */
static uint64_t reads[2];

static gait_arena *next_arena(gait_mutator *mutator, gait_arena_pair *pair, uint64_t *waits) {
    gait_arena *arena;
    while (!(arena = gait_arena_pair_current(mutator, pair))) {
        gait_poll(mutator);
        ++*waits;
        sched_yield();
    }
    return arena;
}

/* A list of nodes; holds its first one meanwhile. */
static struct node *fill(gait_mutator *mutator, gait_arena *arena, uint64_t frame, uint64_t nodes,
                         bool with_objects) {
    gait_word words[2] = {0, 0};
    struct gait_frame roots;
    for (uint64_t i = nodes; i > 0; i--) {
        words[1] = 0;
        if (with_objects) {
            gait_push_frame(mutator, &roots, words, 2);
            uint64_t *object = allocate(mutator, leaf, i % 50 ? 16 : 20000);
            gait_pop_frame(mutator);
            *object = frame;
            words[1] = (gait_word)object;
        }
        gait_push_frame(mutator, &roots, words, 2);
        struct node *node = gait_arena_new(mutator, arena, node_kind, sizeof *node);
        gait_pop_frame(mutator);
        CHECK(node, "no memory");
        gait_store(mutator, &node->object, words[1]);
        gait_store(mutator, &node->next, words[0]);
        node->frame = frame;
        node->place = i;
        words[0] = (gait_word)node;
    }
    return (struct node *)words[0];
}

static void *write_frames(void *argument) {
    gait_mutator *mutator = attach(heap);
    uint64_t random = run.seed, frames = 0, waits = 0;
    (void)argument;
    gait_arena_pair_adopt(mutator, traced);
    gait_arena_pair_adopt(mutator, untraced);
    while (!time_is_up()) {
        frames++;
        for (unsigned i = 0; i < 2; i++) {
            gait_arena_pair *pair = i ? untraced : traced;
            gait_arena *arena = next_arena(mutator, pair, &waits);
            struct node *root =
                fill(mutator, arena, frames, 1 + pick(&random, i ? 3000 : 500), i == 0);
            gait_arena_pair_swap(mutator, pair, root);
        }
        if (one_in(&random, 40))
            gait_collect(mutator);
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    gait_detach(mutator);
    printf("%" PRIu64 " frames, %" PRIu64 " waits\n", frames, waits);
    CHECK(frames > 3, "the writer was kept from writing");
    return NULL;
}

static void look(const gait_arena_view *view, uint64_t *last, uint64_t *random,
                 gait_mutator *mutator) {
    uint64_t place = 0, frame = 0;
    for (const struct node *node = view->root; node; node = (struct node *)slot_load(&node->next)) {
        if (!frame)
            frame = node->frame;
        CHECK(node->frame == frame && node->place == place + 1,
              "node %" PRIu64 " of frame %" PRIu64 " after %" PRIu64 " of %" PRIu64, node->place,
              node->frame, place, frame);
        place = node->place;
        if (mutator) {
            const uint64_t *object = (uint64_t *)slot_load(&node->object);
            CHECK(*object == frame, "the object of frame %" PRIu64 " has %" PRIu64, frame, *object);
            if (one_in(random, 200))
                gait_poll(mutator);
        }
    }
    CHECK(frame >= *last, "frame %" PRIu64 " after %" PRIu64, frame, *last);
    *last = frame;
}

static void *read_frames(void *argument) {
    uintptr_t number = (uintptr_t)argument;
    bool attached = number % 2 == 0;
    gait_mutator *mutator = attached ? attach(heap) : NULL;
    gait_arena_pair *pair = attached ? traced : untraced;
    uint64_t random = run.seed ^ mix(number), last = 0, count = 0;
    gait_arena_view older = {0};
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        gait_arena_view view = gait_arena_pair_read(pair);
        look(&view, &last, &random, mutator);
        if (one_in(&random, 10))
            look(&view, &last, &random, mutator); /* it is still the same */
        count++;
        /* now and then one that overlaps with the next one */
        if (older.arena) {
            gait_arena_pair_done(pair, older);
            older.arena = NULL;
        }
        if (one_in(&random, 4))
            older = view;
        else
            gait_arena_pair_done(pair, view);
        if (mutator)
            gait_poll(mutator);
        if (one_in(&random, 30))
            sleep_us((long)pick(&random, 300));
    }
    if (older.arena)
        gait_arena_pair_done(pair, older);
    __atomic_fetch_add(&reads[attached], count, __ATOMIC_RELAXED);
    if (mutator)
        gait_detach(mutator);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    heap = heap_new(0, "gccheckmark=1,clobberfree=1", "20");
    node_kind =
        kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_PREFIX, .head_words = 2});
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.chunk_bytes = 8192;
    untraced = gait_arena_pair_create(mutator, &config);
    config.flags = GAIT_ARENA_TRACED;
    traced = gait_arena_pair_create(mutator, &config);
    CHECK(traced && untraced, "no pair");
    pthread_t writer = thread_start(write_frames, NULL), readers[2 * READERS];
    for (uintptr_t i = 0; i < 2 * READERS; i++)
        readers[i] = thread_start(read_frames, (void *)i);
    gait_enter_native(mutator);
    pthread_join(writer, NULL);
    for (unsigned i = 0; i < 2 * READERS; i++)
        pthread_join(readers[i], NULL);
    gait_leave_native(mutator);
    gait_arena_pair_adopt(mutator, traced);
    gait_arena_pair_adopt(mutator, untraced);
    gait_arena_pair_free(mutator, traced);
    gait_arena_pair_free(mutator, untraced);
    printf("%" PRIu64 " and %" PRIu64 " reads, %" PRIu64 " cycles\n", reads[1], reads[0],
           stats_of(heap).cycles);
    CHECK(reads[0] > 10 && reads[1] > 10, "too little was read");
    gait_heap_destroy(heap);
    return 0;
}
