/* SPDX-License-Identifier: MIT */
/**
 * The tree of dominators, put together so that it can be looked at: a million objects in some
 * hundreds of piles.
 *
 * What lies directly below a pile, and is of one kind, is one pile. What is of the pile's own kind
 * belongs to the pile itself: a list or a tree of pairs is one, whose payload lies below it. Large
 * objects, and those that have a label, stay by themselves where there is room.
 */
#ifndef HEAP_PILES_H
#define HEAP_PILES_H

#include "heap.h"

struct pile {
    uint32_t node;           /**< one of its objects: the one that retains most */
    uint32_t objects;        /**< how many it has                               */
    uint32_t first, members; /**< those at its top: from nodes[first] on        */
    uint64_t own, retained;  /**< bytes                                         */
    uint32_t parent;         /**< pile; GRAPH_NONE                              */
    uint32_t level;          /**< 0: the first                                  */
    uint64_t before;         /**< bytes of what lies left of it in its parent   */
};

struct piles {
    struct pile *list; /**< each after its parent */
    uint32_t count, room;
    uint32_t *nodes;
    uint32_t node_count, node_room;
};

/**
 * @param node   whose tree
 * @param least  bytes: what retains less is left out
 * @param depth  levels, at least 1
 */
void piles_make(struct piles *piles, const struct heap *heap, uint32_t node, uint64_t least,
                uint32_t depth);
void piles_free(struct piles *piles);

#endif
