/* SPDX-License-Identifier: MIT */
/*
 * A persistent tree: a vector whose versions share what they have in common. An update copies the
 * path from the root to one value and leaves the old version as it was; some old versions are kept.
 * What dies is the old paths, scattered over all ages of memory.
 *
 * Parameters: values (262144) in the vector; updates (2500000); versions (8) that are kept, one of
 * every `every` (5000).
 */
#include "peer.h"

enum { BRANCH_BITS = 3, BRANCHES = 1 << BRANCH_BITS, VERSIONS_MAX = 64 };

struct value {
    uint64_t index, number, unused[2];
};

struct node {
    peer_word children[BRANCHES];
};

static struct value *value_make(peer_thread *thread, uint64_t index, uint64_t number) {
    struct value *value = peer_alloc(thread, PEER_LEAF, sizeof *value);
    value->index = index;
    value->number = number;
    return value;
}

/* The subtree of all values from `first` on, `levels` above them. */
static peer_word build(peer_thread *thread, uint64_t first, unsigned levels) {
    if (levels == 0)
        return (peer_word)value_make(thread, first, 0);
    PEER_ROOTS(thread, made, 1);
    made[0] = (peer_word)peer_alloc(thread, PEER_REFS, sizeof(struct node));
    for (uint64_t i = 0; i < BRANCHES; i++) {
        peer_word child = build(thread, first + (i << (levels - 1) * BRANCH_BITS), levels - 1);
        peer_store(thread, &((struct node *)made[0])->children[i], child);
    }
    PEER_ROOTS_END(thread, made);
    return made[0];
}

/* A version that differs in one value. */
static peer_word update(peer_thread *thread, peer_word old, uint64_t index, uint64_t number,
                        unsigned levels) {
    if (levels == 0)
        return (peer_word)value_make(thread, index, number);
    PEER_ROOTS(thread, held, 2); /* the old node, the new child */
    unsigned branch = index >> (levels - 1) * BRANCH_BITS & (BRANCHES - 1);
    held[0] = old;
    held[1] = update(thread, ((struct node *)old)->children[branch], index, number, levels - 1);
    struct node *node = peer_alloc(thread, PEER_REFS, sizeof *node);
    for (unsigned i = 0; i < BRANCHES; i++)
        peer_init(&node->children[i],
                  i == branch ? held[1] : ((struct node *)held[0])->children[i]);
    PEER_ROOTS_END(thread, held);
    return (peer_word)node;
}

static void check(peer_word tree, uint64_t first, unsigned levels) {
    if (levels == 0 && ((struct value *)tree)->index != first)
        bench_die("persistent: a value is lost");
    for (uint64_t i = 0; levels && i < BRANCHES; i++)
        check(((struct node *)tree)->children[i], first + (i << (levels - 1) * BRANCH_BITS),
              levels - 1);
}

void persistent_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t values = bench_parameter("values", 262144);
    uint64_t updates = bench_parameter("updates", 2500000);
    uint64_t versions = bench_parameter("versions", 8), every = bench_parameter("every", 5000);
    uint64_t seed = 88172645463325252u;
    unsigned levels = 1;
    if (PEER_FREES)
        bench_die("persistent: for peers that collect");
    if (versions == 0 || versions > VERSIONS_MAX || every == 0)
        bench_die("persistent: a parameter is out of its range");
    while (UINT64_C(1) << levels * BRANCH_BITS < values && levels < 10)
        levels++;
    values = UINT64_C(1) << levels * BRANCH_BITS;
    PEER_ROOTS(thread, roots, VERSIONS_MAX + 1);
    roots[0] = build(thread, 0, levels);
    for (uint64_t i = 0; i < updates; i++) {
        if (i % every == 0)
            roots[1 + i / every % versions] = roots[0];
        roots[0] = update(thread, roots[0], bench_random(&seed) % values, i, levels);
        peer_poll(thread);
    }
    for (uint64_t i = 0; i <= versions; i++)
        if (roots[i])
            check(roots[i], 0, levels);
    PEER_ROOTS_END(thread, roots);
    peer_detach(thread);
}
