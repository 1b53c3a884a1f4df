/* SPDX-License-Identifier: MIT */
/*
 * No cycle begins while somebody holds it back. See collector.h, .inv.held.
 */
#include "collector.h"

#include "../instance.h"
#include "../platform/perturb.h"

bool collector_is_held(const gait_heap *heap) { return AO_load(&heap->collector.held) != 0; }

bool collector_may_begin(struct collector *collector) {
    AO_int_store_full(&collector->beginning, 1); /* then the look; pairs with collector_hold */
    PERTURB(HOLD_BEGINNING);
    if (AO_load(&collector->held) == 0)
        return true;
    AO_int_store_release(&collector->beginning, 0);
    return false;
}

/* Does a cycle mark, or may it be about to? */
static bool may_mark(gait_heap *heap) {
    return AO_int_load_acquire(&heap->collector.beginning) != 0 &&
           phase_now(&heap->cycle.phase) < PHASE_SETTLE;
}

void collector_hold(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    AO_fetch_and_add1_full(&collector->held); /* then the look */
    PERTURB(HOLD_HELD);
    int64_t look_ns = control_looks().held_ns;
    while (may_mark(heap)) {
        unsigned ended = AO_int_load_acquire(&collector->ended);
        if (may_mark(heap))
            platform_wait(&collector->ended, ended, look_ns);
    }
}

void collector_let_go(gait_heap *heap) {
    if (AO_fetch_and_sub1_full(&heap->collector.held) == 1)
        collector_look(heap); /* what was asked for meanwhile; a cycle that is due */
}
