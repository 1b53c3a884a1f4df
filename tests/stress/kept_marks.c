/* SPDX-License-Identifier: MIT */
/*
 * Old objects keep their marks for minor cycles, and full ones clear them first: beside mutators
 * that are still sweeping the spans that they allocate in. A mark that came back afterwards would
 * have an object be passed over, and what it alone leads to be lost.
 *
 * One thread fills the gaps between old objects, so that it owns their spans as a cycle ends; the
 * other has full cycles follow one another. The chance is small but where a sweeper is held up:
 * GAIT_PERTURB=0:sweep.claimed.
 */
#include "stress.h"

#define HOLDERS ((size_t)4000)
#define LEAF_WORDS 6 /* of another size than holders: in other spans */

static gait_heap *heap;
static gait_kind holder, leaf;
static int stop; /* atomic */

/* Holders with as many gaps between them, each the only way to a leaf that has its number. */
static gait_handle *table_new(gait_mutator *mutator) {
    gait_word roots[2] = {0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 2);
    roots[0] = (gait_word)allocate(mutator, holder, HOLDERS * sizeof(gait_word));
    for (size_t i = 0; i < HOLDERS; i++) {
        gait_word *words = allocate(mutator, leaf, LEAF_WORDS * sizeof *words);
        for (size_t j = 0; j < LEAF_WORDS; j++)
            words[j] = i + 1;
        roots[1] = (gait_word)words;
        words = allocate(mutator, holder, 2 * sizeof *words);
        gait_init(&words[0], roots[1]);
        gait_store(mutator, (gait_word *)roots[0] + i, (gait_word)words);
        allocate(mutator, holder, 2 * sizeof *words);
    }
    gait_handle *table = gait_handle_new(mutator, roots[0]);
    CHECK(table, "gait_handle_new");
    gait_pop_frame(mutator);
    return table;
}

static void table_check(const gait_handle *table) {
    for (size_t i = 0; i < HOLDERS; i++) {
        const gait_word *words = ((const gait_word **)gait_handle_get(table))[i];
        words = (const gait_word *)words[0];
        for (size_t j = 0; j < LEAF_WORDS; j++)
            CHECK(words[j] == i + 1, "leaf %zu is lost: its word %zu is %zx", i, j,
                  (size_t)words[j]);
    }
}

static void *fill_gaps(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_handle *table = table_new(mutator);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (size_t i = 0; i < 1000; i++)
            allocate(mutator, holder, 2 * sizeof(gait_word));
        table_check(table);
    }
    gait_handle_free(mutator, table);
    gait_detach(mutator);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 2);
    heap = heap_new(0, "clobberfree=1,gcminor=1", "50");
    holder = kind_new(heap, (gait_kind_info){.name = "holder", .layout = GAIT_REFS});
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    pthread_t thread = thread_start(fill_gaps, NULL);
    do
        gait_collect(mutator);
    while (!time_is_up());
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    printf("%" PRIu64 " cycles\n", stats_of(heap).cycles);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
