/* SPDX-License-Identifier: MIT */
/*
 * Threads that are joined while others get their handles. pthread_join is this program's own here:
 * it lets a thread begin and end in the moment between the C library's return and the drop-in's.
 */
#define GC_NO_THREAD_REDIRECTS
#define GC_THREADS
#include <gc/gc.h>

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include "check.h"
#include "lists.h"

enum { LENGTH = 500, TRIES = 50 };

static void (*between)(pthread_t handle); /* called after a thread was joined, once */

/* As pthread_join: meson.build has the linker give it that name. */
int join_and_act(pthread_t thread, void **value);
int join_and_act(pthread_t thread, void **value) {
    int (*join)(pthread_t, void **) = (int (*)(pthread_t, void **))dlsym(RTLD_NEXT, "pthread_join");
    int error = join(thread, value);
    void (*act)(pthread_t) = between;
    between = NULL;
    if (act)
        act(thread);
    return error;
}

static pthread_t next;
static int is_same;

static void *give_list(void *data) { return make_list((size_t)data); }

static void nap(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

/* The C library keeps a stack for the next thread, and so its handle. */
static void begin_next(pthread_t handle) {
    CHECK(GC_pthread_create(&next, NULL, give_list, (void *)LENGTH) == 0);
    is_same = pthread_equal(handle, next);
    nap(20); /* it ends */
}

static void begin_and_detach(pthread_t handle) {
    begin_next(handle);
    CHECK(GC_pthread_detach(next) == 0);
}

static void join_next(void) {
    void *list;
    make_list(150 * LENGTH); /* what nobody kept is another's by now */
    GC_gcollect();
    make_list(150 * LENGTH);
    CHECK(GC_pthread_join(next, &list) == 0);
    check_list(list, LENGTH);
}

/* ---- Threads that leave no record, or none of their own ---- */

static void *returns(void *data) { return data; }

static void *unregisters(void *data) {
    CHECK(GC_unregister_my_thread() == GC_SUCCESS);
    (pthread_exit)(data); /* the C library's: nobody hears of it here */
}

static void *registers(void *data) {
    struct GC_stack_base base;
    CHECK(GC_get_stack_base(&base) == GC_SUCCESS && GC_register_my_thread(&base) == GC_SUCCESS);
    make_list(10);
    CHECK(GC_unregister_my_thread() == GC_SUCCESS);
    return data;
}

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static void test_join(create_fn *create, void *(*run)(void *data)) {
    pthread_t thread;
    void *value;
    is_same = 0;
    for (int i = 0; i < TRIES && !is_same; i++) {
        CHECK(create(&thread, NULL, run, &thread) == 0);
        between = begin_next;
        CHECK(GC_pthread_join(thread, &value) == 0 && value == &thread);
        join_next();
    }
    CHECK(is_same);
}

/* One that is detached is nobody's; what was joined just now is still to be taken out. */
static void test_detached(void) {
    pthread_t thread;
    CHECK(GC_pthread_create(&thread, NULL, returns, NULL) == 0);
    between = begin_and_detach;
    CHECK(GC_pthread_join(thread, NULL) == 0);
    begin_next(thread);
    join_next();
}

/* The C library's function joins it: its record is nobody's, and in nobody's way. */
static void test_joined_elsewhere(void) {
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
        CHECK(GC_pthread_create(&thread, NULL, give_list, (void *)10) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        begin_next(thread);
        join_next();
    }
}

/* Who is cancelled as it waits gives the claim back. */
static volatile int may_end;
static pthread_t slow;

static void *ends_late(void *data) {
    while (!may_end)
        nap(1);
    return make_list((size_t)data);
}

static void *waits(void *data) {
    GC_pthread_join(slow, NULL);
    return data;
}

static void test_cancelled(void) {
    pthread_t waiting;
    void *list;
    CHECK(GC_pthread_create(&slow, NULL, ends_late, (void *)LENGTH) == 0);
    CHECK(GC_pthread_create(&waiting, NULL, waits, NULL) == 0);
    nap(5);
    CHECK(pthread_cancel(waiting) == 0 && GC_pthread_join(waiting, NULL) == 0);
    may_end = 1;
    nap(20);
    GC_gcollect();
    make_list(150 * LENGTH);
    CHECK(GC_pthread_join(slow, &list) == 0);
    check_list(list, LENGTH);
}

int main(void) {
    GC_INIT();
    test_join(GC_pthread_create, returns);
    test_join(GC_pthread_create, unregisters);
    test_join(pthread_create, returns);
    test_join(pthread_create, registers);
    test_detached();
    test_joined_elsewhere();
    test_cancelled();
    return 0;
}
