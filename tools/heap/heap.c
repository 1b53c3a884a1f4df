/* SPDX-License-Identifier: MIT */
/*
 * A snapshot with what follows from it. See heap.h.
 */
#include "heap.h"

#include "command.h"
#include "objects.h"
#include "read.h"
#include "shown.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void heap_load(struct heap *heap, const char *path) {
    *heap = (struct heap){0};
    read_snapshot(&heap->graph, path);
    dominators_find(&heap->dominators, &heap->graph);
}

void heap_free(struct heap *heap) {
    dominators_free(&heap->dominators);
    graph_free(&heap->graph);
}

struct kind_sum *heap_kinds(const struct heap *heap) {
    const struct graph *graph = &heap->graph;
    struct kind_sum *sums = command_allocate((size_t)graph->kind_count + 1, sizeof(*sums));
    uint64_t *retained = dominators_by_kind(&heap->dominators, graph);
    for (uint32_t kind = 0; kind < graph->kind_count; kind++) {
        sums[kind].kind = kind;
        sums[kind].retained = retained[kind];
    }
    for (uint32_t i = 0; i < heap->dominators.reached; i++) {
        const struct graph_node *node = &graph->nodes[heap->dominators.order[i]];
        sums[node->kind].count++;
        sums[node->kind].bytes += node->bytes;
    }
    free(retained);
    return sums;
}

struct kind_sum heap_unreached(const struct heap *heap) {
    struct kind_sum sum = {0};
    for (uint32_t node = 0; node < heap->graph.node_count; node++)
        if (graph_is_object(&heap->graph, node) && !dominators_reach(&heap->dominators, node)) {
            sum.count++;
            sum.bytes += heap->graph.nodes[node].bytes;
        }
    return sum;
}

void heap_print_title(const struct heap *heap) {
    char bytes[TEXT_SHORT];
    shown_line(stdout, "%s: %u objects, %s, %u references", heap->graph.path,
               heap->dominators.objects[0], text_bytes(heap->dominators.retained[0], bytes),
               heap->graph.edge_count);
}

uint64_t heap_share(const struct heap *heap, double percent) {
    double bytes = (double)heap->dominators.retained[0] * percent / 100;
    return bytes < 1 ? 1 : (uint64_t)bytes;
}

double heap_percent(const char *option, const char *value) {
    char *end = NULL;
    double percent = isdigit((unsigned char)*value) ? strtod(value, &end) : -1;
    if (!(percent >= 0 && percent <= 100) || *end || value[strcspn(value, "xX")])
        command_misuse("%s: %s; accepted: a percentage from 0 to 100", option, value);
    return percent;
}

int64_t heap_top(const char *value) {
    return strcmp(value, "all") == 0 ? INT64_MAX
                                     : command_count("--top", value, 0, UINT32_MAX, "all, or ");
}

uint32_t heap_object(const struct heap *heap, const char *wanted) {
    uint32_t count, *found = objects_find(&heap->graph, wanted, &count), node = found[0];
    free(found);
    if (count > 1) {
        char name[TEXT_NAME];
        command_fail("%s: %s: %u objects are like this, the first is %s; accepted: one",
                     heap->graph.path, wanted, count, text_node(&heap->graph, node, name));
    }
    return node;
}
