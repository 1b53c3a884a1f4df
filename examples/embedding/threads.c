/* SPDX-License-Identifier: MIT */
/* Threads: each attaches itself; one that blocks is in native code, one that computes polls. */
#include "example.h"

#include <pthread.h>

enum { WORKERS = 4, ROUNDS = 20000 };

static gait_heap *heap;
static gait_kind pair;
static gait_handle *results[WORKERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long done;

/* A lock that another mutator may hold while it allocates. */
static void lock_it(gait_mutator *mutator) {
    if (pthread_mutex_trylock(&lock) == 0)
        return;
    gait_enter_native(mutator); /* the collector does not wait for a thread in here */
    pthread_mutex_lock(&lock);
    gait_leave_native(mutator);
}

static void *work(void *argument) {
    gait_handle **result = argument;
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator);
    for (int i = 0; i < ROUNDS; i++) {
        gait_word *object = gait_alloc(mutator, pair, 2 * sizeof(gait_word));
        CHECK(object);
        gait_init(&object[0], i % 100 ? gait_handle_get(*result) : 0);
        gait_handle_set(mutator, *result, (gait_word)object);
        if (i % 1000 == 0) {
            lock_it(mutator);
            done += 1000;
            pthread_mutex_unlock(&lock);
        }
    }
    double sum = 0;
    for (int i = 1; i < 1000000; i++) {
        sum += 1.0 / i;
        gait_poll(mutator); /* a loop that allocates nothing lets the collector in */
    }
    CHECK(sum > 14 && sum < 15);
    gait_detach(mutator); /* a thread that exits attached is detached all the same */
    return NULL;
}

int main(void) {
    heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        results[i] = gait_handle_new(mutator, 0);
        CHECK(results[i]);
        CHECK(pthread_create(&threads[i], NULL, work, &results[i]) == 0);
    }
    for (int i = 0; i < 5; i++)
        gait_collect(mutator);

    gait_enter_native(mutator); /* joining may take long */
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);

    CHECK(done == (unsigned long)WORKERS * ROUNDS);
    for (int i = 0; i < WORKERS; i++) {
        int length = 0;
        for (gait_word at = gait_handle_get(results[i]); at; at = *(gait_word *)at)
            length++;
        CHECK(length == 100);
    }
    gait_heap_destroy(heap);
    return 0;
}
