/* SPDX-License-Identifier: MIT */
/*
 * A million nodes from process to process: one builds a graph of relative references and saves it
 * into a pipe; another loads it in a heap of its own, follows every reference, adds to it and saves
 * it to a file; the first loads that. Collections run meanwhile.
 *
 * Usage: snapshots [SEED] [NODES]
 */
#include "stress.h"

#include <gait/snapshot.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINKS = 4, RESERVE_BYTES = 256 << 20 };

struct node {
    uint64_t number;
    gait_rel32 next;         /* all of them, in the order of their numbers */
    gait_rel32 links[LINKS]; /* to any others: link_of */
};

#define SURE(condition) CHECK(condition, "not so")

static uint64_t seed;
static size_t nodes_wanted;

static size_t link_of(size_t node, size_t link, size_t count) {
    return (size_t)(mix(seed + node * LINKS + link) % count);
}

struct process {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind leaf;
};

static struct process begin(void) {
    struct process process = {.heap = gait_heap_create(NULL, NULL, 0)};
    process.mutator = gait_attach(process.heap);
    process.leaf = (gait_kind)gait_kind_register(
        process.heap, &(gait_kind_info){.name = "node", .layout = GAIT_LEAF});
    return process;
}

/* Add nodes in a random order of their numbers, first .. count - 1, so that references lead far. */
static void build(struct process *process, gait_arena *arena, size_t first, size_t count) {
    struct node **made = malloc(count * sizeof(struct node *));
    struct node *root = gait_arena_root(process->mutator, arena), *last = NULL;
    size_t known = 0;
    for (struct node *node = root; node; node = gait_rel32_get(&node->next))
        last = made[known++] = node;
    SURE(known == first);
    uint32_t *order = malloc((count - first) * sizeof *order);
    for (size_t i = 0; i < count - first; i++)
        order[i] = (uint32_t)(first + i);
    uint64_t random = seed;
    for (size_t i = count - first; i > 1; i--) {
        size_t k = pick(&random, i);
        uint32_t other = order[i - 1];
        order[i - 1] = order[k];
        order[k] = other;
    }
    for (size_t i = 0; i < count - first; i++) {
        struct node *node =
            i % 3 ? gait_arena_new(process->mutator, arena, process->leaf, sizeof *node)
                  : gait_arena_alloc(process->mutator, arena, sizeof *node, 32);
        SURE(node);
        node->number = order[i];
        made[order[i]] = node;
        gait_alloc(process->mutator, process->leaf, 100);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t link = 0; link < LINKS; link++)
            SURE(gait_rel32_set(&made[i]->links[link], made[link_of(i, link, count)]));
    for (size_t i = first; i < count; last = made[i++])
        if (last)
            SURE(gait_rel32_set(&last->next, made[i]));
    gait_arena_set_root(process->mutator, arena, made[0]);
    free(made);
    free(order);
}

static void check(struct process *process, gait_arena *arena, size_t count) {
    size_t known = 0;
    for (struct node *node = gait_arena_root(process->mutator, arena); node;
         node = gait_rel32_get(&node->next), known++) {
        SURE(node->number == known);
        for (size_t link = 0; link < LINKS; link++) {
            const struct node *to = gait_rel32_get(&node->links[link]);
            SURE(to->number == link_of(known, link, count));
        }
    }
    SURE(known == count);
}

static gait_arena *load(struct process *process, int from) {
    char error[200] = "";
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_load(process->mutator, &config, from, error, sizeof error);
    if (!arena)
        fprintf(stderr, "%s\n", error);
    SURE(arena);
    return arena;
}

static int other_process(int from, int to) {
    struct process filler = begin(), process = begin(); /* so that addresses are others */
    (void)filler;
    gait_arena *arena = load(&process, from);
    check(&process, arena, nodes_wanted);
    build(&process, arena, nodes_wanted, nodes_wanted + nodes_wanted / 4);
    gait_collect(process.mutator);
    SURE(gait_arena_save(process.mutator, arena, to) == 0);
    gait_heap_destroy(process.heap);
    return 0;
}

int main(int count, char **arguments) {
    seed = count > 1 ? strtoull(arguments[1], NULL, 0) : 0;
    seed = seed ? seed : (uint64_t)time(NULL);
    nodes_wanted = count > 2 ? strtoull(arguments[2], NULL, 0) : 1000000;
    printf("seed %llu, %zu nodes\n", (unsigned long long)seed, nodes_wanted);
    fflush(stdout);
    int ends[2];
    char path[] = "/tmp/gait-snapshots-XXXXXX";
    int file = mkstemp(path);
    SURE(file >= 0 && pipe(ends) == 0);
    unlink(path);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        return other_process(ends[0], file);
    }
    close(ends[0]);
    struct process process = begin();
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED | GAIT_ARENA_CONTIGUOUS;
    config.reserve_bytes = RESERVE_BYTES;
    gait_arena *arena = gait_arena_create(process.mutator, &config);
    SURE(arena);
    build(&process, arena, 0, nodes_wanted);
    check(&process, arena, nodes_wanted);
    SURE(gait_arena_save(process.mutator, arena, ends[1]) == 0);
    close(ends[1]);
    gait_arena_free(process.mutator, arena);
    int status;
    SURE(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    SURE(lseek(file, 0, SEEK_SET) == 0);
    arena = load(&process, file);
    check(&process, arena, nodes_wanted + nodes_wanted / 4);
    gait_arena_free(process.mutator, arena);
    gait_heap_destroy(process.heap);
    close(file);
    return 0;
}
