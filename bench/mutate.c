/* SPDX-License-Identifier: MIT */
/*
 * Stores: threads change the references of a graph of 32 B nodes, at random, and do little else.
 * What a barrier costs shows here; the nodes fit into a cache.
 *
 * Parameters: nodes (8192); stores (40000000) in all; threads (1); neighbours (1): threads write to
 * nodes that lie side by side, 0: each to a part of its own; plain (0): 1 stores without barrier,
 * as nothing marks while nothing is allocated; every (0): so many stores of a thread make one new
 * node and link it in, so that cycles run; warm (0): so many MiB of dead nodes are made before, so
 * that a collector which looks at young objects alone has begun to, and remembers stores to others.
 */
#include "peer.h"

#include <stdatomic.h>

struct node { /* HEAD3 */
    peer_word refs[3];
    uint64_t number;
};

enum { THREADS_MAX = 64, STORES_TO_POLL = 64, MIB = 1 << 20 };

static peer_word root; /* the array of nodes */
/* Constant while threads run. */
static uint64_t nodes, stores, every;
static unsigned threads;
static bool neighbours, plain;
static double took_ns[THREADS_MAX]; /* [i] is written by thread i, read after it ended */

/* The node of this thread's that a random number names. */
static inline struct node *mine(uint64_t random, unsigned index) {
    uint64_t part = nodes / threads, at = (random & 0xffffffff) * part >> 32;
    return ((struct node **)root)[neighbours ? at * threads + index : part * index + at];
}

static inline void change(peer_thread *thread, uint64_t random, unsigned index, bool barrier) {
    peer_word *slot = &mine(random, index)->refs[(random >> 60) % 3];
    peer_word target = ((peer_word *)root)[(random >> 32) * nodes >> 32];
    if (barrier)
        peer_store(thread, slot, target);
    else
        atomic_store_explicit((_Atomic peer_word *)slot, target, memory_order_relaxed);
}

static void link_new(peer_thread *thread, uint64_t random, unsigned index) {
    struct node *node = peer_alloc(thread, PEER_HEAD3, sizeof *node);
    peer_init(&node->refs[0], ((peer_word *)root)[(random >> 32) * nodes >> 32]);
    peer_store(thread, &mine(random, index)->refs[0], (peer_word)node);
}

static __attribute__((always_inline)) inline void change_all(peer_thread *thread, unsigned index,
                                                             bool barrier, bool allocate) {
    uint64_t seed = 88172645463325252u + index, until = every;
    for (uint64_t i = 0; i < stores / threads; i++) {
        change(thread, bench_random(&seed), index, barrier);
        if (allocate && --until == 0) {
            link_new(thread, bench_random(&seed), index);
            until = every;
        }
        if (i % STORES_TO_POLL == 0)
            peer_poll(thread);
    }
}

static void mutate_run(peer_thread *thread, unsigned index) {
    uint64_t start_ns = bench_now_ns();
    if (plain)
        change_all(thread, index, false, false);
    else if (every)
        change_all(thread, index, true, true);
    else
        change_all(thread, index, true, false);
    took_ns[index] = (double)(bench_now_ns() - start_ns);
}

void mutate_main(void) {
    peer_thread *self = peer_attach();
    nodes = bench_parameter("nodes", 8192);
    stores = bench_parameter("stores", 40000000);
    threads = (unsigned)bench_parameter("threads", 1);
    neighbours = bench_parameter("neighbours", 1);
    plain = bench_parameter("plain", 0);
    every = bench_parameter("every", 0);
    uint64_t warm = bench_parameter("warm", 0);
    if (threads == 0 || threads > THREADS_MAX || nodes < threads || nodes > UINT32_MAX ||
        stores < threads)
        bench_die("mutate: a parameter is out of its range");
    if ((every && (plain || PEER_FREES)) || (warm && PEER_FREES))
        bench_die("mutate: new nodes need barriers, and a collector");
    peer_globals(self, &root, 1);
    peer_store(self, &root, (peer_word)peer_alloc(self, PEER_REFS, nodes * sizeof(peer_word)));
    for (uint64_t i = 0; i < nodes; i++) {
        struct node *node = peer_alloc(self, PEER_HEAD3, sizeof *node);
        node->number = i;
        peer_store(self, (peer_word *)root + i, (peer_word)node);
    }
    for (uint64_t i = 0; i < warm * (MIB / sizeof(struct node)); i++)
        bench_keep(peer_alloc(self, PEER_HEAD3, sizeof(struct node)));
    peer_run_threads(self, threads, mutate_run);
    double sum_ns = 0;
    for (unsigned i = 0; i < threads; i++)
        sum_ns += took_ns[i];
    bench_figure("ns_per_store", sum_ns / (double)(stores / threads * threads));
    for (uint64_t i = 0; i < nodes; i++)
        if (((struct node **)root)[i]->number != i)
            bench_die("mutate: a node is not what it was");
    peer_detach(self);
}
