/* SPDX-License-Identifier: MIT */
/*
 * How threads begin and end: many at once; with signals blocked; with destructors of their own;
 * without a word; cancelled where they wait. What they return is kept until they are joined, also
 * where handles come again.
 */
#define GC_THREADS
#include <gc/gc.h>

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "lists.h"

static void *collect_often(void *data) {
    while (!ending)
        GC_gcollect();
    return data;
}

/* ---- Destructors ---- */

static pthread_key_t key;
static int rounds; /* of destructors; atomic */

/* In the first two rounds. Its list has been reachable by no root, except for this thread's stack.
 */
static void use_objects(void *data) {
    check_list(make_list(3000), 3000);
    __atomic_fetch_add(&rounds, 1, __ATOMIC_SEQ_CST);
    if (data == &key)
        pthread_setspecific(key, &rounds);
}

static void *with_destructor(void *data) {
    pthread_setspecific(key, &key);
    check_list(make_list(1000), 1000);
    return data;
}

static void test_destructors(void) {
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    rounds = 0;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, with_destructor, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(rounds == 2 * THREADS);
}

/* ---- Without a word ---- */

/* Not with AddressSanitizer: it would find what it keeps of that thread in the next one with its
 * stack, and stop the program. */
static void *goes(void *data) {
    check_list(make_list(1000), 1000);
    syscall(SYS_exit, 0);
    return data;
}

static void test_gone(void) {
    pthread_t thread;
#ifdef __SANITIZE_ADDRESS__
    return;
#endif
    CHECK(pthread_create(&thread, NULL, goes, NULL) == 0);
#undef pthread_join
    CHECK(pthread_join(thread, NULL) == 0);
#define pthread_join GC_pthread_join
    GC_gcollect();
}

static void *leaves(void *data) {
    CHECK(GC_unregister_my_thread() == GC_SUCCESS);
    return data;
}

/* Its result is that of the function, though it registered twice. */
static void *comes_again(void *data) {
    struct GC_stack_base base;
    CHECK(GC_unregister_my_thread() == GC_SUCCESS);
    CHECK(GC_get_stack_base(&base) == GC_SUCCESS && GC_register_my_thread(&base) == GC_SUCCESS);
    return make_list((size_t)(uintptr_t)data);
}

static void test_unregistered(void) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, leaves, &key) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == &key);
    CHECK(pthread_create(&thread, NULL, comes_again, (void *)500) == 0);
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL); /* it has ended, others collect */
    make_list(10000);
    CHECK(pthread_join(thread, &result) == 0);
    check_list(result, 500);
}

/* ---- Many ---- */

static void *give_list(void *data) { return make_list((size_t)(uintptr_t)data); }

/* Handles come again at once: the C library keeps stacks for the next thread. */
static void *create_and_join(void *data) {
    for (size_t i = 0; i < 150; i++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, give_list, (void *)(50 + i)) == 0);
        if (i % 3 == 0)
            make_list(2000); /* it ends, and waits to be joined */
        if (i % 5 == 0) {
            CHECK(pthread_detach(thread) == 0);
            continue;
        }
        CHECK(pthread_join(thread, &result) == 0);
        check_list(result, 50 + i);
    }
    return data;
}

static void test_many(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, create_and_join, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- Signals blocked ---- */

static void *all_blocked(void *data) {
    check_list(make_list(1000), 1000);
    while (!*(volatile int *)data)
        ;
    return NULL;
}

static void test_blocked(void) {
    sigset_t all, before;
    pthread_t thread;
    static volatile int done;
    sigfillset(&all);
#undef pthread_create
#undef pthread_join
#undef pthread_sigmask
    CHECK(pthread_sigmask(SIG_BLOCK, &all, &before) == 0);
    CHECK(pthread_create(&thread, NULL, all_blocked, (void *)&done) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    for (int i = 0; i < 20; i++)
        GC_gcollect();
    done = 1;
    CHECK(pthread_join(thread, NULL) == 0);
#define pthread_create GC_pthread_create
#define pthread_join GC_pthread_join
}

/* ---- Cancelled ---- */

static void use_list(void *list) {
    for (int i = 0; i < 20; i++)
        check_list(make_list(1000), 1000);
    check_list(list, 700);
}

static void *sleep_long(void *data) {
    for (;;)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return data;
}

static void *wait_blocking(void *data) {
    struct node *list = make_list(700);
    pthread_cleanup_push(use_list, list);
    GC_do_blocking(sleep_long, NULL);
    pthread_cleanup_pop(0);
    return data;
}

static pthread_t sleeper;

static void *wait_joining(void *data) {
    struct node *list = make_list(700);
    pthread_cleanup_push(use_list, list);
    pthread_join(sleeper, NULL);
    pthread_cleanup_pop(0);
    return data;
}

static void cancel(void *(*wait)(void *data)) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, wait, NULL) == 0);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

/* Nor this: the stack that is unwound keeps the borders of its frames, and cleanups run on it. */
static void test_cancelled(void) {
#ifdef __SANITIZE_ADDRESS__
    return;
#endif
    CHECK(pthread_create(&sleeper, NULL, sleep_long, NULL) == 0);
    for (int i = 0; i < 5; i++) {
        cancel(wait_blocking);
        cancel(wait_joining);
    }
    CHECK(pthread_cancel(sleeper) == 0 && pthread_join(sleeper, NULL) == 0);
}

int main(void) {
    pthread_t collecting;
    GC_INIT();
    CHECK(pthread_key_create(&key, use_objects) == 0);
    CHECK(pthread_create(&collecting, NULL, collect_often, NULL) == 0);
    test_destructors();
    test_gone();
    test_unregistered();
    test_many();
    test_blocked();
    test_cancelled();
    ending = 1;
    CHECK(pthread_join(collecting, NULL) == 0);
    return 0;
}
