/* SPDX-License-Identifier: MIT */
/*
 * Signals by which a user asks the library for something. The handler adds one to a number, which
 * some thread looks at; it stays for good, as the next such signal would else end the process.
 */
#include "platform.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "atomic.h"

/* Those that are nobody's: no fault, no end, no terminal's and no child's. */
static const struct {
    const char *name;
    int signal;
} known[] = {
    {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}, {"SIGHUP", SIGHUP},
    {"SIGPROF", SIGPROF}, {"SIGURG", SIGURG},   {"SIGWINCH", SIGWINCH},
};
#define KNOWN (sizeof known / sizeof known[0])

static unsigned counts[KNOWN]; /* atomic, unordered: raised by the handler */

static void on_signal(int signal) {
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].signal == signal)
            AO_int_fetch_and_add1(&counts[i]);
}

int platform_asked_number(const char *name, size_t length) {
    for (size_t i = 0; i < KNOWN; i++)
        if (strlen(known[i].name) == length && memcmp(known[i].name, name, length) == 0)
            return (int)i;
    return -1;
}

int platform_asked_watch(int number, const char **why) {
    struct sigaction now, ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&ours.sa_mask); /* nothing of the program's runs within */
    int signal = known[number].signal;
    *why = NULL;
    if (sigaction(signal, NULL, &now) < 0)
        *why = strerror(errno);
    else if (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == on_signal)
        return 0;
    else if (now.sa_flags & SA_SIGINFO || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN))
        *why = "the program has a handler for this signal";
    else if (sigaction(signal, &ours, NULL) < 0)
        *why = strerror(errno);
    return *why ? -1 : 0;
}

unsigned platform_asked_count(int number) { return AO_int_load(&counts[number]); }
