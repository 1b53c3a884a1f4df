/* SPDX-License-Identifier: MIT */
/*
 * Collections that are asked for, settings, notices. What is said about each function is in gait.h.
 */
#include <gait/gait.h>

#include "../instance.h"
#include "../options.h"

void gait_collect(gait_mutator *mutator) {
    mutator_check(mutator);
    mutator_save_stack();
    world_rest();
    collector_force(mutator->heap);
    world_resume();
    world_poll(mutator);
}

void gait_no_collect_begin(gait_mutator *mutator) {
    mutator_check(mutator);
    if (mutator->no_collect++ > 0)
        return;
    mutator_save_stack();
    world_rest();
    collector_hold(mutator->heap);
    world_resume();
    world_poll(mutator);
}

void gait_no_collect_end(gait_mutator *mutator) {
    mutator_check(mutator);
    if (mutator->no_collect == 0)
        platform_fatal("gait_no_collect_end: no gait_no_collect_begin came before it");
    if (--mutator->no_collect == 0)
        collector_let_go(mutator->heap);
}

/* From where a cycle begins: it stops the world before it says in which phase. */
bool gait_is_marking(const gait_heap *heap) {
    enum cycle_phase phase = phase_now(&heap->cycle.phase);
    return phase != PHASE_IDLE && phase <= PHASE_STOP;
}

size_t gait_free_os_memory(gait_mutator *mutator) {
    mutator_check(mutator);
    gait_collect(mutator);
    bool rests = world_lets_rest_with_locks(&mutator->heap->world);
    mutator_save_stack();
    if (rests)
        world_rest();
    size_t given = scavenger_give_back(mutator->heap, SIZE_MAX);
    if (rests)
        world_resume();
    world_poll(mutator);
    return given;
}

int32_t gait_set_gogc(gait_heap *heap, int32_t percent) {
    HEAP_CALL(heap);
    if (percent < 0 && percent != GAIT_KEEP)
        percent = GAIT_GOGC_OFF;
    int32_t before =
        (int32_t)control_set(&heap->control, GAIT_SETTING_GOGC, percent, percent != GAIT_KEEP);
    scavenger_wake(heap);
    if (percent >= 0 && (before < 0 || percent < before))
        collector_look(heap);
    return before;
}

int64_t gait_set_memory_limit(gait_heap *heap, int64_t limit_bytes) {
    HEAP_CALL(heap);
    int64_t before = control_set(&heap->control, GAIT_SETTING_LIMIT, limit_bytes, limit_bytes >= 0);
    scavenger_wake(heap);
    if (limit_bytes >= 0 && limit_bytes < before)
        collector_look(heap);
    return before;
}

int32_t gait_set_max_procs(gait_heap *heap, int32_t procs) {
    HEAP_CALL(heap);
    bool in_range = procs >= 1 && procs <= OPTIONS_PROCS_MAX;
    return control_set_procs(&heap->control, in_range ? procs : 0);
}

int64_t gait_set_min_heap(gait_heap *heap, int64_t bytes) {
    HEAP_CALL(heap);
    int64_t before = control_set(&heap->control, GAIT_SETTING_MIN_HEAP, bytes, bytes >= 0);
    scavenger_wake(heap);
    return before;
}

int32_t gait_set_gogc_floor(gait_heap *heap, int32_t percent) {
    HEAP_CALL(heap);
    return (int32_t)control_set(&heap->control, GAIT_SETTING_GOGC_FLOOR, percent, percent >= 0);
}

int gait_set_assists(gait_heap *heap, int on) {
    HEAP_CALL(heap);
    return (int)control_set(&heap->control, GAIT_SETTING_ASSISTS, on, on == 0 || on == 1);
}

void gait_set_notice(gait_heap *heap, gait_notice_fn notice, void *data) {
    HEAP_CALL(heap);
    notices_set(&heap->control, notice, data);
    if (notice)
        collector_start(heap); /* only the scavenger sees memory fall */
}

int64_t gait_set_notice_memory(gait_heap *heap, int64_t bytes) {
    HEAP_CALL(heap);
    return notices_set_bytes(&heap->control, bytes);
}

double gait_set_notice_percent(gait_heap *heap, double percent) {
    HEAP_CALL(heap);
    return notices_set_percent(&heap->control, percent);
}

const char *gait_version(void) { return GAIT_VERSION; }
