/* SPDX-License-Identifier: MIT */
/*
 * A heap snapshot in memory. See graph.h.
 */
#include "graph.h"

#include "command.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/** In a tree that stays balanced: names are the file's. */
struct kind_entry {
    const char *name;
    bool synthetic; /* an object's kind may be called as one of ours is */
    uint32_t kind;
};

static int compare_entries(const void *a, const void *b) {
    const struct kind_entry *one = a, *other = b;
    int by_name = strcmp(one->name, other->name);
    return by_name != 0 ? by_name : one->synthetic - other->synthetic;
}

static uint32_t find(const struct graph *graph, const char *name, bool synthetic) {
    struct kind_entry wanted = {name, synthetic, 0};
    void *root = graph->kinds_by_name;
    struct kind_entry **found = tfind(&wanted, &root, compare_entries);
    return found ? (*found)->kind : GRAPH_NONE;
}

uint32_t graph_find_kind(const struct graph *graph, const char *name) {
    return find(graph, name, false);
}

uint32_t graph_kind(struct graph *graph, const char *name, bool synthetic) {
    uint32_t known = find(graph, name, synthetic);
    if (known != GRAPH_NONE)
        return known;
    if (graph->kind_count == graph->kind_room) {
        graph->kind_room = 2 * graph->kind_room + 64;
        graph->kinds = command_grow(graph->kinds, graph->kind_room, sizeof(*graph->kinds));
    }
    struct graph_kind *kind = &graph->kinds[graph->kind_count];
    struct kind_entry *entry = command_allocate(1, sizeof(*entry));
    *kind = (struct graph_kind){strdup(name), synthetic};
    *entry = (struct kind_entry){kind->name, synthetic, graph->kind_count};
    if (!kind->name || !tsearch(entry, &graph->kinds_by_name, compare_entries))
        command_fail("no memory for kind %u", graph->kind_count);
    return graph->kind_count++;
}

uint32_t graph_add_node(struct graph *graph, const struct graph_node *node) {
    if (graph->node_count >= GRAPH_MOST || node->bytes > (uint64_t)INT64_MAX - graph->bytes)
        return GRAPH_NONE;
    if (graph->node_count == graph->node_room) {
        uint64_t room = 2 * (uint64_t)graph->node_room + 1024;
        graph->node_room = room > GRAPH_MOST ? GRAPH_MOST : (uint32_t)room;
        graph->nodes = command_grow(graph->nodes, graph->node_room, sizeof(*graph->nodes));
    }
    graph->bytes += node->bytes;
    graph->nodes[graph->node_count] = *node;
    return graph->node_count++;
}

bool graph_add_edge(struct graph *graph, uint32_t from, const struct graph_edge *edge) {
    if (graph->pending_count >= GRAPH_MOST)
        return false;
    if (graph->pending_count == graph->pending_room) {
        uint64_t room = 2 * (uint64_t)graph->pending_room + 1024;
        graph->pending_room = room > GRAPH_MOST ? GRAPH_MOST : (uint32_t)room;
        graph->pending = command_grow(graph->pending, graph->pending_room, sizeof(*graph->pending));
    }
    graph->pending[graph->pending_count++] = (struct graph_pending){*edge, from};
    return true;
}

void graph_finish(struct graph *graph) {
    uint32_t *first = command_allocate((size_t)graph->node_count + 2, sizeof(*first));
    graph->edges = command_allocate(graph->pending_count, sizeof(*graph->edges));
    for (uint32_t i = 0; i < graph->pending_count; i++)
        first[graph->pending[i].from + 2]++;
    for (uint32_t node = 0; node < graph->node_count; node++)
        first[node + 2] += first[node + 1]; /* now first[n + 1] is where node n begins */
    for (uint32_t i = 0; i < graph->pending_count; i++)
        graph->edges[first[graph->pending[i].from + 1]++] = graph->pending[i].edge;
    graph->first_edges = first; /* each has moved on to where the next node begins */
    graph->edge_count = graph->pending_count;
    free(graph->pending);
    graph->pending = NULL;
}

void graph_free(struct graph *graph) {
    if (graph->kinds_by_name)
        tdestroy(graph->kinds_by_name, free);
    for (uint32_t i = 0; i < graph->kind_count; i++)
        free(graph->kinds[i].name);
    free(graph->kinds);
    free(graph->nodes);
    free(graph->edges);
    free(graph->first_edges);
    free(graph->pending);
    texts_free(&graph->texts);
}

bool graph_is_object(const struct graph *graph, uint32_t node) {
    return !graph->kinds[graph->nodes[node].kind].synthetic;
}

const char *graph_kind_name(const struct graph *graph, uint32_t node) {
    return graph->kinds[graph->nodes[node].kind].name;
}

const char *graph_label(const struct graph *graph, uint32_t node) {
    return texts_get(&graph->texts, graph->nodes[node].label);
}
