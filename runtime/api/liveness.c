/* SPDX-License-Identifier: MIT */
/*
 * Liveness hooks as the embedder adds them. What is said about each function is in liveness.h; what
 * hooks ask is in mark/liveness.c.
 */
#include <gait/liveness.h>

#include "../instance.h"

int gait_liveness_add(gait_heap *heap, gait_liveness_fn hook, void *data) {
    HEAP_CALL(heap);
    if (!hook)
        return GAIT_E_INVALID;
    lock_acquire(&heap->kinds.lock); /* as kinds, hooks come seldom and stay */
    AO_store_release(&heap->queue.watched, 1);
    bool added = liveness_add(&heap->liveness, hook, data);
    lock_release(&heap->kinds.lock);
    return added ? 0 : GAIT_E_FULL;
}

int gait_set_notice_cycles(gait_heap *heap, int on) {
    HEAP_CALL(heap);
    return notices_set_cycles(&heap->control, on);
}
