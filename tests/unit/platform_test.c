/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: memory, clocks, threads, waiting, locks and their ranks, fork, and fault
 * injection. Each test runs in a process of its own, so the faults that it arms end with it.
 */
#include "platform/atomic.h"
#include "platform/fault.h"
#include "platform/lock.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20, MS = 1000000 };

/* ---- Memory. ------------------------------------------------------------------------------- */

/** Can the kernel read a byte there? Asks without touching it. */
static bool is_readable(const void *address) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool readable = write(ends[1], address, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return readable;
}

Test(memory, page_is_a_power_of_two) {
    size_t bytes = platform_page_bytes();
    cr_assert(bytes >= 4096 && bytes <= 65536 && (bytes & (bytes - 1)) == 0, "%zu", bytes);
}

Test(memory, reservations_are_aligned_and_not_accessible) {
    for (size_t alignment = platform_page_bytes(); alignment <= (size_t)1 << 30; alignment *= 4) {
        size_t bytes = 64 * MIB;
        char *start = platform_reserve(bytes, alignment);
        cr_assert_not_null(start);
        cr_assert_eq((uintptr_t)start % alignment, 0);
        cr_assert_not(is_readable(start));
        cr_assert_not(is_readable(start + bytes - 1));
        platform_unreserve(start, bytes);
    }
}

/** Are there pages, be they accessible or not? */
static bool is_mapped(void *address) {
    size_t page = platform_page_bytes();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void *there = mmap(address, page, PROT_NONE, flags, -1, 0);
    if (there != MAP_FAILED)
        munmap(there, page);
    return there != address;
}

Test(memory, trimming_leaves_no_addresses_behind) {
    /* Of so much slack a part lies on either side, but for one case in 10^4. */
    size_t bytes = 16 * MIB, page = platform_page_bytes();
    char *start = platform_reserve(bytes, (size_t)1 << 30);
    cr_assert(is_mapped(start) && is_mapped(start + bytes - page));
    cr_assert_not(is_mapped(start - page));
    cr_assert_not(is_mapped(start + bytes));
    platform_unreserve(start, bytes);
    cr_assert_not(is_mapped(start));
    cr_assert_not(is_mapped(start + bytes - page));
}

Test(memory, impossible_sizes_are_refused) {
    size_t page = platform_page_bytes();
    cr_assert_null(platform_reserve((size_t)1 << 62, page));
    cr_assert_null(platform_reserve(~(page - 1), (size_t)1 << 30));
    cr_assert_null(platform_map((size_t)1 << 62));
}

Test(memory, commit_gives_zeroed_memory_and_keeps_it) {
    size_t page = platform_page_bytes();
    char *start = platform_reserve(16 * page, page);
    cr_assert_eq(platform_commit(start + 4 * page, 8 * page), 0);
    cr_assert_not(is_readable(start + 4 * page - 1));
    cr_assert_not(is_readable(start + 12 * page));
    for (size_t i = 0; i < 8 * page; i++)
        cr_assert_eq(start[4 * page + i], 0);
    start[5 * page] = 7;
    cr_assert_eq(platform_commit(start, 16 * page), 0);
    cr_assert_eq(start[5 * page], 7);
    start[0] = start[16 * page - 1] = 1;
    platform_unreserve(start, 16 * page);
}

Test(memory, release_lowers_resident_memory_and_zeroes) {
    size_t bytes = 64 * MIB;
    unsigned char *start = platform_reserve(bytes, 2 * MIB);
    cr_assert_eq(platform_commit(start, bytes), 0);
    platform_disable_thp(start, bytes);
    int64_t before = platform_resident_bytes();
    memset(start, 0xa5, bytes);
    int64_t full = platform_resident_bytes();
    cr_assert_eq(platform_release(start, bytes / 2), 0);
    int64_t half = platform_resident_bytes();
    cr_assert(full - before > 60 * MIB, "%lld", (long long)(full - before));
    cr_assert(full - half > 30 * MIB && full - half < 34 * MIB, "%lld", (long long)(full - half));
    cr_assert_eq(start[0], 0);
    cr_assert_eq(start[bytes / 2 - 1], 0);
    cr_assert_eq(start[bytes / 2], 0xa5);
    start[0] = 1; /* usable without another commit */
    platform_unreserve(start, bytes);
    cr_assert(platform_resident_bytes() < full - 60 * MIB);
}

Test(memory, map_is_zeroed_and_writable) {
    size_t bytes = 4 * platform_page_bytes();
    char *start = platform_map(bytes);
    for (size_t i = 0; i < bytes; i++)
        cr_assert_eq(start[i], 0);
    memset(start, 1, bytes);
    platform_unreserve(start, bytes);
}

/* ---- Clocks and sleep. ---------------------------------------------------------------------- */

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

/* ---- Threads. ---------------------------------------------------------------------------------
 */

struct seen {
    bool signals_blocked, inside_stack;
    char name[32];
};

static void look_around(void *argument) {
    struct seen *seen = argument;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->signals_blocked =
        sigismember(&mask, SIGTERM) && sigismember(&mask, SIGALRM) && sigismember(&mask, SIGPROF);
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    void *low, *high;
    char local = 0;
    seen->inside_stack =
        platform_stack_bounds(&low, &high) == 0 && (char *)low < &local && &local < (char *)high;
    platform_thread_idle_priority();
    platform_yield();
}

Test(thread, runs_with_signals_blocked_and_a_name) {
    struct platform_thread thread;
    struct seen seen = {0};
    cr_assert_eq(platform_thread_start(&thread, look_around, &seen, "a-name-that-is-too-long"), 0);
    platform_thread_join(&thread);
    cr_assert(seen.signals_blocked);
    cr_assert_str_eq(seen.name, "a-name-that-is-");
    cr_assert(seen.inside_stack);

    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert_not(sigismember(&mask, SIGTERM), "the caller's own mask is as before");
}

Test(thread, main_thread_has_a_stack) {
    void *low, *high;
    char local = 0;
    cr_assert_eq(platform_stack_bounds(&low, &high), 0);
    cr_assert((char *)low < &local && &local < (char *)high);
    cr_assert(is_readable((char *)high - 1));
}

static platform_key key;
static void *hook_value;

static void note_exit(void *value) {
    if (!platform_key_get(&key))
        hook_value = value;
}

static void set_key(void *value) {
    if (platform_key_get(&key) == NULL)
        platform_key_set(&key, value);
}

Test(thread, key_hook_runs_at_exit) {
    struct platform_thread thread;
    int marker;
    cr_assert_eq(platform_key_create(&key, note_exit), 0);
    cr_assert_eq(platform_key_set(&key, &key), 0);
    cr_assert_eq(platform_key_get(&key), &key);
    cr_assert_eq(platform_thread_start(&thread, set_key, &marker, "exits"), 0);
    platform_thread_join(&thread);
    cr_assert_eq(hook_value, &marker);

    hook_value = NULL;
    cr_assert_eq(platform_thread_start(&thread, set_key, NULL, "sets nothing"), 0);
    platform_thread_join(&thread);
    cr_assert_null(hook_value);
    platform_key_delete(&key);
}

/* ---- Waiting. ----------------------------------------------------------------------------------
 */

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

/* ---- Locks.
 * -------------------------------------------------------------------------------------- */

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

static void hold(void *released) {
    lock_acquire(&high);
    __atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
    platform_wake(&turn, 1);
    while (!__atomic_load_n((uint32_t *)released, __ATOMIC_ACQUIRE))
        platform_wait(released, 0, -1);
    lock_release(&high);
}

Test(lock, try_fails_while_another_thread_holds, .init = init_locks, .timeout = 30) {
    struct platform_thread thread;
    uint32_t released = 0;
    cr_assert_eq(platform_thread_start(&thread, hold, &released, "holder"), 0);
    wait_for_turn(NULL);
    cr_assert_not(lock_try(&high));
    __atomic_store_n(&released, 1, __ATOMIC_RELEASE);
    platform_wake(&released, 1);
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

/* ---- fork.
 * --------------------------------------------------------------------------------------- */

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

/* ---- Faults.
 * -------------------------------------------------------------------------------------- */

static void do_nothing(void *unused) { (void)unused; }
static void no_handler(void) {}

/** Call every function that can be made to fail, in the order of sites. @return mask of failures.
 */
static uint32_t call_all(void) {
    size_t bytes = platform_page_bytes();
    uint32_t failed = 0;
    void *kept = platform_map(bytes);
    if (!kept)
        failed |= FAULT_MASK(FAULT_MAP);

    void *start = platform_reserve(bytes, bytes);
    if (!start) {
        failed |= FAULT_MASK(FAULT_RESERVE);
    } else {
        if (platform_commit(start, bytes) < 0)
            failed |= FAULT_MASK(FAULT_COMMIT);
        if (platform_release(start, bytes) < 0)
            failed |= FAULT_MASK(FAULT_RELEASE);
        platform_unreserve(start, bytes);
    }
    if (kept)
        platform_unreserve(kept, bytes);

    struct platform_thread thread;
    if (platform_thread_start(&thread, do_nothing, NULL, "idle") < 0)
        failed |= FAULT_MASK(FAULT_THREAD);
    else
        platform_thread_join(&thread);
    void *stack_low, *stack_high;
    if (platform_stack_bounds(&stack_low, &stack_high) < 0)
        failed |= FAULT_MASK(FAULT_STACK);
    platform_key own;
    if (platform_key_create(&own, NULL) < 0) {
        failed |= FAULT_MASK(FAULT_KEY_CREATE);
    } else {
        if (platform_key_set(&own, &own) < 0)
            failed |= FAULT_MASK(FAULT_KEY_SET);
        cr_assert_eq(platform_key_set(&own, NULL), 0);
        platform_key_delete(&own);
    }
    if (platform_at_fork(no_handler, no_handler, no_handler) < 0)
        failed |= FAULT_MASK(FAULT_FORK);
    return failed;
}

Test(fault, each_site_fails_alone) {
    cr_assert_eq(call_all(), 0);
    for (unsigned site = 0; site < FAULT_SITE_COUNT; site++) {
        fault_arm(FAULT_MASK(site), 0, 1);
        uint32_t failed = call_all();
        cr_expect_eq(failed, FAULT_MASK(site), "site %u: %x", site, failed);
        cr_expect_eq(fault_failures(), 1, "site %u", site);
    }
    fault_disarm();
    cr_assert_eq(call_all(), 0);
    cr_assert_eq(fault_failures(), 1);
}

/** Map and free `calls` pages. @return bit i: call i failed. */
static unsigned map_pages(int calls) {
    unsigned failed = 0;
    for (int i = 0; i < calls; i++) {
        void *page = platform_map(platform_page_bytes());
        if (page)
            platform_unreserve(page, platform_page_bytes());
        else
            failed |= 1u << i;
    }
    return failed;
}

Test(fault, after_and_every) {
    fault_arm(FAULT_MASK(FAULT_MAP), 3, 2);
    cr_assert_eq(map_pages(9), 0x0a8u);
    cr_assert_eq(fault_failures(), 3);
    fault_arm(FAULT_MASK_ALL, 2, 0);
    cr_assert_eq(map_pages(9), 1u << 2);
    fault_arm(FAULT_MASK(FAULT_COMMIT), 0, 1);
    cr_assert_eq(map_pages(9), 0);
}

Test(fault, text_arms_or_is_refused) {
    static const char *const refused[] = {
        "",         "map",     "map:0",    "map:0:",   ":0:1",     "map+:0:1",
        "mop:0:1",  "map:x:1", "map:0:1x", "map:-1:1", "+map:0:1", "map:0:1:",
        "map: 0:1", "ma:0:1",  "MAP:0:1",  "map:0: 1", "map;0;1",  "map:99999999999999999999:1",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        cr_expect_eq(fault_arm_text(refused[i]), -1, "\"%s\"", refused[i]);
        cr_expect_eq(map_pages(1), 0);
    }
    cr_assert_eq(fault_arm_text("commit+map:1:2"), 0);
    cr_assert_eq(map_pages(4), 0xau);
    cr_assert_eq(fault_arm_text("all:0:1"), 0);
    cr_assert_eq(map_pages(2), 3);
    cr_assert_eq(fault_arm_text("keyset:0:1"), 0);
    cr_assert_eq(map_pages(2), 0);
}

/* ---- The end.
 * -------------------------------------------------------------------------------------- */

Test(fatal, one_line_and_abort, .timeout = 30) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        char text[1000];
        memset(text, 'x', sizeof text);
        text[sizeof text - 1] = '\0';
        platform_fatal("gait_call: %d %s", 42, text);
    }
    close(ends[1]);
    char output[2000];
    size_t length = 0;
    ssize_t count;
    while ((count = read(ends[0], output + length, sizeof output - length)) > 0)
        length += (size_t)count;
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    cr_assert_eq(strncmp(output, "gait: gait_call: 42 xxx", 23), 0);
    /* An emulator may add a line of its own. */
    cr_assert_eq(memchr(output, '\n', length), output + 510);
}
