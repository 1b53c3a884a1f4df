/* SPDX-License-Identifier: MIT */
/*
 * gait_no_collect_begin and _end: no cycle begins in between, whoever asks, and what was asked for
 * comes after; a thread that holds and goes lets go.
 */
#include "emulated.h"

#include <criterion/criterion.h>
#include <gait/gait.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "instance.h"
#include "platform/platform.h"

#define WAIT_NS ((int64_t)60000000000)

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs;

static void open_with(const char *gogc, const char *limit, size_t reserve_bytes) {
    gait_config config;
    char error[200];
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = limit;
    config.reserve_bytes = reserve_bytes;
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    leaf =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
}

static void open_heap(void) { open_with("100", "off", 0); }
static void close_heap(void) { gait_heap_destroy(heap); }

static unsigned cycles(void) { return AO_int_load_acquire(&heap->collector.ended); }

static void churn(size_t bytes) {
    for (size_t at = 0; at < bytes; at += 4096)
        cr_assert_not_null(gait_alloc(mutator, leaf, 4096));
}

/* Does one more than so many cycles end? */
static bool one_comes(unsigned than) {
    int64_t end_ns = platform_now_ns() + WAIT_NS;
    while (cycles() == than && platform_now_ns() < end_ns) {
        gait_poll(mutator);
        platform_sleep_ns(100000);
    }
    return cycles() != than;
}

TestSuite(no_collect, .init = open_heap, .fini = close_heap);

Test(no_collect, cycles_that_are_due_come_after_the_last_end) {
    gait_no_collect_begin(mutator);
    gait_no_collect_begin(mutator);
    unsigned before = cycles();
    churn((size_t)32 << 20);
    gait_collect(mutator);
    cr_assert_eq(cycles(), before);
    gait_no_collect_end(mutator);
    churn((size_t)1 << 20);
    gait_collect(mutator);
    cr_assert_eq(cycles(), before);
    gait_no_collect_end(mutator);
    cr_assert(one_comes(before));
}

Test(no_collect, what_is_in_no_root_stays) {
    gait_no_collect_begin(mutator);
    void *object = gait_alloc(mutator, refs, 64);
    churn((size_t)16 << 20);
    gait_collect(mutator);
    cr_assert_eq(gait_object_base(heap, object), object);
    gait_no_collect_end(mutator);
    gait_collect(mutator);
    cr_assert_null(gait_object_base(heap, object));
}

Test(no_collect, a_limit_is_passed) {
    close_heap();
    open_with("100", "8MiB", 0);
    gait_no_collect_begin(mutator);
    unsigned before = cycles();
    int64_t begin_ns = platform_now_ns();
    churn((size_t)64 << 20);
    cr_assert_lt(platform_now_ns() - begin_ns, WAIT_NS / 6); /* nobody waits for cycles */
    cr_assert_eq(cycles(), before);
    cr_assert_gt(AO_load(&heap->space.used_bytes), (size_t)60 << 20);
    gait_no_collect_end(mutator);
    cr_assert(one_comes(before));
}

static unsigned asked;
static bool ask(gait_mutator *at, size_t bytes, void *data) {
    (void)at, (void)bytes, (void)data;
    return ++asked < 3;
}

Test(no_collect, without_memory_the_handler_is_asked_and_nothing_collected) {
    close_heap();
    open_with("off", "off", (size_t)8 << 20);
    asked = 0;
    gait_set_oom_handler(heap, ask, NULL);
    gait_no_collect_begin(mutator);
    unsigned before = cycles();
    for (unsigned i = 0; i < 5000 && gait_alloc(mutator, leaf, 4096); i++)
        ;
    cr_assert_eq(asked, 3u);
    cr_assert_eq(cycles(), before);
    gait_no_collect_end(mutator);
    cr_assert_not_null(gait_alloc(mutator, leaf, 4096)); /* what is garbage is found now */
}

static void *hold_and_go(void *told) {
    gait_mutator *other = gait_attach(heap);
    gait_no_collect_begin(other);
    __atomic_store_n((unsigned *)told, 1, __ATOMIC_RELEASE);
    gait_enter_native(other);
    while (__atomic_load_n((unsigned *)told, __ATOMIC_ACQUIRE) == 1)
        platform_sleep_ns(100000);
    gait_leave_native(other);
    return NULL; /* attached, and holding */
}

/* In the child of a fork the thread that holds is not there. */
static void check_in_a_child(uint64_t before) {
    pid_t child = fork();
    if (child == 0) {
        gait_collect(mutator);
        _exit(!one_comes(before));
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(no_collect, a_thread_that_ends_lets_go) {
    unsigned told = 0, before = cycles();
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, hold_and_go, &told), 0);
    while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
        gait_poll(mutator);
    gait_collect(mutator);
    cr_assert_eq(cycles(), before);
    gait_no_collect_begin(mutator);
    gait_no_collect_end(mutator); /* another one holds */
    gait_collect(mutator);
    cr_assert_eq(cycles(), before);
    if (!is_emulated()) /* qemu's children of programs with threads begin none */
        check_in_a_child(before);
    __atomic_store_n(&told, 2, __ATOMIC_RELEASE);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_collect(mutator);
    cr_assert(one_comes(before));
}

static void *collect_often(void *stop) {
    gait_mutator *other = gait_attach(heap);
    while (!__atomic_load_n((unsigned *)stop, __ATOMIC_ACQUIRE))
        gait_collect(other);
    gait_detach(other);
    return NULL;
}

Test(no_collect, none_marks_when_the_call_has_returned) {
    unsigned stop = 0;
    pthread_t thread;
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1);
    for (unsigned i = 0; i < 30000; i++) {
        gait_word *link = gait_alloc(mutator, refs, 32);
        gait_init(link, list);
        list = (gait_word)link;
    }
    cr_assert_eq(pthread_create(&thread, NULL, collect_often, &stop), 0);
    for (unsigned round = 0; round < 100; round++) {
        gait_no_collect_begin(mutator);
        for (unsigned i = 0; i < 30; i++) {
            cr_assert_eq(AO_load(&heap->control.marking), 0u);
            churn(8192);
        }
        gait_no_collect_end(mutator);
        for (unsigned i = 0; i < 20; i++)
            gait_poll(mutator);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
}
