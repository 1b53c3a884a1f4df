/* SPDX-License-Identifier: MIT */
/*
 * A walk over words that may be anything. See visitor.h.
 */
#include "visitor.h"

/* The bounds are at hand: a store to what `words` points at could be one to the visitor. */
__attribute__((no_sanitize("address", "thread"))) void
visitor_scan(struct gait_visitor *visitor, const volatile gait_word *words, size_t count) {
    uintptr_t base = visitor->base;
    size_t bytes = visitor->bytes;
    gait_word value_mask = visitor->value_mask;
    for (size_t i = 0; i < count; i++) {
        gait_word word = words[i];
        if (word - base < bytes || (word & value_mask) - base < bytes)
            visitor->visit(visitor, word, true);
    }
}
