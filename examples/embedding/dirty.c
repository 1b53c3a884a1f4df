/* SPDX-License-Identifier: MIT */
/* Plain stores, for a program that can say only which object it has written. */
#include "example.h"

#include <gait/dirty.h>

enum { SIZE = 100, ROUNDS = 200000 };

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_OBJECT_BARRIER;
    config.debug = "gccheckmark=1"; /* names what marking has missed */
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(heap, &(gait_kind_info){.name = "array", .layout = GAIT_REFS});
    gait_word table = (gait_word)gait_alloc(mutator, kind, SIZE * sizeof(gait_word));
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &table, 1);
    for (int round = 0; round < ROUNDS; round++) {
        gait_word *fresh = gait_alloc(mutator, kind, 4 * sizeof(gait_word));
        CHECK(fresh);
        gait_word *words = (gait_word *)table;
        fresh[0] = (gait_word)round << 1 | 1; /* the object just allocated: nothing is said of it */
        fresh[1] = words[(round + 1) % SIZE];
        words[round % SIZE] = (gait_word)fresh;
        words[(round + 1) % SIZE] = 0;
        gait_dirty(mutator, words); /* once, after both */
    }
    gait_word *last = (gait_word *)((gait_word *)table)[(ROUNDS - 1) % SIZE];
    CHECK(last && last[0] == ((gait_word)(ROUNDS - 1) << 1 | 1));
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
