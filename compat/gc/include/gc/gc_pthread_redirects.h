/* SPDX-License-Identifier: MIT */
/*
 * Calls for threads under names of the collector's: the new thread is registered, joining waits as
 * native code does. Included by gc.h with GC_THREADS. GC_NO_THREAD_REDIRECTS leaves the C library's
 * names alone.
 */
#ifndef GC_PTHREAD_REDIRECTS_H
#define GC_PTHREAD_REDIRECTS_H

#ifndef GC_PTHREAD_REDIRECTS_ONLY
#include "gc_config_macros.h"
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifndef GC_SUSPEND_THREAD_ID
#define GC_SUSPEND_THREAD_ID pthread_t
#endif
GC_API void *GC_dlopen(const char *path, int mode);
#ifdef __sigset_t_defined /* not in strict C */
GC_API int GC_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
#endif
GC_API int GC_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                             void *(*run)(void *), void *data);
GC_API int GC_pthread_join(pthread_t thread, void **result);
GC_API int GC_pthread_detach(pthread_t thread);
GC_API int GC_pthread_cancel(pthread_t thread);
GC_API void GC_pthread_exit(void *result) __attribute__((__noreturn__));
#ifdef __cplusplus
}
#endif
#endif

#if !defined(GC_NO_THREAD_REDIRECTS) && !defined(GC_USE_LD_WRAP)
#undef pthread_create
#undef pthread_join
#undef pthread_detach
#undef pthread_sigmask
#undef pthread_cancel
#undef pthread_exit
#undef dlopen
#define pthread_create GC_pthread_create
#define pthread_join GC_pthread_join
#define pthread_detach GC_pthread_detach
#define pthread_sigmask GC_pthread_sigmask
#define pthread_cancel GC_pthread_cancel
#define pthread_exit GC_pthread_exit
#define dlopen GC_dlopen
#endif

#endif
