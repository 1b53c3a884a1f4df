/* SPDX-License-Identifier: MIT */
/*
 * Threads that change private and shared graphs of objects while the collector marks, under
 * settings that are changed while they run, and with every debug setting that tortures.
 */
#include "graph.h"

#define THREADS 3

/* Items that are referred to once each: from a slot of a large array, or from the stack of the
 * thread that takes one out of it and puts it elsewhere. So a reference that marking misses is the
 * last. */
#define ITEMS 6000
#define ITEMS_STRESSED 300 /* where each costs a cycle */
#define ITEM_SLOTS 9000
#define IN_HAND 16

static void items_new(struct walker *walker, gait_handle *handle, size_t count) {
    gait_word *array =
        allocate(walker->mutator, walker->graph->kinds[SHAPE_REFS], ITEM_SLOTS * sizeof(gait_word));
    gait_handle_set(walker->mutator, handle, (gait_word)array);
    for (size_t i = 0; i < count; i++) {
        gait_word item = object_new(walker); /* no root is set: it refers to nothing */
        gait_store(walker->mutator, &array[i], item);
    }
}

static size_t items_count(struct walker *walker, gait_handle *handle) {
    const gait_word *array = (const gait_word *)gait_handle_get(handle);
    size_t count = 0;
    for (size_t i = 0; i < ITEM_SLOTS; i++)
        if (slot_load(&array[i])) {
            verify(walker, array[i]);
            count++;
        }
    return count;
}

/* Take items out, hold them while the collector may begin and end a cycle, put each into a free
 * slot. */
static void juggle(struct walker *walker, gait_handle *handle) {
    uint64_t *random = &walker->random;
    gait_word hand[IN_HAND] = {0};
    struct gait_frame frame;
    gait_push_frame(walker->mutator, &frame, hand, IN_HAND);
    gait_word *array = (gait_word *)gait_handle_get(handle);
    for (size_t i = 0; i < IN_HAND; i++) {
        gait_word *slot = &array[pick(random, ITEM_SLOTS)], item = slot_load(slot);
        if (item && gait_compare_exchange(walker->mutator, slot, &item, 0))
            hand[i] = item;
        gait_poll(walker->mutator);
    }
    graph_run(walker, 30, 0);
    for (size_t i = 0; i < IN_HAND; i++)
        while (hand[i]) {
            verify(walker, hand[i]);
            gait_word none = 0;
            if (gait_compare_exchange(walker->mutator, &array[pick(random, ITEM_SLOTS)], &none,
                                      hand[i]))
                hand[i] = 0;
            gait_poll(walker->mutator);
        }
    gait_pop_frame(walker->mutator);
}

static gait_handle *items; /* in the running test's heap */

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
        gait_set_max_procs(heap, (int32_t)(1 + pick(random, 12)));
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
        for (size_t i = 0; i < 30; i++)
            juggle(&walker, items);
        if (one_in(&walker.random, 4))
            disturb(&walker);
    }
    gait_detach(walker.mutator);
    ((struct walker *)argument)->reads = walker.reads;
    return NULL;
}

static void graph_test(const char *debug, size_t item_count, double seconds) {
    static struct graph graph;
    graph_init(&graph, 0, debug, NULL);
    struct walker walkers[THREADS] = {0}, first = {.graph = &graph, .random = run.seed};
    gait_word no_roots[ROOTS] = {0};
    first.roots = no_roots;
    first.mutator = attach(graph.heap);
    CHECK(items = gait_handle_new(first.mutator, 0), "gait_handle_new");
    items_new(&first, items, item_count);
    gait_detach(first.mutator);
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
    first.mutator = attach(graph.heap);
    size_t count = items_count(&first, items);
    CHECK(count == item_count, "%zu of %zu items are left", count, item_count);
    gait_handle_free(first.mutator, items);
    gait_detach(first.mutator);
    graph_destroy(&graph);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    static const struct {
        const char *debug;
        size_t items;
    } settings[] = {
        {"", ITEMS},
        {"clobberfree=1", ITEMS},
        {"clobberfree=1,gccheckmark=1", ITEMS},
        {"clobberfree=1,gcstress=50", ITEMS},
        {"clobberfree=1,gcstoptheworld=1", ITEMS},
        {"clobberfree=1,gcminor=5", ITEMS},
        {"clobberfree=1,gcminor=3,gccheckmark=1", ITEMS},
        {"clobberfree=1,gcminor=15,gcstress=50", ITEMS},
        {"clobberfree=1,disablethp=1,gcstress=1,gccheckmark=1", ITEMS_STRESSED},
    };
    size_t count = sizeof settings / sizeof settings[0];
    for (size_t i = 0; i < count; i++)
        graph_test(settings[i].debug, settings[i].items, run.seconds / (double)count);
}
