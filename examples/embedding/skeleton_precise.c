/* SPDX-License-Identifier: MIT */
/* The least that an interpreter does which knows where its references are. */
#include <gait/gait.h>

static gait_word stack[1000]; /* the interpreter's values: numbers, tagged, and references */
static size_t depth;

static void visit_stack(gait_visitor *visitor, void *data) {
    (void)data;
    gait_visit_range(visitor, stack, depth);
}

int main(void) {
    char why[200];
    gait_heap *heap = gait_heap_create(NULL, why, sizeof why);
    if (!heap)
        return puts(why), 1;
    gait_kind_info info = {.name = "pair", .layout = GAIT_REFS}; /* each word may be a reference */
    gait_kind pair = (gait_kind)gait_kind_register(heap, &info);
    gait_mutator *mutator = gait_attach(heap); /* each thread that works with objects */
    gait_set_roots_callback(mutator, visit_stack, NULL);
    depth = 1;
    for (int i = 0; i < 1000000; i++) {
        gait_word *fresh = gait_alloc(mutator, pair, 2 * sizeof *fresh); /* zeroed */
        if (!fresh)
            return puts("no memory"), 1;
        gait_init(&fresh[1], i % 1000 ? stack[0] : 0); /* fresh still: no barrier */
        stack[0] = (gait_word)fresh;                   /* a stack: a plain store */
        gait_word *next = (gait_word *)fresh[1];
        if (next)
            gait_store(mutator, &next[0], stack[0]); /* any other object: with the barrier */
        gait_poll(mutator);                          /* at loop back-edges */
    }
    gait_heap_destroy(heap);
    return 0;
}
