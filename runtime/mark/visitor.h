/* SPDX-License-Identifier: MIT */
/*
 * What looks at words that may hold references: a marker, the search of verify.c, what shades a
 * coroutine's roots, what notes them.
 *
 *   .inv.nowhere: a conservative word that lies among the heap's addresses neither as it is nor
 *   without its tags leads to no object and no arena, now or later: the addresses are reserved
 * once. So whoever walks such words may leave it out.
 *
 * Most words of a data segment or of a C stack are of that sort, and a library can have tens of
 * megabytes of them.
 */
#ifndef GAIT_VISITOR_H
#define GAIT_VISITOR_H

#include <gait/inline.h>
#include <stdbool.h>
#include <stddef.h>

#include "../heap/space.h"

struct gait_visitor {
    void (*visit)(struct gait_visitor *visitor, gait_word word, bool conservative);
    size_t words; /* that callbacks have visited by the API: the work that they made */
    /* constant: .inv.nowhere */
    uintptr_t base;
    size_t bytes; /* SIZE_MAX: every word is wanted */
    gait_word value_mask;
};

static inline struct gait_visitor visitor_of(const struct space *space, gait_word value_mask,
                                             void (*visit)(struct gait_visitor *visitor,
                                                           gait_word word, bool conservative)) {
    return (struct gait_visitor){.visit = visit,
                                 .base = (uintptr_t)space->base,
                                 .bytes = space->reserved_bytes,
                                 .value_mask = value_mask};
}

/** Visit words that may be anything, and that the program writes by plain stores: those of a C
 * stack, padding and all, or of a data segment. */
void visitor_scan(struct gait_visitor *visitor, const volatile gait_word *words, size_t count);

#endif
