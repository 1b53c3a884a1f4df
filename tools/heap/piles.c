/* SPDX-License-Identifier: MIT */
/*
 * Piles of objects. See piles.h.
 *
 * A pile's objects are found by going down from its members through all that is of its kind; what
 * is met and is of another kind is put in order by kind, and each kind is a pile below. So each
 * object is looked at once on each level at most.
 */
#include "piles.h"

#include "command.h"

#include <stdlib.h>

/** So many times `least`: an object that stays by itself; and one that has a label. Where `least`
 * is 1.5 px, the first is a bar with room for a name. */
#define LARGE 40
#define LABELED 10

struct making {
    struct piles *piles;
    const struct heap *heap;
    uint64_t least;
    uint32_t *below; /* met below the pile, of other kinds or by themselves */
    uint32_t below_count, below_room;
    uint32_t *stack; /* of the pile's own kind, still to be looked at       */
    uint32_t stack_count, stack_room;
};

static void push(uint32_t **list, uint32_t *count, uint32_t *room, uint32_t node) {
    if (*count == *room) {
        *room = *room < GRAPH_MOST / 2 ? 2 * *room + 64 : GRAPH_MOST;
        *list = command_grow(*list, *room, sizeof(**list));
    }
    (*list)[(*count)++] = node;
}

static bool is_alone(const struct making *making, uint32_t node) {
    const struct graph *graph = &making->heap->graph;
    uint64_t times = making->heap->dominators.retained[node] / making->least;
    return !graph_is_object(graph, node) || times >= (graph->nodes[node].label ? LABELED : LARGE);
}

/** A list's pairs are large, each of them: of one kind only what has a label is by itself. */
static bool belongs(const struct making *making, uint32_t kind, uint32_t node) {
    const struct graph *graph = &making->heap->graph;
    return graph->nodes[node].kind == kind && graph_is_object(graph, node) &&
           !(graph->nodes[node].label && is_alone(making, node));
}

/** Take all objects of a pile, and see what lies below it. */
static void look_below(struct making *making, struct pile *pile) {
    const struct graph *graph = &making->heap->graph;
    uint32_t kind = graph->nodes[pile->node].kind;
    making->below_count = making->stack_count = 0;
    for (uint32_t i = 0; i < pile->members; i++)
        push(&making->stack, &making->stack_count, &making->stack_room,
             making->piles->nodes[pile->first + i]);
    while (making->stack_count > 0) {
        uint32_t node = making->stack[--making->stack_count];
        const uint32_t *children;
        uint32_t count = dominators_children(&making->heap->dominators, node, &children);
        pile->objects += graph_is_object(graph, node);
        pile->own += graph->nodes[node].bytes;
        for (uint32_t i = 0; i < count; i++)
            if (belongs(making, kind, children[i]))
                push(&making->stack, &making->stack_count, &making->stack_room, children[i]);
            else
                push(&making->below, &making->below_count, &making->below_room, children[i]);
    }
}

/** What is one pile lies together, its largest first. */
static int compare_below(const void *a, const void *b, void *context) {
    const struct making *making = context;
    const struct heap *heap = making->heap;
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    bool left = is_alone(making, one), right = is_alone(making, other);
    if (left != right)
        return left ? -1 : 1;
    uint32_t left_kind = heap->graph.nodes[one].kind, right_kind = heap->graph.nodes[other].kind;
    if (!left && left_kind != right_kind)
        return left_kind < right_kind ? -1 : 1;
    uint64_t left_bytes = heap->dominators.retained[one];
    uint64_t right_bytes = heap->dominators.retained[other];
    if (left_bytes != right_bytes)
        return left_bytes > right_bytes ? -1 : 1;
    return one < other ? -1 : one > other;
}

static void add_pile(struct making *making, uint32_t parent, const uint32_t *nodes,
                     uint32_t count) {
    struct piles *piles = making->piles;
    struct pile pile = {
        .node = nodes[0], .first = piles->node_count, .members = count, .parent = parent};
    for (uint32_t i = 0; i < count; i++)
        pile.retained += making->heap->dominators.retained[nodes[i]];
    if (pile.retained < making->least)
        return;
    for (uint32_t i = 0; i < count; i++)
        push(&piles->nodes, &piles->node_count, &piles->node_room, nodes[i]);
    if (parent != GRAPH_NONE)
        pile.level = piles->list[parent].level + 1;
    if (piles->count == piles->room) {
        piles->room = 2 * piles->room + 64;
        piles->list = command_grow(piles->list, piles->room, sizeof(*piles->list));
    }
    piles->list[piles->count++] = pile;
}

static int compare_piles(const void *a, const void *b) {
    const struct pile *one = a, *other = b;
    if (one->retained != other->retained)
        return one->retained > other->retained ? -1 : 1;
    return one->node < other->node ? -1 : one->node > other->node;
}

/** Make piles of what lies below one. */
static void divide(struct making *making, uint32_t parent) {
    struct piles *piles = making->piles;
    uint32_t *below = making->below, count = making->below_count, first = piles->count;
    if (count > 0) /* else there is no list */
        qsort_r(below, count, sizeof(*below), compare_below, making);
    for (uint32_t at = 0, end; at < count; at = end) {
        uint32_t kind = making->heap->graph.nodes[below[at]].kind;
        bool alone = is_alone(making, below[at]);
        for (end = at + 1; end < count && !alone && !is_alone(making, below[end]) &&
                           making->heap->graph.nodes[below[end]].kind == kind;)
            end++;
        add_pile(making, parent, below + at, end - at);
    }
    if (piles->count > first)
        qsort(piles->list + first, piles->count - first, sizeof(*piles->list), compare_piles);
    uint64_t before = 0;
    for (uint32_t i = first; i < piles->count; i++) {
        piles->list[i].before = before;
        before += piles->list[i].retained;
    }
}

void piles_make(struct piles *piles, const struct heap *heap, uint32_t node, uint64_t least,
                uint32_t depth) {
    struct making making = {.piles = piles, .heap = heap, .least = 0};
    *piles = (struct piles){0};
    add_pile(&making, GRAPH_NONE, &node, 1);
    making.least = least > 0 ? least : 1;
    for (uint32_t i = 0; i < piles->count; i++) {
        struct pile pile = piles->list[i]; /* the list may move */
        look_below(&making, &pile);
        piles->list[i] = pile;
        if (pile.level + 1 < depth)
            divide(&making, i);
    }
    free(making.below);
    free(making.stack);
}

void piles_free(struct piles *piles) {
    free(piles->list);
    free(piles->nodes);
}
