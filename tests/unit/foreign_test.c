/* SPDX-License-Identifier: MIT */
/* gait/foreign.h: what is counted and when, and what goals make of it. */
#include <criterion/criterion.h>
#include <gait/foreign.h>
#include <gait/stats.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "instance.h"

#define MIB ((size_t)1 << 20)

static gait_heap *heap_with(const char *gogc, const char *limit) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = limit;
    config.debug = "";
    char error[256];
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    return heap;
}

static gait_stats stats_of(gait_heap *heap) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    return stats;
}

Test(foreign, figures_are_exact_and_the_sum_lags_by_less_than_a_step) {
    gait_heap *heap = heap_with("off", "off");
    gait_mutator *mutator = gait_attach(heap);
    for (size_t i = 1; i <= 3000; i++) {
        gait_foreign_add(mutator, 100);
        size_t there = stats_of(heap).foreign_bytes, known = foreign_sum(&heap->space.foreign);
        cr_assert_eq(there, 100 * i);
        cr_assert(known <= there && there - known < FOREIGN_STEP_BYTES, "%zu of %zu", known, there);
    }
    for (size_t i = 0; i < 3000; i++)
        gait_foreign_sub(mutator, 100);
    cr_assert_eq(stats_of(heap).foreign_bytes, 0);
    cr_assert_lt(foreign_sum(&heap->space.foreign), FOREIGN_STEP_BYTES);
    gait_heap_destroy(heap);
}

Test(foreign, it_is_part_of_the_live_heap_and_of_the_sum) {
    gait_heap *heap = heap_with("off", "off");
    gait_mutator *mutator = gait_attach(heap);
    gait_stats before = stats_of(heap);
    gait_foreign_add(mutator, 10 * MIB);
    gait_stats after = stats_of(heap);
    cr_expect_eq(after.heap_live_bytes, before.heap_live_bytes + 10 * MIB);
    cr_expect_eq(after.total_bytes, before.total_bytes + 10 * MIB);
    cr_expect_geq(after.peak_total_bytes, after.total_bytes);
    gait_collect(mutator);
    after = stats_of(heap);
    cr_expect_geq(after.heap_marked_bytes, 10 * MIB);
    cr_expect_geq(after.heap_live_bytes, 10 * MIB);
    gait_heap_destroy(heap);
}

Test(foreign, the_goal_falls_as_it_is_taken_back) {
    gait_heap *heap = heap_with("100", "off");
    gait_mutator *mutator = gait_attach(heap);
    gait_foreign_add(mutator, 40 * MIB);
    gait_collect(mutator);
    cr_expect_geq(stats_of(heap).heap_goal_bytes, 80 * MIB);
    gait_foreign_sub(mutator, 20 * MIB);
    uint64_t goal = stats_of(heap).heap_goal_bytes;
    cr_expect(goal >= 40 * MIB && goal < 42 * MIB, "%zu", (size_t)goal);
    gait_heap_foreign_sub(heap, 20 * MIB);
    cr_expect_lt(stats_of(heap).heap_goal_bytes, 6 * MIB);
    gait_heap_destroy(heap);
}

Test(foreign, a_limit_leaves_it_room_at_once) {
    gait_heap *heap = heap_with("off", "100MiB");
    gait_mutator *mutator = gait_attach(heap);
    uint64_t goal = stats_of(heap).heap_goal_bytes;
    gait_foreign_add(mutator, 30 * MIB); /* a part of the heap: no less is left for both */
    cr_expect(stats_of(heap).heap_goal_bytes + MIB >= goal);
    cr_expect_eq(stats_of(heap).cycles, 0);
    gait_heap_destroy(heap);
}

Test(foreign, cycles_come_for_it) {
    gait_heap *heap = heap_with("100", "off");
    gait_mutator *mutator = gait_attach(heap);
    gait_foreign_add(mutator, 5 * MIB); /* beyond the least goal */
    for (int i = 0; i < 10000 && stats_of(heap).cycles == 0; i++) {
        struct timespec time = {0, 1000000};
        gait_enter_native(mutator);
        nanosleep(&time, NULL);
        gait_leave_native(mutator);
    }
    cr_expect_geq(stats_of(heap).cycles, 1);
    gait_heap_destroy(heap);
}

static void *add_and_leave(void *heap) {
    gait_mutator *mutator = gait_attach(heap);
    gait_foreign_add(mutator, 1000);
    gait_detach(mutator);
    return NULL;
}

Test(foreign, what_a_thread_has_not_told_is_told_as_it_leaves) {
    gait_heap *heap = heap_with("off", "off");
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, add_and_leave, heap), 0);
    pthread_join(thread, NULL);
    cr_expect_eq(foreign_sum(&heap->space.foreign), 1000);
    gait_mutator *mutator = gait_attach(heap);
    gait_foreign_sub(mutator, 1000); /* another thread takes it back */
    cr_expect_eq(stats_of(heap).foreign_bytes, 0);
    gait_heap_destroy(heap);
}

static gait_heap *shared;
static pthread_barrier_t barrier;

static void *add_and_stay(void *unused) {
    gait_mutator *mutator = gait_attach(shared);
    gait_foreign_add(mutator, 1000);
    gait_enter_native(mutator);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    gait_leave_native(mutator);
    return unused;
}

Test(foreign, a_child_keeps_what_threads_counted_that_it_has_not) {
    shared = heap_with("off", "off");
    gait_mutator *mutator = gait_attach(shared);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, add_and_stay, NULL), 0);
    gait_enter_native(mutator);
    pthread_barrier_wait(&barrier);
    gait_leave_native(mutator);
    pid_t child = fork();
    if (child == 0) {
        bool kept =
            stats_of(shared).foreign_bytes == 1000 && foreign_sum(&shared->space.foreign) == 1000;
        gait_foreign_sub(mutator, 1000);
        _exit(kept && stats_of(shared).foreign_bytes == 0 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    gait_enter_native(mutator);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_heap_destroy(shared);
}
