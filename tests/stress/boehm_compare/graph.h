/* SPDX-License-Identifier: MIT */
/*
 * A list of objects without doubles, numbered in the order in which they were added. It lies in
 * malloc's memory: no collector looks into it. One thread uses it.
 */
#ifndef STRESS_BOEHM_COMPARE_GRAPH_H
#define STRESS_BOEHM_COMPARE_GRAPH_H

#include "object.h"

#define GRAPH_NONE SIZE_MAX

struct graph {
    struct object **objects;
    size_t count;
    size_t *numbers; /* slots, a power of two, at least twice count: number + 1, or 0  */
    size_t *by_id;   /* likewise, by the object's id, once graph_index_ids was called   */
    size_t slots;
};

static inline void *graph_memory(size_t count, size_t bytes) {
    void *memory = calloc(count, bytes);
    if (!memory)
        fail("out of memory");
    return memory;
}

static inline void graph_init(struct graph *graph) {
    *graph = (struct graph){.slots = 256};
    graph->objects = graph_memory(graph->slots / 2, sizeof *graph->objects);
    graph->numbers = graph_memory(graph->slots, sizeof *graph->numbers);
}

static inline void graph_free(struct graph *graph) {
    free(graph->objects);
    free(graph->numbers);
    free(graph->by_id);
}

static inline size_t graph_hash(const struct graph *graph, word key) {
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (graph->slots - 1);
}

/* The slot of numbers where this object is, or would be. */
static inline size_t *graph_slot(const struct graph *graph, word value) {
    size_t at = graph_hash(graph, value);
    while (graph->numbers[at] && graph->objects[graph->numbers[at] - 1] != (void *)value)
        at = (at + 1) & (graph->slots - 1);
    return &graph->numbers[at];
}

/** The number of the object that this word refers to, or GRAPH_NONE. */
static inline size_t graph_find(const struct graph *graph, word value) {
    size_t number = *graph_slot(graph, value);
    return number ? number - 1 : GRAPH_NONE;
}

static inline void graph_grow(struct graph *graph) {
    graph->slots *= 2;
    free(graph->numbers);
    graph->numbers = graph_memory(graph->slots, sizeof *graph->numbers);
    struct object **objects = graph_memory(graph->slots / 2, sizeof *objects);
    memcpy(objects, graph->objects, graph->count * sizeof *objects);
    free(graph->objects);
    graph->objects = objects;
    for (size_t i = 0; i < graph->count; i++)
        *graph_slot(graph, (word)objects[i]) = i + 1;
}

/** Add what this word refers to, if it is an object and not there yet. */
static inline void graph_add(struct graph *graph, word value) {
    if (!word_refers(value) || *graph_slot(graph, value))
        return;
    if (graph->count == graph->slots / 2)
        graph_grow(graph);
    graph->objects[graph->count] = (struct object *)value;
    *graph_slot(graph, value) = ++graph->count;
}

/** Have graph_find_id work for the objects that are there now. */
static inline void graph_index_ids(struct graph *graph) {
    graph->by_id = graph_memory(graph->slots, sizeof *graph->by_id);
    for (size_t i = 0; i < graph->count; i++) {
        size_t at = graph_hash(graph, graph->objects[i]->id);
        while (graph->by_id[at])
            at = (at + 1) & (graph->slots - 1);
        graph->by_id[at] = i + 1;
    }
}

/** The object of this id, or NULL. */
static inline struct object *graph_find_id(const struct graph *graph, word id) {
    for (size_t at = graph_hash(graph, id); graph->by_id[at]; at = (at + 1) & (graph->slots - 1))
        if (graph->objects[graph->by_id[at] - 1]->id == id)
            return graph->objects[graph->by_id[at] - 1];
    return NULL;
}

#endif
