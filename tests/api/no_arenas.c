/* SPDX-License-Identifier: MIT */
/*
 * A file that defines GAIT_NO_ARENAS allocates on the heap, whatever arena it is given.
 */
#define GAIT_NO_ARENAS
#include <gait/arena.h>
#include <stdio.h>

int main(void) {
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind_info info = {.name = "leaf", .layout = GAIT_LEAF};
    gait_kind leaf = (gait_kind)gait_kind_register(heap, &info);
    gait_arena *arena = gait_arena_create(mutator, NULL);
    void *object = gait_alloc_or_arena(mutator, arena, leaf, 40);
    void *inside = gait_arena_new(mutator, arena, leaf, 40); /* which says where by itself */
    int wrong = 0;
    if (gait_object_base(heap, object) != object || gait_arena_of(heap, object))
        wrong = 1, puts("the object is not on the heap");
    if (gait_arena_of(heap, inside) != arena)
        wrong = 1, puts("the other one is not in the arena");
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
    return wrong;
}
