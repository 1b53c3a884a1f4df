/* SPDX-License-Identifier: MIT */
/*
 * The calls for threads that a program makes by names of the collector's: a new thread is
 * registered before its function runs, and its result is a root until it is joined.
 */
#include "compat.h"

#include "include/gc/gc_pthread_redirects.h"

/* In an uncollectable object: its data is a root until the new thread has it. */
struct beginning {
    void *(*run)(void *data);
    void *data;
    bool detached;
};

static COMPAT_NOINLINE void *begin(void *data) {
    struct beginning *beginning = data;
    int result = compat_thread_register(NULL);
    if (result != GC_SUCCESS && result != GC_DUPLICATE)
        compat_abort("a new thread can't be registered");
    void *(*run)(void *) = beginning->run;
    void *volatile argument = beginning->data;
    compat_thread_here->detached = beginning->detached;
    GC_free(beginning);
    void *value = run(argument);
    compat_thread_here->result = value;
    return value; /* the key's destructor unregisters it */
}

static bool is_detached(const pthread_attr_t *attributes) {
    int state = PTHREAD_CREATE_JOINABLE;
    if (attributes)
        pthread_attr_getdetachstate(attributes, &state);
    return state == PTHREAD_CREATE_DETACHED;
}

int GC_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                      void *data) {
    compat_thread_mine();
    struct beginning *beginning = GC_malloc_uncollectable(sizeof *beginning);
    if (!beginning)
        return 12; /* ENOMEM */
    *beginning = (struct beginning){run, data, is_detached(attributes)};
    int error = pthread_create(thread, attributes, begin, beginning);
    if (error)
        GC_free(beginning);
    return error;
}

struct join {
    pthread_t thread;
    void **result;
    int error;
};

static void *join(void *data) {
    struct join *wanted = data;
    wanted->error = pthread_join(wanted->thread, wanted->result);
    return NULL;
}

int GC_pthread_join(pthread_t thread, void **result) {
    void *unused;
    struct join wanted = {thread, result ? result : &unused, 0};
    GC_do_blocking(join, &wanted);
    if (!wanted.error)
        compat_threads_forget(thread);
    return wanted.error;
}

int GC_pthread_detach(pthread_t thread) {
    int error = pthread_detach(thread);
    if (!error)
        compat_threads_forget(thread);
    return error;
}

int GC_pthread_cancel(pthread_t thread) { return pthread_cancel(thread); }

void GC_pthread_exit(void *result) {
    if (compat_thread_here)
        compat_thread_here->result = result;
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
