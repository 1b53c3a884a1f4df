/* SPDX-License-Identifier: MIT */
/*
 * The shortest ways from the root: a search in breadth. See objects.h.
 */
#include "objects.h"

#include "command.h"
#include "shown.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/** Of a long way the first and last steps are printed, so many of each. */
#define STEPS_SHOWN 20

void paths_find(struct paths *paths, const struct graph *graph) {
    size_t room = (size_t)graph->node_count + 1;
    uint32_t *queue = command_allocate(room, sizeof(*queue));
    paths->before = command_allocate(room, sizeof(*paths->before));
    paths->edge = command_allocate(room, sizeof(*paths->edge));
    memset(paths->before, 0xff, room * sizeof(*paths->before)); /* GRAPH_NONE */
    uint32_t queued = 1;
    queue[0] = 0;
    for (uint32_t i = 0; i < queued; i++) {
        uint32_t from = queue[i];
        for (uint32_t e = graph->first_edges[from]; e < graph->first_edges[from + 1]; e++) {
            uint32_t to = graph->edges[e].to;
            if (graph->edges[e].weak || to == 0 || paths->before[to] != GRAPH_NONE)
                continue;
            paths->before[to] = from;
            paths->edge[to] = e;
            queue[queued++] = to;
        }
    }
    free(queue);
}

void paths_free(struct paths *paths) {
    free(paths->before);
    free(paths->edge);
}

static void print_step(const struct paths *paths, const struct graph *graph, uint32_t node,
                       const char *indent) {
    char name[TEXT_NAME], edge[TEXT_NAME] = "", bytes[TEXT_SHORT] = "";
    if (paths->before[node] != 0)
        text_edge(graph, &graph->edges[paths->edge[node]], edge);
    if (graph_is_object(graph, node))
        text_bytes(graph->nodes[node].bytes, bytes);
    printf("%s%10s  ", indent, bytes);
    shown_line(stdout, "%s%s%s", edge, *edge ? ": " : "", text_node(graph, node, name));
}

void paths_print(const struct paths *paths, const struct graph *graph, uint32_t node,
                 const char *indent) {
    uint32_t length = 0;
    for (uint32_t at = node; paths->before[at] != GRAPH_NONE; at = paths->before[at])
        length++;
    uint32_t *steps = command_allocate((size_t)length + 1, sizeof(*steps));
    for (uint32_t at = node, left = length; left > 0; at = paths->before[at])
        steps[--left] = at;
    for (uint32_t i = 0; i < length; i++) {
        if (length > 2 * STEPS_SHOWN && i == STEPS_SHOWN) {
            i = length - STEPS_SHOWN;
            printf("%s%10s  %u steps more\n", indent, "...", length - 2 * STEPS_SHOWN);
        }
        print_step(paths, graph, steps[i], indent);
    }
    free(steps);
}
