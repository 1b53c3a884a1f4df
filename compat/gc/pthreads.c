/* SPDX-License-Identifier: MIT */
/*
 * The calls for threads that a program makes by names of the collector's: a new thread is
 * registered before its function runs, and its result is a root until it is joined.
 */
#include "compat.h"

#include <errno.h>
#include <semaphore.h>

#include "include/gc/gc_pthread_redirects.h"

/* On the creator's stack, which is scanned, until the new thread is listed: from then on its handle
 * leads to its own record, and to no older thread's (compat_threads_detach). */
struct beginning {
    void *(*run)(void *data);
    void *data;
    sem_t listed;
};

static COMPAT_NOINLINE void *begin(void *data) {
    struct beginning *beginning = data;
    compat_thread_begin();
    void *(*run)(void *) = beginning->run;
    void *volatile argument = beginning->data;
    sem_post(&beginning->listed); /* the last look at it */
    void *value = run(argument);
    compat_thread_returns(value);
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

/* Not in GC_do_blocking: a thread that is cancelled here goes on with objects, in its cleanups. */
int GC_pthread_join(pthread_t thread, void **result) {
    int error = pthread_join(thread, result);
    if (!error)
        compat_threads_joined(thread);
    return error;
}

int GC_pthread_detach(pthread_t thread) { return compat_threads_detach(thread); }

int GC_pthread_cancel(pthread_t thread) { return pthread_cancel(thread); }

void GC_pthread_exit(void *result) {
    compat_thread_returns(result);
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
