/* SPDX-License-Identifier: MIT */
/**
 * V8's .heapsnapshot as the numbers and texts that it is made of, before they are a graph.
 */
#ifndef HEAP_V8_H
#define HEAP_V8_H

#include "source.h"
#include "texts.h"

/** Most fields of a node or an edge, and most names of their types. */
#define V8_FIELDS 32
#define V8_TYPES 64
#define V8_NAME 32

enum v8_node_field { V8_TYPE, V8_LABEL, V8_ID, V8_SIZE, V8_EDGES, V8_NODE_NEEDS };
enum v8_edge_field { V8_EDGE_TYPE, V8_EDGE_LABEL, V8_TO, V8_EDGE_NEEDS };

/** What snapshot.meta says of nodes, or of edges. */
struct v8_layout {
    int fields;        /**< how many                                         */
    int of[V8_FIELDS]; /**< which one is meant, enum v8_…_field; -1: another */
    int types;         /**< names below                                      */
    char type_names[V8_TYPES][V8_NAME];
};

struct v8_node {
    uint64_t id, bytes;
    uint32_t label, edges;
    uint8_t type;
};

struct v8_edge {
    uint32_t label, to; /**< to: as in the file, an index into the numbers of nodes, divided */
    uint8_t type;
};

/** The largest of many numbers, and where it stands. */
struct v8_highest {
    uint64_t value, offset;
    bool any;
};

struct v8 {
    struct source *source;
    struct texts *texts; /**< the strings; number 0 of the file is 1 here */
    struct v8_layout node, edge;
    struct v8_node *nodes;
    struct v8_edge *edges;
    uint32_t node_count, node_room, edge_count, edge_room;
    uint64_t edges_of_nodes, edges_offset; /**< sum of what nodes say; where their list ends */
    struct v8_highest node_label, edge_label, to;
};

/** Read all of the file; ends the command where it is none. v8: source and texts are set. */
void v8_read(struct v8 *v8);

/** Is an edge of this type named by a text? Otherwise it is an element's index. */
bool v8_is_named(const struct v8 *v8, int type);

#endif
