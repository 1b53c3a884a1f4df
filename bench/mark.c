/* SPDX-License-Identifier: MIT */
/*
 * Full forced collections of a heap of known size and shape: ns per live object.
 *
 *   list   32 B objects, each with a reference to the next, linked in the order of allocation
 *   tree   32 B nodes of a complete binary tree, allocated in preorder
 *   array  one array of references to 48 B objects without references
 *   graph  64 B objects with 2–4 references: one to the next on a random round trip of all
 *          objects, so that every object is live, the others to any objects
 *
 * After the collections the shape is walked, and each object must still be there.
 *
 * Parameters: shape; objects (2^25; array and graph: 2^24); rounds (5) collections that are timed,
 * after one that is not.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

struct list_node {
    peer_word next;
    uint64_t data[3];
};

struct tree_node {
    peer_word left, right;
    uint64_t data[2];
};

struct graph_node {
    peer_word next, others[3];
    uint64_t data[4];
};

enum { LEAF_BYTES = 48, ROUNDS_MAX = 1000 };

static peer_word root; /* a global: what it leads to is live */

static void list_build(peer_thread *thread, uint64_t objects) {
    peer_word *link = &root;
    for (uint64_t i = 0; i < objects; i++) {
        struct list_node *node = peer_alloc(thread, PEER_HEAD1, sizeof *node);
        node->data[0] = i;
        peer_store(thread, link, (peer_word)node);
        link = &node->next;
    }
}

static uint64_t list_count(void) {
    uint64_t count = 0;
    for (const struct list_node *node = (void *)root; node; node = (void *)node->next)
        count += node->data[0] == count;
    return count;
}

/* `objects` nodes in preorder, as evenly as they divide; slot is reachable. */
static void tree_build(peer_thread *thread, peer_word *slot, uint64_t objects) {
    if (objects == 0)
        return;
    struct tree_node *node = peer_alloc(thread, PEER_HEAD2, sizeof *node);
    peer_store(thread, slot, (peer_word)node);
    tree_build(thread, &node->left, (objects - 1) / 2);
    tree_build(thread, &node->right, objects - 1 - (objects - 1) / 2);
}

static uint64_t tree_count(const struct tree_node *node) {
    return node ? 1 + tree_count((void *)node->left) + tree_count((void *)node->right) : 0;
}

static void array_build(peer_thread *thread, uint64_t objects) {
    peer_word *array = peer_alloc(thread, PEER_REFS, objects * sizeof *array);
    peer_store(thread, &root, (peer_word)array);
    for (uint64_t i = 0; i < objects; i++) {
        uint64_t *leaf = peer_alloc(thread, PEER_LEAF, LEAF_BYTES);
        leaf[0] = i;
        peer_store(thread, &array[i], (peer_word)leaf);
    }
}

static uint64_t array_count(uint64_t objects) {
    const peer_word *array = (void *)root;
    uint64_t count = 0;
    for (uint64_t i = 0; i < objects; i++)
        count += *(const uint64_t *)array[i] == i;
    return count;
}

/*
 * The nodes are held by a list through others[2] while they are made, then by the round trip;
 * the table that leads to them is no root. Nothing is allocated once links are random.
 */
static void graph_build(peer_thread *thread, uint64_t objects) {
    uint32_t *order = malloc(objects * sizeof *order);
    struct graph_node **nodes = malloc(objects * sizeof(*nodes));
    uint64_t seed = 88172645463325252u;
    if (!order || !nodes)
        bench_die("out of memory");
    for (uint64_t i = 0; i < objects; i++) {
        nodes[i] = peer_alloc(thread, PEER_HEAD4, sizeof(struct graph_node));
        peer_init(&nodes[i]->others[2], root);
        peer_store(thread, &root, (peer_word)nodes[i]);
        uint64_t at = bench_random(&seed) % (i + 1);
        order[i] = order[at];
        order[at] = (uint32_t)i;
    }
    for (uint64_t i = 0; i < objects; i++) {
        peer_store(thread, &nodes[order[i]]->next, (peer_word)nodes[order[(i + 1) % objects]]);
        peer_poll(thread);
    }
    for (uint64_t i = 0; i < objects; i++) {
        uint64_t references = 1 + bench_random(&seed) % 3;
        for (uint64_t j = 0; j < 3; j++) {
            struct graph_node *other = j < references ? nodes[bench_random(&seed) % objects] : NULL;
            peer_store(thread, &nodes[i]->others[j], (peer_word)other);
        }
        nodes[i]->data[0] = i;
        peer_poll(thread);
    }
    free(nodes);
    free(order);
}

static uint64_t graph_count(uint64_t objects) {
    const struct graph_node *first = (void *)root, *node = first;
    uint64_t count = 0;
    do
        count += node->data[0] < objects;
    while ((node = (void *)node->next) != first);
    return count;
}

void mark_main(void) {
    peer_thread *thread = peer_attach();
    const char *shape = bench_parameter_text("shape", "graph");
    bool list = strcmp(shape, "list") == 0, tree = strcmp(shape, "tree") == 0;
    bool array = strcmp(shape, "array") == 0, graph = strcmp(shape, "graph") == 0;
    if (!(list || tree || array || graph))
        bench_die("mark: shape is list, tree, array or graph");
    uint64_t objects = bench_parameter("objects", UINT64_C(1) << (list || tree ? 25 : 24));
    uint64_t rounds = bench_parameter("rounds", 5);
    if (objects == 0 || objects > UINT32_MAX || rounds == 0 || rounds > ROUNDS_MAX)
        bench_die("mark: objects or rounds out of range");

    uint64_t start_ns = bench_now_ns();
    peer_globals(thread, &root, 1);
    if (list)
        list_build(thread, objects);
    else if (tree)
        tree_build(thread, &root, objects);
    else if (array)
        array_build(thread, objects);
    else
        graph_build(thread, objects);
    bench_figure("build_ms", (double)(bench_now_ns() - start_ns) / 1e6);

    double took_ms[ROUNDS_MAX], per_object_ns[ROUNDS_MAX];
    peer_collect(thread);
    for (uint64_t i = 0; i < rounds; i++) {
        start_ns = bench_now_ns();
        peer_collect(thread);
        double took_ns = (double)(bench_now_ns() - start_ns);
        took_ms[i] = took_ns / 1e6;
        per_object_ns[i] = took_ns / (double)objects;
    }
    bench_spread("collection_ms", took_ms, rounds);
    bench_spread("ns_per_object", per_object_ns, rounds);

    uint64_t count = list    ? list_count()
                     : tree  ? tree_count((void *)root)
                     : array ? array_count(objects)
                             : graph_count(objects);
    if (count != objects)
        bench_die("mark: objects were lost");
    peer_detach(thread);
}
