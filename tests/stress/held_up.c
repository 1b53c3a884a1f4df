/* SPDX-License-Identifier: MIT */
/*
 * One thread computes and does not poll: it delays the cycle, and nobody else. The others allocate
 * on, also where a limit would have them wait. The trace names the thread.
 */
#include "stress.h"

#define OBJECT_BYTES 64
/* With waits that nothing bounds, some 1 MB a second. */
#define LEAST_BYTES ((size_t)32 << 20)
#define SILENT_SECONDS 1.5

static gait_heap *heap;
static gait_kind kind;
static int silent; /* atomic: 1 while the thread does not poll, 2 after that */
static const gait_mutator *silent_mutator; /* its own; released with silent */

static void *compute(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_poll(mutator);
    silent_mutator = mutator;
    __atomic_store_n(&silent, 1, __ATOMIC_RELEASE);
    int64_t end_ns = now_ns() + (int64_t)(SILENT_SECONDS * 1e9);
    while (now_ns() < end_ns)
        ;
    __atomic_store_n(&silent, 2, __ATOMIC_RELEASE);
    gait_detach(mutator);
    return NULL;
}

/* Has the trace a line of this mutator and no other? */
static void check_trace(FILE *trace) {
    char line[1024], name[64], mine[64];
    unsigned told = 0;
    snprintf(mine, sizeof mine, "%p", (const void *)silent_mutator);
    rewind(trace);
    while (fgets(line, sizeof line, trace)) {
        double ms;
        if (strncmp(line, "wait: ", 6) != 0)
            continue;
        CHECK(sscanf(line, "wait: gc %*u, %*[a-z ]: mutator %63s has not polled for %lf ms", name,
                     &ms) == 2 &&
                  ms >= 100,
              "%s", line);
        told += strcmp(name, mine) == 0;
    }
    fclose(trace);
    CHECK(told > 0, "the trace does not say that a thread holds the cycle up");
}

static void run_beside(const char *limit) {
    gait_config config;
    gait_config_init(&config);
    FILE *trace = tmpfile();
    CHECK(trace, "tmpfile");
    config.log = trace;
    config.debug = "gctrace=1";
    config.memory_limit = limit;
    heap = heap_of(&config);
    kind = kind_new(heap, (gait_kind_info){.name = "garbage", .layout = GAIT_REFS});
    gait_mutator *mutator = attach(heap);
    silent = 0;
    pthread_t thread = thread_start(compute, NULL);
    size_t bytes = 0;
    int64_t longest_ns = 0;
    while (__atomic_load_n(&silent, __ATOMIC_ACQUIRE) < 2) {
        if (bytes >= 8 * LEAST_BYTES) { /* enough to know */
            sleep_us(1000);
            gait_poll(mutator);
            continue;
        }
        bool counts = __atomic_load_n(&silent, __ATOMIC_ACQUIRE) == 1;
        int64_t begin_ns = now_ns();
        for (int i = 0; i < 256; i++)
            allocate(mutator, kind, OBJECT_BYTES);
        int64_t ns = now_ns() - begin_ns;
        if (counts) {
            bytes += 256 * OBJECT_BYTES;
            longest_ns = ns > longest_ns ? ns : longest_ns;
        }
    }
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    printf("limit %s: %zu MiB in %g s, longest 16 KiB %.1f ms\n", limit, bytes >> 20,
           SILENT_SECONDS, (double)longest_ns * 1e-6);
    CHECK(bytes >= LEAST_BYTES, "only %zu bytes beside a thread that does not poll", bytes);
    gait_heap_destroy(heap);
    check_trace(trace);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    run_beside("off");
    run_beside("32MiB");
    return 0;
}
