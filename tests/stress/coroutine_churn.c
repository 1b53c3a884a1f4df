/* SPDX-License-Identifier: MIT */
/*
 * Marking ends while threads make, resume and free coroutines as fast as they can: what these hold
 * is marked already, and scanning it is no news to anybody.
 */
#include "stress.h"

#define THREADS 3
#define COLLECTIONS 5
#define SECONDS_MOST 40 /* a collection took until the threads ended; it takes milliseconds */

static gait_heap *heap;
static gait_kind leaf;
static int ended; /* atomic */

static void *churn(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_word kept = (gait_word)allocate(mutator, leaf, 64);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
        gait_coroutine *coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
        CHECK(coroutine, "no coroutine");
        gait_word word = kept;
        struct gait_frame own;
        gait_coroutine_switch(mutator, coroutine);
        gait_push_frame(mutator, &own, &word, 1);
        gait_poll(mutator);
        gait_coroutine_switch(mutator, NULL);
        gait_coroutine_free(mutator, coroutine);
        gait_poll(mutator);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    heap = heap_new(0, NULL, "100");
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(churn, NULL);
    gait_mutator *mutator = attach(heap);
    int64_t begin_ns = now_ns();
    for (int i = 0; i < COLLECTIONS; i++) {
        gait_collect(mutator);
        CHECK(now_ns() - begin_ns < (int64_t)SECONDS_MOST * 1000000000, "%d collections", i + 1);
    }
    printf("%d collections in %.3f s\n", COLLECTIONS, (double)(now_ns() - begin_ns) * 1e-9);
    __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
    gait_enter_native(mutator);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    gait_heap_destroy(heap);
    return 0;
}
