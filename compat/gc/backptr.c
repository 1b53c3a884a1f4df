/* SPDX-License-Identifier: MIT */
/*
 * gc_backptr.h. libgc has these functions where it was built to keep, for each object, what led to
 * it last; no such note is kept here, and none is asked of marking. Whoever wants to know what
 * keeps an object writes a heap snapshot (GAIT_DEBUG=heapsnapshot=FILE).
 */
#include "compat.h"

#include "include/gc/gc_backptr.h"

static const char why[] = "what leads to objects is not noted; GAIT_DEBUG=heapsnapshot=FILE has it";

GC_ref_kind GC_get_back_ptr_info(void *object, void **base, size_t *offset) {
    (void)object, (void)base, (void)offset;
    WITHOUT_MEANING(why);
    return GC_UNREFERENCED;
}

void *GC_generate_random_heap_address(void) {
    WITHOUT_MEANING(why);
    return NULL;
}

void *GC_generate_random_valid_address(void) {
    WITHOUT_MEANING(why);
    return NULL;
}

void GC_print_backtrace(void *object) {
    (void)object;
    WITHOUT_MEANING(why);
}

void GC_generate_random_backtrace(void) { WITHOUT_MEANING(why); }
