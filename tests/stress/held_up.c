/* SPDX-License-Identifier: MIT */
/*
 * One thread does not poll for a while. The trace names it.
 *
 *   computes   it delays the cycle, and nobody else: the others allocate on, also where a limit
 * would have them wait sleeps     as one that the OS keeps off its CPU: who would pass the limit
 * waits for it
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

static void *be_silent(void *sleeps) {
    gait_mutator *mutator = attach(heap);
    gait_poll(mutator);
    silent_mutator = mutator;
    __atomic_store_n(&silent, 1, __ATOMIC_RELEASE);
    int64_t end_ns = now_ns() + (int64_t)(SILENT_SECONDS * 1e9);
    if (sleeps)
        sleep_us((long)(SILENT_SECONDS * 1e6));
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

static void heap_begin(const char *limit, FILE *trace) {
    gait_config config;
    gait_config_init(&config);
    config.log = trace;
    config.debug = "gctrace=1";
    config.memory_limit = limit;
    heap = heap_of(&config);
    kind = kind_new(heap, (gait_kind_info){.name = "garbage", .layout = GAIT_REFS});
    silent = 0;
}

/* The end of both. */
static void join(gait_mutator *mutator, pthread_t thread) {
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
}

static void run_beside_one_that_computes(const char *limit) {
    FILE *trace = tmpfile();
    CHECK(trace, "tmpfile");
    heap_begin(limit, trace);
    gait_mutator *mutator = attach(heap);
    pthread_t thread = thread_start(be_silent, NULL);
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
    join(mutator, thread);
    printf("limit %s: %zu MiB in %g s, longest 16 KiB %.1f ms\n", limit, bytes >> 20,
           SILENT_SECONDS, (double)longest_ns * 1e-6);
    CHECK(bytes >= LEAST_BYTES, "only %zu bytes beside a thread that does not poll", bytes);
    gait_heap_destroy(heap);
    check_trace(trace);
}

static void run_beside_one_that_sleeps(void) {
    FILE *trace = tmpfile();
    CHECK(trace, "tmpfile");
    heap_begin("32MiB", trace);
    gait_mutator *mutator = attach(heap);
    pthread_t thread = thread_start(be_silent, &silent);
    while (__atomic_load_n(&silent, __ATOMIC_ACQUIRE) < 2)
        allocate(mutator, kind, OBJECT_BYTES);
    join(mutator, thread);
    gait_stats stats = stats_of(heap);
    printf("beside one that sleeps, limit 32MiB: %" PRIu64 " KiB at most\n",
           stats.peak_total_bytes >> 10);
    CHECK(stats.peak_total_bytes <= (uint64_t)33 << 20, "%" PRIu64 " bytes under 32 MiB",
          stats.peak_total_bytes);
    gait_heap_destroy(heap);
    check_trace(trace);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    run_beside_one_that_computes("off");
    run_beside_one_that_computes("32MiB");
    run_beside_one_that_sleeps();
    return 0;
}
