/* SPDX-License-Identifier: MIT */
/*
 * A million nodes as an array of structs, and as a struct of arrays: gait_arena_fields puts each
 * field's array into one arena, aligned for vector loads. A pass over one field then reads that
 * field only, and compilers turn its loop into vector instructions.
 */
#include "../embedding/example.h"

#include <gait/arena.h>

#include <time.h>

enum { NODES = 1 << 20, ROUNDS = 20, IDLE = 0, ACTIVE = 3, STATES = 5 };

struct node {
    uint64_t id;
    float position[3];
    float speed[3];
    uint64_t parent;
    uint64_t first_child;
    uint32_t state;
    uint32_t age;
};

struct nodes {
    uint64_t *id;
    float *position;
    float *speed;
    uint64_t *parent;
    uint64_t *first_child;
    uint32_t *state;
    uint32_t *age;
};

/* How many nodes are active? Not inlined: so that a test finds the loop by its name. */
__attribute__((noinline)) uint32_t count_in_structs(const struct node *nodes, size_t count);
__attribute__((noinline)) uint32_t count_in_arrays(const uint32_t *state, size_t count);

uint32_t count_in_structs(const struct node *nodes, size_t count) {
    uint32_t active = 0;
    for (size_t i = 0; i < count; i++)
        active += nodes[i].state == ACTIVE;
    return active;
}

uint32_t count_in_arrays(const uint32_t *state, size_t count) {
    const uint32_t *aligned = __builtin_assume_aligned(state, GAIT_ARENA_FIELD_ALIGNMENT);
    uint32_t active = 0;
    for (size_t i = 0; i < count; i++)
        active += aligned[i] == ACTIVE;
    return active;
}

static bool nodes_new(gait_mutator *mutator, gait_arena *arena, struct nodes *nodes, size_t count) {
    static const size_t bytes[] = {sizeof *nodes->id,          3 * sizeof *nodes->position,
                                   3 * sizeof *nodes->speed,   sizeof *nodes->parent,
                                   sizeof *nodes->first_child, sizeof *nodes->state,
                                   sizeof *nodes->age};
    void *starts[7];
    if (!gait_arena_fields(mutator, arena, count, bytes, 7, starts))
        return false;
    nodes->id = starts[0];
    nodes->position = starts[1];
    nodes->speed = starts[2];
    nodes->parent = starts[3];
    nodes->first_child = starts[4];
    nodes->state = starts[5];
    nodes->age = starts[6];
    return true;
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "nodes";
    char error[200];
    config.node = 0;
    gait_arena *arena = gait_arena_create_explained(mutator, &config, error, sizeof error);
    if (!arena) { /* error says which nodes there are, or that the system refuses */
        config.node = -1;
        arena = gait_arena_create(mutator, &config);
    }
    CHECK(arena);
    gait_word root = (gait_word)arena;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);

    struct node *structs = gait_arena_alloc(mutator, arena, NODES * sizeof *structs, 64);
    struct nodes arrays;
    CHECK(structs && nodes_new(mutator, arena, &arrays, NODES));
    uint32_t expected = 0;
    for (uint64_t i = 0; i < NODES; i++) {
        uint32_t state = (uint32_t)(i * UINT64_C(0x9e3779b97f4a7c15) >> 40) % STATES;
        structs[i].id = arrays.id[i] = i;
        structs[i].parent = arrays.parent[i] = i / 4;
        structs[i].state = arrays.state[i] = state;
        expected += state == ACTIVE;
    }

    double structs_ns = 1e18, arrays_ns = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_ns();
        CHECK(count_in_structs(structs, NODES) == expected);
        double middle = now_ns();
        CHECK(count_in_arrays(arrays.state, NODES) == expected);
        double end = now_ns();
        structs_ns = middle - begin < structs_ns ? middle - begin : structs_ns;
        arrays_ns = end - middle < arrays_ns ? end - middle : arrays_ns;
    }
    printf("%d nodes of %zu bytes, best of %d rounds: array of structs %.2f ns a node, "
           "struct of arrays %.2f ns, %.1f times as fast\n",
           NODES, sizeof(struct node), ROUNDS, structs_ns / NODES, arrays_ns / NODES,
           structs_ns / arrays_ns);

    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
