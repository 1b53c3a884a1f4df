/* SPDX-License-Identifier: MIT */
/*
 * gait_set_max_procs reaches the collector's helpers from the next cycle on: they come with more
 * CPUs, and rest with fewer, and come back. Told by the CPU time of their threads.
 */
#include <dirent.h>

#include "stress.h"

#define NODES 200000 /* more than 4 MiB: helpers are woken */
#define COLLECTIONS 10
#define CPU_MS 0.2 /* more than a thread uses that finds nothing to do */

struct helpers {
    unsigned threads;
    double cpu_ms;
};

/* The threads of the library that help to mark. */
static struct helpers helpers_now(void) {
    struct helpers helpers = {0, 0};
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks, "no /proc");
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        bool is_helper = fgets(name, sizeof name, file) && strncmp(name, "gait-mark", 9) == 0;
        fclose(file);
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
        if (!is_helper || !(file = fopen(path, "r")))
            continue;
        double ns = 0;
        helpers.threads++;
        helpers.cpu_ms += fscanf(file, "%lf", &ns) == 1 ? ns / 1e6 : 0;
        fclose(file);
    }
    closedir(tasks);
    return helpers;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    gait_config config;
    gait_config_init(&config);
    config.max_procs = "1";
    gait_heap *heap = heap_of(&config);
    gait_kind refs = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_mutator *mutator = attach(heap);
    gait_word root = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    for (size_t i = 0; i < NODES; i++) { /* trees of two: work for many */
        gait_word *node = allocate(mutator, refs, 48);
        gait_init(&node[0], root);
        root = (gait_word)node;
    }
    const struct {
        int32_t procs;
        unsigned threads; /* that there are at least */
        bool work;        /* do they use CPU time? */
    } steps[] = {{1, 0, false}, {8, 7, true}, {1, 7, false}, {12, 11, true}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        gait_set_max_procs(heap, steps[i].procs);
        gait_collect(mutator); /* the cycle from which on it holds */
        struct helpers before = helpers_now(), after;
        double cpu_ms;
        unsigned collections = 0;
        /* a busy machine may let them in late */
        run_for(30);
        do {
            gait_collect(mutator);
            after = helpers_now();
            cpu_ms = after.cpu_ms - before.cpu_ms;
            collections++;
        } while (collections < COLLECTIONS || (steps[i].work && cpu_ms < CPU_MS && !time_is_up()));
        printf("%d CPUs: %u helpers, %.2f ms of CPU in %u collections\n", (int)steps[i].procs,
               after.threads, cpu_ms, collections);
        CHECK(after.threads >= steps[i].threads, "%u threads", after.threads);
        CHECK((cpu_ms >= CPU_MS) == steps[i].work, "%.3f ms", cpu_ms);
    }
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
