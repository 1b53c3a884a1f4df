/* SPDX-License-Identifier: MIT */
/* Threads that don't poll: the program stops them by a signal when the library asks for it. */
#include "example.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

enum { THREADS = 3, ROUNDS = 200, LENGTH = 5000 };

struct thread {
    pthread_t handle;
    gait_mutator *mutator;
    struct thread *next;
};

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread *threads;
static _Thread_local struct thread *self;
static unsigned stops; /* atomic: odd while threads stand still */
static sem_t standing;
static const struct timespec moment = {0, 50000};

/* Wherever the thread was: registers are in the frame that the kernel made for the handler. */
static void on_signal(int number) {
    (void)number;
    int error = errno;
    unsigned mine = __atomic_load_n(&stops, __ATOMIC_ACQUIRE);
    gait_stopped_at(self->mutator, __builtin_frame_address(0));
    sem_post(&standing);
    while (__atomic_load_n(&stops, __ATOMIC_ACQUIRE) == mine)
        nanosleep(&moment, NULL);
    errno = error;
}

static void stop(void *data) {
    (void)data;
    pthread_mutex_lock(&threads_lock); /* until start: nobody joins or leaves */
    __atomic_add_fetch(&stops, 1, __ATOMIC_RELEASE);
    for (struct thread *thread = threads; thread; thread = thread->next)
        pthread_kill(thread->handle, SIGUSR2);
    for (struct thread *thread = threads; thread; thread = thread->next)
        while (sem_wait(&standing) != 0)
            continue;
}

static void start(void *data) {
    (void)data;
    __atomic_add_fetch(&stops, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&threads_lock);
}

static void join(struct thread *thread, gait_heap *heap) {
    thread->handle = pthread_self();
    thread->mutator = gait_attach(heap); /* before the list knows it */
    CHECK(thread->mutator);
    self = thread;
    pthread_mutex_lock(&threads_lock);
    thread->next = threads;
    threads = thread;
    pthread_mutex_unlock(&threads_lock);
}

static void leave(struct thread *thread) {
    pthread_mutex_lock(&threads_lock);
    struct thread **link = &threads;
    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    pthread_mutex_unlock(&threads_lock);
    gait_detach(thread->mutator);
}

static gait_heap *heap;
static gait_kind kind;

struct node {
    struct node *next;
    size_t number;
};

/* No root but the stack, plain stores, no poll. */
static void *work(void *argument) {
    struct thread thread;
    (void)argument;
    join(&thread, heap);
    for (int round = 0; round < ROUNDS; round++) {
        struct node *list = NULL;
        for (size_t i = 0; i < LENGTH; i++) {
            struct node *node = gait_alloc(thread.mutator, kind, sizeof *node);
            CHECK(node);
            node->number = i;
            node->next = list;
            list = node;
        }
        size_t left = LENGTH;
        for (; list; list = list->next)
            CHECK(list->number == --left);
        CHECK(left == 0);
    }
    leave(&thread);
    return NULL;
}

int main(void) {
    CHECK(sem_init(&standing, 0, 0) == 0);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_CONSERVATIVE_STACKS;
    config.stop = stop;
    config.start = start;
    config.gogc = "10"; /* often, for the example's sake */
    heap = example_heap(&config);
    kind = example_kind(heap, &(gait_kind_info){.name = "node", .layout = GAIT_REFS});
    pthread_t handles[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&handles[i], NULL, work, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(handles[i], NULL);
    CHECK(stops > 0 && stops % 2 == 0);
    gait_heap_destroy(heap);
    return 0;
}
