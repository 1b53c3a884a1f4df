/* SPDX-License-Identifier: MIT */
/*
 * Threads that change private and shared graphs of objects while the collector marks, under
 * settings that are changed while they run, and with every debug setting that tortures.
 */
#include "graph.h"

#define THREADS 3

static void disturb(struct walker *walker) {
    static const int32_t percents[] = {5, 10, 20, 50, 100, GAIT_GOGC_OFF};
    gait_heap *heap = walker->graph->heap;
    uint64_t *random = &walker->random;
    switch (pick(random, 8)) {
    case 0:
        gait_set_gogc(heap, percents[pick(random, 6)]);
        break;
    case 1:
        gait_set_memory_limit(heap, one_in(random, 2) ? GAIT_NO_LIMIT
                                                      : (int64_t)(4 + pick(random, 60)) << 20);
        break;
    case 2:
        gait_set_max_procs(heap, (int32_t)(1 + pick(random, 4)));
        break;
    case 3:
        if (one_in(random, 8))
            gait_free_os_memory(walker->mutator);
        break;
    case 4:
        gait_enter_native(walker->mutator);
        sleep_us((long)pick(random, 300));
        gait_leave_native(walker->mutator);
        break;
    default:
        gait_collect(walker->mutator);
    }
}

static void *work(void *argument) {
    struct walker walker = *(struct walker *)argument;
    walker.mutator = attach(walker.graph->heap);
    while (!time_is_up()) {
        graph_run(&walker, 300, 3);
        if (one_in(&walker.random, 4))
            disturb(&walker);
    }
    gait_detach(walker.mutator);
    ((struct walker *)argument)->reads = walker.reads;
    return NULL;
}

static void graph_test(uint32_t flags, const char *debug, double seconds) {
    static struct graph graph;
    graph_init(&graph, flags, debug, NULL);
    struct walker walkers[THREADS] = {0};
    pthread_t threads[THREADS];
    run_for(seconds);
    for (size_t i = 0; i < THREADS; i++) {
        walkers[i].graph = &graph;
        walkers[i].random = mix(run.seed + i);
        threads[i] = thread_start(work, &walkers[i]);
    }
    uint64_t reads = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        reads += walkers[i].reads;
    }
    gait_stats stats = stats_of(graph.heap);
    printf("%-44s %10" PRIu64 " reads, %6" PRIu64 " cycles, %5" PRIu64 " MiB allocated\n",
           debug ? debug : "-", reads, stats.cycles, stats.allocated_bytes >> 20);
    fflush(stdout);
    CHECK(stats.cycles > 0 && reads > 0, "nothing happened");
    graph_destroy(&graph);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    static const char *const settings[] = {
        "",
        "clobberfree=1",
        "clobberfree=1,gccheckmark=1",
        "clobberfree=1,gcstress=50",
        "clobberfree=1,gcstoptheworld=1",
        "clobberfree=1,disablethp=1,gcstress=1,gccheckmark=1",
    };
    size_t count = sizeof settings / sizeof settings[0];
    for (size_t i = 0; i < count; i++)
        graph_test(0, settings[i], run.seconds / (double)count);
}
