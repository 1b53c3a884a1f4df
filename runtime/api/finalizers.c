/* SPDX-License-Identifier: MIT */
/*
 * Finalizers and cleanups as the embedder calls them. What is said about each function is in
 * gait.h.
 */
#include <gait/gait.h>

#include "../heap/free.h"
#include "../instance.h"

static bool is_object(gait_heap *heap, const void *object) {
    return object && gait_object_base(heap, object) == object;
}

int gait_finalizer_replace(gait_mutator *mutator, void *object, gait_finalizer_fn finalize,
                           void *data, uint32_t flags, gait_finalizer_fn *old, void **old_data) {
    mutator_check(mutator);
    if (!is_object(mutator->heap, object) || (flags & ~(uint32_t)FINALIZER_FLAGS) ||
        (flags && !finalize))
        return GAIT_E_INVALID;
    if (finalize)
        space_note_record(&mutator->heap->space, object);
    struct finalizer_setting setting = {finalize, data, flags}, before;
    int result = finalizers_set(&mutator->heap->finalizers, object, &setting, &before);
    if (old)
        *old = before.finalize;
    if (old_data)
        *old_data = before.data;
    return result;
}

int gait_finalizer_set(gait_mutator *mutator, void *object, gait_finalizer_fn finalize,
                       void *data) {
    mutator_check(mutator);
    return gait_finalizer_replace(mutator, object, finalize, data, 0, NULL, NULL);
}

int gait_finalizer_get(gait_mutator *mutator, const void *object, gait_finalizer_fn *finalize,
                       void **data, uint32_t *flags) {
    mutator_check(mutator);
    struct finalizer_setting setting = finalizers_get(&mutator->heap->finalizers, object);
    if (finalize)
        *finalize = setting.finalize;
    if (data)
        *data = setting.data;
    if (flags)
        *flags = setting.flags;
    return setting.finalize ? 0 : GAIT_E_MISSING;
}

int gait_cleanup_add(gait_mutator *mutator, void *object, gait_cleanup_fn cleanup, void *data) {
    mutator_check(mutator);
    if (!is_object(mutator->heap, object) || !cleanup)
        return GAIT_E_INVALID;
    space_note_record(&mutator->heap->space, object);
    return finalizers_cleanup_add(&mutator->heap->finalizers, object, cleanup, data);
}

size_t gait_cleanup_cancel(gait_mutator *mutator, void *object, gait_cleanup_fn cleanup,
                           void *data) {
    mutator_check(mutator);
    return finalizers_cleanup_cancel(&mutator->heap->finalizers, object, cleanup, data);
}

size_t gait_run_finalizers(gait_mutator *mutator, size_t max) {
    mutator_check(mutator);
    struct finalizer_job job;
    struct notice_job notice;
    size_t ran = 0;
    mutator->runs_finalizers = true;
    world_poll(mutator);
    for (; ran < max && notices_take(&mutator->heap->control.notices, &notice); ran++)
        MUTATOR_CALL_OUT(mutator, notice.notify(mutator, notice.notice, notice.data));
    for (; ran < max && finalizers_take(&mutator->heap->finalizers, &job); ran++) {
        if (!job.finalize) {
            MUTATOR_CALL_OUT(mutator, job.clean_up(mutator, job.data));
            continue;
        }
        gait_word object = (gait_word)job.object;
        struct gait_frame frame;
        gait_push_frame(mutator, &frame, &object, 1);
        mutator_shade(mutator, object);
        MUTATOR_CALL_OUT(mutator, job.finalize(mutator, job.object, job.data));
        gait_pop_frame(mutator);
    }
    return ran;
}

/* While the gate is held no cycle runs, so all objects with finalizers are allocated, and those
 * that are queued now are roots of the next cycle, whole. @return what there is to run. */
static size_t queue_all(gait_mutator *mutator) {
    MUTATOR_CALL = mutator_call_thread(mutator, "gait_finalize_all");
    gait_heap *heap = mutator->heap;
    mutator_save_stack();
    world_rest();
    lock_acquire(&heap->collector.gate);
    size_t jobs = finalizers_queue_all(&heap->finalizers);
    lock_release(&heap->collector.gate);
    world_resume();
    return jobs + finalizers_notices(&heap->finalizers);
}

size_t gait_finalize_all(gait_mutator *mutator) {
    return gait_run_finalizers(mutator, queue_all(mutator));
}

bool gait_wait_finalizers(gait_mutator *mutator, int64_t timeout_ns) {
    mutator_check(mutator);
    mutator->runs_finalizers = true;
    mutator_save_stack();
    world_rest();
    bool some = finalizers_wait(&mutator->heap->finalizers, timeout_ns);
    world_resume();
    world_poll(mutator);
    return some;
}

void gait_stop_finalizers(gait_heap *heap) {
    HEAP_CALL(heap);
    finalizers_stop(&heap->finalizers);
}
