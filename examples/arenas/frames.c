/* SPDX-License-Identifier: MIT */
/* A pair of arenas: one thread makes frame after frame, another one looks at the newest. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <pthread.h>
#include <stdatomic.h>

enum { FRAMES = 2000, THINGS = 200 };

struct thing {
    gait_word next;
    uint64_t frame; /* in which it was made */
};

struct frame {
    gait_word things;
    uint64_t number;
};

static gait_arena_pair *pair;
static atomic_bool over;

/* Not attached: it stops nobody, and nobody stops it. */
static void *draw(void *unused) {
    uint64_t newest = 0;
    while (!over) {
        gait_arena_view view = gait_arena_pair_read(pair);
        const struct frame *frame = view.root; /* NULL: none was published yet */
        if (frame) {
            int things = 0;
            for (gait_word at = frame->things; at; at = ((const struct thing *)at)->next)
                things += ((const struct thing *)at)->frame == frame->number;
            CHECK(things == THINGS && frame->number >= newest);
            newest = frame->number;
        }
        gait_arena_pair_done(pair, view);
    }
    return unused;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_kind_info info = {.name = "thing", .layout = GAIT_PREFIX, .head_words = 1};
    gait_kind kind = (gait_kind)gait_kind_register(heap, &info);
    gait_mutator *mutator = gait_attach(heap);
    pair = gait_arena_pair_create(mutator, NULL);
    CHECK(pair);
    pthread_t drawer;
    CHECK(pthread_create(&drawer, NULL, draw, NULL) == 0);

    int made = 0;
    for (uint64_t number = 1; number <= FRAMES; number++) {
        gait_arena *arena = gait_arena_pair_current(mutator, pair);
        if (!arena) { /* somebody still looks at the frame before the last: leave this one out */
            gait_poll(mutator);
            continue;
        }
        struct frame *frame = gait_arena_new(mutator, arena, kind, sizeof *frame);
        CHECK(frame);
        frame->number = number;
        for (int i = 0; i < THINGS; i++) {
            struct thing *thing = gait_arena_new(mutator, arena, kind, sizeof *thing);
            CHECK(thing);
            thing->frame = number;
            gait_init(&thing->next, frame->things);
            gait_store(mutator, &frame->things, (gait_word)thing);
        }
        gait_arena_pair_swap(mutator, pair, frame); /* readers that come now see this one */
        made++;
    }
    CHECK(made > 0);

    over = true;
    gait_enter_native(mutator);
    pthread_join(drawer, NULL);
    gait_leave_native(mutator);
    gait_arena_pair_free(mutator, pair); /* when nobody reads any more */
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
