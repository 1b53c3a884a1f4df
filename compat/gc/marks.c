/* SPDX-License-Identifier: MIT */
/*
 * Marks, as far as they are seen: an object that Gait knows is one that the last cycle left, or a
 * new one.
 */
#include "compat.h"

int GC_is_marked(const void *object) { return GC_base((void *)object) != NULL; }

/* Within push_other_roots and mark functions: the object is kept, and what it refers to. */
void GC_set_mark_bit(const void *object) {
    if (compat_visitor_here)
        compat_roots_visit_memory(compat_visitor_here, &object, &object + 1);
}

void GC_clear_mark_bit(const void *object) {
    (void)object;
    WITHOUT_MEANING("what is reachable is kept");
}

static GC_describe_type_fn describe[KINDS_MAX]; /* kept */

void GC_register_describe_type_fn(int kind, GC_describe_type_fn function) {
    if (compat_kind_is_known(kind))
        describe[kind] = function;
}
