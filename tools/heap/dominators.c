/* SPDX-License-Identifier: MIT */
/*
 * Dominators, as Lengauer and Tarjan find them ("A fast algorithm for finding dominators in a
 * flowgraph", TOPLAS 1979), with simple linking: m log n steps at worst, whatever the graph. All
 * numbers here are a node's place in the order of a search in depth from the root; only the results
 * are by nodes. No function calls itself: a list of a million pairs is as deep.
 */
#include "dominators.h"

#include "command.h"

#include <stdlib.h>
#include <string.h>

struct search {
    const struct graph *graph;
    uint32_t *number; /* of each node, its place in the order; GRAPH_NONE: not reached       */
    uint32_t *node;   /* at each place                                                       */
    uint32_t *parent; /* in the tree of the search                                           */
    uint32_t reached;
    uint32_t *first_before, *before; /* who refers to each place: from first_before[v] on     */
    uint32_t *semi;      /* the semidominator, as far as it is known                          */
    uint32_t *dominator; /* the closest one, as far as it is known                            */
    uint32_t *ancestor;  /* in the forest of what is linked; GRAPH_NONE: a tree's root        */
    uint32_t *best;      /* of least semi on the way up that was compressed                   */
    uint32_t *bucket, *in_bucket; /* whose semidominator a place is: lists                     */
    uint32_t *stack;
};

static uint32_t *numbers(size_t count) { return command_allocate(count + 1, sizeof(uint32_t)); }

static uint32_t *no_numbers(size_t count) {
    uint32_t *list = numbers(count);
    memset(list, 0xff, (count + 1) * sizeof(*list)); /* GRAPH_NONE */
    return list;
}

/** Number all that is reached, in depth. */
static void search_in_depth(struct search *search) {
    const struct graph *graph = search->graph;
    uint32_t *next = numbers(graph->node_count); /* edge to look at, of each that is open */
    uint32_t depth = 1;
    search->stack[0] = 0;
    search->number[0] = 0;
    search->reached = 1;
    next[0] = graph->first_edges[0];
    while (depth > 0) {
        uint32_t from = search->stack[depth - 1];
        if (next[from] == graph->first_edges[from + 1]) {
            depth--;
            continue;
        }
        const struct graph_edge *edge = &graph->edges[next[from]++];
        if (edge->weak || search->number[edge->to] != GRAPH_NONE)
            continue;
        uint32_t place = search->reached++;
        search->number[edge->to] = place;
        search->node[place] = edge->to;
        search->parent[place] = search->number[from];
        next[edge->to] = graph->first_edges[edge->to];
        search->stack[depth++] = edge->to;
    }
    free(next);
}

/** The edges that count, the other way round. */
static void turn_edges(struct search *search) {
    const struct graph *graph = search->graph;
    uint32_t *first = numbers((size_t)search->reached + 1);
    search->before = numbers(graph->edge_count);
    search->first_before = first;
    for (int pass = 0; pass < 2; pass++) { /* count them; then put them where they belong */
        for (uint32_t place = 0; place < search->reached; place++) {
            uint32_t from = search->node[place];
            for (uint32_t i = graph->first_edges[from]; i < graph->first_edges[from + 1]; i++) {
                uint32_t to = search->number[graph->edges[i].to];
                if (graph->edges[i].weak)
                    continue;
                if (pass == 0)
                    first[to + 2]++;
                else
                    search->before[first[to + 1]++] = place; /* ends as where the next begins */
            }
        }
        for (uint32_t place = 0; pass == 0 && place < search->reached; place++)
            first[place + 2] += first[place + 1];
    }
}

/* ---- Dominators --------------------------------------------------------- */

/** The place of least semidominator on the way up from here, in the tree that it is linked in. */
static uint32_t evaluate(struct search *search, uint32_t place) {
    uint32_t *ancestor = search->ancestor, *best = search->best, depth = 0;
    if (ancestor[place] == GRAPH_NONE)
        return place;
    for (uint32_t at = place; ancestor[ancestor[at]] != GRAPH_NONE; at = ancestor[at])
        search->stack[depth++] = at;
    while (depth > 0) { /* those closest to the tree's root first */
        uint32_t at = search->stack[--depth], above = ancestor[at];
        if (search->semi[best[above]] < search->semi[best[at]])
            best[at] = best[above];
        ancestor[at] = ancestor[above];
    }
    return best[place];
}

/** Those whose semidominator is `parent`: now all on the way up to them is linked. */
static void empty_bucket(struct search *search, uint32_t parent) {
    uint32_t place = search->bucket[parent];
    for (; place != GRAPH_NONE; place = search->in_bucket[place]) {
        uint32_t best = evaluate(search, place);
        search->dominator[place] = search->semi[best] < search->semi[place] ? best : parent;
    }
    search->bucket[parent] = GRAPH_NONE;
}

static void find_dominators(struct search *search) {
    for (uint32_t place = 0; place < search->reached; place++)
        search->semi[place] = search->best[place] = place;
    for (uint32_t place = search->reached - 1; place > 0; place--) {
        for (uint32_t i = search->first_before[place]; i < search->first_before[place + 1]; i++) {
            uint32_t semi = search->semi[evaluate(search, search->before[i])];
            if (semi < search->semi[place])
                search->semi[place] = semi;
        }
        uint32_t semi = search->semi[place], parent = search->parent[place];
        search->in_bucket[place] = search->bucket[semi];
        search->bucket[semi] = place;
        search->ancestor[place] = parent;
        empty_bucket(search, parent);
    }
    for (uint32_t place = 1; place < search->reached; place++)
        if (search->dominator[place] != search->semi[place])
            search->dominator[place] = search->dominator[search->dominator[place]];
}

/* ---- By nodes ----------------------------------------------------------- */

static int compare_retained(const void *a, const void *b, void *context) {
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    const uint64_t *retained = context;
    if (retained[one] != retained[other])
        return retained[one] > retained[other] ? -1 : 1;
    return one < other ? -1 : one > other;
}

void dominators_sort(const struct dominators *dominators, uint32_t *nodes, uint32_t count) {
    qsort_r(nodes, count, sizeof(*nodes), compare_retained, dominators->retained);
}

static void list_children(struct dominators *dominators, uint32_t nodes) {
    uint32_t *first = numbers((size_t)nodes + 1);
    dominators->children = numbers(dominators->reached);
    for (uint32_t i = 1; i < dominators->reached; i++)
        first[dominators->parent[dominators->order[i]] + 2]++;
    for (uint32_t node = 0; node < nodes; node++)
        first[node + 2] += first[node + 1];
    for (uint32_t i = 1; i < dominators->reached; i++) {
        uint32_t node = dominators->order[i];
        dominators->children[first[dominators->parent[node] + 1]++] = node;
    }
    dominators->first_child = first;
    for (uint32_t node = 0; node < nodes; node++)
        dominators_sort(dominators, dominators->children + first[node],
                        first[node + 1] - first[node]);
}

void dominators_find(struct dominators *dominators, const struct graph *graph) {
    uint32_t count = graph->node_count;
    struct search search = {.graph = graph,
                            .number = no_numbers(count),
                            .node = numbers(count),
                            .parent = numbers(count),
                            .stack = numbers(count)};
    search_in_depth(&search);
    turn_edges(&search);
    search.semi = numbers(search.reached);
    search.dominator = numbers(search.reached);
    search.best = numbers(search.reached);
    search.ancestor = no_numbers(search.reached);
    search.bucket = no_numbers(search.reached);
    search.in_bucket = no_numbers(search.reached);
    find_dominators(&search);
    dominators->parent = no_numbers(count);
    dominators->retained = command_allocate((size_t)count + 1, sizeof(*dominators->retained));
    dominators->objects = numbers(count);
    dominators->reached = search.reached;
    for (uint32_t place = 0; place < search.reached; place++) {
        uint32_t node = search.node[place];
        dominators->retained[node] = graph->nodes[node].bytes;
        dominators->objects[node] = graph_is_object(graph, node);
    }
    for (uint32_t place = search.reached - 1; place > 0; place--) {
        uint32_t node = search.node[place], above = search.node[search.dominator[place]];
        dominators->parent[node] = above;
        dominators->retained[above] += dominators->retained[node];
        dominators->objects[above] += dominators->objects[node];
    }
    dominators->order = search.node;
    uint32_t *done[] = {search.number, search.parent,    search.first_before, search.before,
                        search.semi,   search.dominator, search.ancestor,     search.best,
                        search.bucket, search.in_bucket, search.stack};
    for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++)
        free(done[i]);
    list_children(dominators, count);
}

void dominators_free(struct dominators *dominators) {
    free(dominators->parent);
    free(dominators->retained);
    free(dominators->objects);
    free(dominators->order);
    free(dominators->first_child);
    free(dominators->children);
}

bool dominators_reach(const struct dominators *dominators, uint32_t node) {
    return node == 0 || dominators->parent[node] != GRAPH_NONE;
}

uint32_t dominators_children(const struct dominators *dominators, uint32_t node,
                             const uint32_t **children) {
    *children = dominators->children + dominators->first_child[node];
    return dominators->first_child[node + 1] - dominators->first_child[node];
}

/* ---- Kinds -------------------------------------------------------------- */

uint64_t *dominators_by_kind(const struct dominators *dominators, const struct graph *graph) {
    uint64_t *bytes = command_allocate((size_t)graph->kind_count + 1, sizeof(*bytes));
    uint32_t *open = numbers(graph->kind_count); /* of each kind, on the way down to the node */
    uint32_t *stack = numbers(dominators->reached), *next = numbers(graph->node_count);
    uint32_t depth = 1;
    stack[0] = 0;
    while (depth > 0) {
        uint32_t node = stack[depth - 1], kind = graph->nodes[node].kind;
        const uint32_t *children;
        uint32_t count = dominators_children(dominators, node, &children);
        if (next[node] == 0 && open[kind]++ == 0)
            bytes[kind] += dominators->retained[node];
        if (next[node] == count) {
            open[kind]--;
            depth--;
        } else {
            stack[depth++] = children[next[node]++];
        }
    }
    free(open);
    free(stack);
    free(next);
    return bytes;
}

uint32_t dominators_holder(const struct dominators *dominators, const struct graph *graph,
                           uint32_t kind, uint64_t *bytes, uint32_t *count) {
    uint64_t *held = command_allocate((size_t)graph->node_count + 1, sizeof(*held));
    uint32_t *counts = numbers(graph->node_count), most = GRAPH_NONE;
    for (uint32_t i = 1; i < dominators->reached; i++) {
        uint32_t node = dominators->order[i], above = dominators->parent[node];
        if (graph->nodes[node].kind != kind)
            continue;
        held[above] += dominators->retained[node];
        counts[above]++;
        if (most == GRAPH_NONE || held[above] > held[most])
            most = above;
    }
    *bytes = most == GRAPH_NONE ? 0 : held[most];
    *count = most == GRAPH_NONE ? 0 : counts[most];
    free(held);
    free(counts);
    return most;
}
