/* SPDX-License-Identifier: MIT */
/*
 * Threads of the library, and what it asks about threads of the program. A thread of the library
 * blocks every signal that somebody sends: no handler of the program runs on it, except for that of
 * a fault of its own.
 */
#include "fault.h"
#include "kernel_file.h"
#include "platform.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

/* Guess: marking is iterative, so a collector thread's frames take a few KiB, a scan callback of
   the embedder takes what it takes. Stacks are touched lazily, so the unused part costs nothing. */
enum { STACK_BYTES = 256 * 1024 };

/* Pages looked at by one call. */
enum { LOOK_PAGES = 256 };

static void *thread_main(void *data) {
    struct platform_thread *thread = data;
    void (*run)(void *) = thread->run;
    void *argument = thread->argument;
    pthread_setname_np(pthread_self(), thread->name);
    AO_int_store_release(&thread->begun, 1); /* the last look at *thread */
    platform_wake(&thread->begun, 1);
    run(argument);
    return NULL;
}

/** pthread_create with a stack of STACK_BYTES, or of the default size if that is too small. */
static int create(pthread_t *handle, struct platform_thread *thread) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return -1;
    /* The C library takes thread-local variables out of the stack: a program that has many of
       them makes a small stack impossible (EINVAL). */
    int error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (!error)
        error = pthread_create(handle, &attributes, thread_main, thread);
    pthread_attr_destroy(&attributes);
    if (error == EINVAL)
        error = pthread_create(handle, NULL, thread_main, thread);
    return error ? -1 : 0;
}

/* All that may be sent. A fault of the thread's own stays open: blocked, it ends the process before
 * any handler, and so without the line that says where. A scan callback runs on these threads. */
static void fill_with_sent(sigset_t *set) {
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(set);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(set, faults[i]);
}

int platform_thread_start(struct platform_thread *thread, void (*run)(void *), void *argument,
                          const char *name) {
    if (fault_hits(FAULT_THREAD))
        return -1;
    thread->run = run;
    thread->argument = argument;
    AO_int_store(&thread->begun, 0);
    snprintf(thread->name, sizeof thread->name, "%s", name);

    /* The mask is inherited: blocked here, no signal finds the new thread open to it. */
    sigset_t sent, before;
    fill_with_sent(&sent);
    pthread_sigmask(SIG_SETMASK, &sent, &before);
    pthread_t handle;
    int result = create(&handle, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result < 0)
        return -1;
    thread->handle = (uintptr_t)handle;
    while (!AO_int_load_acquire(&thread->begun)) /* pairs with thread_main */
        platform_wait(&thread->begun, 0, -1);
    return 0;
}

void platform_thread_join(struct platform_thread *thread) {
    int before = platform_hold_cancellation();
    if (pthread_join((pthread_t)thread->handle, NULL) != 0)
        platform_fatal("platform_thread_join: not a thread that can be joined");
    platform_restore_cancellation(before);
}

void platform_thread_detach(struct platform_thread *thread) {
    pthread_detach((pthread_t)thread->handle);
}

void platform_thread_idle_priority(void) {
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
}

/* Are all pages from low to high, bytes on the first and on the last one, mapped? */
static bool all_mapped(uintptr_t low, uintptr_t high) {
    unsigned char resident[LOOK_PAGES];
    size_t page_bytes = platform_page_bytes();
    for (uintptr_t at = low & ~(page_bytes - 1); at <= high; at += LOOK_PAGES * page_bytes) {
        size_t left = high - at + 1, most = LOOK_PAGES * page_bytes;
        if (mincore((void *)at, left < most ? left : most, resident) < 0)
            return false;
    }
    return true;
}

/* The first thread's stack, where the C library fails to read /proc/self/maps. The kernel put 16
 * random bytes above the arguments' and environment's arrays, below the strings: no frame lies
 * higher, and what lies between is the same mapping. Another thread's stack never is: below a stack
 * that grows there is a gap. */
static int first_stack_bounds(void **low, void **high) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), top = getauxval(AT_RANDOM);
    struct rlimit limit;
    if (here >= top || !all_mapped(here, top))
        return -1;
    *high = (void *)(top & ~(uintptr_t)15);
    bool bounded = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < top;
    *low = bounded ? (void *)(top - limit.rlim_cur) : NULL;
    return 0;
}

int platform_stack_bounds(void **low, void **high) {
    pthread_attr_t attributes;
    if (fault_hits(FAULT_STACK))
        return -1;
    int before = platform_hold_cancellation(); /* it may read a file */
    int error = pthread_getattr_np(pthread_self(), &attributes);
    platform_restore_cancellation(before);
    if (error)
        return first_stack_bounds(low, high);
    size_t bytes;
    error = pthread_attr_getstack(&attributes, low, &bytes);
    pthread_attr_destroy(&attributes);
    if (error)
        return first_stack_bounds(low, high);
    *high = (char *)*low + bytes;
    return 0;
}

void platform_sleep_ns(int64_t ns) {
    if (ns <= 0)
        return;
    struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    int before = platform_hold_cancellation();
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
    platform_restore_cancellation(before);
}

int platform_hold_cancellation(void) {
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void platform_restore_cancellation(int before) { pthread_setcancelstate(before, NULL); }

void platform_yield(void) { sched_yield(); }

_Static_assert(PLATFORM_KEY_ROUNDS < PTHREAD_DESTRUCTOR_ITERATIONS, "rounds that there are");

int platform_key_create(platform_key *key, void (*hook)(void *value)) {
    pthread_key_t handle;
    if (fault_hits(FAULT_KEY_CREATE) || pthread_key_create(&handle, hook) != 0)
        return -1;
    key->handle = handle;
    return 0;
}

void platform_key_delete(platform_key *key) { pthread_key_delete(key->handle); }

int platform_key_set(platform_key *key, void *value) {
    /* Clearing takes nothing, so it never fails. */
    if (value && fault_hits(FAULT_KEY_SET))
        return -1;
    return pthread_setspecific(key->handle, value) == 0 ? 0 : -1;
}

void *platform_key_get(const platform_key *key) { return pthread_getspecific(key->handle); }

bool platform_thread_name(int thread, char name[PLATFORM_THREAD_NAME_BYTES]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
    return kernel_file_first_line(path, name, PLATFORM_THREAD_NAME_BYTES) >= 0;
}
