/* SPDX-License-Identifier: MIT */
/* Stores of references: which store needs what. */
#include "example.h"

enum { SIZE = 1000 };

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind array = example_kind(heap, &(gait_kind_info){.name = "array", .layout = GAIT_REFS});
    gait_kind leaf = example_kind(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_word slots[2] = {0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);

    /* a slot of a stack: a plain store */
    slots[0] = (gait_word)gait_alloc(mutator, array, SIZE * sizeof(gait_word));
    gait_word *words = (gait_word *)slots[0];

    for (int round = 0; round < 1000; round++) {
        gait_word *fresh = gait_alloc(mutator, leaf, 2 * sizeof(gait_word));
        CHECK(fresh);
        fresh[0] = (gait_word)round; /* no reference: a plain store */

        /* an old object: a store with the barrier */
        gait_store(mutator, &words[round % SIZE], (gait_word)fresh);

        /* the object just allocated, before it is linked and before the next safepoint */
        gait_word *box = gait_alloc(mutator, array, sizeof(gait_word));
        CHECK(box);
        gait_init(&box[0], words[round % SIZE]);
        slots[1] = (gait_word)box;
    }

    /* many words at once */
    gait_move(mutator, &words[1], &words[0], SIZE - 1);
    gait_fill(mutator, &words[SIZE - 10], slots[1], 10);

    /* from several threads */
    gait_word expected = words[0];
    CHECK(gait_compare_exchange(mutator, &words[0], &expected, 0));
    CHECK(!gait_compare_exchange(mutator, &words[0], &expected, slots[1]) && expected == 0);

    gait_collect(mutator);
    CHECK(*(gait_word *)words[1] == 0);
    CHECK(*(gait_word *)words[500] == 499);
    CHECK(words[SIZE - 1] == slots[1]);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
