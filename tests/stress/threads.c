/* SPDX-License-Identifier: MIT */
/*
 * Threads that come and go by the thousand while others allocate and the collector marks: some
 * detach, some exit attached, some exit in native code, some never poll for long.
 */
#include "graph.h"

#define SPAWNERS 3

static struct graph graph;
static uint64_t threads_done; /* atomic */

static void short_life(struct walker *walker, uint64_t *random) {
    switch (pick(random, 6)) {
    case 0: /* detach at once, and attach again */
        gait_detach(walker->mutator);
        walker->mutator = attach(graph.heap);
        graph_run(walker, 20, 1);
        break;
    case 1:
        gait_enter_native(walker->mutator);
        if (one_in(random, 4))
            sleep_us((long)pick(random, 200));
        gait_leave_native(walker->mutator);
        graph_run(walker, 10, 0);
        break;
    case 2: /* compute without a poll */
        for (uint64_t i = 0; i < 20000; i++)
            next_random(random);
        break;
    case 3:
        if (one_in(random, 8))
            gait_collect(walker->mutator);
        break;
    default:
        graph_run(walker, 60, 1);
    }
}

/* Ends inside a frame that is never popped. */
__attribute__((noinline)) static void exit_deep(struct walker *walker) {
    gait_word roots[ROOTS] = {0};
    struct gait_frame frame;
    gait_push_frame(walker->mutator, &frame, roots, ROOTS);
    walker->roots = roots;
    roots[0] = object_new(walker);
    pthread_exit(NULL);
}

static void *short_thread(void *argument) {
    struct walker walker = *(struct walker *)argument;
    free(argument);
    walker.mutator = attach(graph.heap);
    CHECK(gait_attach(graph.heap) == walker.mutator && gait_current(graph.heap) == walker.mutator,
          "attached twice");
    for (size_t i = pick(&walker.random, 4); i > 0; i--)
        short_life(&walker, &walker.random);
    __atomic_add_fetch(&threads_done, 1, __ATOMIC_RELAXED);
    switch (pick(&walker.random, 4)) {
    case 0:
        gait_detach(walker.mutator);
        CHECK(gait_current(graph.heap) == NULL, "still attached");
        break;
    case 1:
        gait_enter_native(walker.mutator);
        break;
    case 2:
        exit_deep(&walker);
    }
    return NULL; /* attached: the library detaches */
}

static void *spawn(void *argument) {
    uint64_t random = run.seed ^ mix((uintptr_t)argument);
    while (!time_is_up()) {
        pthread_t threads[8];
        size_t count = 1 + pick(&random, 8);
        for (size_t i = 0; i < count; i++) {
            struct walker *walker = calloc(1, sizeof *walker);
            CHECK(walker, "calloc");
            walker->graph = &graph;
            walker->random = next_random(&random);
            threads[i] = thread_start(short_thread, walker);
        }
        for (size_t i = 0; i < count; i++)
            pthread_join(threads[i], NULL);
    }
    return NULL;
}

/* One that stays, so that there is a heap to mark. */
static void *stay(void *argument) {
    struct walker *walker = argument;
    walker->mutator = attach(graph.heap);
    while (!time_is_up())
        graph_run(walker, 500, 3);
    gait_detach(walker->mutator);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    graph_init(&graph, 0, "clobberfree=1", "20");
    struct walker walker = {.graph = &graph, .random = mix(run.seed)};
    pthread_t spawners[SPAWNERS], staying = thread_start(stay, &walker);
    for (uintptr_t i = 0; i < SPAWNERS; i++)
        spawners[i] = thread_start(spawn, (void *)(i + 1));
    for (size_t i = 0; i < SPAWNERS; i++)
        pthread_join(spawners[i], NULL);
    pthread_join(staying, NULL);
    gait_stats stats = stats_of(graph.heap);
    printf("%" PRIu64 " threads, %" PRIu64 " cycles\n", threads_done, stats.cycles);
    CHECK(stats.mutators == 0, "%" PRIu64 " mutators are left", stats.mutators);
    CHECK(threads_done > 20 && stats.cycles > 2, "too little happened");
    graph_destroy(&graph);
}
