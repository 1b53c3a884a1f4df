/* SPDX-License-Identifier: MIT */
/*
 * A mutator's roots and its barrier's words. See mutator.h.
 */
#include "mutator.h"

#include "instance.h"
#include "platform/perturb.h"

void mutator_misused(const gait_mutator *mutator, const char *call) {
    if (AO_int_load(&mutator->state) == MUTATOR_DETACHED)
        platform_fatal("%s: the mutator is detached", call);
    platform_fatal("%s: the mutator is in native code", call);
}

void mutator_flush_barrier(gait_mutator *mutator) {
    if (mutator->barrier_count == 0)
        return;
    PERTURB(BARRIER_FLUSH);
    struct marker *marker = &mutator->marker;
    marker_begin(marker);
    marker_shade(marker, mutator->barrier_words, mutator->barrier_count);
    mutator->barrier_count = 0;
    marker_end(marker);
}

__attribute__((no_sanitize("address", "thread"))) static void
save_words(gait_mutator *mutator, const gait_word *from, size_t count, char *low) {
    for (size_t i = 0; i < REGISTERS_SAVED; i++)
        mutator->registers[i] = i < count ? from[i] : 0;
    mutator->stack_low = low;
}

__attribute__((noinline, no_sanitize("address", "thread"))) void
mutator_save_frame(char *frame_end) {
    /* its frame begins where this function's ends; of a very large one the end holds registers */
    const gait_word *from = (const gait_word *)REGISTERS_FRAME_END();
    size_t count = (size_t)((const gait_word *)frame_end - from);
    if (count > REGISTERS_SAVED) {
        from += count - REGISTERS_SAVED;
        count = REGISTERS_SAVED;
    }
    for (gait_mutator *mutator = world_mine(); mutator; mutator = mutator->thread_next)
        if (mutator->stack_high && AO_int_load(&mutator->state) == MUTATOR_RUNNING)
            save_words(mutator, from, count, frame_end);
}

static void visit_words(struct gait_visitor *visitor, const gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        visitor->visit(visitor, words[i], false);
}

/* Reads whole stack frames of running code, padding and all. */
__attribute__((no_sanitize("address", "thread"))) static size_t
visit_stack(struct gait_visitor *visitor, const char *low, const char *high) {
    const gait_word *word = (const gait_word *)((uintptr_t)low & ~(uintptr_t)7);
    for (; (const char *)(word + 1) <= high; word++)
        visitor->visit(visitor, *word, true);
    return (size_t)(high - low);
}

static void visit_registers(struct gait_visitor *visitor, const gait_word *registers) {
    for (size_t i = 0; i < REGISTERS_SAVED; i++)
        visitor->visit(visitor, registers[i], true);
}

static size_t visit_frames(struct gait_visitor *visitor, const struct gait_frame *frame) {
    size_t words = 0;
    for (; frame; frame = frame->previous) {
        visit_words(visitor, frame->slots, frame->count);
        words += frame->count;
    }
    return words * sizeof(gait_word);
}

void mutator_visit_roots(gait_mutator *mutator, struct gait_visitor *visitor) {
    size_t bytes = visit_frames(visitor, mutator->head.frames);
    if (mutator->visit_roots)
        mutator->visit_roots(visitor, mutator->visit_data);
    if (mutator->coroutine) { /* the thread's own stack stands still below the coroutine's */
        bytes += visit_frames(visitor, mutator->base_frames);
        if (mutator->base_visit)
            mutator->base_visit(visitor, mutator->base_visit_data);
        if (mutator->base_high)
            bytes += visit_stack(visitor, mutator->base_low, mutator->base_high);
        visit_registers(visitor, mutator->base_registers);
    }
    if (mutator->stack_high) {
        bytes += visit_stack(visitor, mutator->stack_low, mutator->stack_high);
        visit_registers(visitor, mutator->registers);
    }
    mutator->stack_bytes = bytes;
}

void mutator_scan_roots(gait_mutator *mutator) {
    marker_begin(&mutator->marker);
    mutator_visit_roots(mutator, &mutator->marker.visitor);
    marker_end(&mutator->marker);
}
