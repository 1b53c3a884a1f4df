/* SPDX-License-Identifier: MIT */
/*
 * Memory for the library's own tables: what the heap holds beside its pages and must count, since
 * the limit applies to the sum. Every table that grows with what the program does is taken here or
 * from a pool (pool.h); plain malloc is left for what a heap has one of.
 *
 * Large blocks are mapped for themselves: they cost nothing until they are touched, and when they
 * are freed the OS has them back.
 */
#ifndef GAIT_COUNTED_H
#define GAIT_COUNTED_H

#include <stddef.h>

#include "../platform/atomic.h"

/** Zeroed memory, counted in *metadata_bytes. NULL: none. Thread rule: any thread. */
void *counted_alloc(AO_t *metadata_bytes, size_t bytes);

/** Give back what counted_alloc gave for the same size. NULL: nothing. */
void counted_free(AO_t *metadata_bytes, void *start, size_t bytes);

/** The same in whole pages of their own, few bytes as it may be: malloc, whose locks a stopped
 * thread may hold (gait_config.stop), is not asked. For what grows while the world is stopped. */
void *counted_map(AO_t *metadata_bytes, size_t bytes);
void counted_unmap(AO_t *metadata_bytes, void *start, size_t bytes);

#endif
