/* SPDX-License-Identifier: MIT */
/*
 * Churn: a table of subtrees of 31 nodes of 64 B is live; in each iteration a thread computes for
 * a while and replaces one of its subtrees, taken at random, by a new one. Every iteration is
 * timed: what a user of a server waits for. Collector threads, pauses and lost CPU all show here.
 *
 * Parameters: mib (1024) live; threads (2); work_ns (5200) of computing per iteration; seconds
 * (10); iterations (0) of each thread, in place of seconds; period_ns (0): an iteration of a thread
 * is due so long after the one before, and is timed from then on: one that is late makes late what
 * is due behind it, as at a server; 0: each begins as the last one ends; spinners (0) threads that
 * only burn CPU; allocate (1): 0 leaves the subtrees alone, which shows what the machine itself
 * does to an iteration.
 */
#include "peer.h"

#include <stdlib.h>

#include "histogram.h"

struct node {
    peer_word left, right;
    uint64_t data[6];
};

enum { SUBTREE_DEPTH = 4, SUBTREE_NODES = 31 };

/* Constant while threads run, except for the table's contents: each thread has its own part. */
static peer_word table_root;
static uint64_t table_slots;
static unsigned threads;
static uint64_t steps;       /* of work in an iteration */
static uint64_t period_ns;   /* from one iteration that is due to the next; 0: none */
static uint64_t duration_ns; /* of the measurement */
static uint64_t iterations;  /* of each thread; UINT64_MAX: duration_ns ends it */
static bool allocate;

/* results[i] is written by thread i, read after it ended. */
static struct result {
    struct histogram times; /* ns */
    uint64_t iterations, took_ns;
} * results;

static struct node *subtree_build(peer_thread *thread, unsigned depth) {
    struct node *node;
    if (depth == 0) {
        node = peer_alloc(thread, PEER_HEAD2, sizeof *node);
        node->data[0] = SUBTREE_NODES;
        return node;
    }
    PEER_ROOTS(thread, children, 2);
    children[0] = (peer_word)subtree_build(thread, depth - 1);
    children[1] = (peer_word)subtree_build(thread, depth - 1);
    node = peer_alloc(thread, PEER_HEAD2, sizeof *node);
    peer_init(&node->left, children[0]);
    peer_init(&node->right, children[1]);
    node->data[0] = SUBTREE_NODES;
    PEER_ROOTS_END(thread, children);
    return node;
}

static void subtree_free(struct node *node) {
    if (!PEER_FREES || !node)
        return;
    subtree_free((struct node *)node->left);
    subtree_free((struct node *)node->right);
    peer_free(node);
}

static unsigned subtree_count(const struct node *node) {
    if (!node)
        return 0;
    return (node->data[0] == SUBTREE_NODES) + subtree_count((void *)node->left) +
           subtree_count((void *)node->right);
}

static void replace(peer_thread *thread, uint64_t slot) {
    peer_word *table = (peer_word *)table_root;
    subtree_free((struct node *)table[slot]);
    peer_word subtree = (peer_word)subtree_build(thread, SUBTREE_DEPTH);
    peer_store_large(thread, table, &table[slot], subtree);
}

/* Wait for this moment, as a thread that has something else to do. */
static void wait_until(peer_thread *thread, uint64_t due_ns) {
    while (bench_now_ns() < due_ns)
        peer_poll(thread);
}

static void churn_run(peer_thread *thread, unsigned index) {
    struct result *result = &results[index];
    uint64_t part = table_slots / threads, first = part * index;
    uint64_t seed = 88172645463325252u + index;
    uint64_t start_ns = bench_now_ns(), now_ns = start_ns;
    while (now_ns - start_ns < duration_ns && result->iterations < iterations) {
        uint64_t due_ns = period_ns ? start_ns + result->iterations * period_ns : now_ns;
        if (period_ns)
            wait_until(thread, due_ns);
        bench_work(steps);
        if (allocate)
            replace(thread, first + bench_random(&seed) % part);
        peer_poll(thread);
        now_ns = bench_now_ns();
        histogram_add(&result->times, now_ns - due_ns);
        result->iterations++;
    }
    result->took_ns = now_ns - start_ns;
}

static void report(void) {
    static struct histogram all;
    double per_second = 0;
    for (unsigned i = 0; i < threads; i++) {
        histogram_merge(&all, &results[i].times);
        per_second += (double)results[i].iterations * 1e9 / (double)results[i].took_ns;
    }
    bench_figure("iterations_per_second", per_second);
    bench_figure("p50_us", histogram_quantile(&all, .5) / 1e3);
    bench_figure("p99_us", histogram_quantile(&all, .99) / 1e3);
    bench_figure("p999_us", histogram_quantile(&all, .999) / 1e3);
    bench_figure("p9999_us", histogram_quantile(&all, .9999) / 1e3);
    bench_figure("max_us", (double)all.max / 1e3);
}

void churn_main(void) {
    peer_thread *self = peer_attach();
    threads = (unsigned)bench_parameter("threads", 2);
    iterations = bench_parameter("iterations", 0);
    duration_ns = iterations ? UINT64_MAX : bench_parameter("seconds", 10) * UINT64_C(1000000000);
    iterations = iterations ? iterations : UINT64_MAX;
    allocate = bench_parameter("allocate", 1);
    table_slots = (bench_parameter("mib", 1024) << 20) / (SUBTREE_NODES * sizeof(struct node));
    uint64_t work_ns = bench_parameter("work_ns", 5200);
    uint64_t spinners = bench_parameter("spinners", 0);
    period_ns = bench_parameter("period_ns", 0);
    if (threads == 0 || table_slots < threads)
        bench_die("churn: no thread, or less than a subtree for each");
    steps = work_ns ? bench_work_steps(work_ns) : 0;
    results = calloc(threads, sizeof *results);
    if (!results)
        bench_die("out of memory");

    peer_globals(self, &table_root, 1);
    peer_store_global(self, &table_root,
                      (peer_word)peer_alloc(self, PEER_REFS, table_slots * sizeof(peer_word)));
    for (uint64_t i = 0; i < table_slots; i++)
        replace(self, i);

    for (uint64_t i = 0; i < spinners; i++)
        bench_spin_start();
    peer_run_threads(self, threads, churn_run);
    report();

    for (uint64_t i = 0; i < table_slots; i++)
        if (subtree_count(((struct node **)table_root)[i]) != SUBTREE_NODES)
            bench_die("churn: a subtree lost nodes");
    free(results);
    peer_detach(self);
}
