/* SPDX-License-Identifier: MIT */
/*
 * gait/expect.h: objects that should be dead.
 */
#include <gait/expect.h>

#include "../heap/free.h"
#include "../instance.h"

int gait_expect_dead(gait_mutator *mutator, void *object, const char *note) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    if (!object || gait_object_base(heap, object) != object)
        return GAIT_E_INVALID;
    space_note_record(&heap->space, object);
    return expected_add(&heap->expected, object, note);
}

int gait_expect_dead_cancel(gait_mutator *mutator, void *object) {
    mutator_check(mutator);
    return expected_remove(&mutator->heap->expected, object) ? 0 : GAIT_E_MISSING;
}

void gait_set_kept_sized(gait_heap *heap, gait_kept_fn kept, void *data, int64_t stop_most_ns,
                         size_t kept_bytes) {
    HEAP_CALL(heap);
    const struct expected_use use = {kept, data, stop_most_ns, kept_bytes};
    expected_set_use(&heap->expected, &use);
}
