/* SPDX-License-Identifier: MIT */
/* Objects whose first word points to a table, the second word of which is their descriptor. */
#ifndef GC_GCJ_H
#define GC_GCJ_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/** mark is a GC_mark_proc, for descriptors that name it by its index. */
GC_API void GC_CALL GC_init_gcj_malloc(int index, void *mark);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL GC_gcj_malloc(size_t bytes, void *table);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_gcj_malloc_ignore_off_page(size_t bytes, void *table);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
    GC_debug_gcj_malloc(size_t bytes, void *table, GC_EXTRA_PARAMS);
GC_API int GC_gcj_kind;
GC_API int GC_gcj_debug_kind;

#ifdef GC_DEBUG
#define GC_GCJ_MALLOC(bytes, table) GC_debug_gcj_malloc(bytes, table, GC_EXTRAS)
#define GC_GCJ_MALLOC_IGNORE_OFF_PAGE(bytes, table) GC_debug_gcj_malloc(bytes, table, GC_EXTRAS)
#else
#define GC_GCJ_MALLOC(bytes, table) GC_gcj_malloc(bytes, table)
#define GC_GCJ_MALLOC_IGNORE_OFF_PAGE(bytes, table) GC_gcj_malloc_ignore_off_page(bytes, table)
#endif

#ifdef __cplusplus
}
#endif

#endif
