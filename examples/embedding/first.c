/* SPDX-License-Identifier: MIT */
#include <gait/gait.h>

int main(void) {
    char error[200];
    gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap)
        return puts(error), 1;
    gait_mutator *mutator = gait_attach(heap); /* this thread works with objects from here on */
    gait_kind_info pair = {.name = "pair", .layout = GAIT_REFS}; /* two words, both references */
    gait_kind kind = (gait_kind)gait_kind_register(heap, &pair);

    gait_word list = 0; /* a root: what it leads to stays */
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1);
    for (int i = 0; i < 10000000; i++) { /* 160 MB of pairs in a heap of 4 MiB */
        gait_word *fresh = gait_alloc(mutator, kind, 2 * sizeof(gait_word));
        gait_init(&fresh[1], i % 1000 ? list : 0); /* drop the list every 1000 pairs */
        list = (gait_word)fresh;
    }
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
