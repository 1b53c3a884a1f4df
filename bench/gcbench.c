/* SPDX-License-Identifier: MIT */
/*
 * GCBench with holes: trees built from the root down (stores into reachable objects) and from the
 * leaves up, beside a long-lived tree and a long-lived array of numbers. Behind half of the nodes
 * an object of 1–8 words is allocated that dies at once, so that what lives on leaves holes of
 * many sizes. Trees are counted as they are built, the array is checked at the end.
 *
 * Parameters: depth (16) of the long-lived tree.
 */
#include "peer.h"

struct node {
    peer_word left, right;
    int64_t i, j;
};

enum { DEPTH_MIN = 4, NUMBERS = 500000 };

static uint64_t seed = 88172645463325252u; /* one thread */

static struct node *node_new(peer_thread *thread) {
    uint64_t random = bench_random(&seed);
    if (random & 1) {
        void *hole = peer_alloc(thread, PEER_LEAF, 8 + (random >> 1) % 8 * 8);
        bench_keep(hole);
        peer_free(hole);
    }
    return peer_alloc(thread, PEER_HEAD2, sizeof(struct node));
}

/* The node must be reachable: its children hang on it before theirs are made. */
static uint64_t populate(peer_thread *thread, struct node *node, unsigned depth) {
    if (depth == 0)
        return 1;
    peer_store(thread, &node->left, (peer_word)node_new(thread));
    peer_store(thread, &node->right, (peer_word)node_new(thread));
    return 1 + populate(thread, (struct node *)node->left, depth - 1) +
           populate(thread, (struct node *)node->right, depth - 1);
}

static struct node *tree_build(peer_thread *thread, unsigned depth) {
    if (depth == 0)
        return node_new(thread);
    PEER_ROOTS(thread, children, 2);
    children[0] = (peer_word)tree_build(thread, depth - 1);
    children[1] = (peer_word)tree_build(thread, depth - 1);
    struct node *node = node_new(thread);
    peer_init(&node->left, children[0]);
    peer_init(&node->right, children[1]);
    PEER_ROOTS_END(thread, children);
    return node;
}

static uint64_t tree_count(const struct node *node) {
    if (!node->left)
        return 1;
    return 1 + tree_count((const struct node *)node->left) +
           tree_count((const struct node *)node->right);
}

static void tree_free(struct node *node) {
    if (!PEER_FREES || !node)
        return;
    tree_free((struct node *)node->left);
    tree_free((struct node *)node->right);
    peer_free(node);
}

static uint64_t tree_nodes(unsigned depth) { return (UINT64_C(2) << depth) - 1; }

static void expect(bool holds) {
    if (!holds)
        bench_die("gcbench: memory was lost");
}

static void trees_of(peer_thread *thread, unsigned depth, uint64_t trees) {
    PEER_ROOTS(thread, tree, 1);
    for (uint64_t i = 0; i < trees; i++) {
        tree[0] = (peer_word)node_new(thread);
        expect(populate(thread, (struct node *)tree[0], depth) == tree_nodes(depth));
        tree_free((struct node *)tree[0]);
        peer_poll(thread);
    }
    for (uint64_t i = 0; i < trees; i++) {
        tree[0] = (peer_word)tree_build(thread, depth);
        tree_free((struct node *)tree[0]);
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, tree);
}

void gcbench_main(void) {
    peer_thread *thread = peer_attach();
    unsigned depth_max = (unsigned)bench_parameter("depth", 16);
    enum { LASTING_TREE, LASTING_NUMBERS, LASTING };
    PEER_ROOTS(thread, lasting, LASTING);

    lasting[LASTING_TREE] = (peer_word)tree_build(thread, depth_max + 2);
    tree_free((struct node *)lasting[LASTING_TREE]);

    lasting[LASTING_TREE] = (peer_word)node_new(thread);
    populate(thread, (struct node *)lasting[LASTING_TREE], depth_max);
    lasting[LASTING_NUMBERS] = (peer_word)peer_alloc(thread, PEER_LEAF, NUMBERS * sizeof(double));
    double *numbers = (double *)lasting[LASTING_NUMBERS];
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = 1.0 / (i + 1);

    for (unsigned depth = DEPTH_MIN; depth <= depth_max; depth += 2)
        trees_of(thread, depth, 2 * tree_nodes(depth_max + 2) / tree_nodes(depth));

    expect(tree_count((struct node *)lasting[LASTING_TREE]) == tree_nodes(depth_max));
    expect(numbers[1000] == 1.0 / 1001);
    tree_free((struct node *)lasting[LASTING_TREE]);
    peer_free(numbers);
    PEER_ROOTS_END(thread, lasting);
    peer_detach(thread);
}
