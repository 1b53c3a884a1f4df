/* SPDX-License-Identifier: MIT */
/*
 * dominators: the objects that retain most, as a tree.
 *
 * A list is one pair below the other: what has nothing of weight below it but one more of its kind
 * is told as a number, not as a level.
 */
#include "command.h"
#include "heap.h"
#include "mains.h"
#include "shown.h"
#include "text.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#define MOST_DEPTH 200
/** Fewer of a kind below one another have a line each. */
#define CHAIN_LEAST 4

struct tree {
    const struct heap *heap;
    int64_t depth, top;
    double percent;
    uint64_t least; /* bytes: what retains less is not shown */
};

static void print_line(const struct tree *tree, int level, uint64_t retained, uint32_t objects,
                       const char *text) {
    char bytes[TEXT_SHORT], share[TEXT_SHORT];
    printf("%10s %8s %10u  %*s", text_bytes(retained, bytes),
           text_share(retained, tree->heap->dominators.retained[0], share), objects, 2 * level, "");
    shown_line(stdout, "%s", text);
}

/** How many of a node's children are shown. */
static uint32_t shown_children(const struct tree *tree, uint32_t node, const uint32_t **children) {
    uint32_t count = dominators_children(&tree->heap->dominators, node, children), shown = 0;
    while (shown < count && shown < tree->top &&
           tree->heap->dominators.retained[(*children)[shown]] >= tree->least)
        shown++;
    return shown;
}

/** The last of those that are one below the other, and how many they are but the first; the node
 * itself where they are few. */
static uint32_t end_of_chain(const struct tree *tree, uint32_t first, uint32_t *length) {
    const struct graph *graph = &tree->heap->graph;
    const uint32_t *children;
    uint32_t node = first;
    for (*length = 0; graph_is_object(graph, node); (*length)++) {
        uint32_t shown = shown_children(tree, node, &children);
        if (shown != 1 || graph->nodes[children[0]].kind != graph->nodes[node].kind ||
            graph->nodes[children[0]].label)
            break;
        node = children[0];
    }
    if (*length < CHAIN_LEAST) {
        *length = 0;
        return first;
    }
    return node;
}

/** What is not shown of a node's children, from children[shown] on, in one line. */
static void print_others(const struct tree *tree, const uint32_t *children, uint32_t shown,
                         uint32_t count, int level) {
    const struct dominators *dominators = &tree->heap->dominators;
    const struct graph *graph = &tree->heap->graph;
    uint64_t retained = 0;
    uint32_t objects = 0;
    bool is_one_kind = true;
    for (uint32_t i = shown; i < count; i++) {
        retained += dominators->retained[children[i]];
        objects += dominators->objects[children[i]];
        is_one_kind &= graph->nodes[children[i]].kind == graph->nodes[children[shown]].kind;
    }
    if (retained < tree->least)
        return;
    char kind[TEXT_NAME], text[2 * TEXT_NAME];
    text_cut(graph_kind_name(graph, children[shown]), kind, sizeof(kind));
    snprintf(text, sizeof(text),
             is_one_kind ? "%u of kind %s, and what they retain"
                         : "%u others, and what they retain",
             count - shown, kind);
    print_line(tree, level, retained, objects, text);
}

static void print_node(const struct tree *tree, uint32_t node, int level) {
    const struct dominators *dominators = &tree->heap->dominators;
    char name[TEXT_NAME];
    print_line(tree, level, dominators->retained[node], dominators->objects[node],
               text_node(&tree->heap->graph, node, name));
    if (level + 1 >= tree->depth)
        return;
    uint32_t length, last = end_of_chain(tree, node, &length);
    if (length > 0) {
        level++;
        snprintf(name, sizeof(name), "%u more of this kind, one below the other", length);
        print_line(tree, level, dominators->retained[last], dominators->objects[last], name);
        if (level + 1 >= tree->depth)
            return;
    }
    const uint32_t *children;
    uint32_t count = dominators_children(dominators, last, &children);
    uint32_t shown = shown_children(tree, last, &children);
    for (uint32_t i = 0; i < shown; i++)
        print_node(tree, children[i], level + 1); /* at most MOST_DEPTH deep */
    if (shown < count)
        print_others(tree, children, shown, count, level + 1);
}

int dominators_main(int argc, char **argv) {
    static const struct option OPTIONS[] = {{"depth", required_argument, NULL, 'd'},
                                            {"top", required_argument, NULL, 't'},
                                            {"share", required_argument, NULL, 's'},
                                            {0}};
    struct tree tree = {.depth = 8, .top = 10, .percent = 1};
    int option;
    while ((option = command_option(argc, argv, "", OPTIONS)) >= 0) {
        if (option == 'd')
            tree.depth = command_count("--depth", optarg, 1, MOST_DEPTH, "");
        else if (option == 't')
            tree.top = heap_top(optarg);
        else
            tree.percent = heap_percent("--share", optarg);
    }
    if (argc - optind != 1 && argc - optind != 2)
        command_misuse("dominators: a FILE, and one OBJECT at most; gait-heap help dominators");
    struct heap heap;
    heap_load(&heap, argv[optind]);
    tree.heap = &heap;
    tree.least = heap_share(&heap, tree.percent);
    uint32_t node = argc - optind == 2 ? heap_object(&heap, argv[optind + 1]) : 0;
    heap_print_title(&heap);
    printf("\n%10s %8s %10s  %s\n", "retained", "share", "objects", "object");
    print_node(&tree, node, 0);
    heap_free(&heap);
    return COMMAND_OK;
}
