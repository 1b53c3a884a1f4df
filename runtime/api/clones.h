/* SPDX-License-Identifier: MIT */
/*
 * Copies of graphs that a mutator has under way (api/arena_clone.c).
 */
#ifndef GAIT_CLONES_H
#define GAIT_CLONES_H

#include "../mutator/mutator.h"
#include "clone_table.h"

struct arena;

/* A walk. It lies in the library's memory, as its frame must: api/arena_clone.c says why. */
struct clone {
    struct clone *next;        /* of the mutator's */
    gait_coroutine *coroutine; /* that ran when it began */
    struct gait_frame frame;
    gait_word words[2]; /* what is copied, which keeps the arena, and the first copy */
    struct clone_table table;
    gait_heap *heap;           /* constant, as is arena */
    const struct arena *arena; /* references into it are followed */
};

/** Free the memory of those that its thread has left by longjmp: it is being detached. */
void clones_free(gait_mutator *mutator);

#endif
