/* SPDX-License-Identifier: MIT */
/*
 * What the other headers are written with: how a function is declared, and what the compiler is
 * told of it. A program that defines GC_THREADS before it includes gc.h gets the calls for threads,
 * and pthread_create by that name.
 */
#ifndef GC_CONFIG_MACROS_H
#define GC_CONFIG_MACROS_H

#include <stddef.h>

#define GC_GNUC_PREREQ(major, minor)                                                               \
    ((__GNUC__ << 16) + __GNUC_MINOR__ >= ((major) << 16) + (minor))

/* older names of GC_THREADS */
#if defined(GC_LINUX_THREADS) || defined(LINUX_THREADS)
#undef GC_LINUX_THREADS
#ifndef GC_THREADS
#define GC_THREADS
#endif
#endif
#ifdef GC_THREADS
#define GC_LINUX_THREADS
#define GC_PTHREADS
#ifndef _REENTRANT
#define _REENTRANT 1
#endif
#endif

#ifndef GC_API
#define GC_API extern __attribute__((__visibility__("default")))
#endif
#define GC_CALL
#define GC_CALLBACK

#ifdef GC_OOM_FUNC_RETURNS_ALIAS
#define GC_ATTR_MALLOC
#else
#define GC_ATTR_MALLOC __attribute__((__malloc__))
#endif
#define GC_ATTR_ALLOC_SIZE(argument) __attribute__((__alloc_size__(argument)))
#define GC_ATTR_CALLOC_SIZE(count, bytes) __attribute__((__alloc_size__(count, bytes)))
#define GC_ATTR_NONNULL(argument) __attribute__((__nonnull__(argument)))
#define GC_ATTR_CONST __attribute__((__const__))
#ifdef GC_BUILD
#define GC_ATTR_DEPRECATED
#else
#define GC_ATTR_DEPRECATED __attribute__((__deprecated__))
#endif

#ifdef __cplusplus
#if __cplusplus >= 201103L
#define GC_ATTR_EXPLICIT explicit
#define GC_NOEXCEPT noexcept
#else
#define GC_ATTR_EXPLICIT
#define GC_NOEXCEPT throw()
#endif
#endif

#endif
