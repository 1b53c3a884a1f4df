/* SPDX-License-Identifier: MIT */
/*
 * Visits of stacks. See stack.h.
 */
#include "stack.h"

#include "frame_copy.h"

size_t stack_visit_frames(struct gait_visitor *visitor, const struct gait_frame *frame) {
    size_t words = 0;
    for (; frame; frame = frame->previous) {
        size_t count = frame_words(frame);
        visitor_enter(visitor, ROOTS_FRAMES, frame);
        visitor_visit(visitor, frame->slots, count, false);
        words += count;
    }
    return words * sizeof(gait_word);
}

size_t stack_visit_callback(struct gait_visitor *visitor, const struct stack *stack) {
    size_t before = visitor->words;
    if (stack->visit) {
        visitor_enter(visitor, ROOTS_CALLBACK, stack->data);
        stack->visit(visitor, stack->data);
    }
    return (visitor->words - before) * sizeof(gait_word);
}

/* Reads whole stack frames of functions that were left in the middle. */
static size_t visit_c(struct gait_visitor *visitor, const struct c_stack *stack) {
    if (!stack->top)
        return 0;
    visitor_enter(visitor, ROOTS_C_STACK, NULL);
    uintptr_t start = ((uintptr_t)stack->top + sizeof(gait_word) - 1) & ~(sizeof(gait_word) - 1);
    if (start < (uintptr_t)stack->high)
        visitor_scan(visitor, (const gait_word *)start,
                     ((uintptr_t)stack->high - start) / sizeof(gait_word));
    visitor_scan(visitor, stack->registers, REGISTERS_SAVED);
    return (size_t)(stack->high - stack->top);
}

size_t stack_visit_rest(struct gait_visitor *visitor, const struct stack *stack) {
    return stack_visit_callback(visitor, stack) + visit_c(visitor, &stack->c);
}
