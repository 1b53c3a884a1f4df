/* SPDX-License-Identifier: MIT */
/*
 * The heap profile while threads allocate, cycles run, others read it, and its rate changes: what
 * is live by it comes to what lives, and all of it goes as that dies.
 */
#include "stress.h"

#include <gait/profile.h>
#include <math.h>

#define THREADS 4
#define KEPT 4000
#define NODE_BYTES 64

static gait_heap *heap;
static gait_kind node;
static volatile bool over;

static size_t tell(gait_mutator *mutator, gait_profile_frame *frames, size_t most, void *data) {
    (void)mutator, (void)most;
    frames[0] = (gait_profile_frame){"worker", "profile.c", (uint32_t)(uintptr_t)data};
    return 1;
}

static void *work(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    gait_mutator *mutator = attach(heap);
    gait_word kept[1] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, 1);
    for (size_t i = 0; i < KEPT; i++) {
        gait_word *object = allocate(mutator, node, NODE_BYTES);
        gait_init(object, kept[0]);
        kept[0] = (gait_word)(uintptr_t)object;
    }
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        allocate(mutator, node, 16 + next_random(&seed) % 2000);
        if (next_random(&seed) % 4096 == 0)
            allocate(mutator, node, 100000);
    }
    gait_collect(mutator); /* what was garbage as others looked is none of the next cycle */
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

struct sums {
    double live_bytes, alloc_bytes;
};

static void sum_up(const gait_profile_site *site, void *data) {
    struct sums *sums = data;
    CHECK(site->depth > 0 && site->live_bytes <= site->alloc_bytes * 1.000001 + 1, "a wrong site");
    sums->live_bytes += site->live_bytes;
    sums->alloc_bytes += site->alloc_bytes;
}

static void look_on(uint64_t seed) {
    static const size_t rates[] = {1, 1024, 65536, 524288, 0};
    while (!time_is_up()) {
        gait_set_profile_rate(heap, rates[next_random(&seed) % 5]);
        gait_set_profile_frames(heap, next_random(&seed) % 2 ? tell : NULL, (void *)7);
        struct sums sums = {0, 0};
        gait_read_profile(heap, sum_up, &sums);
        sleep_us(2000);
    }
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    heap = heap_new(0, NULL, "25");
    node = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_set_profile_rate(heap, 1);
    over = false;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)(uintptr_t)(run.seed + (uint64_t)i + 1));
    look_on(run.seed);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_mutator *mutator = attach(heap);
    gait_collect(mutator);
    gait_collect(mutator);
    struct sums sums = {0, 0};
    CHECK(gait_read_profile(heap, sum_up, &sums) == 0, "samples were lost");
    CHECK(sums.alloc_bytes > THREADS * KEPT * NODE_BYTES / 2, "only %f bytes", sums.alloc_bytes);
    CHECK(fabs(sums.live_bytes) < 1, "%f bytes live in an empty heap", sums.live_bytes);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
