/* SPDX-License-Identifier: MIT */
/*
 * Memory goes back to the OS: a heap that has shrunk is resident to little more than its goal
 * within seconds, without a call from the program, and at once when it asks. And the limit holds
 * while the program churns below it.
 *
 *   release [SEED [SECONDS [MIB]]]     MIB: how large the heap is before it shrinks (256)
 */
#include "stress.h"

#define MIB ((size_t)1 << 20)
#define LIVE_BYTES (50 * MIB)
#define SLACK_BYTES (16 * MIB)
#define WAIT_NS ((int64_t)30 * 1000000000)
#define OBJECT_BYTES ((size_t)1024)

/* Sanitizers keep shadow memory: what is resident tells nothing. */
#define RESIDENT_TELLS (!UNDER_ASAN && !UNDER_TSAN)

static size_t resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    size_t all, resident = 0;
    CHECK(file && fscanf(file, "%zu %zu", &all, &resident) == 2, "/proc/self/statm");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* An array of count objects in a root, each written to. */
static void fill(gait_mutator *mutator, gait_kind refs, gait_kind leaf, gait_word *root,
                 size_t count) {
    *root = (gait_word)allocate(mutator, refs, count * sizeof(gait_word));
    for (size_t i = 0; i < count; i++) {
        char *object = allocate(mutator, leaf, OBJECT_BYTES);
        memset(object, 1, OBJECT_BYTES);
        gait_store(mutator, &((gait_word *)*root)[i], (gait_word)object);
    }
}

/* Keep every object of a stretch at the front, and of the rest one in some, so that holes stay. */
static void shrink(gait_mutator *mutator, gait_word array, size_t count) {
    size_t keep = LIVE_BYTES / OBJECT_BYTES;
    for (size_t i = keep; i < count; i++)
        gait_store(mutator, &((gait_word *)array)[i], 0);
}

static void shrink_test(size_t bytes, bool ask) {
    gait_heap *heap = heap_new(0, NULL, NULL);
    gait_kind refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_kind leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    gait_word root = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    size_t before = resident_bytes(), count = bytes / OBJECT_BYTES;
    fill(mutator, refs, leaf, &root, count);
    shrink(mutator, root, count);
    size_t given = 0;
    if (ask) {
        given = gait_free_os_memory(mutator);
    } else { /* the last allocations bring on the collection that notices */
        uint64_t cycles = stats_of(heap).cycles;
        while (stats_of(heap).cycles == cycles)
            for (size_t i = 0; i < 64; i++)
                allocate(mutator, leaf, OBJECT_BYTES);
        gait_enter_native(mutator);
    }
    gait_stats stats;
    size_t resident, bound;
    int64_t begin_ns = now_ns();
    for (;;) {
        stats = stats_of(heap);
        resident = resident_bytes() - before;
        bound = ask ? stats.heap_live_bytes + stats.heap_live_bytes / 5 + SLACK_BYTES
                    : stats.heap_goal_bytes + stats.heap_goal_bytes / 5 + SLACK_BYTES;
        if (resident < bound || ask || !RESIDENT_TELLS || now_ns() - begin_ns > WAIT_NS)
            break;
        sleep_us(20000);
    }
    printf("%zu MiB -> %zu MiB resident after %.2f s (live %zu, goal %zu MiB), %zu MiB given\n",
           bytes / MIB, resident / MIB, (double)(now_ns() - begin_ns) / 1e9,
           (size_t)stats.heap_live_bytes / MIB, (size_t)stats.heap_goal_bytes / MIB, given / MIB);
    fflush(stdout);
    CHECK(resident < bound || !RESIDENT_TELLS, "bound: %zu MiB", bound / MIB);
    CHECK(!ask || stats.free_bytes < MIB, "%zu KiB are free and not given back",
          (size_t)stats.free_bytes >> 10);
    if (!ask)
        gait_leave_native(mutator);
    for (size_t i = 0; i < LIVE_BYTES / OBJECT_BYTES; i++) {
        const char *object = (const char *)((gait_word *)root)[i];
        CHECK(object && object[0] == 1 && object[OBJECT_BYTES - 1] == 1, "object %zu", i);
    }
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}

/* ---- The limit ---- */

#define LIMIT_BYTES (96 * MIB)
#define CHURN_LIVE_BYTES (40 * MIB)
#define CHURNERS 2

static gait_heap *churn_heap;
static gait_kind churn_refs, churn_leaf;

static void *churn(void *argument) {
    uint64_t random = run.seed ^ (uintptr_t)argument;
    gait_mutator *mutator = attach(churn_heap);
    gait_word root = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    size_t count = CHURN_LIVE_BYTES / CHURNERS / OBJECT_BYTES;
    fill(mutator, churn_refs, churn_leaf, &root, count);
    while (!time_is_up()) {
        gait_enter_native(mutator); /* work of another sort: collecting takes less than half */
        sleep_us(2000);
        gait_leave_native(mutator);
        for (size_t i = 0; i < 1000; i++) {
            /* half the time as large as the average of both */
            size_t bytes = one_in(&random, 2) ? OBJECT_BYTES / 2 : OBJECT_BYTES;
            gait_word object = (gait_word)allocate(mutator, churn_leaf, bytes);
            gait_store(mutator, &((gait_word *)root)[pick(&random, count)], object);
        }
    }
    gait_detach(mutator);
    return NULL;
}

static void limit_test(double seconds) {
    gait_config config;
    gait_config_init(&config);
    config.memory_limit = "96MiB";
    config.gogc = "400";
    churn_heap = heap_of(&config);
    churn_refs = kind_new(churn_heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    churn_leaf = kind_new(churn_heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    run_for(seconds);
    pthread_t threads[CHURNERS];
    for (uintptr_t i = 0; i < CHURNERS; i++)
        threads[i] = thread_start(churn, (void *)i);
    size_t largest = 0, beyond = 0, looks = 0;
    while (!time_is_up()) {
        size_t total = stats_of(churn_heap).total_bytes;
        largest = total > largest ? total : largest;
        beyond += total > LIMIT_BYTES;
        looks++;
        sleep_us(100);
    }
    for (size_t i = 0; i < CHURNERS; i++)
        pthread_join(threads[i], NULL);
    gait_stats stats = stats_of(churn_heap);
    printf(
        "limit %zu MiB: largest total %.1f MiB seen, %.1f MiB noted; beyond it %zu times of %zu; "
        "%" PRIu64 " cycles, %.3f s of limited CPU\n",
        LIMIT_BYTES / MIB, (double)largest / MIB, (double)stats.peak_total_bytes / MIB, beyond,
        looks, stats.cycles, (double)stats.limiter_ns / 1e9);
    fflush(stdout);
    CHECK(stats.limit_bytes == LIMIT_BYTES, "limit_bytes is %" PRIu64, stats.limit_bytes);
    /* the limit is soft: it gives way to the cap on the collector's CPU time, and to threads that
     * have waited half a second for a collector that is preempted (docs/design/control.md)
     */
    CHECK(stats.limiter_ns > 0 || beyond <= looks / 4, "beyond the limit %zu times of %zu", beyond,
          looks);
    CHECK(stats.cycles > 1, "no cycle");
    gait_heap_destroy(churn_heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    size_t bytes = (argc > 3 ? strtoull(argv[3], NULL, 0) : 256) * MIB;
    shrink_test(bytes, true);
    shrink_test(bytes, false);
    limit_test(run.seconds);
}
