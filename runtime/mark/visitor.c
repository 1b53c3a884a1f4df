/* SPDX-License-Identifier: MIT */
/*
 * A walk over words that may be anything. See visitor.h.
 */
#include "visitor.h"

/* The bounds are at hand: a store to what `words` points at could be one to the visitor. */
__attribute__((no_sanitize("address", "thread"))) static void
scan(struct gait_visitor *visitor, const volatile gait_word *words, size_t count) {
    uintptr_t base = visitor->base;
    size_t bytes = visitor->bytes;
    gait_word value_mask = visitor->value_mask;
    for (size_t i = 0; i < count; i++) {
        gait_word word = words[i];
        if (word - base < bytes || (word & value_mask) - base < bytes) {
            visitor->at = &words[i];
            visitor->visit(visitor, word, true);
        }
    }
}

void visitor_scan(struct gait_visitor *visitor, const volatile gait_word *words, size_t count) {
    for (size_t some; count > 0; words += some, count -= some)
        if (visitor_wants(visitor, words, count, &some))
            scan(visitor, words, some);
}

void visitor_visit(struct gait_visitor *visitor, const gait_word *words, size_t count,
                   bool conservative) {
    for (size_t some; count > 0; words += some, count -= some)
        if (visitor_wants(visitor, words, count, &some))
            for (size_t i = 0; i < some; i++) {
                visitor->at = &words[i];
                visitor->visit(visitor, word_read(&words[i]), conservative);
            }
}
