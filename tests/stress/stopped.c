/* SPDX-License-Identifier: MIT */
/*
 * The same graphs in heaps that stop the world and need no barriers, in heaps that scan C stacks
 * and need no frames, and in several heaps at once, to all of which each thread is attached.
 */
#include "graph.h"

#define THREADS 3
#define HEAPS 3

struct worker {
    struct graph *graphs;
    size_t heaps;
    uint64_t random;
    uint64_t reads;
};

/* Deep enough to overwrite what calls before it have left on the stack. */
__attribute__((noinline)) static uint64_t scribble(uint64_t *random) {
    volatile uint64_t words[512];
    for (size_t i = 0; i < 512; i++)
        words[i] = next_random(random) | 1;
    return words[pick(random, 512)];
}

/* While this thread is in native code, a reference is in a local variable only: in a register that
 * called functions save, if the compiler does as expected. */
__attribute__((noinline)) static void hold_in_native(struct walker *walker) {
    gait_word local = object_new(walker);
    gait_enter_native(walker->mutator);
    scribble(&walker->random);
    sleep_us((long)pick(&walker->random, 400));
    gait_leave_native(walker->mutator);
    verify(walker, local);
}

/* The same over a collection. */
__attribute__((noinline)) static void hold_in_collection(struct walker *walker) {
    gait_word local = object_new(walker);
    gait_collect(walker->mutator);
    verify(walker, local);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct walker walkers[HEAPS] = {0};
    gait_word no_roots[ROOTS] = {0};
    for (size_t i = 0; i < worker->heaps; i++)
        walkers[i] = (struct walker){.graph = &worker->graphs[i],
                                     .mutator = attach(worker->graphs[i].heap),
                                     .random = next_random(&worker->random)};
    while (!time_is_up()) {
        struct walker *walker = &walkers[pick(&worker->random, worker->heaps)];
        graph_run(walker, 200, 3);
        if (one_in(&walker->random, 20))
            gait_collect(walker->mutator);
        if (!walker->graph->frames) {
            walker->roots = no_roots;
            hold_in_native(walker);
            if (one_in(&walker->random, 8))
                hold_in_collection(walker);
            walker->roots = NULL;
        }
        for (size_t i = 0; i < worker->heaps; i++)
            gait_poll(walkers[i].mutator);
    }
    for (size_t i = 0; i < worker->heaps; i++) {
        worker->reads += walkers[i].reads;
        gait_detach(walkers[i].mutator);
    }
    return NULL;
}

static void heaps_test(const char *name, const char *debug, size_t heaps, const uint32_t *flags,
                       double seconds) {
    static struct graph graphs[HEAPS];
    for (size_t i = 0; i < heaps; i++)
        graph_init(&graphs[i], flags[i], debug, "50");
    run_for(seconds);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.graphs = graphs, .heaps = heaps, .random = mix(run.seed + i)};
        threads[i] = thread_start(work, &workers[i]);
    }
    uint64_t reads = 0, cycles = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        reads += workers[i].reads;
    }
    for (size_t i = 0; i < heaps; i++) {
        gait_stats stats = stats_of(graphs[i].heap);
        CHECK(stats.cycles > 0, "no cycle");
        cycles += stats.cycles;
        graph_destroy(&graphs[i]);
    }
    printf("%-28s %10" PRIu64 " reads, %6" PRIu64 " cycles\n", name, reads, cycles);
    fflush(stdout);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    static const char plain[] = "clobberfree=1";
    static const struct {
        const char *name;
        const char *debug;
        size_t heaps;
        uint32_t flags[HEAPS];
    } tests[] = {
        {"stop the world", plain, 1, {GAIT_STOP_THE_WORLD}},
        {"stop the world, minor",
         "clobberfree=1,gcminor=7,gccheckmark=1",
         1,
         {GAIT_STOP_THE_WORLD}},
        {"stop the world, many minor",
         "clobberfree=1,gcminor=30,gcstress=100",
         1,
         {GAIT_STOP_THE_WORLD}},
        {"C stacks", plain, 1, {GAIT_CONSERVATIVE_STACKS}},
        {"C stacks, stop the world", plain, 1, {GAIT_CONSERVATIVE_STACKS | GAIT_STOP_THE_WORLD}},
        {"three heaps", plain, 3, {0, 0, GAIT_STOP_THE_WORLD}},
        {"three heaps, C stacks", plain, 3, {GAIT_CONSERVATIVE_STACKS, GAIT_STOP_THE_WORLD, 0}},
    };
    size_t count = sizeof tests / sizeof tests[0];
    for (size_t i = 0; i < count; i++)
        heaps_test(tests[i].name, tests[i].debug, tests[i].heaps, tests[i].flags,
                   run.seconds / (double)count);
}
