/* SPDX-License-Identifier: MIT */
/* Weak references and ephemerons. */
#include "example.h"

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind leaf = example_kind(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_kind weak = example_kind(heap, &(gait_kind_info){.name = "weak", .layout = GAIT_WEAK});
    gait_kind pairs =
        example_kind(heap, &(gait_kind_info){.name = "pairs", .layout = GAIT_EPHEMERON});

    gait_word slots[3] = {0}; /* what is kept: a table of each sort, and one object */
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 3);
    slots[0] = (gait_word)gait_alloc(mutator, weak, 2 * sizeof(gait_word));
    slots[1] = (gait_word)gait_alloc(mutator, pairs, 4 * sizeof(gait_word));
    slots[2] = (gait_word)gait_alloc(mutator, leaf, 16);
    CHECK(slots[0] && slots[1] && slots[2]);

    /* one word to an object that is kept, one to an object that is not */
    gait_word *references = (gait_word *)slots[0];
    gait_weak_set(mutator, &references[0], slots[2]);
    gait_weak_set(mutator, &references[1], (gait_word)gait_alloc(mutator, leaf, 16));

    /* a value lives as long as its key, even if the value leads back to the key */
    gait_word *table = (gait_word *)slots[1];
    gait_word value = (gait_word)gait_alloc(mutator, leaf, 16);
    gait_ephemeron_set(mutator, &table[0], slots[2], value);
    gait_word key = (gait_word)gait_alloc(mutator, leaf, 16);
    gait_ephemeron_set(mutator, &table[2], key, key);

    gait_collect(mutator);
    CHECK(gait_weak_get(mutator, &references[0]) == slots[2]);
    CHECK(gait_weak_get(mutator, &references[1]) == 0);
    CHECK(gait_ephemeron_get(mutator, &table[0]) == value);
    CHECK(gait_weak_get(mutator, &table[2]) == 0); /* a key is read like a weak word */
    CHECK(gait_ephemeron_get(mutator, &table[2]) == 0);

    slots[2] = 0;
    gait_collect(mutator);
    CHECK(gait_weak_get(mutator, &references[0]) == 0);
    CHECK(gait_ephemeron_get(mutator, &table[0]) == 0);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
