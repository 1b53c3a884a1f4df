/* SPDX-License-Identifier: MIT */
/*
 * Whoever reads counters takes one that falls for a new process's, and counts all of it anew: so
 * what a cumulative metric told is never more than what it tells later, while threads allocate,
 * mark, sweep and give back what they have not used.
 */
#include "stress.h"

#include <gait/metrics.h>

#define THREADS 3
#define METRICS_MOST 64

static gait_heap *heap;
static gait_kind kind_leaf, kind_refs;

static void *work(void *unused) {
    gait_mutator *mutator = attach(heap);
    gait_word kept = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    for (unsigned round = 0; !time_is_up(); round++) {
        for (size_t i = 1; i < 100; i++)
            allocate(mutator, kind_leaf, 16 * i);
        for (size_t i = 0; i < 1000; i++) {
            gait_word *object = allocate(mutator, kind_refs, 64);
            gait_init(object, i % 100 ? kept : 0);
            kept = (gait_word)(uintptr_t)object;
        }
        if (round % 16 == 0)
            gait_collect(mutator);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return unused;
}

struct seen {
    size_t count;
    const gait_metric *metrics[METRICS_MOST];
    gait_metric_sample before[METRICS_MOST];
    uint64_t pauses[GAIT_METRIC_BUCKETS];
};

static void begin(struct seen *seen) {
    const gait_metric *metric;
    for (size_t i = 0; (metric = gait_describe_metric(i)); i++)
        if (metric->cumulative)
            seen->metrics[seen->count++] = metric;
    CHECK(seen->count > 10, "%zu cumulative metrics", seen->count);
}

static void look(struct seen *seen) {
    gait_metric_sample now[METRICS_MOST];
    gait_metric_histogram pauses;
    for (size_t i = 0; i < seen->count; i++)
        now[i] = (gait_metric_sample){.name = seen->metrics[i]->name, .histogram = &pauses};
    CHECK(gait_read_metrics(heap, now, seen->count) == seen->count, "a name");
    for (size_t i = 0; i < seen->count; i++) {
        const char *name = now[i].name;
        if (now[i].type == GAIT_METRIC_UINT64)
            CHECK(now[i].value.uint64 >= seen->before[i].value.uint64,
                  "%s fell from %" PRIu64 " to %" PRIu64, name, seen->before[i].value.uint64,
                  now[i].value.uint64);
        if (now[i].type == GAIT_METRIC_FLOAT64)
            CHECK(now[i].value.float64 >= seen->before[i].value.float64, "%s fell from %f to %f",
                  name, seen->before[i].value.float64, now[i].value.float64);
    }
    for (size_t i = 0; i < GAIT_METRIC_BUCKETS; i++)
        CHECK(pauses.counts[i] >= seen->pauses[i], "bucket %zu of pauses", i);
    memcpy(seen->before, now, sizeof now);
    memcpy(seen->pauses, pauses.counts, sizeof seen->pauses);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 2);
    heap = heap_new(0, NULL, "50");
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    kind_refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, NULL);
    static struct seen seen;
    begin(&seen);
    uint64_t looks = 0;
    for (; !time_is_up(); looks++) {
        look(&seen);
        sleep_us(100);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    look(&seen);
    printf("%" PRIu64 " looks at %zu metrics, %" PRIu64 " cycles\n", looks, seen.count,
           stats_of(heap).cycles);
    gait_heap_destroy(heap);
}
