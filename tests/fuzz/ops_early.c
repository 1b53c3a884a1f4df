/* SPDX-License-Identifier: MIT */
/*
 * Rings: objects that the model does not know, each with an ordered finalizer and with a word that
 * leads to the next one. While all words are plain, no finalizer of a ring ever runs. An early link
 * of one word breaks the ring: the word is cleared with the first cycle that finds it unreachable,
 * and from the object after it on finalizers run in the ring's order. Beside it each object has a
 * short link in memory of the test's, which is cleared no earlier than the object's finalizer is
 * queued.
 */
#include <gait/links.h>

#include "ops.h"

#define OBJECTS_MAX 4

struct ring {
    struct ring *next;              /* of the heap's */
    unsigned count;                 /* constant, as is the next one */
    unsigned first;                 /* whose finalizer runs first; count: nothing breaks the ring */
    unsigned ran;                   /* atomic */
    bool closing;                   /* atomic: gait_finalize_all runs those that are left */
    gait_word objects[OBJECTS_MAX]; /* hidden: no root leads to them */
    gait_word shorts[OBJECTS_MAX];  /* short links */
};

struct member {
    struct ring *ring;
    unsigned number;
};

static gait_word *object_of(const struct ring *ring, unsigned number) {
    return (gait_word *)~ring->objects[number % ring->count];
}

/* The object before the first one has nothing to lead to. */
static gait_word word_of(const struct ring *ring, unsigned number) {
    bool is_cleared = ring->first < ring->count && (number + 1) % ring->count == ring->first;
    return is_cleared ? 0 : (gait_word)object_of(ring, number + 1);
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    struct member *member = data;
    struct ring *ring = member->ring;
    unsigned ran = __atomic_fetch_add(&ring->ran, 1, __ATOMIC_ACQ_REL);
    CHECK(object == object_of(ring, member->number), "a ring's finalizer gets %p", object);
    if (!__atomic_load_n(&ring->closing, __ATOMIC_ACQUIRE)) {
        unsigned number = (ring->first + ran) % ring->count;
        CHECK(ring->first < ring->count, "a finalizer runs in a ring that nothing breaks");
        CHECK(number == member->number, "finalizer %u of a ring runs, not %u", member->number,
              number);
        CHECK(!gait_link_get(mutator, &ring->shorts[number], 0),
              "a short link leads to %p, whose finalizer runs", object);
        unsigned next = (number + 1) % ring->count;
        if (ran + 1 < ring->count)
            CHECK(gait_link_get(mutator, &ring->shorts[next], 0) == object_of(ring, next),
                  "a short link to %p is gone, which %p keeps", (void *)object_of(ring, next),
                  object);
        gait_word word = __atomic_load_n((gait_word *)object, __ATOMIC_RELAXED);
        CHECK(word == word_of(ring, number), "word of %p in a ring is %#zx, not %#zx", object,
              (size_t)word, (size_t)word_of(ring, number));
    }
    free(member);
}

static void member_make(struct context *context, struct ring *ring, unsigned number,
                        gait_word object) {
    struct member *member = malloc(sizeof *member);
    CHECK(member, "malloc");
    *member = (struct member){ring, number};
    ring->objects[number] = ~object;
    ring->shorts[number] = object;
    CHECK(gait_link_register(context->mutator, &ring->shorts[number], (void *)object, 0) == 0 &&
              gait_finalizer_set(context->mutator, (void *)object, finalize, member) == 0,
          "a ring's link and finalizer");
}

/* No memory for all of them: what was set is taken back. */
static void give_up(struct context *context, struct ring *ring, gait_word *objects) {
    for (unsigned i = 0; i < ring->count && objects[i]; i++) {
        gait_finalizer_fn function;
        void *member;
        CHECK(gait_finalizer_get(context->mutator, (void *)objects[i], &function, &member, NULL) ==
                      0 &&
                  gait_finalizer_set(context->mutator, (void *)objects[i], NULL, NULL) == 0 &&
                  gait_link_unregister(context->mutator, &ring->shorts[i], 0) == 0,
              "a ring is taken back");
        free(member);
    }
    free(ring);
}

/* @return false: no memory. */
static bool ring_fill(struct context *context, struct ring *ring, gait_word *objects) {
    for (unsigned i = 0; i < ring->count; i++) {
        objects[i] = (gait_word)gait_alloc(context->mutator, context->heap->kinds[KIND_REFS], 16);
        if (!objects[i])
            return false;
        member_make(context, ring, i, objects[i]);
        if (i > 0)
            gait_store(context->mutator, (gait_word *)objects[i - 1], objects[i]);
    }
    gait_store(context->mutator, (gait_word *)objects[ring->count - 1], objects[0]);
    return true;
}

static void list(struct heap *heap, struct ring *ring) {
    ring->next = __atomic_load_n(&heap->rings, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&heap->rings, &ring->next, ring, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

void ring_make(struct context *context) {
    gait_mutator *mutator = context->mutator;
    struct ring *ring = calloc(1, sizeof *ring);
    CHECK(ring, "calloc");
    ring->count = 1 + (unsigned)pick(&context->random, OBJECTS_MAX);
    ring->first = (unsigned)pick(&context->random, ring->count + 1);
    gait_word objects[OBJECTS_MAX] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, objects, OBJECTS_MAX);
    if (!ring_fill(context, ring, objects)) {
        give_up(context, ring, objects);
        gait_pop_frame(mutator);
        return;
    }
    unsigned last = (ring->first + ring->count - 1) % ring->count;
    if (ring->first < ring->count)
        CHECK(gait_link_register(mutator, (gait_word *)objects[last], (void *)objects[ring->first],
                                 GAIT_LINK_EARLY) == 0,
              "an early link");
    for (unsigned i = 0; one_in(&context->random, 2) && i < 3; i++)
        gait_alloc(mutator, context->heap->kinds[KIND_LEAF], 64);
    if (ring->first < ring->count)
        CHECK(gait_link_get(mutator, (gait_word *)objects[last], GAIT_LINK_EARLY) ==
                  (void *)objects[ring->first],
              "an early link to what a frame holds is cleared");
    memset(objects, 0, sizeof objects);
    gait_pop_frame(mutator);
    list(context->heap, ring);
}

void rings_check(struct heap *heap, bool closing) {
    for (struct ring *ring = heap->rings; ring; ring = ring->next) {
        unsigned want = ring->first < ring->count ? ring->count : 0;
        CHECK(closing || !heap_is_exact(heap) || ring->ran == want,
              "of a ring of %u %u finalizers have run, not %u", ring->count, ring->ran, want);
        CHECK(!closing || ring->ran == ring->count, "of a ring of %u %u finalizers ran with all",
              ring->count, ring->ran);
        __atomic_store_n(&ring->closing, true, __ATOMIC_RELEASE);
    }
}

void rings_free(struct heap *heap) {
    while (heap->rings) {
        struct ring *ring = heap->rings;
        heap->rings = ring->next;
        free(ring);
    }
}
