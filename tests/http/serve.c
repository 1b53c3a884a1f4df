/* SPDX-License-Identifier: MIT */
/*
 * A program with a heap, in which two threads allocate. When they have made what they keep it
 * begins to answer over HTTP, prints the port, and goes on until its input ends. Letters of its
 * input, each of which it answers with a line:
 *
 *   b   a thread comes to no safepoint
 *   r   until this
 *   f   a child ends what it has of all that
 *
 *   serve [ADDRESS]
 */
#include <gait/http.h>
#include <gait/stats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIVE 60000

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

static volatile int blocked; /* 1: the thread is there; 0: it is to end */
static pthread_t blocker;

static void *block(void *unused) {
    gait_mutator *mutator = gait_attach(heap);
    __atomic_store_n(&blocked, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&blocked, __ATOMIC_ACQUIRE))
        usleep(1000);
    gait_detach(mutator);
    return unused;
}

static void begin_block(void) {
    pthread_create(&blocker, NULL, block, NULL);
    while (!__atomic_load_n(&blocked, __ATOMIC_ACQUIRE))
        usleep(1000);
}

static void end_block(void) {
    __atomic_store_n(&blocked, 0, __ATOMIC_RELEASE);
    pthread_join(blocker, NULL);
}

/* @return the child's status. */
static int end_in_child(gait_http *http) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        gait_http_stop(http);
        gait_heap_destroy(heap);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}

static void follow(gait_http *http) {
    for (int letter; (letter = getchar()) != EOF;) {
        if (letter == 'b')
            begin_block();
        if (letter == 'r')
            end_block();
        printf("%d\n", letter == 'f' ? end_in_child(http) : 0);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    char error[256];
    heap = gait_heap_create(NULL, error, sizeof error);
    const gait_kind_info info = {.name = "a \"node\"\xff", .layout = GAIT_REFS};
    node = heap ? (gait_kind)gait_kind_register(heap, &info) : 0;
    if (!heap) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    pthread_barrier_init(&begun, NULL, 3);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    pthread_barrier_wait(&begun);
    gait_http *http =
        gait_http_start(heap, argc > 1 ? argv[1] : "127.0.0.1:0", error, sizeof error);
    if (!http) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    printf("%u\n", gait_http_port(http));
    fflush(stdout);
    follow(http);
    __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    gait_http_stop(http);
    gait_heap_destroy(heap);
    return 0;
}
