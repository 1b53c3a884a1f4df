/* SPDX-License-Identifier: MIT */
/*
 * Threads that don't poll: they are stopped wherever they are, also with locks of the C library
 * held; what their stacks and registers hold is kept; regions of do_blocking; fork; results.
 */
#define GC_THREADS
#include <gc/gc.h>
#include <gc/javaxfc.h>

#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "lists.h"

/* Allocates and looks. */
static void *allocate(void *data) {
    for (int i = 0; i < 40; i++) {
        struct node *list = make_list(2000);
        void *text = malloc(100); /* stopped with malloc's lock held, now and then */
        char line[200];
        snprintf(line, sizeof line, "%d %p", i, text);
        free(text);
        check_list(list, 2000);
    }
    return data;
}

/* Holds a list in a register or on its stack, and calls nothing. */
static void *compute(void *data) {
    struct node *list = make_list(1000);
    size_t sum = 0;
    while (!ending)
        for (const struct node *node = list; node; node = node->next)
            sum += node->number;
    check_list(list, 1000);
    return sum ? data : NULL;
}

/* Asks about its objects without pause: it is stopped in the middle of that, and what it has looked
 * at turns over. */
static void *ask(void *data) {
    struct node *list = make_list(300);
    while (!ending)
        for (struct node *node = list; node; node = node->next) {
            CHECK(GC_base(&node->number) == node && GC_is_heap_ptr(node));
            CHECK(GC_size(node) >= sizeof *node);
        }
    return data;
}

static void *wait_long(void *data) {
    while (!ending)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return data;
}

static void *look(void *data) {
    check_list(data, 500);
    return data;
}

static void *work_again(void *data) {
    CHECK(GC_call_with_gc_active(look, data) == data);
    check_list(GC_call_with_gc_active((void *(*)(void *))(void (*)(void))make_list, (void *)300),
               300);
    return wait_long(data);
}

static void *block(void *data) {
    struct node *list = make_list(500);
    CHECK(GC_do_blocking(work_again, list) == list);
    check_list(list, 500);
    return data;
}

/* Its result is the only reference. */
static void *give_list(void *data) {
    void *list = make_list((size_t)(uintptr_t)data);
    if ((uintptr_t)data % 2)
        pthread_exit(list);
    return list;
}

static void *take_list(void *data) {
    check_list(data, 700);
    return NULL;
}

static void *collect_often(void *data) {
    while (!ending)
        GC_gcollect();
    return data;
}

static void *by_itself(void *data) {
    struct GC_stack_base base;
    CHECK(!GC_thread_is_registered());
    CHECK(GC_get_stack_base(&base) == GC_SUCCESS);
    CHECK(GC_register_my_thread(&base) == GC_SUCCESS);
    CHECK(GC_register_my_thread(&base) == GC_DUPLICATE);
    allocate(NULL);
    CHECK(GC_unregister_my_thread() == GC_SUCCESS && !GC_thread_is_registered());
    return data;
}

/* A thread that the collector hears of as it allocates. */
static void *unannounced(void *data) {
    check_list(make_list(3000), 3000);
    return data;
}

/* Not under AddressSanitizer, whose allocator may be locked in the child by a thread that it
 * lacks. */
static void fork_once(const struct node *list) {
#ifdef __SANITIZE_ADDRESS__
    return;
#endif
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60); /* a child that takes longer hangs */
        check_list(make_list(50000), 50000);
        GC_gcollect();
        check_list(list, 1500);
        pthread_t thread;
        CHECK(GC_pthread_create(&thread, NULL, allocate, NULL) == 0);
        CHECK(GC_pthread_join(thread, NULL) == 0);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void *reveal(void *data) { return GC_REVEAL_POINTER(*(GC_hidden_pointer *)data); }

static void *suspended_count(void *data) {
    while (!ending)
        ++*(volatile size_t *)data;
    return NULL;
}

static void *place[1];

/* Takes each of the library's locks, again and again. */
static void *busy(void *data) {
    GC_hidden_pointer hidden = GC_HIDE_POINTER(data);
    while (!ending) {
        void *object = GC_MALLOC(16);
        GC_REGISTER_FINALIZER(object, NULL, NULL, NULL, NULL);
        GC_add_roots(place, place + 1);
        CHECK(GC_call_with_alloc_lock(reveal, &hidden) == data);
        ++*(volatile size_t *)data;
    }
    return NULL;
}

/* Whoever stands has none of the locks that others need, and has come to rest as the call returns.
 */
static void test_suspend_busy(void) {
    static size_t count;
    pthread_t thread;
    ending = 0;
    CHECK(pthread_create(&thread, NULL, busy, &count) == 0);
    while (*(volatile size_t *)&count == 0)
        sched_yield();
    for (int i = 0; i < 500; i++) {
        GC_suspend_thread(thread);
        size_t before = *(volatile size_t *)&count;
        CHECK(make_list(20));
        GC_add_roots(place, place + 1);
        if (i % 10 == 0)
            GC_gcollect();
        CHECK(*(volatile size_t *)&count <= before + 1); /* a call of its may just have ended */
        GC_resume_thread(thread);
        while (*(volatile size_t *)&count == before)
            sched_yield();
    }
    ending = 1;
    CHECK(pthread_join(thread, NULL) == 0);
}

static void *suspend_itself(void *data) {
    GC_suspend_thread(pthread_self());
    return data;
}

static void test_suspend_itself(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, suspend_itself, NULL) == 0);
    while (!GC_is_thread_suspended(thread))
        sched_yield();
    GC_gcollect();
    GC_resume_thread(thread);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void test_suspend(void) {
    static volatile size_t count;
    pthread_t thread;
    ending = 0;
    CHECK(pthread_create(&thread, NULL, suspended_count, (void *)&count) == 0);
    while (count == 0)
        sched_yield();
    GC_suspend_thread(thread);
    CHECK(GC_is_thread_suspended(thread));
    size_t before = count;
    GC_gcollect();
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    CHECK(count == before);
    GC_resume_thread(thread);
    while (count == before)
        sched_yield();
    GC_stop_world_external();
    before = count;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    CHECK(count == before);
    GC_start_world_external();
    ending = 1;
    CHECK(pthread_join(thread, NULL) == 0);
}

enum { ALLOCATING = 3 };
static char names[ALLOCATING + 3]; /* what threads get and give back */

int main(void) {
    GC_INIT();
    GC_allow_register_threads();
    pthread_t allocating[ALLOCATING], computing, blocked, asking, collecting, giving[10], own, raw;
    struct node *list = make_list(1500);
    for (int i = 0; i < ALLOCATING; i++)
        CHECK(pthread_create(&allocating[i], NULL, allocate, &names[i]) == 0);
    CHECK(pthread_create(&computing, NULL, compute, &names[3]) == 0);
    CHECK(pthread_create(&blocked, NULL, block, &names[4]) == 0);
    CHECK(pthread_create(&asking, NULL, ask, NULL) == 0);
    CHECK(pthread_create(&collecting, NULL, collect_often, NULL) == 0);
    for (size_t i = 0; i < 10; i++)
        CHECK(pthread_create(&giving[i], NULL, give_list, (void *)(100 + i)) == 0);
#undef pthread_create /* the C library's */
    CHECK(pthread_create(&own, NULL, by_itself, &names[5]) == 0);
    CHECK(pthread_create(&raw, NULL, unannounced, NULL) == 0);
#define pthread_create GC_pthread_create
    for (int i = 0; i < 5; i++)
        fork_once(list);
    for (int i = 0; i < 20; i++) { /* the new thread's argument is a reference, too */
        pthread_t taking;
        CHECK(pthread_create(&taking, NULL, take_list, make_list(700)) == 0);
        CHECK((i % 2 ? pthread_detach(taking) : pthread_join(taking, NULL)) == 0);
    }
    GC_hidden_pointer hidden = GC_HIDE_POINTER(list);
    CHECK(GC_call_with_alloc_lock(reveal, &hidden) == list);
    void *result;
    for (int i = 0; i < ALLOCATING; i++)
        CHECK(pthread_join(allocating[i], &result) == 0 && result == &names[i]);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* cycles while others compute */
    ending = 1;
    CHECK(pthread_join(computing, &result) == 0 && result == &names[3]);
    CHECK(pthread_join(blocked, &result) == 0 && result == &names[4]);
    CHECK(pthread_join(asking, NULL) == 0);
    CHECK(pthread_join(collecting, NULL) == 0);
    for (size_t i = 0; i < 10; i++) {
        CHECK(pthread_join(giving[i], &result) == 0);
        check_list(result, 100 + i);
    }
    CHECK(pthread_join(own, NULL) == 0 && pthread_join(raw, NULL) == 0);
    check_list(list, 1500);
    test_suspend();
    test_suspend_busy();
    test_suspend_itself();
    return 0;
}
