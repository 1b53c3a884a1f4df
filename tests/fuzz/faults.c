/* SPDX-License-Identifier: MIT */
/*
 * Signals that end the program: what is said before it ends.
 *
 * The line that matters, with the seed, is written first, by one system call. Each thread of the
 * program has a stack for its handler: so one that has run out of its own, or stands on a
 * coroutine's that is no stack any more, says so too. The library's threads have none, and run the
 * handler on their own.
 */
#include "fuzz.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <execinfo.h>
#endif

#define HANDLER_STACK_BYTES ((size_t)1 << 16) /* stdio takes 8 KiB for a line */
#define FRAMES_MOST 60

static pthread_key_t stacks;
static unsigned reporting; /* atomic */

/* ---- The handler ---- */

static void say(int number, const siginfo_t *info) {
    char thread[17] = "?", line[400];
    prctl(PR_GET_NAME, thread);
    int length = snprintf(
        line, sizeof line,
        "\nfuzz: signal %d (%s) at %p, on thread %s, stack at %p; again: %s --seed %" PRIu64
        " --rounds 1\n",
        number, number == SIGALRM ? "a round takes too long" : strsignal(number), info->si_addr,
        thread, __builtin_frame_address(0), program_name, the_round ? the_round->plan.seed : 0);
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written;
}

#ifdef __GLIBC__
static void trace(void) {
    void *frames[FRAMES_MOST];
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MOST), STDERR_FILENO);
}

/* The first call loads a library, which no handler may. */
static void trace_prepare(void) {
    void *frame;
    backtrace(&frame, 1);
}
#else
static void trace(void) {}
static void trace_prepare(void) {}
#endif

/* Not clean in a handler, but the program is lost anyway. Where it returns to, a fault is met once
 * more, and ends the process as it would have. */
static void on_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    if (__atomic_exchange_n(&reporting, 1, __ATOMIC_ACQ_REL))
        for (;;) /* another thread's report is under way */
            pause();
    say(number, info);
    trace();
    report_round();
    signal(SIGABRT, SIG_DFL);
    signal(number, SIG_DFL);
    if (number == SIGALRM)
        abort();
    if (info->si_code <= 0) /* sent */
        raise(number);
}

/* ---- Stacks for it ---- */

struct handler_stack {
    stack_t before; /* a sanitizer's, perhaps */
    char memory[HANDLER_STACK_BYTES];
};

static void drop_stack(void *value) {
    struct handler_stack *stack = value;
    sigaltstack(&stack->before, NULL);
    free(stack);
}

void faults_catch_here(void) {
    struct handler_stack *stack = calloc(1, sizeof *stack);
    CHECK(stack, "calloc");
    stack_t mine = {.ss_sp = stack->memory, .ss_size = sizeof stack->memory};
    CHECK(sigaltstack(&mine, &stack->before) == 0, "sigaltstack");
    pthread_setspecific(stacks, stack);
}

void faults_catch(void) {
    const int caught[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    CHECK(pthread_key_create(&stacks, drop_stack) == 0, "pthread_key_create");
    trace_prepare();
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &action, NULL);
    faults_catch_here();
}
