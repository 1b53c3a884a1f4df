/* SPDX-License-Identifier: MIT */
/*
 * diff: what grew from one snapshot to the next.
 *
 * Gait moves no object: what has the same address, kind and size in both is the same object, or
 * one that took its place. Whichever it is, nothing grew there.
 */
#include "command.h"
#include "heap.h"
#include "mains.h"
#include "shown.h"
#include "text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

/** An object, as both snapshots can tell it. */
struct identity {
    uint64_t id, bytes;
    uint32_t kind; /* as the new snapshot numbers it */
    uint32_t node;
};

/** A kind of the new snapshot, or one of the old alone. */
struct change {
    const char *name;
    struct kind_sum before, after;
    uint64_t came, went;
};

struct diff {
    struct heap before, after;
    bool same_process;
    uint32_t *kinds;        /* of the old snapshot: its number among the changes */
    struct change *changes; /* those of the new snapshot by its numbers, then the others */
    uint32_t change_count;
    bool *is_new; /* of the new snapshot's nodes */
};

static void list_changes(struct diff *diff) {
    const struct graph *before = &diff->before.graph, *after = &diff->after.graph;
    struct kind_sum *old = heap_kinds(&diff->before), *new = heap_kinds(&diff->after);
    diff->changes = command_allocate((size_t)before->kind_count + after->kind_count + 1,
                                     sizeof(*diff->changes));
    diff->kinds = command_allocate((size_t)before->kind_count + 1, sizeof(*diff->kinds));
    diff->change_count = after->kind_count;
    for (uint32_t kind = 0; kind < after->kind_count; kind++) {
        diff->changes[kind].name = after->kinds[kind].name;
        if (!after->kinds[kind].synthetic)
            diff->changes[kind].after = new[kind];
    }
    for (uint32_t kind = 0; kind < before->kind_count; kind++) {
        uint32_t known = graph_find_kind(after, before->kinds[kind].name);
        diff->kinds[kind] = known == GRAPH_NONE ? diff->change_count++ : known;
        struct change *change = &diff->changes[diff->kinds[kind]];
        change->name = before->kinds[kind].name;
        if (!before->kinds[kind].synthetic)
            change->before = old[kind];
    }
    free(old);
    free(new);
}

/* ---- Objects ------------------------------------------------------------ */

static int compare_identities(const void *a, const void *b) {
    const struct identity *one = a, *other = b;
    if (one->id != other->id)
        return one->id < other->id ? -1 : 1;
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    return one->bytes < other->bytes ? -1 : one->bytes > other->bytes;
}

/** All objects that are kept, in order. @param kinds  NULL: their own numbers */
static struct identity *identities(const struct heap *heap, const uint32_t *kinds,
                                   uint32_t *count) {
    const struct graph *graph = &heap->graph;
    struct identity *list = command_allocate((size_t)heap->dominators.reached + 1, sizeof(*list));
    *count = 0;
    for (uint32_t i = 0; i < heap->dominators.reached; i++) {
        uint32_t node = heap->dominators.order[i], kind = graph->nodes[node].kind;
        if (graph_is_object(graph, node))
            list[(*count)++] = (struct identity){graph->nodes[node].id, graph->nodes[node].bytes,
                                                 kinds ? kinds[kind] : kind, node};
    }
    qsort(list, *count, sizeof(*list), compare_identities);
    return list;
}

/** Which objects are in one snapshot alone. */
static void compare_objects(struct diff *diff) {
    uint32_t before, after, old = 0;
    struct identity *gone = identities(&diff->before, diff->kinds, &before);
    struct identity *come = identities(&diff->after, NULL, &after);
    diff->is_new = command_allocate((size_t)diff->after.graph.node_count + 1, sizeof(bool));
    for (uint32_t new = 0; new < after || old < before;) {
        int order = new == after    ? -1
                    : old == before ? 1
                                    : compare_identities(&gone[old], &come[new]);
        if (order < 0) {
            diff->changes[gone[old++].kind].went++;
        } else if (order > 0) {
            diff->is_new[come[new].node] = true;
            diff->changes[come[new ++].kind].came++;
        } else {
            old++;
            new ++;
        }
    }
    free(gone);
    free(come);
}

/* ---- Tables ------------------------------------------------------------- */

static int64_t grown(const struct change *change) {
    return (int64_t)change->after.bytes - (int64_t)change->before.bytes;
}

static int compare_changes(const void *a, const void *b) {
    int64_t one = grown(a), other = grown(b);
    if (one != other)
        return one > other ? -1 : 1;
    const struct change *left = a, *right = b;
    return left->after.count < right->after.count   ? 1
           : left->after.count > right->after.count ? -1
                                                    : 0;
}

static bool has_changed(const struct change *change) {
    return grown(change) != 0 || change->before.count != change->after.count ||
           change->came + change->went > 0;
}

static void add(struct change *sum, const struct change *change) {
    sum->before.count += change->before.count;
    sum->before.bytes += change->before.bytes;
    sum->after.count += change->after.count;
    sum->after.bytes += change->after.bytes;
    sum->came += change->came;
    sum->went += change->went;
}

static void print_change(const struct diff *diff, const struct change *change) {
    char bytes[TEXT_SHORT], more[TEXT_SHORT], name[TEXT_NAME];
    text_cut(change->name, name, sizeof(name));
    printf("%10s %10s %10" PRIu64 " %+10" PRId64,
           text_growth(change->before.bytes, change->after.bytes, more),
           text_bytes(change->after.bytes, bytes), change->after.count,
           (int64_t)(change->after.count - change->before.count));
    if (diff->same_process)
        printf(" %10" PRIu64 " %10" PRIu64, change->came, change->went);
    fputs("  ", stdout);
    shown_line(stdout, "%s", name);
}

static void print_changes(const struct diff *diff, int64_t top) {
    struct change others = {0}, all = {.name = "all"};
    uint32_t shown = 0, left = 0;
    char text[TEXT_SHORT];
    printf("\n%10s %10s %10s %10s", "grew", "own", "objects", "more");
    if (diff->same_process)
        printf(" %10s %10s", "new", "gone");
    puts("  kind");
    for (uint32_t i = 0; i < diff->change_count; i++) {
        const struct change *change = &diff->changes[i];
        if (change->before.count == 0 && change->after.count == 0)
            continue;
        add(&all, change);
        if (shown < top && (has_changed(change) || top == INT64_MAX)) {
            print_change(diff, change);
            shown++;
        } else {
            add(&others, change);
            left++;
        }
    }
    if (left > 0) {
        snprintf(text, sizeof(text), "%u other kinds", left);
        others.name = text;
        print_change(diff, &others);
    }
    print_change(diff, &all);
}

/** An older object, or a root, that alone keeps new ones. */
struct keeper {
    uint32_t node, objects;
    uint64_t bytes;
};

static int compare_keepers(const void *a, const void *b) {
    const struct keeper *one = a, *other = b;
    if (one->bytes != other->bytes)
        return one->bytes > other->bytes ? -1 : 1;
    return one->node < other->node ? -1 : one->node > other->node;
}

static struct keeper *find_keepers(const struct diff *diff, uint32_t *count) {
    const struct dominators *dominators = &diff->after.dominators;
    struct keeper *keepers =
        command_allocate((size_t)diff->after.graph.node_count + 1, sizeof(*keepers));
    for (uint32_t i = 1; i < dominators->reached; i++) {
        uint32_t node = dominators->order[i], above = dominators->parent[node];
        if (!diff->is_new[node] || diff->is_new[above])
            continue;
        keepers[above].node = above;
        keepers[above].objects += dominators->objects[node];
        keepers[above].bytes += dominators->retained[node];
    }
    *count = 0;
    for (uint32_t node = 0; node < diff->after.graph.node_count; node++)
        if (keepers[node].objects > 0)
            keepers[(*count)++] = keepers[node];
    qsort(keepers, *count, sizeof(*keepers), compare_keepers);
    return keepers;
}

static void print_keepers(const struct diff *diff, int64_t top) {
    uint32_t count;
    struct keeper *keepers = find_keepers(diff, &count);
    if (count > 0)
        printf("\n%10s %10s  %s\n", "retained", "objects",
               "new ones, by the older one that keeps "
               "them");
    for (uint32_t i = 0; i < count && i < top; i++) {
        char bytes[TEXT_SHORT], name[TEXT_NAME];
        printf("%10s %10u  ", text_bytes(keepers[i].bytes, bytes), keepers[i].objects);
        shown_line(stdout, "%s", text_node(&diff->after.graph, keepers[i].node, name));
    }
    if (count > top)
        printf("%10s %10s  %u others\n", "", "", (unsigned)(count - top));
    free(keepers);
}

int diff_main(int argc, char **argv) {
    static const struct option OPTIONS[] = {{"top", required_argument, NULL, 't'}, {0}};
    int64_t top = 20;
    while (command_option(argc, argv, "", OPTIONS) >= 0)
        top = heap_top(optarg);
    if (argc - optind != 2)
        command_misuse("diff: two files, the older one first; gait-heap help diff");
    struct diff diff = {0};
    heap_load(&diff.before, argv[optind]);
    heap_load(&diff.after, argv[optind + 1]);
    diff.same_process = diff.before.graph.has_addresses == diff.after.graph.has_addresses &&
                        diff.before.graph.process == diff.after.graph.process &&
                        diff.before.graph.base == diff.after.graph.base;
    list_changes(&diff);
    if (diff.same_process)
        compare_objects(&diff);
    qsort(diff.changes, diff.change_count, sizeof(*diff.changes), compare_changes);
    heap_print_title(&diff.before);
    heap_print_title(&diff.after);
    print_changes(&diff, top);
    if (diff.same_process)
        print_keepers(&diff, top);
    else
        puts("\nThe snapshots are of two processes or two forms: which objects are new is not "
             "known.");
    free(diff.changes);
    free(diff.kinds);
    free(diff.is_new);
    heap_free(&diff.before);
    heap_free(&diff.after);
    return COMMAND_OK;
}
