/* SPDX-License-Identifier: MIT */
/* Included into a program that frees what it allocates: CHECK_LEAKS() reports what it forgot. Set
 * GC_FIND_LEAK=1 in the environment, or call GC_set_find_leak(1). */
#ifndef GC_LEAK_DETECTOR_H
#define GC_LEAK_DETECTOR_H

#ifndef GC_DEBUG
#define GC_DEBUG
#endif
#include "gc.h"
#ifndef GC_DONT_INCLUDE_STDLIB
#include <stdlib.h>
#include <string.h>
#endif

#undef malloc
#undef calloc
#undef free
#undef realloc
#undef strdup
#undef strndup
#undef memalign
#undef posix_memalign
#define malloc(bytes) GC_MALLOC(bytes)
#define calloc(count, bytes) GC_MALLOC((count) * (bytes))
#define free(object) GC_FREE(object)
#define realloc(object, bytes) GC_REALLOC(object, bytes)
#define strdup(text) GC_STRDUP(text)
#define strndup(text, most) GC_STRNDUP(text, most)
#define memalign(align, bytes) GC_memalign(align, bytes)
#define posix_memalign(object, align, bytes) GC_posix_memalign(object, align, bytes)
#ifdef GC_REQUIRE_WCSDUP
#include <wchar.h>
#undef wcsdup
#define wcsdup(text) GC_WCSDUP(text)
#endif

#ifndef CHECK_LEAKS
#define CHECK_LEAKS() GC_gcollect()
#endif

#endif
