/* SPDX-License-Identifier: MIT */
/* What refers to an object. Gait keeps no such notes: GAIT_DEBUG=gccheckmark=1 tells a path. */
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

#ifdef __cplusplus
}
#endif

#endif
