/* SPDX-License-Identifier: MIT */
/**
 * A heap snapshot in memory: objects, what they refer to, where the program begins. Both forms of
 * files become this one; nothing below the readers knows which it was.
 *
 * Node 0 is the root: all that is kept is reached from it by edges that are not weak. Which nodes
 * stand for objects and which for groups of roots, says their kind.
 *
 * .inv.sums: all nodes' bytes together are at most INT64_MAX, so that no sum of some overflows.
 */
#ifndef HEAP_GRAPH_H
#define HEAP_GRAPH_H

#include "texts.h"

#include <stdbool.h>

/** No node. */
#define GRAPH_NONE UINT32_MAX
/** Most nodes, and most edges. */
#define GRAPH_MOST (UINT32_MAX - 2)

/** What the name of an edge is. */
enum edge_type {
    EDGE_NAMED, /**< a text                                          */
    EDGE_INDEX, /**< an element                                      */
    EDGE_WORD,  /**< a word of the object, counted from 0            */
    EDGE_GUESS, /**< such a word, which may hold a number            */
    EDGE_PAIR,  /**< the value of a pair, which its key keeps        */
    EDGE_SCAN,  /**< what a kind's scan function visited, in order   */
    EDGE_PART,  /**< an arena and an object in it, either way        */
    EDGE_OWNED, /**< memory outside the heap, from its owner         */
    EDGE_SLOT   /**< a root that lies at this address; 0: not known  */
};

struct graph_edge {
    uint64_t name; /**< by its type */
    uint32_t to;
    uint8_t type; /**< enum edge_type */
    bool weak;    /**< keeps nothing  */
};

struct graph_node {
    uint64_t id;    /**< address, or a number that tools give; 0: none */
    uint64_t bytes; /**< its own                                      */
    uint32_t kind;
    uint32_t label; /**< number of a text; 0: none                    */
};

struct graph_kind {
    char *name;
    bool synthetic; /**< its nodes are no objects: they group roots */
};

/** An edge as it is read. */
struct graph_pending {
    struct graph_edge edge;
    uint32_t from;
};

struct graph {
    const char *path; /**< for messages */
    struct texts texts;
    struct graph_node *nodes;
    uint32_t node_count, node_room;
    struct graph_edge *edges; /**< of node n: from first_edges[n] up to first_edges[n + 1] */
    uint32_t *first_edges;
    uint32_t edge_count;
    struct graph_kind *kinds;
    uint32_t kind_count, kind_room;
    void *kinds_by_name; /**< of tsearch: struct kind_entry */
    uint64_t bytes;      /**< of all nodes */

    bool has_addresses;     /**< ids are addresses */
    uint64_t process, base; /**< which process and heap; 0: not known */

    struct graph_pending *pending; /**< until graph_finish */
    uint32_t pending_count, pending_room;
};

/** The number of a kind by this name; a new one if there is none. */
uint32_t graph_kind(struct graph *graph, const char *name, bool synthetic);

/** The number of the kind of objects by this name; GRAPH_NONE. */
uint32_t graph_find_kind(const struct graph *graph, const char *name);

/** @return the new node's number; GRAPH_NONE: there are too many, or too many bytes. */
uint32_t graph_add_node(struct graph *graph, const struct graph_node *node);

/** Both ends may still be to come; graph_finish takes their numbers as they are.
 * @return false: there are too many. */
bool graph_add_edge(struct graph *graph, uint32_t from, const struct graph_edge *edge);

/** All nodes and edges are there, and all ends in range: put edges in the order of nodes. */
void graph_finish(struct graph *graph);

void graph_free(struct graph *graph);

/** Does the node stand for an object? */
bool graph_is_object(const struct graph *graph, uint32_t node);
/** Its kind's name; its label, "" if it has none. */
const char *graph_kind_name(const struct graph *graph, uint32_t node);
const char *graph_label(const struct graph *graph, uint32_t node);

#endif
