/* SPDX-License-Identifier: MIT */
/*
 * Two recorded heaps under threads that come and go, forced cycles, changing settings and forks:
 * the recordings are whole afterwards, and tell as many cycles as there were.
 */
#include "recording.h"
#include "graph.h"

#include <sys/wait.h>

#define HEAPS 2
#define THREADS 3
#define CYCLES_LEAST 2

static struct graph graphs[HEAPS];
static char paths[HEAPS][80];

static void *work(void *argument) {
    uintptr_t number = (uintptr_t)argument;
    uint64_t random = run.seed ^ mix(number);
    struct graph *graph = &graphs[number % HEAPS];
    /* or longer, where a busy machine lets too little happen */
    while (!time_is_up() || stats_of(graph->heap).cycles <= CYCLES_LEAST) {
        struct walker walker = {.graph = graph, .random = next_random(&random)};
        walker.mutator = attach(graph->heap);
        graph_run(&walker, 200, 3);
        if (one_in(&random, 20))
            gait_set_gogc(graph->heap, 20 + (int32_t)pick(&random, 200));
        if (one_in(&random, 20))
            gait_set_memory_limit(graph->heap, one_in(&random, 2) ? GAIT_NO_LIMIT : 1 << 26);
        gait_detach(walker.mutator);
    }
    return NULL;
}

/* Children that collect and exit: nothing of them may come into the files. */
static void fork_some(void) {
    while (!time_is_up()) {
        pid_t child = fork();
        CHECK(child >= 0, "fork");
        if (child == 0) {
            gait_collect(attach(graphs[0].heap));
            exit(0); /* runs what the library has registered */
        }
        int status;
        waitpid(child, &status, 0);
        CHECK(status == 0, "a child ended with %d", status);
        sleep_us(50000);
    }
}

static void check_file(const char *path, uint64_t cycles) {
    FILE *file = fopen(path, "rb");
    CHECK(file, "%s", path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file), at;
    rewind(file);
    unsigned char *bytes = malloc(size + 1);
    CHECK(bytes && fread(bytes, 1, size, file) == size, "%s", path);
    fclose(file);
    struct recording recording;
    enum recording_fault fault = recording_check(bytes, size, &recording, &at);
    CHECK(fault == RECORDING_GOOD, "%s: fault %d at byte %zu of %zu", path, fault, at, size);
    CHECK(recording.ended, "%s has no end", path);
    CHECK(recording.lost > 0 || recording.cycle_count == cycles,
          "%zu cycles recorded, %" PRIu64 " run", recording.cycle_count, cycles);
    printf("%s: %zu samples, %zu cycles, %zu changes of settings, %" PRIu64 " lost\n", path,
           recording.sample_count, recording.cycle_count, recording.settings_count, recording.lost);
    recording.samples = calloc(recording.sample_count + 1, sizeof *recording.samples);
    recording.cycles = calloc(recording.cycle_count + 1, sizeof *recording.cycles);
    CHECK(recording.samples && recording.cycles, "calloc");
    recording_read(bytes, size, &recording);
    for (size_t i = 0; i < recording.cycle_count; i++) {
        const struct gait_pacerlog_cycle *cycle = &recording.cycles[i];
        CHECK(cycle->marked_bytes >= cycle->black_bytes && cycle->start_ns <= cycle->end_ns,
              "cycle %zu", i);
    }
    free(recording.samples);
    free(recording.cycles);
    free(bytes);
    unlink(path);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    char folder[] = "/tmp/gait-recording-XXXXXX", debug[120];
    CHECK(mkdtemp(folder), "mkdtemp");
    snprintf(paths[0], sizeof paths[0], "%s/log", folder);
    snprintf(paths[1], sizeof paths[1], "%s/log.2", folder);
    snprintf(debug, sizeof debug, "gcstress=400,pacerlog=%s", paths[0]);
    for (int i = 0; i < HEAPS; i++)
        graph_init(&graphs[i], 0, debug, "50");
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)(i + 1));
    /* ThreadSanitizer does not follow a fork of several threads; under AddressSanitizer the child
     * may find the allocator locked by a thread that it does not have */
    if (!UNDER_TSAN && !UNDER_ASAN)
        fork_some();
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t cycles[HEAPS];
    for (int i = 0; i < HEAPS; i++) {
        cycles[i] = stats_of(graphs[i].heap).cycles;
        graph_destroy(&graphs[i]);
    }
    for (int i = 0; i < HEAPS; i++)
        check_file(paths[i], cycles[i]);
    rmdir(folder);
}
