/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: locks, their ranks, and what becomes of a lock that is held over fork.
 */
#include "platform/lock.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct lock lock;
static long guarded;

enum { ADDITIONS = 20000, ADDERS = 4 };

static void add(void *unused) {
    (void)unused;
    for (int i = 0; i < ADDITIONS; i++) {
        if (i % 3 || !lock_try(&lock))
            lock_acquire(&lock);
        guarded++;
        lock_release(&lock);
    }
}

Test(lock, excludes, .timeout = 30) {
    struct platform_thread threads[ADDERS];
    lock_init(&lock, LOCK_PAGES, "guarded");
    for (int i = 0; i < ADDERS; i++)
        cr_assert_eq(platform_thread_start(&threads[i], add, NULL, "adder"), 0);
    for (int i = 0; i < ADDERS; i++)
        platform_thread_join(&threads[i]);
    cr_assert_eq(guarded, (long)ADDERS * ADDITIONS);
    lock_destroy(&lock);
}

static struct lock low, high, high_too;

static void init_locks(void) {
    lock_init(&low, LOCK_WORLD, "low");
    lock_init(&high, LOCK_PAGES, "high");
    lock_init(&high_too, LOCK_PAGES, "high too");
}

static void flag_raise(uint32_t *flag) {
    __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
    platform_wake(flag, 1);
}

static void flag_await(uint32_t *flag) {
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        platform_wait(flag, 0, -1);
}

static uint32_t held, wanted; /* flags of the two threads below */

static void hold(void *unused) {
    (void)unused;
    lock_acquire(&high);
    flag_raise(&held);
    flag_await(&wanted);
    lock_release(&high);
}

Test(lock, try_fails_while_another_thread_holds, .init = init_locks, .timeout = 30) {
    struct platform_thread thread;
    cr_assert_eq(platform_thread_start(&thread, hold, NULL, "holder"), 0);
    flag_await(&held);
    cr_assert_not(lock_try(&high));
    flag_raise(&wanted);
    platform_thread_join(&thread);
    cr_assert(lock_try(&high));
    lock_release(&high);
}

Test(lock, rising_ranks_and_any_release_order, .init = init_locks) {
    for (int round = 0; round < 2; round++) {
        lock_acquire(&low);
        lock_acquire(&high);
        lock_release(&low);
        lock_release(&high);
    }
    lock_acquire(&high);
    cr_assert(lock_try(&low)); /* can't wait, so the rank does not matter */
    lock_release(&high);
    lock_release(&low);
}

Test(lock, heaps_lock_allows_one_rank_twice, .init = init_locks) {
    struct lock heaps;
    lock_init(&heaps, LOCK_HEAPS, "heaps");
    lock_acquire(&heaps);
    lock_acquire(&high);
    lock_acquire(&high_too);
    lock_release(&high);
    lock_release(&high_too);
    lock_release(&heaps);
}

Test(lock, reset_frees_a_held_lock, .init = init_locks) {
    lock_acquire(&high);
    lock_reset(&high, LOCK_PAGES, "high");
    lock_acquire(&high);
    lock_release(&high);
}

#ifdef GAIT_CHECKS
Test(lock_rank, falling_rank_stops, .init = init_locks, .signal = SIGABRT) {
    lock_acquire(&high);
    lock_acquire(&low);
}

Test(lock_rank, equal_rank_stops, .init = init_locks, .signal = SIGABRT) {
    lock_acquire(&high);
    lock_acquire(&high_too);
}

Test(lock_rank, taking_twice_stops, .init = init_locks, .signal = SIGABRT) {
    lock_acquire(&high);
    lock_acquire(&high);
}

Test(lock_rank, tried_locks_count, .init = init_locks, .signal = SIGABRT) {
    if (lock_try(&high))
        lock_acquire(&low);
}

Test(lock_rank, heaps_lock_does_not_allow_a_falling_rank, .init = init_locks, .signal = SIGABRT) {
    struct lock heaps;
    lock_init(&heaps, LOCK_HEAPS, "heaps");
    lock_acquire(&heaps);
    lock_acquire(&high);
    lock_acquire(&low);
}

Test(lock_rank, releasing_what_is_not_held_stops, .init = init_locks, .signal = SIGABRT) {
    lock_release(&low);
}
#endif

static int prepared, in_parent, in_child;

static void prepare_fork(void) {
    prepared++;
    lock_acquire(&high);
}

static void after_in_parent(void) {
    in_parent++;
    lock_release(&high);
}

static void after_in_child(void) {
    in_child++;
    lock_reset(&high, LOCK_PAGES, "high");
}

Test(fork, handlers_leave_a_lock_usable_on_both_sides, .init = init_locks, .timeout = 30) {
    cr_assert_eq(platform_at_fork(prepare_fork, after_in_parent, after_in_child), 0);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        lock_acquire(&high);
        lock_release(&high);
        _exit(prepared == 1 && in_parent == 0 && in_child == 1 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert(prepared == 1 && in_parent == 1 && in_child == 0);
    lock_acquire(&high);
    lock_release(&high);
}
