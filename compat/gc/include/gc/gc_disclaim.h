/* SPDX-License-Identifier: MIT */
/* Functions that are asked, or told, as an object is about to be freed. */
#ifndef GC_DISCLAIM_H
#define GC_DISCLAIM_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Asked of each object of a kind that nothing leads to: not 0 keeps it for this cycle. Runs with
 * the program stopped; what the object refers to is there if mark_unconditionally was set. */
typedef int(GC_CALLBACK *GC_disclaim_proc)(void *object);
GC_API void GC_CALL GC_register_disclaim_proc(int kind, GC_disclaim_proc disclaim,
                                              int mark_unconditionally) GC_ATTR_NONNULL(2);

struct GC_finalizer_closure {
    GC_finalization_proc proc;
    void *cd;
};
/** An object with a finalizer from the start: cheaper than GC_register_finalizer in libgc, here the
 * same. The closure is read when it is finalized. */
GC_API void GC_CALL GC_init_finalized_malloc(void);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_finalized_malloc(size_t bytes, const struct GC_finalizer_closure *closure)
        GC_ATTR_NONNULL(2);

#ifdef __cplusplus
}
#endif

#endif
