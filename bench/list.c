/* SPDX-License-Identifier: MIT */
/*
 * A list of small nodes: built, walked, and freed in the way of its memory.
 *
 * Parameters: nodes (2000000); memory: region (objects, in a region where the peer has one), or raw
 * (each a piece of memory outside of the heap, which the collector does not look at).
 *
 * Figures: ns_per_node to build it, walk_ns and free_ns for each node; heap_mib of live heap and
 * raw_mib of memory outside of it while the list is there, raw_after_mib when it is freed.
 */
#include "peer.h"

#include <string.h>

struct node {
    peer_word next;
    uint64_t value;
};

static const double mib = 1 << 20;

static void list_check(const struct node *newest, uint64_t nodes) {
    uint64_t count = 0, sum = 0;
    for (; newest; newest = (const struct node *)newest->next) {
        count++;
        sum += newest->value;
    }
    if (count != nodes || sum != nodes * (nodes - 1) / 2)
        bench_die("list: it lost nodes");
}

void list_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t nodes = bench_parameter("nodes", 2000000);
    bool raw = strcmp(bench_parameter_text("memory", "region"), "raw") == 0;
    if (!nodes)
        bench_die("list: no nodes");
    PEER_ROOTS(thread, held, 2);
    (void)held; /* no roots in some peers */
    uint64_t start_ns = bench_now_ns();
    peer_region *region = raw ? NULL : peer_region_new(thread);
    held[1] = (peer_word)region;
    struct node *newest = NULL;
    bool hold = !raw && !peer_region_ends(region);
    for (uint64_t i = 0; i < nodes; i++) {
        struct node *node = raw ? peer_raw_calloc(thread, sizeof *node)
                                : peer_region_alloc(thread, region, PEER_HEAD1, sizeof *node);
        peer_init(&node->next, (peer_word)newest);
        node->value = i;
        newest = node;
        if (hold)
            held[0] = (peer_word)node;
    }
    uint64_t built_ns = bench_now_ns();
    bench_figure("raw_mib", peer_raw_bytes(thread) / mib);
    bench_figure("heap_mib", peer_heap_bytes(thread) / mib);
    uint64_t walk_ns = bench_now_ns();
    list_check(newest, nodes);
    uint64_t walked_ns = bench_now_ns();
    while (newest && (raw || (PEER_FREES && !peer_region_ends(region)))) {
        struct node *next = (struct node *)newest->next;
        if (raw)
            peer_raw_free(thread, newest);
        else
            peer_free(newest);
        newest = next;
    }
    held[0] = 0;
    if (!raw)
        peer_region_free(thread, region);
    uint64_t freed_ns = bench_now_ns();
    bench_figure("raw_after_mib", peer_raw_bytes(thread) / mib);
    bench_figure("ns_per_node", (double)(built_ns - start_ns) / (double)nodes);
    bench_figure("walk_ns", (double)(walked_ns - walk_ns) / (double)nodes);
    bench_figure("free_ns", (double)(freed_ns - walked_ns) / (double)nodes);
    PEER_ROOTS_END(thread, held);
    peer_detach(thread);
}
