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

/* All that code has for roots which runs, or stands still, in a thread or in a coroutine. */
struct stack {
    struct gait_frame *frames; /* the youngest, while it stands still: what runs has it in the
                                  mutator's head */
    gait_roots_fn visit;       /* NULL: none */
    void *data;
    struct c_stack c;
};

/* Each visits the words, and returns how many bytes that were: work of marking. */

size_t stack_visit_frames(struct gait_visitor *visitor, const struct gait_frame *frame);

/** What its callback visits, if it has one. */
size_t stack_visit_callback(struct gait_visitor *visitor, const struct stack *stack);

/** All but frames: its callback; and its C stack conservatively, from its top on, with the
 * registers, if that ever ran. */
size_t stack_visit_rest(struct gait_visitor *visitor, const struct stack *stack);

#endif
