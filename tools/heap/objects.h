/* SPDX-License-Identifier: MIT */
/**
 * Objects by what somebody calls them on the command line, and the shortest way to them.
 */
#ifndef HEAP_OBJECTS_H
#define HEAP_OBJECTS_H

#include "graph.h"

/**
 * Find objects: "0x7f0010" is the one that this address lies in, "@17" the one of this number;
 * anything else is a pattern for names of kinds and for labels, with * ? [] as in a shell.
 *
 * @param count  gets how many; where there is none, the command ends
 * @return the nodes, in the order of the file; the caller's to free
 */
uint32_t *objects_find(const struct graph *graph, const char *wanted, uint32_t *count);

/** The shortest ways from the root to all nodes, by edges that are not weak. */
struct paths {
    uint32_t *before; /**< of each node, the one before it; GRAPH_NONE: the root, or no way */
    uint32_t *edge;   /**< and the number of the edge that leads on                         */
};

void paths_find(struct paths *paths, const struct graph *graph);
void paths_free(struct paths *paths);

/** Print the way to a node, a line for each step. @param indent  what each line begins with */
void paths_print(const struct paths *paths, const struct graph *graph, uint32_t node,
                 const char *indent);

#endif
