/* SPDX-License-Identifier: MIT */
/* fork: handlers around it. They run in the thread that forks. */
#include "fault.h"
#include "platform.h"

#include <pthread.h>

int platform_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    if (fault_hits(FAULT_FORK))
        return -1;
    return pthread_atfork(prepare, parent, child) == 0 ? 0 : -1;
}
