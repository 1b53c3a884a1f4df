/* SPDX-License-Identifier: MIT */
/*
 * path: the shortest way from a root to an object.
 */
#include "command.h"
#include "heap.h"
#include "mains.h"
#include "objects.h"
#include "shown.h"
#include "text.h"

#include <getopt.h>
#include <stdlib.h>

static void print_path(const struct heap *heap, const struct paths *paths, uint32_t node) {
    char name[TEXT_NAME], own[TEXT_SHORT], retained[TEXT_SHORT];
    bool reached = dominators_reach(&heap->dominators, node);
    text_node(&heap->graph, node, name);
    text_bytes(heap->graph.nodes[node].bytes, own);
    text_bytes(heap->dominators.retained[node], retained);
    if (reached) {
        shown_line(stdout, "%s: %s, retains %s", name, own, retained);
        paths_print(paths, &heap->graph, node, "  ");
    } else {
        shown_line(stdout, "%s: %s, kept by nothing, or by weak references alone", name, own);
    }
}

int path_main(int argc, char **argv) {
    static const struct option OPTIONS[] = {{"top", required_argument, NULL, 't'}, {0}};
    int64_t top = 1;
    while (command_option(argc, argv, "", OPTIONS) >= 0)
        top = heap_top(optarg);
    if (argc - optind != 2)
        command_misuse("path: a FILE and an OBJECT; gait-heap help path");
    struct heap heap;
    struct paths paths;
    heap_load(&heap, argv[optind]);
    uint32_t count, *found = objects_find(&heap.graph, argv[optind + 1], &count);
    dominators_sort(&heap.dominators, found, count);
    paths_find(&paths, &heap.graph);
    for (uint32_t i = 0; i < count && i < top; i++)
        print_path(&heap, &paths, found[i]);
    if (count > top)
        printf("%u more objects are like this (--top)\n", (unsigned)(count - top));
    free(found);
    paths_free(&paths);
    heap_free(&heap);
    return COMMAND_OK;
}
