/* SPDX-License-Identifier: MIT */
/* fork: the child has the forking thread's mutator and a copy of the heap, and collects it. */
#include "example.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static gait_heap *heap;
static gait_kind pair;
static int stop; /* atomic */

static void *churn(void *argument) {
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        CHECK(gait_alloc(mutator, pair, 64));
    gait_detach(mutator);
    return argument;
}

static gait_word make_list(gait_mutator *mutator, int length) {
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1);
    for (int i = 0; i < length; i++) {
        gait_word *object = gait_alloc(mutator, pair, 16);
        CHECK(object);
        gait_init(&object[0], list);
        list = (gait_word)object;
    }
    gait_pop_frame(mutator);
    return list;
}

static int length(gait_word list) {
    int count = 0;
    for (; list; list = *(gait_word *)list)
        count++;
    return count;
}

int main(void) {
    heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_handle *list = gait_handle_new(mutator, make_list(mutator, 1000));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, churn, NULL) == 0);

    for (int i = 0; i < 10; i++) {
        pid_t child = fork(); /* waits for the end of a running cycle */
        CHECK(child >= 0);
        if (child == 0) {
            make_list(mutator, 100000); /* the other thread and its mutator are not here */
            gait_collect(mutator);
            _exit(length(gait_handle_get(list)) == 1000 ? 0 : 1);
        }
        make_list(mutator, 100000);
        int status = -1;
        gait_enter_native(mutator);
        pid_t waited = waitpid(child, &status, 0);
        gait_leave_native(mutator);
        CHECK(waited == child && status == 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    CHECK(length(gait_handle_get(list)) == 1000);
    gait_heap_destroy(heap);
    return 0;
}
