/* SPDX-License-Identifier: MIT */
/*
 * suspects: where a leak may be.
 *
 * Three signs, each of which a healthy program may have as well:
 *   - one object alone keeps much. Whose fault it is shows further down: from a large object to the
 *     one below it that has nearly all of it, until it falls into many small ones;
 *   - there is much of one kind, and most of it in one place;
 *   - a kind grew from each snapshot to the next.
 */
#include "command.h"
#include "heap.h"
#include "mains.h"
#include "objects.h"
#include "piles.h"
#include "shown.h"
#include "text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** The memory is said to be further down while one object below has so much of it: Eclipse's
 * Memory Analyzer follows as large ones; guess. */
#define MOST_OF_IT 0.8
/** A kind is in one place if so much of it has one dominator; guess. */
#define IN_ONE_PLACE 0.5
/** What is told of a pile: so many kinds that are a 200th of it at least. */
#define BELOW_SHOWN 3
#define PARTS 200
#define SUSPECTS_SHOWN 10
/** Fewer of a kind are told as objects. */
#define KIND_LEAST_OBJECTS 10
#define GROWTHS_SHOWN 20
/** Each takes a pass over all objects, and a file may have a million kinds one below the other. */
#define KINDS_LOOKED_AT 100

/** Where below a node its memory falls into many. A list is many, though each has all the rest. */
static uint32_t pile_of(const struct heap *heap, uint32_t node) {
    const struct dominators *dominators = &heap->dominators;
    const struct graph_node *nodes = heap->graph.nodes;
    const uint32_t *children;
    while (dominators_children(dominators, node, &children) > 0 &&
           (double)dominators->retained[children[0]] >=
               (double)dominators->retained[node] * MOST_OF_IT &&
           (nodes[children[0]].kind != nodes[node].kind || nodes[children[0]].label))
        node = children[0];
    return node;
}

static int compare_sums(const void *a, const void *b) {
    const struct kind_sum *one = a, *other = b;
    if (one->retained != other->retained)
        return one->retained > other->retained ? -1 : 1;
    return one->kind < other->kind ? -1 : one->kind > other->kind;
}

/** Print what a node's pile is made of. */
static void print_below(const struct heap *heap, uint32_t node) {
    const struct graph *graph = &heap->graph;
    struct piles piles;
    char bytes[TEXT_SHORT], name[TEXT_NAME];
    piles_make(&piles, heap, node, heap->dominators.retained[node] / PARTS, 2);
    const struct pile *top = &piles.list[0];
    if (top->objects > 1) {
        text_cut(graph_kind_name(graph, node), name, sizeof(name));
        shown_line(stdout, "    %10s  in %u of kind %s, one below the other",
                   text_bytes(top->own, bytes), top->objects, name);
    }
    for (uint32_t i = 1; i < piles.count && i <= BELOW_SHOWN; i++) {
        const struct pile *pile = &piles.list[i];
        text_cut(graph_kind_name(graph, pile->node), name, sizeof(name));
        shown_line(stdout, "    %10s  below it, in %u of kind %s",
                   text_bytes(pile->retained, bytes), pile->objects, name);
    }
    piles_free(&piles);
}

/** Where memory piles up, of those that are told: a kind that lies there is not told again. */
struct told {
    uint32_t piles[SUSPECTS_SHOWN], count;
};

static bool is_told(const struct told *told, uint32_t node) {
    for (uint32_t i = 0; i < told->count; i++)
        if (told->piles[i] == node)
            return true;
    return false;
}

/** @return where it piles up. */
static uint32_t print_suspect(const struct heap *heap, const struct paths *paths, uint32_t node) {
    const struct dominators *dominators = &heap->dominators;
    char name[TEXT_NAME], bytes[TEXT_SHORT], share[TEXT_SHORT];
    uint64_t all = dominators->retained[0];
    uint32_t pile = pile_of(heap, node);
    putchar('\n');
    shown_line(stdout, "%s keeps %s (%s), %u objects", text_node(&heap->graph, node, name),
               text_bytes(dominators->retained[node], bytes),
               text_share(dominators->retained[node], all, share), dominators->objects[node]);
    if (pile != node)
        shown_line(stdout, "  piled up at %s: %s (%s)", text_node(&heap->graph, pile, name),
                   text_bytes(dominators->retained[pile], bytes),
                   text_share(dominators->retained[pile], all, share));
    print_below(heap, pile);
    puts("  the way from a root:");
    paths_print(paths, &heap->graph, pile, "    ");
    return pile;
}

/** Objects that no other object keeps alone: what lies below roots and their groups. */
static void print_objects(const struct heap *heap, const struct paths *paths, uint64_t least,
                          struct told *told) {
    const struct dominators *dominators = &heap->dominators;
    uint32_t *large = command_allocate((size_t)dominators->reached + 1, sizeof(*large)), count = 0;
    for (uint32_t i = 1; i < dominators->reached; i++) {
        uint32_t node = dominators->order[i];
        if (dominators->retained[node] >= least && graph_is_object(&heap->graph, node) &&
            !graph_is_object(&heap->graph, dominators->parent[node]))
            large[count++] = node;
    }
    dominators_sort(dominators, large, count);
    for (uint32_t i = 0; i < count && i < SUSPECTS_SHOWN; i++)
        told->piles[told->count++] = print_suspect(heap, paths, large[i]);
    if (count > SUSPECTS_SHOWN)
        printf("\n%u more objects keep as much (--share)\n", count - SUSPECTS_SHOWN);
    free(large);
}

/** @return how many. */
static uint32_t print_kinds(const struct heap *heap, const struct paths *paths, uint64_t least,
                            const struct told *already) {
    const struct graph *graph = &heap->graph;
    struct kind_sum *sums = heap_kinds(heap);
    uint32_t told = 0;
    qsort(sums, graph->kind_count, sizeof(*sums), compare_sums);
    for (uint32_t i = 0; i < graph->kind_count && i < KINDS_LOOKED_AT && told < SUSPECTS_SHOWN;
         i++) {
        const struct kind_sum *sum = &sums[i];
        if (sum->retained < least || sum->count < KIND_LEAST_OBJECTS ||
            graph->kinds[sum->kind].synthetic)
            continue;
        uint64_t held;
        uint32_t count;
        uint32_t holder = dominators_holder(&heap->dominators, graph, sum->kind, &held, &count);
        if (holder == GRAPH_NONE || is_told(already, holder) || !graph_is_object(graph, holder) ||
            graph->nodes[holder].kind == sum->kind || count < KIND_LEAST_OBJECTS ||
            (double)held < (double)sum->retained * IN_ONE_PLACE)
            continue;
        char name[TEXT_NAME], kind[TEXT_NAME], bytes[TEXT_SHORT], share[TEXT_SHORT];
        text_cut(graph->kinds[sum->kind].name, kind, sizeof(kind));
        putchar('\n');
        shown_line(stdout,
                   "kind %s: %" PRIu64 " objects keep %s (%s); %u of them, with %.0f %%, "
                   "are kept by %s alone",
                   kind, sum->count, text_bytes(sum->retained, bytes),
                   text_share(sum->retained, heap->dominators.retained[0], share), count,
                   (double)held * 100 / (double)sum->retained, text_node(graph, holder, name));
        puts("  the way from a root:");
        paths_print(paths, graph, holder, "    ");
        told++;
    }
    free(sums);
    return told;
}

static void print_suspects(const struct heap *heap, double percent) {
    struct paths paths;
    uint64_t least = heap_share(heap, percent);
    paths_find(&paths, &heap->graph);
    struct told told = {.count = 0};
    print_objects(heap, &paths, least, &told);
    if (print_kinds(heap, &paths, least, &told) + told.count == 0)
        printf("\nNo object, and no kind in one place, keeps %g %% of it.\n", percent);
    paths_free(&paths);
}

/* ---- Several snapshots -------------------------------------------------- */

/** Each kind of the last snapshot, in each of them: [snapshot * kind_count + kind]. */
struct growths {
    const struct graph *last;
    int snapshots;
    uint64_t *bytes, *counts;
};

static void take_sums(struct growths *growths, int snapshot, const struct heap *heap) {
    struct kind_sum *sums = heap_kinds(heap);
    for (uint32_t kind = 0; kind < heap->graph.kind_count; kind++) {
        uint32_t known = heap->graph.kinds[kind].synthetic
                             ? GRAPH_NONE
                             : graph_find_kind(growths->last, heap->graph.kinds[kind].name);
        if (known == GRAPH_NONE)
            continue;
        size_t at = (size_t)snapshot * growths->last->kind_count + known;
        growths->bytes[at] = sums[kind].bytes;
        growths->counts[at] = sums[kind].count;
    }
    free(sums);
}

static uint64_t bytes_in(const struct growths *growths, int snapshot, uint32_t kind) {
    return growths->bytes[(size_t)snapshot * growths->last->kind_count + kind];
}

static uint64_t grown(const struct growths *growths, uint32_t kind) {
    return bytes_in(growths, growths->snapshots - 1, kind) - bytes_in(growths, 0, kind);
}

static bool grew_always(const struct growths *growths, uint32_t kind) {
    for (int i = 1; i < growths->snapshots; i++)
        if (bytes_in(growths, i, kind) <= bytes_in(growths, i - 1, kind))
            return false;
    return true;
}

static int compare_growth(const void *a, const void *b, void *context) {
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    uint64_t left = grown(context, one), right = grown(context, other);
    if (left != right)
        return left > right ? -1 : 1;
    return one < other ? -1 : one > other;
}

static void print_growth(const struct growths *growths, uint32_t kind) {
    char text[TEXT_SHORT], name[TEXT_NAME];
    uint64_t *counts = growths->counts;
    size_t kinds = growths->last->kind_count;
    uint64_t more = counts[(size_t)(growths->snapshots - 1) * kinds + kind] - counts[kind];
    text_cut(growths->last->kinds[kind].name, name, sizeof(name));
    printf("%10s %+10" PRId64, text_growth(0, grown(growths, kind), text), (int64_t)more);
    for (int i = 0; i < growths->snapshots; i++)
        printf(" %10s", text_bytes(bytes_in(growths, i, kind), text));
    fputs("  ", stdout);
    shown_line(stdout, "%s", name);
}

static void print_growths(struct growths *growths) {
    uint32_t *kinds = command_allocate((size_t)growths->last->kind_count + 1, sizeof(*kinds));
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < growths->last->kind_count; kind++)
        if (grew_always(growths, kind))
            kinds[count++] = kind;
    qsort_r(kinds, count, sizeof(*kinds), compare_growth, growths);
    if (count == 0)
        puts("No kind grew from each snapshot to the next.");
    else
        printf("%10s %10s", "grew", "objects");
    for (int i = 0; count > 0 && i < growths->snapshots; i++)
        printf(" %10d", i + 1);
    if (count > 0)
        puts("  kind that grew each time");
    for (uint32_t i = 0; i < count && i < GROWTHS_SHOWN; i++)
        print_growth(growths, kinds[i]);
    if (count > GROWTHS_SHOWN)
        printf("%10s %10s  %u others\n", "", "", count - GROWTHS_SHOWN);
    free(kinds);
}

/** All but the last of the files are read for their sums alone. */
static void compare_all(char **paths, int count, const struct heap *last) {
    struct growths growths = {.last = &last->graph, .snapshots = count};
    size_t room = (size_t)count * last->graph.kind_count + 1;
    growths.bytes = command_allocate(room, sizeof(*growths.bytes));
    growths.counts = command_allocate(room, sizeof(*growths.counts));
    for (int i = 0; i < count - 1; i++) {
        struct heap heap;
        heap_load(&heap, paths[i]);
        take_sums(&growths, i, &heap);
        heap_print_title(&heap);
        heap_free(&heap);
    }
    take_sums(&growths, count - 1, last);
    heap_print_title(last);
    putchar('\n');
    print_growths(&growths);
    free(growths.bytes);
    free(growths.counts);
}

int suspects_main(int argc, char **argv) {
    static const struct option OPTIONS[] = {{"share", required_argument, NULL, 's'}, {0}};
    double percent = 10;
    while (command_option(argc, argv, "", OPTIONS) >= 0)
        percent = heap_percent("--share", optarg);
    if (argc == optind)
        command_misuse("suspects: FILES, in the order of time; gait-heap help suspects");
    struct heap last;
    heap_load(&last, argv[argc - 1]);
    if (argc - optind > 1)
        compare_all(argv + optind, argc - optind, &last);
    else
        heap_print_title(&last);
    print_suspects(&last, percent);
    heap_free(&last);
    return COMMAND_OK;
}
