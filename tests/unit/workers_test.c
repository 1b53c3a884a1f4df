/* SPDX-License-Identifier: MIT */
/*
 * collect/workers: who has the work in the course of a cycle.
 */
#include <criterion/criterion.h>

#include "instance.h"

/* Links of a list that takes many bursts to mark. */
enum { LINKS = 3000000, COLLECTIONS = 5, HANDOVERS_MOST = 10 };

/* One reference is all the work there is of a list. The marker that follows it keeps it from burst
 * to burst: were it published, a marker that looks for work would take it, to begin with cold
 * caches. */
Test(workers, a_list_stays_with_its_marker, .timeout = 60) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    gait_kind_info info = {.name = "link", .layout = GAIT_PREFIX, .head_words = 1};
    int kind = gait_kind_register(heap, &info);
    gait_mutator *mutator = gait_attach(heap);
    gait_word list[1] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, list, 1);
    for (size_t i = 0; i < LINKS; i++) {
        gait_word *link = gait_alloc(mutator, (gait_kind)kind, 32);
        gait_init(link, list[0]);
        list[0] = (gait_word)link;
    }
    AO_t least = ~(AO_t)0;
    for (int i = 0; i < COLLECTIONS; i++) {
        AO_t before = AO_load(&heap->queue.published);
        gait_collect(mutator);
        AO_t published = AO_load(&heap->queue.published) - before;
        least = published < least ? published : least;
    }
    cr_assert_leq(least, (AO_t)HANDOVERS_MOST);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}
