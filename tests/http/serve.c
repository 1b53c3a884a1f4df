/* SPDX-License-Identifier: MIT */
/*
 * A program with a heap that answers over HTTP until its input ends. It prints the port, and two
 * threads allocate meanwhile.
 *
 *   serve [ADDRESS]
 */
#include <gait/http.h>
#include <gait/stats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LIVE 20000

static gait_heap *heap;
static gait_kind node;
static volatile int over;
static pthread_barrier_t begun;

static void *work(void *unused) {
    gait_mutator *mutator = gait_attach(heap);
    gait_word kept = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    for (int i = 0; i < LIVE; i++) {
        gait_word *object = gait_alloc(mutator, node, 64);
        gait_init(object, kept);
        kept = (gait_word)(uintptr_t)object;
    }
    pthread_barrier_wait(&begun);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 1000; i++)
            if (!gait_alloc(mutator, node, 64))
                abort();
        gait_enter_native(mutator);
        usleep(1000);
        gait_leave_native(mutator);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return unused;
}

int main(int argc, char **argv) {
    char error[256];
    heap = gait_heap_create(NULL, error, sizeof error);
    const gait_kind_info info = {.name = "a \"node\"", .layout = GAIT_REFS};
    node = heap ? (gait_kind)gait_kind_register(heap, &info) : 0;
    gait_http *http =
        heap ? gait_http_start(heap, argc > 1 ? argv[1] : "127.0.0.1:0", error, sizeof error)
             : NULL;
    if (!http) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    pthread_barrier_init(&begun, NULL, 3);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    pthread_barrier_wait(&begun);
    printf("%u\n", gait_http_port(http));
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    gait_http_stop(http);
    gait_heap_destroy(heap);
    return 0;
}
