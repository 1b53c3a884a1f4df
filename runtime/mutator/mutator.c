/* SPDX-License-Identifier: MIT */
/*
 * A mutator's roots and its barrier's words. See mutator.h.
 */
#include "mutator.h"

#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "world.h"

void mutator_misused(const gait_mutator *mutator, const char *call) {
    if (AO_int_load(&mutator->state) == MUTATOR_DETACHED)
        platform_fatal("%s: the mutator is detached", call);
    if (mutator->thread != program_thread_here())
        platform_fatal("%s: the mutator is another thread's", call);
    if (mutator->outside)
        platform_fatal("%s: not in a heap with gait_config.stop", call);
    if (!mutator->native)
        platform_fatal("%s: the thread is in native code of another heap's mutator", call);
    platform_fatal("%s: the mutator is in native code", call);
}

bool mutator_flush_barrier(gait_mutator *mutator, bool may_mark) {
    if (mutator->barrier_count == 0)
        return false;
    PERTURB(BARRIER_FLUSH);
    struct marker *marker = &mutator->marker;
    marker_begin(marker);
    bool pushed = marker_shade(marker, mutator->barrier_words, mutator->barrier_count, may_mark);
    mutator->barrier_count = mutator->read_count = 0;
    marker_end(marker);
    return pushed;
}

__attribute__((no_sanitize("address", "thread"))) static void
save_words(struct c_stack *stack, const gait_word *from, size_t count, char *top) {
    for (size_t i = 0; i < REGISTERS_SAVED; i++)
        stack->registers[i] = i < count ? from[i] : 0;
    stack->top = top;
}

/* The main thread's stack may have been let grow since. */
static bool holds_now(struct c_stack *stack, char *address) {
    void *low, *high;
    if (platform_stack_bounds(&low, &high) == 0 && high == stack->high)
        stack->low = low;
    return c_stack_holds(stack, address);
}

static void check_stack(gait_mutator *mutator, char *frame_end) {
    struct c_stack *stack = mutator->running_stack;
    bool holds = c_stack_holds(stack, frame_end);
    if (!holds && mutator->scans_stack &&
        (stack != &mutator->own.c || !holds_now(stack, frame_end)))
        platform_fatal("the thread runs on a C stack, at %p, that a heap which scans C stacks was "
                       "not told of: gait_coroutine_new names a stack and gait_coroutine_switch "
                       "goes on to it, in each heap that the thread is attached to",
                       (void *)frame_end);
    char *frame = (char *)mutator->head.frames;
    if (holds && frame >= stack->low && frame < frame_end)
        platform_fatal("the shadow-stack frame at %p lies in a function that has been left without "
                       "gait_pop_frame: after longjmp, gait_frames_restore cuts it off",
                       (void *)frame);
}

__attribute__((noinline, no_sanitize("address", "thread"))) void
mutator_save_frame(gait_mutator *one, char *frame_end) {
    /* its frame begins where this function's ends; of a very large one the end holds registers */
    const gait_word *from = (const gait_word *)REGISTERS_FRAME_END();
    size_t count = (size_t)((const gait_word *)frame_end - from);
    if (count > REGISTERS_SAVED) {
        from += count - REGISTERS_SAVED;
        count = REGISTERS_SAVED;
    }
    for (gait_mutator *mutator = one ? one : program_thread_here()->first; mutator;
         mutator = one ? NULL : mutator->thread_next) {
        if (AO_int_load(&mutator->state) != MUTATOR_RUNNING)
            continue;
        check_stack(mutator, frame_end);
        if (mutator->scans_stack)
            save_words(mutator->running_stack, from, count, frame_end);
    }
}

void mutator_call_out(gait_mutator *mutator) {
    if (world_has_hooks(mutator->world))
        world_go_out(mutator);
}

void mutator_call_in(gait_mutator *mutator) {
    if (mutator->outside)
        world_go_in(mutator);
}

void mutator_stopped_at(gait_mutator *mutator, char *top) {
    if (!mutator->outside)
        return; /* it waits in the library, or in native code: its stack was saved before */
    struct c_stack *stack = mutator->running_stack;
    if (mutator->scans_stack && c_stack_holds(stack, top)) {
        memset(stack->registers, 0, sizeof stack->registers); /* they lie beyond */
        stack->top = top;
        mutator->told_stop = AO_int_load(&mutator->world->stops) + 1;
    }
}

void mutator_copy_frames(gait_mutator *mutator) {
    if (mutator->coroutine) {
        frame_copy_update(&mutator->coroutine_copy, mutator->head.frames);
        frame_copy_update(&mutator->thread_copy, mutator->own.frames);
    } else {
        frame_copy_forget(&mutator->coroutine_copy);
        frame_copy_update(&mutator->thread_copy, mutator->head.frames);
    }
    mutator->copied = true;
}

void mutator_drop_roots(gait_mutator *mutator) {
    mutator->head.frames = NULL;
    frame_copy_forget(&mutator->thread_copy);
    frame_copy_forget(&mutator->coroutine_copy);
    mutator->own.visit = NULL;
    mutator->own.c.top = NULL;
    mutator->running_stack = &mutator->own.c;
    if (!mutator->coroutine)
        return;
    mutator->coroutine->stack.c.top = NULL;
    coroutine_suspend(mutator->coroutine, NULL, 0);
    mutator->coroutine = NULL;
    mutator->own.frames = NULL;
}

/* Does its C stack stand still from where it is said to? Not in the program's code, unless whoever
 * stopped it there has told. */
static bool stack_stands(const gait_mutator *mutator) {
    return !mutator->outside || mutator->told_stop == AO_int_load(&mutator->world->stops) + 1;
}

static size_t visit_rest(const gait_mutator *mutator, struct gait_visitor *visitor,
                         const struct stack *stack) {
    return stack_stands(mutator) ? stack_visit_rest(visitor, stack)
                                 : stack_visit_callback(visitor, stack);
}

/* While a coroutine runs, the thread's own stack stands still below it; one without a C stack of
 * its own runs on the thread's. */
void mutator_visit_roots(gait_mutator *mutator, struct gait_visitor *visitor) {
    gait_coroutine *coroutine = mutator->coroutine;
    size_t bytes = 0;
    visitor_own(visitor, mutator, false);
    if (mutator->copied) {
        bytes += frame_copy_visit(visitor, &mutator->thread_copy);
        bytes += frame_copy_visit(visitor, &mutator->coroutine_copy);
    } else {
        bytes += stack_visit_frames(visitor, mutator->head.frames);
        if (coroutine)
            bytes += stack_visit_frames(visitor, mutator->own.frames);
    }
    bytes += visit_rest(mutator, visitor, &mutator->own);
    if (coroutine)
        bytes += visit_rest(mutator, visitor, &coroutine->stack);
    if (coroutine && coroutine->object) {
        visitor_enter(visitor, ROOTS_COROUTINE, coroutine);
        visitor->visit(visitor, coroutine->object, false);
    }
    mutator->stack_bytes = bytes;
}

void mutators_visit_roots(const struct world *world, struct gait_visitor *visitor) {
    for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next)
        mutator_visit_roots(mutator, visitor);
    visitor_own(visitor, NULL, false);
    visitor_enter(visitor, ROOTS_STOPPED, NULL);
    if (world->hooks.roots)
        world->hooks.roots(visitor, world->hooks.data);
}

/* Most threads of thousands: no look at what lies behind, no count in the queue. */
static bool has_no_roots(const gait_mutator *mutator) {
    return !mutator->head.frames && !mutator->own.visit && !mutator->coroutine &&
           !mutator->scans_stack;
}

void mutator_scan_roots(gait_mutator *mutator) {
    mutator->stack_bytes = 0;
    if (has_no_roots(mutator))
        return;
    marker_begin(&mutator->marker);
    mutator_visit_roots(mutator, &mutator->marker.visitor);
    marker_end(&mutator->marker);
}
