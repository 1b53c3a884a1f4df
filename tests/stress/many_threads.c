/* SPDX-License-Identifier: MIT */
/*
 * What many idle threads cost: the CPU time of a collection grows with the number of threads in
 * native code, and not with its square. Each keeps an object in a frame, which has to stay.
 *
 *   program [SEED [SECONDS [THREADS]]]
 */
#include "stress.h"

#define FEW 500
#define COLLECTIONS 5
/* What one more thread may cost a collection: ten times what it does on an idle machine. */
#define MOST_NS 6000

static gait_heap *heap;
static gait_kind leaf;
static pthread_barrier_t all_idle, end;

static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *idle(void *unused) {
    (void)unused;
    gait_mutator *mutator = attach(heap);
    gait_word object = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &object, 1);
    object = (gait_word)allocate(mutator, leaf, 16);
    gait_enter_native(mutator);
    pthread_barrier_wait(&all_idle);
    pthread_barrier_wait(&end);
    gait_leave_native(mutator);
    CHECK(gait_object_base(heap, (void *)object) == (void *)object, "an idle thread's object");
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

/* CPU time of the cheapest of some collections beside so many idle threads. */
static int64_t collection_ns(size_t count) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, 65536) == 0, "stack size");
    pthread_t *threads = calloc(count, sizeof *threads);
    pthread_barrier_init(&all_idle, NULL, (unsigned)count + 1);
    pthread_barrier_init(&end, NULL, (unsigned)count + 1);
    gait_mutator *mutator = attach(heap);
    gait_enter_native(mutator);
    for (size_t i = 0; i < count; i++)
        CHECK(pthread_create(&threads[i], &attributes, idle, NULL) == 0, "thread %zu", i);
    pthread_barrier_wait(&all_idle);
    gait_leave_native(mutator);
    int64_t least_ns = INT64_MAX;
    for (unsigned i = 0; i < COLLECTIONS; i++) {
        int64_t begin_ns = cpu_ns();
        gait_collect(mutator);
        int64_t spent_ns = cpu_ns() - begin_ns;
        least_ns = spent_ns < least_ns ? spent_ns : least_ns;
    }
    CHECK(stats_of(heap).mutators == count + 1, "mutators");
    gait_enter_native(mutator);
    pthread_barrier_wait(&end);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    gait_detach(mutator);
    pthread_attr_destroy(&attributes);
    free(threads);
    return least_ns;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 0);
    size_t many = argc > 3 ? strtoull(argv[3], NULL, 0) : 4000;
    heap = heap_new(0, NULL, NULL);
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    int64_t few_ns = collection_ns(FEW), many_ns = collection_ns(many);
    double each_ns = (double)(many_ns - few_ns) / (double)(many - FEW);
    printf("%d threads: %.2f ms of CPU a collection; %zu: %.2f ms; one more: %.0f ns\n", FEW,
           (double)few_ns * 1e-6, many, (double)many_ns * 1e-6, each_ns);
    CHECK(UNDER_TSAN || UNDER_ASAN || each_ns < MOST_NS, "one more thread costs %.0f ns", each_ns);
    gait_heap_destroy(heap);
}
