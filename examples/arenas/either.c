/* SPDX-License-Identifier: MIT */
/* Code that is written once, and told when it runs whether it works in an arena. */
#include "../embedding/example.h"

#include <gait/arena.h>

struct tree {
    gait_word left, right;
};

static gait_kind tree_kind;

/* The rules of the heap hold for both: roots, gait_init, gait_store. */
static struct tree *build(gait_mutator *mutator, gait_arena *arena, unsigned depth) {
    gait_word children[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, children, 2);
    if (depth > 0) {
        children[0] = (gait_word)build(mutator, arena, depth - 1);
        children[1] = (gait_word)build(mutator, arena, depth - 1);
    }
    struct tree *tree = gait_alloc_or_arena(mutator, arena, tree_kind, sizeof *tree);
    CHECK(tree);
    gait_init(&tree->left, children[0]);
    gait_init(&tree->right, children[1]);
    gait_pop_frame(mutator);
    return tree;
}

static unsigned count(const struct tree *tree) {
    return tree ? 1 + count((struct tree *)tree->left) + count((struct tree *)tree->right) : 0;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    tree_kind = example_kind(heap, &(gait_kind_info){.name = "tree", .layout = GAIT_REFS});
    gait_word slots[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);

    struct tree *on_heap = build(mutator, NULL, 12);
    slots[0] = (gait_word)on_heap;
    gait_arena *arena = gait_arena_create(mutator, NULL);
    slots[1] = (gait_word)arena;
    struct tree *in_arena = build(mutator, arena, 12);

    CHECK(count(on_heap) == 8191 && count(in_arena) == 8191);
    CHECK(!gait_arena_of(heap, on_heap) && gait_arena_of(heap, in_arena) == arena);
    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
    return 0;
}
