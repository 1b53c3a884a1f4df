/* SPDX-License-Identifier: MIT */
/* Roots: frames, an interpreter's own stack, static slots, handles. */
#include "example.h"

static gait_kind pair;

static gait_word cons(gait_mutator *mutator, gait_word first, gait_word rest) {
    gait_word slots[] = {first, rest}; /* must outlive the allocation */
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);
    gait_word *object = gait_alloc(mutator, pair, sizeof slots);
    gait_pop_frame(mutator);
    CHECK(object);
    gait_init(&object[0], first);
    gait_init(&object[1], rest);
    return (gait_word)object;
}

static size_t length(gait_word list) {
    size_t count = 0;
    for (; list; list = ((gait_word *)list)[1])
        count++;
    return count;
}

/* An interpreter's value stack: plain stores, and one callback for all of it. */
struct value_stack {
    size_t depth;
    gait_word words[100];
};

static void visit_stack(gait_visitor *visitor, void *data) {
    const struct value_stack *stack = data;
    gait_visit_range(visitor, stack->words, stack->depth);
}

/* Static slots: stored to by gait_store. */
static gait_word globals[2];

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});

    struct value_stack stack = {.depth = 0};
    gait_set_roots_callback(mutator, visit_stack, &stack);
    for (int i = 0; i < 50; i++)
        stack.words[stack.depth++] = cons(mutator, 0, 0);

    CHECK(gait_roots_add(mutator, globals, 2) == 0);
    for (int i = 0; i < 1000; i++)
        gait_store(mutator, &globals[0], cons(mutator, 0, globals[0]));

    gait_handle *handle = gait_handle_new(mutator, cons(mutator, 0, 0));
    CHECK(handle);
    for (int i = 0; i < 9; i++)
        gait_handle_set(mutator, handle, cons(mutator, 0, gait_handle_get(handle)));

    gait_collect(mutator);
    for (int i = 0; i < 100000; i++)
        cons(mutator, 0, 0); /* reuses whatever was lost */
    for (size_t i = 0; i < stack.depth; i++)
        CHECK(length(stack.words[i]) == 1);
    CHECK(length(globals[0]) == 1000);
    CHECK(length(gait_handle_get(handle)) == 10);

    gait_handle_free(mutator, handle);
    CHECK(gait_roots_remove(mutator, globals) == 0);
    CHECK(gait_roots_remove(mutator, globals) == GAIT_E_MISSING);
    gait_heap_destroy(heap);
    return 0;
}
