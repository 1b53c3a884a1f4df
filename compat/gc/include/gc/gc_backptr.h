/* SPDX-License-Identifier: MIT */
/* What led to an object last. Gait keeps no such notes, so these calls know nothing; a heap
 * snapshot (GAIT_DEBUG=heapsnapshot=FILE) has what keeps each object. */
#ifndef GC_BACKPTR_H
#define GC_BACKPTR_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    GC_UNREFERENCED,
    GC_NO_SPACE,
    GC_REFD_FROM_ROOT,
    GC_REFD_FROM_REG,
    GC_REFD_FROM_HEAP,
    GC_FINALIZER_REFD
} GC_ref_kind;

/** @return GC_UNREFERENCED: nothing is known. */
GC_API GC_ref_kind GC_CALL GC_get_back_ptr_info(void *object, void **base, size_t *offset)
    GC_ATTR_NONNULL(1);
/** @return NULL. */
GC_API void *GC_CALL GC_generate_random_heap_address(void);
GC_API void *GC_CALL GC_generate_random_valid_address(void);
/** Print nothing. */
GC_API void GC_CALL GC_generate_random_backtrace(void);
GC_API void GC_CALL GC_print_backtrace(void *object) GC_ATTR_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif
