/* SPDX-License-Identifier: MIT */
/*
 * A walk over words that may be anything. See visitor.h.
 */
#include "visitor.h"

/* What leads somewhere: .inv.nowhere. A copy, at hand for a whole loop: a store to what `words`
 * points at could be one to the visitor. */
struct bounds {
    uintptr_t base;
    size_t bytes;
    gait_word value_mask;
};

static inline struct bounds bounds_of(const struct gait_visitor *visitor) {
    return (struct bounds){visitor->base, visitor->bytes, visitor->value_mask};
}

static inline bool bounds_hold(struct bounds bounds, gait_word word) {
    return word - bounds.base < bounds.bytes ||
           (word & bounds.value_mask) - bounds.base < bounds.bytes;
}

__attribute__((no_sanitize("address", "thread"))) static void
scan(struct gait_visitor *visitor, const volatile gait_word *words, size_t count) {
    struct bounds bounds = bounds_of(visitor);
    for (size_t i = 0; i < count; i++) {
        gait_word word = words[i];
        if (bounds_hold(bounds, word)) {
            visitor->at = &words[i];
            visitor->visit(visitor, word, true);
        }
    }
}

static void visit(struct gait_visitor *visitor, const gait_word *words, size_t count,
                  bool conservative) {
    struct bounds bounds = bounds_of(visitor);
    bool all = visitor->counts;
    for (size_t i = 0; i < count; i++) {
        gait_word word = word_read(&words[i]);
        if (all || bounds_hold(bounds, word)) {
            visitor->at = &words[i];
            visitor->visit(visitor, word, conservative);
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
            visit(visitor, words, some, conservative);
}
