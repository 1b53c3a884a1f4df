/* SPDX-License-Identifier: MIT */
/**
 * Who keeps what. A node dominates another if every way from the root to that one leads through
 * it: without it, the other would be garbage. What a node retains is itself and all that it
 * dominates.
 *
 * Weak edges are no ways. A node that no way leads to has no dominator, and retains nothing.
 */
#ifndef HEAP_DOMINATORS_H
#define HEAP_DOMINATORS_H

#include "graph.h"

struct dominators {
    uint32_t *parent;      /**< of each node, its closest dominator; GRAPH_NONE: of the root and of
                            *   what is not reached */
    uint64_t *retained;    /**< bytes; 0 of what is not reached                                  */
    uint32_t *objects;     /**< how many objects those bytes are                                 */
    uint32_t *order;       /**< nodes that are reached, each after its dominator                 */
    uint32_t reached;      /**< how many; the first is the root                                  */
    uint32_t *first_child; /**< of node n: from children[first_child[n]] up to that of n + 1   */
    uint32_t *children;    /**< the largest retained first                                       */
};

void dominators_find(struct dominators *dominators, const struct graph *graph);
void dominators_free(struct dominators *dominators);

/** Is the node reached? */
bool dominators_reach(const struct dominators *dominators, uint32_t node);

/** How many nodes a node dominates directly, and these. */
uint32_t dominators_children(const struct dominators *dominators, uint32_t node,
                             const uint32_t **children);

/** Put nodes in order, those that retain most first. */
void dominators_sort(const struct dominators *dominators, uint32_t *nodes, uint32_t count);

/** What each kind retains, bytes: of objects that no object of the same kind dominates.
 * @return as many as there are kinds; the caller's to free. */
uint64_t *dominators_by_kind(const struct dominators *dominators, const struct graph *graph);

/** Whose closest dominator this is: of all objects of a kind, the one that most of their bytes
 * have. @param bytes  what it directly dominates of them */
uint32_t dominators_holder(const struct dominators *dominators, const struct graph *graph,
                           uint32_t kind, uint64_t *bytes, uint32_t *count);

#endif
