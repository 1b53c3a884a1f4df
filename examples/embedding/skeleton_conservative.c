/* SPDX-License-Identifier: MIT */
/* The least that a program does which does not: plain C, with gait_alloc in place of malloc. */
#include <gait/gait.h>

struct node {
    struct node *next;
    long number;
};
static struct node *list; /* static variables are roots, and so are local ones */

int main(void) {
    char why[200];
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_CONSERVATIVE_STACKS | GAIT_DATA_SEGMENTS | GAIT_STOP_THE_WORLD;
    gait_heap *heap = gait_heap_create(&config, why, sizeof why);
    if (!heap)
        return puts(why), 1;
    gait_kind_info info = {.name = "any", .layout = GAIT_CONSERVATIVE};
    gait_kind any = (gait_kind)gait_kind_register(heap, &info);
    gait_mutator *mutator = gait_attach(heap); /* each thread that works with objects */
    for (long i = 0; i < 1000000; i++) {
        struct node *fresh = gait_alloc(mutator, any, sizeof *fresh); /* zeroed */
        if (!fresh)
            return puts("no memory"), 1;
        fresh->number = i; /* plain stores everywhere */
        fresh->next = i % 1000 ? list : NULL;
        list = fresh;
        gait_poll(mutator); /* in loops that may go on without allocating */
    }
    gait_heap_destroy(heap);
    return 0;
}
