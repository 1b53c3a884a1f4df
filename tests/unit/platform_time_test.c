/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: time. Clocks, sleep, and waiting for a word to change.
 */
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

enum { MS = 1000000 };

Test(clock, cpu_time_is_not_wall_time) {
    int64_t wall = platform_now_ns(), thread = platform_thread_cpu_ns();
    platform_sleep_ns(50 * MS);
    int64_t slept = platform_now_ns() - wall;
    cr_assert(slept >= 50 * MS, "%lld", (long long)slept);
    cr_assert(platform_thread_cpu_ns() - thread < 40 * MS);

    thread = platform_thread_cpu_ns();
    int64_t process = platform_process_cpu_ns();
    while (platform_thread_cpu_ns() - thread < 20 * MS)
        ;
    cr_assert(platform_process_cpu_ns() - process >= 19 * MS);
}

struct spinner {
    pthread_t thread;
    int clock;  /* atomic: 0 until it runs */
    bool ended; /* atomic */
};

static void *spin(void *data) {
    struct spinner *spinner = data;
    __atomic_store_n(&spinner->clock, platform_thread_clock(), __ATOMIC_RELEASE);
    while (!__atomic_load_n(&spinner->ended, __ATOMIC_RELAXED))
        ;
    return NULL;
}

static int compare_times(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Else half of a tick is missing in the middle. */
Test(clock, a_settled_thread_is_in_the_process_up_to_now) {
    struct spinner spinner = {0};
    int64_t missing_ns[51];
    cr_assert_eq(pthread_create(&spinner.thread, NULL, spin, &spinner), 0);
    while (__atomic_load_n(&spinner.clock, __ATOMIC_ACQUIRE) == 0)
        ;
    struct timespec at_first, now;
    platform_settle_cpu(spinner.clock);
    int64_t before = platform_process_cpu_ns() - platform_thread_cpu_ns();
    cr_assert_eq(clock_gettime(spinner.clock, &at_first), 0);
    for (size_t i = 0; i < 51; i++) {
        platform_sleep_ns(MS + (int64_t)i * 70000);
        platform_settle_cpu(spinner.clock);
        int64_t others = platform_process_cpu_ns() - platform_thread_cpu_ns() - before;
        cr_assert_eq(clock_gettime(spinner.clock, &now), 0);
        int64_t ran =
            (now.tv_sec - at_first.tv_sec) * 1000000000LL + now.tv_nsec - at_first.tv_nsec;
        missing_ns[i] = ran - others;
    }
    __atomic_store_n(&spinner.ended, true, __ATOMIC_RELAXED);
    cr_assert_eq(pthread_join(spinner.thread, NULL), 0);
    platform_settle_cpu(spinner.clock); /* it has ended */
    platform_settle_cpu(-1);
    qsort(missing_ns, 51, sizeof *missing_ns, compare_times);
    cr_assert(missing_ns[25] < 300000, "%lld", (long long)missing_ns[25]);
}

static volatile sig_atomic_t alarms;
static void count_alarm(int signal) {
    (void)signal;
    alarms++;
}

/** Have count_alarm interrupt this process every 2 ms. */
static void start_alarms(void) {
    struct sigaction action = {.sa_handler = count_alarm};
    struct itimerval timer = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

Test(clock, sleep_outlasts_signals) {
    start_alarms();
    int64_t start = platform_now_ns();
    platform_sleep_ns(40 * MS);
    cr_assert(platform_now_ns() - start >= 40 * MS);
    cr_assert(alarms > 0);
    platform_sleep_ns(0);
    platform_sleep_ns(-1);
}

Test(clock, a_deadline_does_not_wrap) {
    int64_t now = platform_now_ns();
    cr_assert(platform_deadline_ns(0) >= now);
    cr_assert(platform_deadline_ns(0) < now + 5000 * (int64_t)MS);
    cr_assert(platform_deadline_ns(MS) >= now + MS);
    cr_assert_eq(platform_deadline_ns(INT64_MAX), INT64_MAX);
    cr_assert_eq(platform_deadline_ns(INT64_MAX - now), INT64_MAX);
    cr_assert_eq(platform_deadline_ns(-1), INT64_MAX);
    cr_assert_eq(platform_deadline_ns(INT64_MIN), INT64_MAX);
}

Test(wait, another_value_does_not_wait) {
    uint32_t word = 1;
    int64_t start = platform_now_ns();
    platform_wait(&word, 0, -1);
    cr_assert(platform_now_ns() - start < 5000 * (int64_t)MS);
}

Test(wait, ends_with_its_time) {
    uint32_t word = 0;
    int64_t start = platform_now_ns();
    platform_wait(&word, 0, 30 * MS);
    cr_assert(platform_now_ns() - start >= 29 * MS);
    platform_wait(&word, 0, 0);
}

Test(wait, a_signal_ends_it, .timeout = 10) {
    uint32_t word = 0;
    start_alarms();
    int64_t start = platform_now_ns();
    platform_wait(&word, 0, -1);
    cr_assert(platform_now_ns() - start < 5000 * (int64_t)MS);
    cr_assert(alarms > 0);
}

enum { ROUNDS = 2000 };

static uint32_t turn; /* whose turn it is in the game below */

/** Wait for turns of one parity and pass them on. */
static void play(void *parity) {
    for (uint32_t mine = *(uint32_t *)parity; mine < ROUNDS; mine += 2) {
        uint32_t now;
        while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != mine)
            platform_wait(&turn, now, -1);
        __atomic_store_n(&turn, mine + 1, __ATOMIC_RELEASE);
        platform_wake(&turn, 1);
    }
}

Test(wait, wakes_pass_back_and_forth, .timeout = 30) {
    struct platform_thread threads[2];
    uint32_t parities[2] = {0, 1};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(platform_thread_start(&threads[i], play, &parities[i], "player"), 0);
    for (int i = 0; i < 2; i++)
        platform_thread_join(&threads[i]);
    cr_assert_eq(turn, ROUNDS);
}

static void wait_for_turn(void *unused) {
    (void)unused;
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == 0)
        platform_wait(&turn, 0, -1);
}

Test(wait, one_call_wakes_all, .timeout = 30) {
    enum { THREADS = 6 };
    struct platform_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(platform_thread_start(&threads[i], wait_for_turn, NULL, "waiter"), 0);
    platform_sleep_ns(20 * MS);
    __atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
    platform_wake(&turn, INT_MAX);
    for (int i = 0; i < THREADS; i++)
        platform_thread_join(&threads[i]);
}
