/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: threads, their stacks, and the values that they keep under a key.
 */
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
    bool signals_blocked, faults_open, inside_stack;
    char name[32];
};

static void look_around(void *argument) {
    struct seen *seen = argument;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    seen->signals_blocked =
        sigismember(&mask, SIGTERM) && sigismember(&mask, SIGALRM) && sigismember(&mask, SIGPROF);
    seen->faults_open =
        !sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGBUS) && !sigismember(&mask, SIGABRT);
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
    cr_assert(seen.faults_open);
    cr_assert_str_eq(seen.name, "a-name-that-is-");
    cr_assert(seen.inside_stack);

    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert_not(sigismember(&mask, SIGTERM), "the caller's own mask is as before");
}

static void on_fault(int number) {
    (void)number;
    _exit(3);
}

static void touch(void *argument) { *(volatile int *)argument = 1; }

/* In a process of its own. */
static void fault_in_a_thread(void) {
    struct platform_thread thread;
    /* not NULL: a sanitizer would look at it first */
    void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGSEGV, on_fault);
    if (platform_thread_start(&thread, touch, nothing, "faults") == 0)
        platform_thread_join(&thread);
    _exit(0);
}

Test(thread, a_fault_finds_the_handler_of_the_program) {
    int status;
    pid_t child = fork();
    if (child == 0)
        fault_in_a_thread();
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3, "status %#x", (unsigned)status);
}

Test(thread, main_thread_has_a_stack) {
    void *low, *high;
    char local = 0;
    cr_assert_eq(platform_stack_bounds(&low, &high), 0);
    cr_assert((char *)low < &local && &local < (char *)high);
    (void)*((volatile char *)high - 1); /* there is memory up to its end */
}

/* Out of descriptors nobody reads /proc/self/maps. */
static bool finds_stack_without_files(void) {
    struct rlimit none = {0, 0};
    void *low = NULL, *high = NULL;
    char local = 0;
    pthread_attr_t attributes;
    return setrlimit(RLIMIT_NOFILE, &none) == 0 && open("/dev/null", O_RDONLY) < 0 &&
           pthread_getattr_np(pthread_self(), &attributes) != 0 &&
           platform_stack_bounds(&low, &high) == 0 && (char *)low < &local &&
           &local < (char *)high && (char *)getauxval(AT_RANDOM) - (char *)high < 16;
}

Test(thread, main_thread_has_a_stack_without_files) {
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(finds_stack_without_files() ? 0 : 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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

static volatile int slept;

static void *sleep_in_the_library(void *argument) {
    (void)argument;
    platform_sleep_ns(100000000);
    slept = 1; /* a counter that was raised would be lowered here */
    pthread_testcancel();
    slept = 2;
    return NULL;
}

Test(platform_thread, a_sleep_is_no_point_of_cancellation) {
    pthread_t thread;
    void *result;
    cr_assert_eq(pthread_create(&thread, NULL, sleep_in_the_library, NULL), 0);
    cr_assert_eq(pthread_cancel(thread), 0);
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_assert_eq(slept, 1);
    cr_assert_eq(result, PTHREAD_CANCELED);
}
