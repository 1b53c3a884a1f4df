/* SPDX-License-Identifier: MIT */
/*
 * Requests for a cycle (collect/collector.h): one that was made by figures of a cycle ago has none
 * begin.
 */
#include "emulated.h"

#include <criterion/criterion.h>
#include <gait/gait.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "instance.h"
#include "platform/platform.h"

/* Longer than a cycle of an empty heap takes to begin. */
#define QUIET_NS ((int64_t)100000000)

static gait_heap *heap;
static gait_mutator *mutator;

static void open_heap(void) {
    gait_config config;
    char error[200];
    gait_config_init(&config);
    config.gogc = "off";
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
}

static void close_heap(void) { gait_heap_destroy(heap); }

static unsigned cycles(void) { return AO_int_load_acquire(&heap->collector.ended); }

/* How many cycles end, at least so many expected. */
static unsigned come(unsigned before, unsigned expected) {
    int64_t end_ns = platform_now_ns() + 60 * (int64_t)1000000000;
    while (cycles() - before < expected && platform_now_ns() < end_ns) {
        gait_poll(mutator);
        platform_sleep_ns(100000);
    }
    gait_enter_native(mutator);
    platform_sleep_ns(QUIET_NS);
    gait_leave_native(mutator);
    return cycles() - before;
}

TestSuite(requests, .init = open_heap, .fini = close_heap);

Test(requests, a_cycle_comes_for_one) {
    unsigned before = cycles();
    collector_request(heap);
    collector_request(heap);
    cr_assert_eq(come(before, 1), 1u);
    collector_request(heap);
    cr_assert_eq(come(before, 2), 2u);
}

static bool requests;

/* Called by a marker: as by a mutator that looked at the trigger, was preempted, and goes on. */
static void visit(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)visitor, (void)object, (void)bytes, (void)data;
    if (requests)
        collector_request(heap);
}

Test(requests, one_that_was_late_for_its_cycle_asks_for_no_other) {
    gait_kind kind = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "asks", .layout = GAIT_CALLBACK, .scan = visit});
    gait_word root = (gait_word)gait_alloc(mutator, kind, 16);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    unsigned before = cycles();
    requests = true;
    gait_collect(mutator);
    cr_assert_eq(come(before, 1), 1u);
    requests = false;
    collector_request(heap); /* the next is heard */
    cr_assert_eq(come(before, 2), 2u);
    gait_pop_frame(mutator);
}

/* What only a full cycle finds may have come while the last one marked. */
Test(requests, one_for_a_full_cycle_is_not_late) {
    unsigned before = cycles();
    AO_int_store_full(&heap->collector.whole, 1);
    AO_int_store_full(&heap->collector.due, (space_epoch(&heap->space) - 1) << 1 | 1);
    gait_collect(mutator);
    cr_assert_geq(come(before, 1), 1u);
    cr_assert_eq(AO_int_load(&heap->collector.due), 0u);
    cr_assert_eq(AO_int_load(&heap->collector.whole), 0u);
}

/* A thread that forks has the gate: what the child is to find is not taken up before. */
Test(requests, none_is_taken_up_before_the_gate) {
    gait_collect(mutator);
    unsigned before = cycles();
    gait_enter_native(mutator);
    lock_acquire(&heap->collector.gate);
    AO_int_store_full(&heap->collector.whole, 1);
    collector_request(heap);
    while (!AO_int_load_acquire(&heap->collector.beginning))
        platform_sleep_ns(100000);
    platform_sleep_ns(QUIET_NS);
    cr_expect_eq(AO_int_load(&heap->collector.whole), 1u);
    lock_release(&heap->collector.gate);
    gait_leave_native(mutator);
    cr_assert_geq(come(before, 1), 1u);
    cr_assert_eq(AO_int_load(&heap->collector.whole), 0u);
}

static sem_t has_gate, is_over;

/* So the cycle that was asked for does not begin, and allocation is kept waiting for it. */
static void *hold_gate(void *argument) {
    (void)argument;
    lock_acquire(&heap->collector.gate);
    sem_post(&has_gate);
    while (sem_wait(&is_over) != 0)
        continue;
    lock_release(&heap->collector.gate);
    return NULL;
}

/* @return the process that stops this one as soon as something is written to the pipe. */
static pid_t stopper(int *pipe_end) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        char byte;
        if (read(ends[0], &byte, 1) == 1 && kill(parent, SIGSTOP) == 0)
            platform_sleep_ns(7 * QUIET_NS);
        kill(parent, SIGCONT);
        _exit(0);
    }
    *pipe_end = ends[1];
    return child;
}

Test(requests, a_stopped_process_keeps_its_patience) {
    const int64_t some_ns = 3 * QUIET_NS; /* it has half a second in all */
    int pipe_end;
    pid_t child = stopper(&pipe_end);
    gait_kind kind =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    cr_assert_eq(sem_init(&has_gate, 0, 0) | sem_init(&is_over, 0, 0), 0);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, hold_gate, NULL), 0);
    while (sem_wait(&has_gate) != 0)
        continue;
    gait_set_gogc(heap, 100);
    int64_t most_ns = 0;
    bool asked = false;
    for (unsigned steps = 0; waitpid(child, NULL, WNOHANG) == 0; steps++) {
        cr_assert_lt(steps, 20000u, "nothing waits");
        int64_t late_ns = mutator->late_ns;
        if (late_ns > 0 && !asked)
            asked = write(pipe_end, "", 1) == 1;
        if (late_ns > some_ns)
            platform_sleep_ns(1000000);
        else
            gait_alloc(mutator, kind, 8000);
        most_ns = mutator->late_ns - late_ns > most_ns ? mutator->late_ns - late_ns : most_ns;
    }
    cr_expect_lt(most_ns, QUIET_NS, "%lld ns in one allocation", (long long)most_ns);
    sem_post(&is_over);
    pthread_join(thread, NULL);
}
