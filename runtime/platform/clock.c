/* SPDX-License-Identifier: MIT */
/*
 * Clocks, in nanoseconds. CPU time is what threads really ran, not wall time: the pacer's share
 * of the CPU is measured with these. No state.
 */
#include "platform.h"

#include <pthread.h>
#include <time.h>

static int64_t read_clock(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        platform_fatal("the clock %d can't be read", (int)clock);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t platform_now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t platform_time_ns(void) { return read_clock(CLOCK_REALTIME); }

int64_t platform_deadline_ns(int64_t wait_ns) {
    int64_t now_ns = platform_now_ns();
    return wait_ns >= 0 && wait_ns < INT64_MAX - now_ns ? now_ns + wait_ns : INT64_MAX;
}

int64_t platform_thread_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

int64_t platform_process_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

int platform_thread_clock(void) {
    clockid_t clock;
    return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? (int)clock : -1;
}

/* As Linux makes such a clock: the thread's number, negated, above three bits. */
int platform_clock_thread(int clock) { return clock < -1 ? ~(clock >> 3) : -1; }

int64_t platform_clock_cpu_ns(int clock) {
    struct timespec time;
    if (clock == -1 || clock_gettime((clockid_t)clock, &time) != 0)
        return -1;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Reading a thread's clock has Linux add what the thread ran since its last tick to what the
 * process's clock is the sum of. */
void platform_settle_cpu(int clock) { (void)platform_clock_cpu_ns(clock); }
