/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: Ctrl-C at a terminal. The handler only makes a note; the machine sees it when it
 * polls (machine.h), what waits for input as the wait ends, GMP when it allocates. A builtin that
 * does none of these takes as long as it takes. If it takes too long, another Ctrl-C ends the
 * process, as everywhere.
 */
#include "escape.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

/* Guess: longer than any pause, and as long as one waits before one tries again. */
#define PATIENCE_S 3

volatile sig_atomic_t interrupt_pending;

static void note(int number) {
    static struct timespec first; /* of this handler, which does not interrupt itself */
    struct timespec now;
    int error = errno;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (interrupt_pending && now.tv_sec - first.tv_sec > PATIENCE_S) {
        signal(number, SIG_DFL);
        raise(number); /* once this handler has returned */
    }
    if (!interrupt_pending)
        first = now;
    interrupt_pending = 1;
    errno = error;
}

void interrupt_init(void) {
    struct sigaction action = {.sa_handler = note}; /* no SA_RESTART: it ends a wait */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void interrupt_wait(struct vm *vm, int descriptor) {
    if (!vm->interactive)
        return;
    /* Held back until ppoll lets it through, no interrupt comes between the look and the wait. */
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    while (!interrupt_pending && ppoll(&wait, 1, NULL, &before) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (interrupt_pending) {
        gait_leave_native(vm->mutator);
        escape_poll(vm);
        gait_enter_native(vm->mutator); /* nobody to go back to */
    }
}
