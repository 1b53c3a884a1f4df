/* SPDX-License-Identifier: MIT */
/*
 * For tests of minor cycles: one that nobody forces, as a forced one is full.
 */
#ifndef GAIT_TESTS_MINOR_CYCLE_H
#define GAIT_TESTS_MINOR_CYCLE_H

#include "collect/collector.h"
#include "instance.h"

#include <criterion/criterion.h>

#define MINOR_CYCLE_WAIT_NS ((int64_t)60000000000)

/* In a heap of which the options say that the next one is minor. */
static inline void minor_cycle(gait_heap *heap, gait_mutator *mutator) {
    world_rest();
    lock_acquire(
        &heap->collector.gate); /* one that forced a cycle goes on before all of it has ended */
    unsigned ended = AO_int_load_acquire(&heap->collector.ended);
    lock_release(&heap->collector.gate);
    collector_await(heap, ended, MINOR_CYCLE_WAIT_NS);
    world_resume();
    gait_poll(mutator);
    cr_assert_neq(AO_int_load_acquire(&heap->collector.ended), ended);
    cr_assert(heap->cycle.record.minor);
}

#endif
