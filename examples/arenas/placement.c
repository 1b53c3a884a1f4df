/* SPDX-License-Identifier: MIT */
/*
 * A graph of clusters whose nodes are made in a random order: in the order of allocation, nearly
 * every edge leads to another block of 64 KiB; near a node of their own cluster, few do.
 */
#include "../embedding/example.h"

#include <gait/arena.h>

#include <time.h>

enum { NODES = 1000000, CLUSTER_LEAST = 200, CLUSTER_MOST = 800, EDGES = 4, OUTSIDE = 50 };

struct node {
    struct node *edges[EDGES];
    uint64_t number, value;
    uint64_t more[2]; /* 64 bytes */
};

static uint64_t random_state;

static size_t pick(size_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((random_state >> 33) % limit);
}

/* Cluster c has the nodes first_of[c] .. first_of[c + 1] - 1; order: the one in which they are
 * made. */
static uint32_t first_of[NODES / CLUSTER_LEAST + 2], cluster_of[NODES], order[NODES];
static struct node *nodes[NODES];

static void make_clusters(bool mixed) {
    size_t clusters = 0;
    for (size_t i = 0; i < NODES; clusters++) {
        first_of[clusters] = (uint32_t)i;
        size_t count = CLUSTER_LEAST + pick(CLUSTER_MOST - CLUSTER_LEAST + 1);
        for (; count > 0 && i < NODES; count--, i++) {
            cluster_of[i] = (uint32_t)clusters;
            order[i] = (uint32_t)i;
        }
    }
    first_of[clusters] = NODES;
    for (size_t i = NODES; mixed && i > 1; i--) {
        size_t other = pick(i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* One edge in 50 leads to any node, the others into the cluster. */
static void make_edges(gait_mutator *mutator) {
    for (size_t i = 0; i < NODES; i++) {
        uint32_t first = first_of[cluster_of[i]], next = first_of[cluster_of[i] + 1];
        for (size_t edge = 0; edge < EDGES; edge++) {
            size_t to = pick(OUTSIDE) == 0 ? pick(NODES) : first + pick(next - first);
            gait_store(mutator, (gait_word *)&nodes[i]->edges[edge], (gait_word)nodes[to]);
        }
    }
}

static gait_arena *make_nodes(gait_mutator *mutator, gait_kind kind, size_t cluster_bytes,
                              bool near) {
    static struct node *first[NODES / CLUSTER_LEAST + 2];
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        first[i] = NULL;
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "graph";
    config.flags = GAIT_ARENA_PINNED | (near ? GAIT_ARENA_PLACED : 0);
    config.cluster_bytes = cluster_bytes;
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena);
    for (size_t i = 0; i < NODES; i++) {
        uint32_t number = order[i], cluster = cluster_of[number];
        /* NULL: the first of its cluster */
        struct node *node =
            near ? gait_arena_new_near(mutator, arena, first[cluster], kind, sizeof *node)
                 : gait_arena_new(mutator, arena, kind, sizeof *node);
        CHECK(node);
        node->number = number;
        first[cluster] = nodes[number] = node;
    }
    make_edges(mutator);
    return arena;
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Walk along edges, as a search through the graph does. @return ns for each. */
static double walk(void) {
    enum { STEPS = 2000000 };
    uint64_t sum = 0;
    const struct node *node = nodes[0];
    double begin = now_ns();
    for (size_t step = 0; step < STEPS; step++) {
        sum += node->number;
        node = node->edges[pick(EDGES)];
    }
    double end = now_ns();
    CHECK(sum > 0);
    return (end - begin) / STEPS;
}

static double crossing_percent(gait_mutator *mutator, gait_arena *arena) {
    uint64_t crossing;
    uint64_t edges = gait_arena_count_edges(mutator, arena, &crossing);
    CHECK(edges == (uint64_t)NODES * EDGES);
    return 100.0 * (double)crossing / (double)edges;
}

static double run(gait_mutator *mutator, gait_kind kind, bool mixed, size_t cluster_bytes,
                  bool near) {
    random_state = 1;
    make_clusters(mixed);
    double begin = now_ns();
    gait_arena *arena = make_nodes(mutator, kind, cluster_bytes, near);
    double end = now_ns();
    double percent = crossing_percent(mutator, arena);
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_arena_read_stats(mutator, arena, &stats) == 0);
    printf("%-8s  %-22s  %6.2f %% cross  %4.0f MiB  %5.1f ns to make a node  %5.1f ns a step\n",
           mixed ? "mixed" : "in turn",
           !near           ? "in order"
           : cluster_bytes ? "near, half a block"
                           : "near",
           percent, (double)stats.held_bytes / (1 << 20), (end - begin) / NODES, walk());
    gait_arena_free(mutator, arena);
    gait_collect(mutator);
    return percent;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(
        heap, &(gait_kind_info){.name = "node", .layout = GAIT_PREFIX, .head_words = EDGES});
    printf("%d nodes of %zu bytes in clusters of %d to %d, %d edges each, %d %% of them to other "
           "clusters\n",
           NODES, sizeof(struct node), CLUSTER_LEAST, CLUSTER_MOST, EDGES, 100 / OUTSIDE);
    for (int mixed = 1; mixed >= 0; mixed--) {
        double in_order = run(mutator, kind, mixed, 0, false);
        double near = run(mutator, kind, mixed, 0, true);
        run(mutator, kind, mixed, 32768, true);
        CHECK(near <= 5 && near < in_order);
    }
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
