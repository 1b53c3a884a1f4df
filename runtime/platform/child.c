/* SPDX-License-Identifier: MIT */
/*
 * A copy of the process that reads its memory. See platform.h.
 *
 * It is made by the bare system call: the C library's fork takes locks of its own, and runs the
 * program's handlers, which may want locks that a stopped thread has. The copy's end sends no
 * signal, so that the program's handler of SIGCHLD and its wait(2) don't meet a process that they
 * don't know; an emulator that refuses that gets it as fork has it. Copies that nobody waited for
 * are listed, and looked for by later calls. A fork's child has none, though it has its parent's
 * list: platform_child_forked. (Its parent's pipes: own.c.)
 */
#include "fault.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif

#define NS_PER_MS 1000000
/* The parent tells at once; one that is stopped by a debugger doesn't. */
#define TELL_WAIT_NS 1000000000
/* How often a copy is looked at that says nothing. Guess. */
#define LOOK_NS 500000000
/* Copies that are known and not waited for; of more, the oldest is forgotten. */
#define LEFT_MOST 16
/* Where the system can't close a range: descriptors that are looked at. */
#define DESCRIPTORS_MOST 65536u

static AO_t left[LEFT_MOST]; /* process numbers, 0: none; each taken by an exchange */
static AO_t left_next;       /* place of the next; unordered: any will do */

bool platform_child_can_be(void) {
#ifdef UNDER_TSAN
    return false; /* its own locks: another thread may have them */
#else
    return true;
#endif
}

/* ---- Ends ---- */

static void reap(int process, int how) {
    while (waitpid(process, NULL, how | __WALL) < 0 && errno == EINTR)
        continue;
}

static AO_t exchange(volatile AO_t *place, AO_t value) {
    AO_t before;
    do
        before = AO_load(place);
    while (!AO_compare_and_swap_full(place, before, value));
    return before;
}

static void reap_left(void) {
    for (size_t i = 0; i < LEFT_MOST; i++) {
        int process = (int)exchange(&left[i], 0);
        if (process > 0 && waitpid(process, NULL, WNOHANG | __WALL) == 0)
            AO_compare_and_swap_full(&left[i], 0, (AO_t)process); /* it goes on */
    }
}

void platform_child_forked(void) {
    for (size_t i = 0; i < LEFT_MOST; i++)
        AO_store(&left[i], 0); /* the number may come to be one of a child of its own */
}

/* ---- Beginning ---- */

static void close_one(int *descriptor) {
    if (*descriptor >= 0)
        platform_file_close(*descriptor);
    *descriptor = -1;
}

static void give_back(struct platform_child *child) {
    close_one(&child->report_in);
    close_one(&child->report_out);
    if (child->told)
        munmap(child->told, platform_page_bytes());
    free(child->signals);
    child->told = NULL;
    child->signals = NULL;
}

int platform_child_prepare(struct platform_child *child) {
    *child = (struct platform_child){.report_in = -1, .report_out = -1};
    reap_left();
    int ends[2];
    if (fault_hits(FAULT_FORK)) {
        errno = EAGAIN;
        return -1;
    }
    platform_own_begin(true);
    int result = pipe2(ends, O_CLOEXEC);
    if (result == 0) {
        child->report_in = platform_own(ends[0]);
        child->report_out = platform_own(ends[1]);
    }
    platform_own_end();
    if (result < 0)
        return -1;
    child->signals = malloc(sizeof(sigset_t));
    void *told = mmap(NULL, platform_page_bytes(), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    child->told = told == MAP_FAILED ? NULL : told;
    if (child->told && child->signals)
        return 0;
    int error = errno;
    give_back(child);
    errno = error;
    return -1;
}

/* All but two; the first may be none. The program's sockets and pipes would stay open for others
 * by this process. */
static void close_others(int one, int other) {
    one = one < 0 ? other : one;
    unsigned low = (unsigned)(one < other ? one : other);
    unsigned high = (unsigned)(one < other ? other : one);
    bool closed = false;
#ifdef SYS_close_range
    closed = syscall(SYS_close_range, high + 1, ~0u, 0) == 0;
    if (closed && low > 0)
        syscall(SYS_close_range, 0u, low - 1, 0);
    if (closed && high - low > 1)
        syscall(SYS_close_range, low + 1, high - 1, 0);
#endif
    if (closed)
        return;
    struct rlimit limit;
    unsigned most = DESCRIPTORS_MOST;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < most)
        most = (unsigned)limit.rlim_cur;
    for (unsigned i = 0; i < most; i++)
        if (i != low && i != high)
            close((int)i);
}

static _Noreturn void run_copy(struct platform_child *child, int descriptor,
                               int64_t (*act)(struct platform_child *child, void *data),
                               void *data) {
    prctl(PR_SET_NAME, "gait-snapshot");
    close_others(descriptor, child->report_out);
    int64_t result = act(child, data);
    platform_descriptor_write(child->report_out, &result, sizeof result);
    _exit(0);
}

int platform_child_start(struct platform_child *child, int descriptor,
                         int64_t (*act)(struct platform_child *child, void *data), void *data) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, child->signals);
    long process = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (process < 0 && errno == EINVAL)
        process = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (process == 0)
        run_copy(child, descriptor, act, data);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, child->signals, NULL);
    errno = error;
    if (process < 0)
        return -1;
    child->process = (int)process;
    return 0;
}

/* ---- Talk ---- */

void platform_child_tell(struct platform_child *child, int64_t number) {
    close_one(&child->report_out);
    __atomic_store_n(child->told, number, __ATOMIC_RELEASE); /* pairs with the next */
}

int64_t platform_child_told(struct platform_child *child) {
    int64_t number, end_ns = platform_deadline_ns(TELL_WAIT_NS);
    while (!(number = __atomic_load_n(child->told, __ATOMIC_ACQUIRE)) && platform_now_ns() < end_ns)
        platform_sleep_ns(NS_PER_MS);
    return number;
}

/* Has it ended? Then its entry is gone. */
static bool has_ended(struct platform_child *child) {
    if (waitpid(child->process, NULL, WNOHANG | __WALL) == 0)
        return false;
    child->process = 0;
    return true;
}

/* Another process of the program's may have got the pipe's other end, so that it stays open: the
 * copy itself is looked at, too. */
int platform_child_await(struct platform_child *child, int64_t wait_ns, int64_t *result) {
    int64_t end_ns = platform_deadline_ns(wait_ns);
    for (bool ended = false;; ended = ended || has_ended(child)) {
        struct pollfd ready = {.fd = child->report_in, .events = POLLIN};
        int64_t left_ns = end_ns - platform_now_ns();
        left_ns = ended || left_ns < 0 ? 0 : left_ns < LOOK_NS ? left_ns : LOOK_NS;
        int some = poll(&ready, 1, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
        if (some > 0)
            break;
        if (ended)
            return -1;
        if (some == 0 && platform_now_ns() >= end_ns)
            return 0;
    }
    size_t done = 0;
    platform_descriptor_read(child->report_in, result, sizeof *result, &done);
    if (child->process > 0)
        reap(child->process, 0);
    child->process = 0;
    return done == sizeof *result ? 1 : -1;
}

void platform_child_finish(struct platform_child *child) {
    if (child->process > 0)
        exchange(&left[AO_fetch_and_add1(&left_next) % LEFT_MOST], (AO_t)child->process);
    give_back(child);
}
