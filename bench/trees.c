/* SPDX-License-Identifier: MIT */
/*
 * Binary trees: a stretch tree, a long-lived tree, and many short-lived ones, of nodes of two
 * references and nothing else. Every tree is counted, and the sum of all counts is checked.
 *
 * Parameters: depth (18), threads (1): each thread runs the whole.
 */
#include "peer.h"

struct node {
    peer_word left, right;
};

enum { DEPTH_MIN = 4 };

static unsigned depth_max; /* constant once threads run */

static struct node *tree_build(peer_thread *thread, unsigned depth) {
    if (depth == 0)
        return peer_alloc(thread, PEER_REFS, sizeof(struct node));
    PEER_ROOTS(thread, children, 2);
    children[0] = (peer_word)tree_build(thread, depth - 1);
    children[1] = (peer_word)tree_build(thread, depth - 1);
    struct node *node = peer_alloc(thread, PEER_REFS, sizeof *node);
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
    if (!PEER_FREES)
        return;
    if (node->left) {
        tree_free((struct node *)node->left);
        tree_free((struct node *)node->right);
    }
    peer_free(node);
}

static uint64_t tree_build_and_count(peer_thread *thread, unsigned depth) {
    struct node *tree = tree_build(thread, depth);
    uint64_t count = tree_count(tree);
    tree_free(tree);
    peer_poll(thread);
    return count;
}

static void expect(uint64_t count, uint64_t trees, unsigned depth) {
    if (count != trees * ((UINT64_C(2) << depth) - 1))
        bench_die("trees: a tree lost nodes");
}

static void trees_run(peer_thread *thread, unsigned index) {
    (void)index;
    expect(tree_build_and_count(thread, depth_max + 1), 1, depth_max + 1);
    PEER_ROOTS(thread, lasting, 1);
    lasting[0] = (peer_word)tree_build(thread, depth_max);
    for (unsigned depth = DEPTH_MIN; depth <= depth_max; depth += 2) {
        uint64_t trees = UINT64_C(1) << (depth_max - depth + DEPTH_MIN), count = 0;
        for (uint64_t i = 0; i < trees; i++)
            count += tree_build_and_count(thread, depth);
        expect(count, trees, depth);
    }
    struct node *tree = (struct node *)lasting[0];
    expect(tree_count(tree), 1, depth_max);
    tree_free(tree);
    PEER_ROOTS_END(thread, lasting);
}

void trees_main(void) {
    peer_thread *self = peer_attach();
    unsigned threads = (unsigned)bench_parameter("threads", 1);
    depth_max = (unsigned)bench_parameter("depth", 18);
    if (threads == 1)
        trees_run(self, 0);
    else
        peer_run_threads(self, threads, trees_run);
    peer_detach(self);
}
