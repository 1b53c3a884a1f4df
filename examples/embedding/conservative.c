/* SPDX-License-Identifier: MIT */
/* Without roots: the C stack is scanned, and pointers inside objects keep them. */
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

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_CONSERVATIVE_STACKS | GAIT_STOP_THE_WORLD;
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind =
        example_kind(heap, &(gait_kind_info){.name = "node", .layout = GAIT_CONSERVATIVE});

    struct node *list = make_list(mutator, kind, 1000);
    const char *inside = list->next->text;
    make_list(mutator, kind, 100000);
    gait_collect(mutator);
    CHECK(strcmp(list->text, "node 999") == 0);
    CHECK(strcmp(inside, "node 998") == 0);
    CHECK(gait_object_base(heap, inside) == list->next);
    gait_heap_destroy(heap);
    return 0;
}
