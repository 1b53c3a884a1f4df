/* SPDX-License-Identifier: MIT */
/*
 * V8's .heapsnapshot as a graph, seen as Chrome's DevTools see it: which nodes are one kind, and
 * which edges keep what they lead to.
 *
 * Gait writes groups of roots as native nodes of no size, and labels as strings of a byte, since
 * DevTools shows nothing that has none. Neither is an object; V8 itself has none that is so small.
 *
 * A weak map's value is told twice, as an edge of the table and one of the key: the key's keeps it,
 * since it is the key that is forgotten. Shortcuts keep only what the root has.
 */
#include "read.h"
#include "v8.h"

#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** "3 / part of key (…) -> value (…) pair in WeakMap (table @17)" */
#define PAIR_MARK " / part of key ("
#define TABLE_MARK "(table @"
/** A label's size. */
#define LABEL_BYTES 1

/* What a type of nodes or edges means here; by its number in the file. */
enum v8_meaning { PLAIN, OBJECT, NATIVE, STRING, SYNTHETIC, WEAK, SHORTCUT, INTERNAL, PROPERTY };

static enum v8_meaning meaning(const char *type) {
    static const struct {
        const char *type;
        enum v8_meaning meaning;
    } MEANINGS[] = {{"object", OBJECT},       {"native", NATIVE},    {"string", STRING},
                    {"synthetic", SYNTHETIC}, {"weak", WEAK},        {"shortcut", SHORTCUT},
                    {"internal", INTERNAL},   {"property", PROPERTY}};
    for (size_t i = 0; i < sizeof(MEANINGS) / sizeof(*MEANINGS); i++)
        if (strcmp(type, MEANINGS[i].type) == 0)
            return MEANINGS[i].meaning;
    return PLAIN;
}

static void meanings_of(const struct v8_layout *layout, enum v8_meaning meanings[V8_TYPES]) {
    for (int i = 0; i < layout->types; i++)
        meanings[i] = meaning(layout->type_names[i]);
}

/* ---- Nodes -------------------------------------------------------------- */

/** The kinds of nodes: by the name of the node, found once for each name; or by their type. */
struct kinds {
    enum v8_meaning meanings[V8_TYPES];
    uint32_t by_type[V8_TYPES];
    uint32_t none_by_type[V8_TYPES]; /* of nodes that are no objects */
    uint32_t *by_label;              /* GRAPH_NONE: not found yet    */
};

static void list_kinds(struct graph *graph, const struct v8 *v8, struct kinds *kinds) {
    meanings_of(&v8->node, kinds->meanings);
    for (int type = 0; type < v8->node.types; type++) {
        enum v8_meaning meant = kinds->meanings[type];
        char name[V8_NAME + 2];
        snprintf(name, sizeof(name), "(%s)", v8->node.type_names[type]);
        kinds->by_type[type] = graph_kind(graph, name, meant == SYNTHETIC);
        kinds->none_by_type[type] = meant == NATIVE || meant == STRING
                                        ? graph_kind(graph, name, true)
                                        : kinds->by_type[type];
    }
    kinds->by_label = command_allocate(v8->texts->count, sizeof(*kinds->by_label));
    for (uint32_t i = 0; i < v8->texts->count; i++)
        kinds->by_label[i] = GRAPH_NONE;
}

/** Is it there for a group of roots, or as a label? */
static bool is_no_object(const struct v8_node *node, enum v8_meaning meant) {
    return (meant == NATIVE && node->bytes == 0) || (meant == STRING && node->bytes <= LABEL_BYTES);
}

static struct graph_node node_of(struct graph *graph, const struct v8_node *node,
                                 struct kinds *kinds) {
    enum v8_meaning meant = kinds->meanings[node->type];
    uint32_t label = node->label + 1; /* as texts are numbered */
    if (is_no_object(node, meant))
        return (struct graph_node){node->id, 0, kinds->none_by_type[node->type], label};
    if (meant != OBJECT && meant != NATIVE)
        return (struct graph_node){node->id, node->bytes, kinds->by_type[node->type], label};
    uint32_t *known = &kinds->by_label[node->label];
    if (*known == GRAPH_NONE)
        *known = graph_kind(graph, texts_get(&graph->texts, label), false);
    return (struct graph_node){node->id, node->bytes, *known, 0};
}

static void add_nodes(struct graph *graph, const struct v8 *v8, struct kinds *kinds) {
    for (uint32_t i = 0; i < v8->node_count; i++) {
        struct graph_node node = node_of(graph, &v8->nodes[i], kinds);
        if (graph_add_node(graph, &node) == GRAPH_NONE)
            command_fail("%s: node %u: all nodes have too many bytes; expected: up to 2^63",
                         graph->path, i);
    }
}

/* ---- Edges -------------------------------------------------------------- */

/** Is it an edge of a weak table to a value, by its name? A key may be named so as well: the table
 * stands last. */
static bool is_of_table(const char *name, uint64_t id) {
    const char *table = strstr(name, PAIR_MARK);
    int64_t number = -1;
    while (table && (table = strstr(table, TABLE_MARK))) {
        table += strlen(TABLE_MARK);
        const char *digits = table;
        if (!command_digits(&digits, INT64_MAX, &number))
            number = -1;
    }
    return number >= 0 && (uint64_t)number == id;
}

static bool keeps(const struct graph *graph, uint32_t from, const struct v8_edge *edge,
                  enum v8_meaning meant) {
    switch (meant) {
    case WEAK:
        return false;
    case SHORTCUT:
        return from == 0;
    case INTERNAL:
        return !is_of_table(texts_get(&graph->texts, edge->label + 1), graph->nodes[from].id);
    default:
        return true;
    }
}

/** A text that is there to be an object's label? */
static bool is_label(const struct graph *graph, const struct v8 *v8, const struct kinds *kinds,
                     const struct v8_edge *edge) {
    const struct v8_node *to = &v8->nodes[edge->to];
    return kinds->meanings[to->type] == STRING && is_no_object(to, STRING) &&
           strcmp(texts_get(&graph->texts, edge->label + 1), "label") == 0;
}

static void add_edges(struct graph *graph, const struct v8 *v8, const struct kinds *kinds) {
    enum v8_meaning meanings[V8_TYPES] = {PLAIN};
    meanings_of(&v8->edge, meanings);
    uint32_t next = 0;
    for (uint32_t from = 0; from < v8->node_count; from++)
        for (uint32_t end = next + v8->nodes[from].edges; next < end; next++) {
            const struct v8_edge *edge = &v8->edges[next];
            enum v8_meaning meant = meanings[edge->type];
            bool named = v8_is_named(v8, edge->type);
            struct graph_edge added = {.name = (uint64_t)edge->label + named,
                                       .to = edge->to,
                                       .type = named ? EDGE_NAMED : EDGE_INDEX,
                                       .weak = !keeps(graph, from, edge, meant)};
            graph_add_edge(graph, from, &added);
            if (meant == PROPERTY && is_label(graph, v8, kinds, edge))
                graph->nodes[from].label = graph->nodes[edge->to].label;
        }
}

void read_v8(struct graph *graph, struct source *source) {
    struct v8 *v8 = command_allocate(1, sizeof(*v8));
    struct kinds *kinds = command_allocate(1, sizeof(*kinds));
    v8->source = source;
    v8->texts = &graph->texts;
    v8_read(v8);
    list_kinds(graph, v8, kinds);
    add_nodes(graph, v8, kinds);
    add_edges(graph, v8, kinds);
    free(kinds->by_label);
    free(kinds);
    free(v8->nodes);
    free(v8->edges);
    free(v8);
}
