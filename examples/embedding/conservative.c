/* SPDX-License-Identifier: MIT */
/* Without roots: C stacks and static variables are scanned, and pointers inside objects keep them.
 */
#include "example.h"

#include <string.h>

struct node {
    struct node *next;
    char text[24];
};

/* Not inlined, so that the list is held by its caller's frame or registers alone. */
__attribute__((noinline)) static struct node *make_list(gait_mutator *mutator, gait_kind kind,
                                                        int count) {
    struct node *list = NULL;
    for (int i = 0; i < count; i++) {
        struct node *node = gait_alloc(mutator, kind, sizeof *node);
        CHECK(node);
        snprintf(node->text, sizeof node->text, "node %d", i);
        node->next = list;
        list = node;
    }
    return list;
}

static struct node *saved;                /* found: static storage */
static _Thread_local struct node *cached; /* not found: a frame makes it a root */

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_CONSERVATIVE_STACKS | GAIT_DATA_SEGMENTS | GAIT_STOP_THE_WORLD;
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind =
        example_kind(heap, &(gait_kind_info){.name = "node", .layout = GAIT_CONSERVATIVE});

    struct gait_frame frame;
    gait_push_frame(mutator, &frame, (gait_word *)&cached, 1);
    saved = make_list(mutator, kind, 100);
    cached = make_list(mutator, kind, 10);

    /* memory of other allocators: one call for a range */
    enum { POINTERS = 10000 };
    struct node **table = calloc(POINTERS, sizeof *table);
    CHECK(table);
    size_t bytes = POINTERS * sizeof *table;
    CHECK(gait_roots_add_range(mutator, table, bytes, GAIT_RANGE_CONSERVATIVE) == 0);
    for (size_t i = 0; i < POINTERS; i++)
        table[i] = make_list(mutator, kind, 1);

    struct node *list = make_list(mutator, kind, 1000);
    const char *inside = list->next->text;
    make_list(mutator, kind, 100000);
    gait_collect(mutator);
    CHECK(strcmp(list->text, "node 999") == 0);
    CHECK(strcmp(inside, "node 998") == 0);
    CHECK(gait_object_base(heap, inside) == list->next);
    CHECK(strcmp(saved->text, "node 99") == 0 && strcmp(cached->text, "node 9") == 0);
    for (size_t i = 0; i < POINTERS; i++)
        CHECK(strcmp(table[i]->text, "node 0") == 0);
    CHECK(gait_roots_remove_range(mutator, table) == 0);
    free(table); /* nobody reads it any more */
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
