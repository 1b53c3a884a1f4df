/* SPDX-License-Identifier: MIT */
/*
 * runtime/control/notices: what is queued as the CPU limiter begins and ends, and in what order.
 * What threads do together: tests/stress/notices.c.
 */
#include "instance.h"

#include <criterion/criterion.h>
#include <gait/foreign.h>
#include <gait/stats.h>

#define MIB ((size_t)1 << 20)

static unsigned told[NOTICE_SORTS], count;
static gait_notice order[16];

static void tell(gait_mutator *mutator, gait_notice notice, void *data) {
    cr_assert_eq(data, gait_mutator_heap(mutator));
    told[notice]++;
    order[count++ % 16] = notice;
}

static gait_heap *heap;
static gait_mutator *mutator;

static void open_heap(void) {
    gait_config config;
    gait_config_init(&config);
    config.max_procs = "1";
    config.gogc = "off";
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    gait_set_notice(heap, tell, heap);
    memset(told, 0, sizeof told);
    count = 0;
}

static void close_heap(void) { gait_heap_destroy(heap); }

TestSuite(notices, .init = open_heap, .fini = close_heap);

static size_t queued(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    return stats.notices_queued;
}

/* The collector is said to have taken CPU time; then the program really does. */
Test(notices, the_limiter_begins_and_ends) {
    struct control *control = &heap->control;
    control_add_cpu(control, CPU_DEDICATED, 10 * (int64_t)1000000000);
    int64_t end_ns = platform_now_ns() + 20 * (int64_t)1000000000;
    while (queued() == 0 && platform_now_ns() < end_ns) {
        platform_sleep_ns(2000000);
        control_update_limiter(control); /* every 10 ms */
    }
    cr_assert(gait_wait_finalizers(mutator, 0));
    cr_assert_eq(gait_run_finalizers(mutator, 9), 1u);
    cr_assert_eq(told[GAIT_NOTICE_LIMITER_ON], 1u);
    cr_assert_not(gait_wait_finalizers(mutator, 0));

    end_ns = platform_thread_cpu_ns() + 20 * (int64_t)1000000000;
    while (queued() == 0 && platform_thread_cpu_ns() < end_ns)
        control_update_limiter(control);
    cr_assert_eq(gait_run_finalizers(mutator, 9), 1u);
    cr_assert_eq(told[GAIT_NOTICE_LIMITER_OFF], 1u);
    cr_assert_eq(control->notices.times_limited, 1u);
}

Test(notices, a_sort_is_queued_once_and_moves_to_the_end) {
    struct control *control = &heap->control;
    notices_limiter(control, true, 5);
    notices_limiter(control, true, 5); /* no change */
    cr_assert_eq(queued(), 1u);
    gait_heap_foreign_add(heap, 9 * MIB);
    gait_set_notice_memory(heap, 8 * MIB);
    cr_assert_eq(queued(), 2u);
    notices_limiter(control, false, 6);
    cr_assert_eq(control->notices.limited_cycle, 5u);
    notices_limiter(control, true, 7); /* again, while it waits */
    cr_assert_eq(queued(), 3u);
    gait_heap_foreign_sub(heap, 9 * MIB);
    cr_assert_eq(queued(), 4u);
    cr_assert_eq(gait_run_finalizers(mutator, 3), 3u);
    cr_assert_eq(gait_run_finalizers(mutator, 3), 1u);
    static const gait_notice wanted[] = {GAIT_NOTICE_MEMORY_HIGH, GAIT_NOTICE_LIMITER_OFF,
                                         GAIT_NOTICE_LIMITER_ON, GAIT_NOTICE_MEMORY_LOW};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(order[i], wanted[i], "%zu: %d", i, (int)order[i]);
}

Test(notices, what_holds_is_told_to_a_new_handler) {
    struct control *control = &heap->control;
    gait_set_notice(heap, NULL, NULL);
    notices_limiter(control, true, 5);
    gait_heap_foreign_add(heap, 9 * MIB);
    gait_set_notice_memory(heap, 8 * MIB);
    cr_assert_eq(queued(), 0u);
    gait_set_notice(heap, tell, heap);
    cr_assert_eq(queued(), 2u);
    gait_set_notice(heap, tell, heap); /* the first one's are dropped, not doubled */
    cr_assert_eq(queued(), 2u);
    cr_assert_eq(gait_run_finalizers(mutator, 9), 2u);
    cr_assert(told[GAIT_NOTICE_MEMORY_HIGH] == 1 && told[GAIT_NOTICE_LIMITER_ON] == 1);
    gait_heap_foreign_sub(heap, 9 * MIB);
    gait_run_finalizers(mutator, 9);
    cr_assert_eq(told[GAIT_NOTICE_MEMORY_LOW], 1u);
}

Test(notices, a_threshold_may_be_a_share_of_the_limit) {
    gait_set_notice_percent(heap, 50);
    gait_heap_foreign_add(heap, 9 * MIB);
    cr_assert_eq(queued(), 0u); /* of none */
    gait_set_memory_limit(heap, 64 * MIB);
    cr_assert_eq(queued(), 0u);
    gait_heap_foreign_add(heap, 30 * MIB);
    cr_assert_eq(gait_run_finalizers(mutator, 9), 1u);
    cr_assert_eq(told[GAIT_NOTICE_MEMORY_HIGH], 1u);
    gait_heap_foreign_sub(heap, 39 * MIB);
    gait_run_finalizers(mutator, 9);
    cr_assert_eq(told[GAIT_NOTICE_MEMORY_LOW], 1u);
}
