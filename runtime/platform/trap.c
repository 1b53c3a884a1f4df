/* SPDX-License-Identifier: MIT */
/*
 * A look at faults before the program dies of them. See platform.h.
 *
 * The handler takes the place of the one that was there, and goes on to it as the kernel would have
 * called it: with its mask, and by its flags. Where there was none, the signal's default is
 * restored: the instruction is run again, and the process ends as without this library.
 */
#include "atomic.h"
#include "platform.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const int signals[] = {SIGSEGV, SIGBUS};
#define SIGNALS (sizeof signals / sizeof signals[0])

static struct sigaction before[SIGNALS];   /* constant once installed, except for one-shots */
static bool (*looks)(const void *address); /* likewise */
static AO_t begun;                         /* not 0: somebody installs them, or has */

static struct sigaction *action_before(int signal) {
    return signal == signals[0] ? &before[0] : &before[1];
}

static void pass_on(int signal, siginfo_t *info, void *context) {
    struct sigaction whole = *action_before(signal), *action = &whole;
    if (action->sa_flags & (int)SA_RESETHAND) /* it is called once */
        *action_before(signal) = (struct sigaction){.sa_handler = SIG_DFL};
    bool by_fault = info->si_code > 0; /* not by kill and its like */
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(signal, info, context);
    } else if (action->sa_handler == SIG_DFL || (action->sa_handler == SIG_IGN && by_fault)) {
        struct sigaction end = {.sa_handler = SIG_DFL};
        sigaction(signal, &end, NULL);
        if (!by_fault)
            raise(signal); /* when this handler returns */
    } else if (action->sa_handler != SIG_IGN) {
        action->sa_handler(signal);
    }
}

static void on_signal(int signal, siginfo_t *info, void *context) {
    int error = errno;
    if (info->si_code > 0 && looks(info->si_addr))
        abort();
    errno = error;
    pass_on(signal, info, context);
}

void platform_trap_faults(bool (*look)(const void *address)) {
    if (!AO_compare_and_swap_full(&begun, 0, 1))
        return;
    looks = look;
    for (size_t i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], NULL, &before[i]) != 0)
            continue;
        struct sigaction action = {.sa_sigaction = on_signal, .sa_mask = before[i].sa_mask};
        action.sa_flags =
            SA_SIGINFO | SA_ONSTACK | (before[i].sa_flags & (SA_NODEFER | SA_RESTART));
        sigaction(signals[i], &action, NULL);
    }
}
