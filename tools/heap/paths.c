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

/** Of a long way the first and last lines are printed, so many of each. */
#define LINES_SHOWN 20
/** More steps that are alike are told as a number. */
#define ALIKE_SHOWN 4

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

/** A line: a step, or (more > 0) how many are left out. */
struct line {
    uint32_t node, more;
};

/** Is this step as the one before: the same reference, to the same kind? */
static bool is_alike(const struct paths *paths, const struct graph *graph, uint32_t one,
                     uint32_t other) {
    const struct graph_edge *left = &graph->edges[paths->edge[one]];
    const struct graph_edge *right = &graph->edges[paths->edge[other]];
    return graph->nodes[one].kind == graph->nodes[other].kind && graph_is_object(graph, one) &&
           !graph->nodes[other].label && left->type == right->type && left->name == right->name;
}

/** Make lines of steps: what goes along a list is told by its first and last step.
 * @return how many. */
static uint32_t make_lines(const struct paths *paths, const struct graph *graph,
                           const uint32_t *steps, uint32_t length, struct line *lines) {
    uint32_t count = 0;
    for (uint32_t i = 0, end; i < length; i = end) {
        for (end = i + 1; end < length && is_alike(paths, graph, steps[i], steps[end]);)
            end++;
        for (uint32_t at = i; at < end; at++) {
            if (end - i > ALIKE_SHOWN && at == i + 1) {
                lines[count++] = (struct line){0, end - i - 2};
                at = end - 1;
            }
            lines[count++] = (struct line){steps[at], 0};
        }
    }
    return count;
}

static void print_more(const char *indent, uint32_t more, const char *what) {
    printf("%s%10s  %u more %s\n", indent, "...", more, what);
}

void paths_print(const struct paths *paths, const struct graph *graph, uint32_t node,
                 const char *indent) {
    uint32_t length = 0;
    for (uint32_t at = node; paths->before[at] != GRAPH_NONE; at = paths->before[at])
        length++;
    uint32_t *steps = command_allocate((size_t)length + 1, sizeof(*steps));
    struct line *lines = command_allocate((size_t)length + 1, sizeof(*lines));
    for (uint32_t at = node, left = length; left > 0; at = paths->before[at])
        steps[--left] = at;
    uint32_t count = make_lines(paths, graph, steps, length, lines);
    for (uint32_t i = 0; i < count; i++) {
        if (count > 2 * LINES_SHOWN && i == LINES_SHOWN) {
            i = count - LINES_SHOWN;
            print_more(indent, count - 2 * LINES_SHOWN, "lines");
        }
        if (lines[i].more > 0)
            print_more(indent, lines[i].more, "of this kind, one after the other");
        else
            print_step(paths, graph, lines[i].node, indent);
    }
    free(lines);
    free(steps);
}
