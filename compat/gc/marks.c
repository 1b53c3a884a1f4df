/* SPDX-License-Identifier: MIT */
/*
 * Marks, as far as they are seen: within a disclaim function, the cycle's; else an object that Gait
 * knows is one that the last cycle left, or a new one.
 */
#include "registry.h"

#include <gait/liveness.h>

COMPAT_TLS const gait_liveness *compat_liveness_here;

int GC_is_marked(const void *object) {
    const void *base = GC_base((void *)object);
    return compat_liveness_here ? gait_is_marked(compat_liveness_here, (gait_word)base)
                                : base != NULL;
}

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
