/* SPDX-License-Identifier: MIT */
/*
 * For tests of heap profiles: a heap, a kind of nodes and one of leaves.
 */
#ifndef GAIT_TESTS_PROFILED_H
#define GAIT_TESTS_PROFILED_H

#include <gait/gait.h>

#include <criterion/criterion.h>

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind node, leaf;

static inline void open_heap(void) {
    heap = gait_heap_create(NULL, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    const gait_kind_info nodes = {.name = "node", .layout = GAIT_REFS};
    const gait_kind_info leaves = {.name = "leaf", .layout = GAIT_LEAF};
    node = (gait_kind)gait_kind_register(heap, &nodes);
    leaf = (gait_kind)gait_kind_register(heap, &leaves);
}

static inline void close_heap(void) {
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

#endif
