/* SPDX-License-Identifier: MIT */
/*
 * Waiting on a word: the futex system call, private to the process. The kernel compares the word
 * and sleeps in one step, so a waker that stores the word before it wakes is never missed.
 */
#include "perturb.h"
#include "platform.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void platform_wait(volatile uint32_t *word, uint32_t expected, int64_t timeout_ns) {
    PERTURB(WAIT);
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000,
                               .tv_nsec = timeout_ns % 1000000000};
    /* A signal, another value, the end of the time: each is a wakeup, and the caller looks. */
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &timeout, NULL,
            0);
}

void platform_wake(volatile uint32_t *word, int count) {
    PERTURB(WAKE);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
