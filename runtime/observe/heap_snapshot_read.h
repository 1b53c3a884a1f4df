/* SPDX-License-Identifier: MIT */
/*
 * Reading a heap snapshot's compact form again, in the process that made it: it is right.
 */
#ifndef GAIT_HEAP_SNAPSHOT_READ_H
#define GAIT_HEAP_SNAPSHOT_READ_H

#include "heap_snapshot.h"

struct node {
    bool arena;
    unsigned kind;
    uintptr_t address;
    uint64_t bytes;
    uint64_t owned_bytes;
    uint32_t text; /* of an object its label; of an arena its name, else where it was created */
};

struct reading {
    struct pile_cursor cursor;
    uintptr_t last;
};

static inline void skip_text(struct pile_cursor *cursor) {
    for (uint64_t bytes = stream_read_number(cursor); bytes > 0; bytes--)
        stream_read_byte(cursor);
}

/* The tag of the next record that is no text. */
static inline unsigned next_tag(struct pile_cursor *cursor) {
    unsigned tag;
    while ((tag = stream_read_byte(cursor)) == 'T')
        skip_text(cursor);
    return tag;
}

static inline struct reading read_nodes(const struct heap_snapshot *snapshot) {
    return (struct reading){snapshot->nodes, (uintptr_t)snapshot->reach.space->base};
}

/* The next node; its edges follow. @return false: there are no more. */
static inline bool next_node(struct reading *reading, struct node *node) {
    struct pile_cursor *cursor = &reading->cursor;
    unsigned tag = next_tag(cursor);
    *node = (struct node){.arena = tag == 'A'};
    if (tag == 'N') {
        node->kind = (unsigned)stream_read_number(cursor);
        node->address = reading->last + stream_read_number(cursor) * 8;
        reading->last = node->address;
        node->bytes = stream_read_number(cursor);
        node->owned_bytes = stream_read_number(cursor);
        node->text = (uint32_t)stream_read_number(cursor);
    } else if (tag == 'A') {
        node->address = stream_read_number(cursor);
        node->bytes = stream_read_number(cursor);
        stream_read_number(cursor); /* flags */
        uint32_t name = (uint32_t)stream_read_number(cursor);
        uint32_t created = (uint32_t)stream_read_number(cursor);
        node->text = name ? name : created;
    }
    return tag == 'N' || tag == 'A';
}

/* The next edge of a node. @return its place and type; 0: there are no more. */
static inline uint64_t next_edge(struct reading *reading, int64_t *distance) {
    uint64_t edge = stream_read_number(&reading->cursor);
    if (edge)
        *distance = stream_read_signed(&reading->cursor);
    return edge;
}

static inline uint64_t place_of(uint64_t edge) { return edge >> HEAP_SNAPSHOT_TYPE_BITS; }

static inline enum reach_edge_type type_of(uint64_t edge) {
    return (enum reach_edge_type)(edge & ((1 << HEAP_SNAPSHOT_TYPE_BITS) - 1));
}

/* Is this the value of the pair whose key was the edge before? */
static inline bool has_key(uint64_t edge, uint64_t before) {
    return type_of(edge) == EDGE_VALUE && type_of(before) == EDGE_KEY &&
           place_of(before) + 1 == place_of(edge);
}

static inline uint64_t count_edges(struct reading *reading) {
    uint64_t count = 0;
    for (int64_t distance; next_edge(reading, &distance);)
        count++;
    return count;
}

struct root {
    uint64_t group; /* from 1; 0: there are no more */
    uint64_t target;
    enum reach_root_type type;
};

static inline struct root next_root(struct pile_cursor *cursor, const struct root *before) {
    struct root root = {0};
    if (next_tag(cursor) != 'R')
        return root;
    root.group = stream_read_number(cursor);
    root.type = (enum reach_root_type)stream_read_number(cursor);
    stream_read_number(cursor); /* where it lies */
    root.target = before->target + (uint64_t)stream_read_signed(cursor);
    return root;
}

#endif
