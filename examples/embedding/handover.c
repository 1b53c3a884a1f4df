/* SPDX-License-Identifier: MIT */
/* An object that goes from one thread to another by a C variable. */
#include "example.h"

#include <pthread.h>

enum { OBJECTS = 2000 };

static gait_heap *heap;
static gait_kind pair;
static gait_word box; /* plain memory: no root */

/* It holds what it gives in a frame until the other thread has it. */
static void *give(void *argument) {
    (void)argument;
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator);
    gait_word mine = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &mine, 1);
    for (gait_word i = 0; i < OBJECTS; i++) {
        gait_word *object = gait_alloc(mutator, pair, 2 * sizeof(gait_word));
        CHECK(object);
        gait_init(&object[1], i);
        mine = (gait_word)object;
        __atomic_store_n(&box, mine, __ATOMIC_RELEASE);
        while (__atomic_load_n(&box, __ATOMIC_ACQUIRE))
            gait_poll(mutator);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

/* Wait for a word, and take it. */
static gait_word receive(gait_mutator *mutator) {
    gait_word word;
    while (!(word = __atomic_load_n(&box, __ATOMIC_ACQUIRE)))
        gait_poll(mutator);
    gait_shade(mutator, word); /* after it was read, before the next safepoint */
    __atomic_store_n(&box, 0, __ATOMIC_RELEASE);
    return word;
}

int main(void) {
    heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, give, NULL) == 0);
    gait_word kept[OBJECTS] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, OBJECTS);
    for (size_t i = 0; i < OBJECTS; i++)
        kept[i] = receive(mutator);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_collect(mutator);
    for (size_t i = 0; i < OBJECTS; i++)
        CHECK(((gait_word *)kept[i])[1] == i);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
