/* SPDX-License-Identifier: MIT */
/*
 * What a mutator and a coroutine have alike: a shadow stack, a root callback, a C stack.
 *
 * Whoever visits one has the mutator, or the coroutine's lock, or the world is stopped.
 */
#ifndef GAIT_STACK_H
#define GAIT_STACK_H

#include <gait/inline.h>

#include "../platform/registers.h"
#include "marker.h"

/* A C stack. Its code stands still, or is at a safepoint. */
struct c_stack {
    char *low; /* [low, high): where it lies; both NULL: not known, or none of its own */
    char *high;
    char *top; /* where the frame of the code that stands still begins; NULL: it never ran */
    gait_word registers[REGISTERS_SAVED]; /* of that code */
};

static inline bool c_stack_holds(const struct c_stack *stack, const char *address) {
    return address >= stack->low && address <= stack->high && stack->high;
}

/* Each visits the words, and returns how many bytes that were: work of marking. */

size_t stack_visit_frames(struct gait_visitor *visitor, const struct gait_frame *frame);

/** visit may be NULL: nothing. */
size_t stack_visit_callback(struct gait_visitor *visitor, gait_roots_fn visit, void *data);

/** Conservatively, from its top on, with the registers. Nothing if it never ran. */
size_t stack_visit_c(struct gait_visitor *visitor, const struct c_stack *stack);

#endif
