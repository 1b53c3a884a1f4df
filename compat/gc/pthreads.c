/* SPDX-License-Identifier: MIT */
/*
 * The calls for threads that a program makes by names of the collector's: a new thread is
 * registered before its function runs, and its result is a root until it is joined.
 */
#include "compat.h"

#include <errno.h>
#include <semaphore.h>

#include "include/gc/gc_pthread_redirects.h"

/* On the creator's stack, which is scanned, until the new thread is listed, and so is the record of
 * what it returns (results.c, .inv.result). */
struct beginning {
    void *(*run)(void *data);
    void *data;
    sem_t listed;
};

static COMPAT_NOINLINE void *begin(void *data) {
    struct beginning *beginning = data;
    compat_thread_mine();
    compat_result_begin();
    void *(*run)(void *) = beginning->run;
    void *volatile argument = beginning->data;
    sem_post(&beginning->listed); /* the last look at it */
    void *value = run(argument);
    compat_result_set(value);
    return value; /* the key's destructor unregisters it */
}

int GC_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                      void *data) {
    compat_thread_mine();
    struct beginning beginning = {.run = run, .data = data};
    sem_init(&beginning.listed, 0, 0);
    int error = pthread_create(thread, attributes, begin, &beginning), before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    while (!error && sem_wait(&beginning.listed) != 0 && errno == EINTR)
        continue;
    pthread_setcancelstate(before, NULL);
    sem_destroy(&beginning.listed);
    return error;
}

static void unclaim(void *result) { compat_result_unclaim(result); }

/* Not in GC_do_blocking: a thread that is cancelled here goes on with objects, in its cleanups. */
int GC_pthread_join(pthread_t thread, void **value) {
    struct result *result = compat_result_claim(thread);
    int error;
    pthread_cleanup_push(unclaim, result);
    error = pthread_join(thread, value);
    pthread_cleanup_pop(0);
    if (error)
        compat_result_unclaim(result);
    else
        compat_result_joined(result);
    return error;
}

int GC_pthread_detach(pthread_t thread) { return compat_result_detach(thread); }

int GC_pthread_cancel(pthread_t thread) { return pthread_cancel(thread); }

void GC_pthread_exit(void *result) {
    compat_result_set(result);
    pthread_exit(result);
}

/* The suspend signal stays open. */
int GC_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    sigset_t open;
    if (set && (how == SIG_BLOCK || how == SIG_SETMASK)) {
        open = *set;
        sigdelset(&open, GC_get_suspend_signal());
        set = &open;
    }
    return pthread_sigmask(how, set, old);
}

/* Its constructors may allocate, and collect: the loader's list is not locked then. */
void *GC_dlopen(const char *path, int mode) { return dlopen(path, mode); }
