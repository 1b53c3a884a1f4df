/* SPDX-License-Identifier: MIT */
/*
 * The part of jemalloc's API (version 5) that is used, by the names that the build gives it, and
 * what it calls in place of the C library: backend_jemalloc.c. The flags are those of its manual.
 */
#ifndef GAIT_OFFHEAP_JEMALLOC_H
#define GAIT_OFFHEAP_JEMALLOC_H

#include <jemalloc/jemalloc.h>
#include <stddef.h>

void *gait_je_mallocx(size_t bytes, int flags);
void *gait_je_rallocx(void *start, size_t bytes, int flags);
size_t gait_je_sallocx(const void *start, int flags);
void gait_je_sdallocx(void *start, size_t bytes, int flags);
int gait_je_mallctl(const char *name, void *old, size_t *old_bytes, void *given,
                    size_t given_bytes);

extern const char *gait_je_malloc_conf;
int gait_je_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
char *gait_je_secure_getenv(const char *name);
long gait_je_readlink(const char *path, char *text, size_t text_bytes);

#endif
