/* SPDX-License-Identifier: MIT */
/*
 * Malloc'ed memory of C code that may be left in the middle (escape.h): what it holds is freed
 * then. For all that grows with the data: text that is read, tables of the printer, GMP's limbs.
 * All here leaves by vm_out_of_memory where there is no memory, and never returns NULL.
 *
 * Memory from before the machine was called stays, for the C code that called it goes on; except
 * GMP's, whose numbers are in an unknown state and are made anew.
 */
#ifndef SCHEME_SCRATCH_H
#define SCHEME_SCRATCH_H

#include "vm.h"

/** Make memory larger, as realloc does; NULL: new memory. */
void *scratch_resize(void *memory, size_t bytes);

/** New memory, all zeros. */
void *scratch_zeroed(size_t count, size_t bytes);

/** Free what the two returned, or NULL. */
void scratch_free(void *memory);

/** Take GMP's memory from here. Before anything of it is used. */
void scratch_init(struct vm *vm);

/** What is taken from now on, scratch_land frees. */
uint64_t scratch_mark(void);
void scratch_land(struct vm *vm, uint64_t mark);

/** What malloc, realloc, calloc or strdup returned, which is not NULL: small pieces that may be
 * lost. */
void *checked(void *memory);

#endif
