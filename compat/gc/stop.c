/* SPDX-License-Identifier: MIT */
/*
 * Threads stand still by a signal. The collector's thread sends it to each, and waits until each
 * has said that it stands; in the handler they wait for the number of the stop to change.
 *
 *   .inv.quiet: between stop and start the collector's thread calls nothing that takes a lock of
 *   the C library: a thread that stands may hold it. So what it needs of libraries is read before,
 *   and the loader's lock is held until all stand: none of them is unmapped.
 *
 * A thread that GC_suspend_thread had stand goes on standing in the same way, between stops.
 */
#include "compat.h"

#define GC_SUSPEND_THREAD_ID pthread_t
#include "include/gc/javaxfc.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* A thread that is there, and has not answered for so long, blocks the signal. Guess. */
enum { SILENT_S = 5 };

static int suspend_number = SIGPWR;  /* libgc's defaults */
static int restart_number = SIGXCPU; /* asked for, not used */
static unsigned stops;               /* atomic: odd while threads are to stand; waited on */
static unsigned answers;             /* atomic: counts threads that stand; waited on */

static long wait_for_change(unsigned *word, unsigned seen, const struct timespec *time) {
    return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, time, NULL, 0);
}

static void wake_all(unsigned *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static unsigned load(unsigned *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

/* ---- In the thread ---- */

/* A handler of the program's may run on another stack, on which this one runs then. */
static void find_signal_stack(struct thread *thread) {
    stack_t stack;
    if (thread->low && thread->here >= thread->low && thread->here < thread->base)
        return;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK)) {
        thread->signal_low = stack.ss_sp;
        thread->signal_high = (char *)stack.ss_sp + stack.ss_size;
    }
}

static void say_standing(struct thread *thread, unsigned stop) {
    __atomic_store_n(&thread->stands, stop, __ATOMIC_SEQ_CST); /* pairs with await_standing */
    __atomic_fetch_add(&answers, 1, __ATOMIC_SEQ_CST);
    wake_all(&answers);
}

/* A thread that is in a call of Gait's has nothing in vector registers: no function keeps them for
 * its caller. What they hold from before would keep objects; so where they lie in the signal's
 * frame is passed over. */
static void find_vectors(struct thread *thread, const void *context) {
    thread->dead_low = thread->dead_high = NULL;
#ifdef __x86_64__
    enum { RED_ZONE_BYTES = 128 }; /* the ABI's: below its stack pointer a function may use */
    const ucontext_t *at = context;
    if (thread->calls) {
        thread->dead_low = (char *)at->uc_mcontext.fpregs;
        thread->dead_high = (char *)at->uc_mcontext.gregs[REG_RSP] - RED_ZONE_BYTES;
    }
#else
    (void)context;
#endif
}

/* Registers are in the signal's frame, which lies above this one. */
static COMPAT_NOINLINE void stand(int number, siginfo_t *information, void *context) {
    (void)number, (void)information;
    int error = errno;
    struct thread *thread = compat_thread_here;
    if (!thread || thread->blocking)
        return; /* it has not begun, or ends; or waits on its way out of a region */
    thread->here = __builtin_frame_address(0);
    find_signal_stack(thread);
    find_vectors(thread, context);
    for (;;) {
        unsigned stop = load(&stops);
        unsigned paused = thread->calls || compat_locks_here ? 0 : load(&thread->paused);
        if ((stop & 1) && thread->stands != stop)
            say_standing(thread, stop);
        if (paused && thread->stands_paused != paused) {
            __atomic_store_n(&thread->stands_paused, paused, __ATOMIC_SEQ_CST);
            say_standing(thread, thread->stands);
        }
        if (stop & 1)
            wait_for_change(&stops, stop, NULL);
        else if (paused)
            wait_for_change(&thread->paused, paused, NULL);
        else
            break;
    }
    errno = error;
}

void compat_stop_if_paused(struct thread *thread) {
    if (COMPAT_UNLIKELY(load(&thread->paused)))
        pthread_kill(pthread_self(), suspend_number);
}

void compat_stop_allow(void) {
    sigset_t open;
    sigemptyset(&open);
    sigaddset(&open, suspend_number);
    pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

/* ---- Whoever stops them ---- */

/* By the kernel's number: the C library's handle of a thread that is gone leads nowhere. A thread
 * goes without a word if it calls the kernel for it, or registers in its last destructor. */
static void send(struct thread *thread, int number) {
    if (syscall(SYS_tgkill, getpid(), thread->number, number) < 0 && errno == ESRCH)
        thread->ended = true;
}

/* For this stop, or (stop 0, too) since it is paused. */
static bool stands(struct thread *thread, unsigned stop) {
    unsigned paused = load(&thread->paused);
    return (stop && load(&thread->stands) == stop) ||
           (paused && load(&thread->stands_paused) == paused);
}

static bool is_stopped_by_signal(const struct thread *thread) {
    return thread != compat_thread_here && !thread->ended && !thread->blocking;
}

static void await_standing(struct thread *thread, unsigned stop) {
    for (unsigned silent_s = 0; !thread->ended && !stands(thread, stop);) {
        const struct timespec second = {.tv_sec = 1};
        unsigned seen = load(&answers);
        if (stands(thread, stop))
            return;
        if (wait_for_change(&answers, seen, &second) == 0 || errno != ETIMEDOUT)
            continue;
        send(thread, 0); /* is it there? */
        if (++silent_s == SILENT_S && !thread->ended)
            compat_say("gait-gc: a thread does not stop: does it block signal %d?\n",
                       suspend_number);
    }
}

/* With COLLECT and TABLES held. */
static void stop_all(void) {
    unsigned stop = __atomic_add_fetch(&stops, 1, __ATOMIC_SEQ_CST);
    for (struct thread *thread = compat_threads; thread; thread = thread->next)
        if (is_stopped_by_signal(thread) && !stands(thread, stop))
            send(thread, suspend_number);
    for (struct thread *thread = compat_threads; thread; thread = thread->next)
        if (is_stopped_by_signal(thread))
            await_standing(thread, stop);
}

static void start_all(void) {
    __atomic_add_fetch(&stops, 1, __ATOMIC_SEQ_CST);
    wake_all(&stops);
}

/* Gait's collector. */
static void stop(void *data) {
    (void)data;
    compat_collect_lock();
    compat_tables_lock();
    compat_notices_stopping();
    compat_toggles_decide();
    compat_roots_refresh(stop_all);
    compat_notices_stopped();
}

static void start(void *data) {
    (void)data;
    compat_notices_starting();
    start_all();
    compat_notices_started();
    compat_tables_unlock();
    compat_collect_unlock();
}

/* ---- Stacks ---- */

/* A stack that nobody knows: as far as its page goes, and no farther. */
enum { PAGE_LEAST = 4096 };
/* Below a base that the program told, a stack is not longer. Guess. */
#define STACK_MOST ((ptrdiff_t)1 << 30)

static void visit_known(gait_visitor *visitor, const struct thread *thread, char *here) {
    char *low = thread->blocking ? NULL : thread->dead_low, *high = thread->dead_high;
    if (low && here <= low && low < high && high <= thread->base) {
        compat_roots_visit_memory(visitor, here, low);
        here = high;
    }
    compat_roots_visit_memory(visitor, here, thread->base);
}

static void visit_stack(gait_visitor *visitor, const struct thread *thread) {
    char *here = thread->here;
    if (here < thread->base &&
        (thread->low ? here >= thread->low : thread->base - here < STACK_MOST)) {
        visit_known(visitor, thread, here);
        return;
    }
    if (here >= thread->signal_low && here < thread->signal_high)
        compat_roots_visit_memory(visitor, here, thread->signal_high);
    else
        compat_roots_visit_memory(visitor, here,
                                  (char *)(((uintptr_t)here | (PAGE_LEAST - 1)) + 1));
    if (thread->low) /* where it was interrupted is not known */
        compat_roots_visit_memory(visitor, thread->low, thread->base);
}

static void visit(gait_visitor *visitor, void *data) {
    (void)data;
    gait_visitor *before = compat_visitor_here;
    compat_visitor_here = visitor;
    for (struct thread *thread = compat_threads; thread; thread = thread->next)
        if (!thread->ended)
            visit_stack(visitor, thread);
    compat_results_visit(visitor);
    compat_roots_visit(visitor);
    compat_visitor_here = before;
}

/* ---- Set-up ---- */

void compat_stop_configure(gait_config *config) {
    config->stop = stop;
    config->start = start;
    config->stopped_roots = visit;
}

void compat_stop_init(void) {
    struct sigaction action = {.sa_sigaction = stand, .sa_flags = SA_RESTART | SA_SIGINFO};
    /* The C library's own, too, which sigfillset leaves out: one that cancels a thread unwinds its
     * stack, and it would go on while it counts as standing. It comes as the handler returns. */
    memset(&action.sa_mask, 0xff, sizeof action.sa_mask);
    /* what tells of a fault in the handler itself */
    sigdelset(&action.sa_mask, SIGSEGV);
    sigdelset(&action.sa_mask, SIGBUS);
    sigdelset(&action.sa_mask, SIGABRT);
    if (sigaction(suspend_number, &action, NULL) != 0)
        compat_abort("no handler for the suspend signal");
}

void GC_set_suspend_signal(int number) {
    if (!GC_is_init_called())
        suspend_number = number;
}
void GC_set_thr_restart_signal(int number) { restart_number = number; }
int GC_get_suspend_signal(void) { return suspend_number; }
int GC_get_thr_restart_signal(void) { return restart_number; }

/* ---- Stopping by the program ---- */

void GC_stop_world_external(void) {
    compat_thread_mine();
    compat_alloc_lock();
    compat_tables_lock();
    stop_all();
}

void GC_start_world_external(void) {
    start_all();
    compat_tables_unlock();
    compat_alloc_unlock();
}

/* In a call of Gait's, or in GC_do_blocking, it stands as soon as it comes out: nobody waits for
 * it, since it may wait for the collector, who may need TABLES. With TABLES held. */
static bool rests(struct thread *thread, unsigned paused) {
    return load(&thread->paused) != paused || thread->blocking || thread->calls ||
           load(&thread->stands_paused) == paused;
}

/* With no lock held: it may need one to come where it can stand. */
static void await_rest(pthread_t handle, unsigned paused) {
    const struct timespec look = {.tv_nsec = 1000000}; /* calls are not told of */
    for (bool over = false; !over;) {
        unsigned seen = load(&answers);
        compat_tables_lock();
        struct thread *thread = compat_threads_find(handle);
        over = !thread || rests(thread, paused);
        compat_tables_unlock();
        if (!over)
            wait_for_change(&answers, seen, &look);
    }
}

/* The number tells one time from the next. */
void GC_suspend_thread(pthread_t handle) {
    static unsigned times; /* lock TABLES */
    unsigned paused = 0;
    compat_thread_mine();
    compat_tables_lock();
    struct thread *thread = compat_threads_find(handle);
    if (thread && !load(&thread->paused)) {
        paused = times = times + 1 ? times + 1 : 1;
        __atomic_store_n(&thread->paused, paused, __ATOMIC_SEQ_CST);
        if (thread != compat_thread_here)
            send(thread, suspend_number);
    }
    compat_tables_unlock(); /* it stands here, if it is this one */
    if (paused)
        await_rest(handle, paused);
}

void GC_resume_thread(pthread_t handle) {
    compat_tables_lock();
    struct thread *thread = compat_threads_find(handle);
    if (thread) {
        __atomic_store_n(&thread->paused, 0, __ATOMIC_SEQ_CST);
        wake_all(&thread->paused);
    }
    compat_tables_unlock();
}

int GC_is_thread_suspended(pthread_t handle) {
    compat_tables_lock();
    const struct thread *thread = compat_threads_find(handle);
    int suspended = thread && thread->paused != 0;
    compat_tables_unlock();
    return suspended;
}
