/* SPDX-License-Identifier: MIT */
/*
 * Which pairs and vectors of a datum need a label: those that are met again, or only those on the
 * way to themselves.
 *
 * Objects never move, so what is known of one is kept by its address: two bits for each 8 bytes, in
 * regions of a page each. A list of n pairs takes n/16 bytes and more, not the tens of bytes for
 * each that a table of objects would. Depth costs no C stack.
 */
#ifndef SCHEME_SHARING_H
#define SCHEME_SHARING_H

#include "vm.h"

struct sharing;

/** Can it have parts that the printer follows? */
static inline bool is_compound(value v) { return is_pair(v) || (is_vector(v) && length_of(v)); }

/**
 * Look through a datum, which the caller holds. It is linear in its size.
 * @param all  what is met twice; else only what leads to itself
 * @return NULL: nothing needs a label.
 */
struct sharing *sharing_find(value datum, bool all);

/** Does it need a label? */
bool sharing_has(struct sharing *sharing, value v);

/** The label of one that needs one. *fresh: it was not given before; they count from 0. */
int64_t sharing_label(struct sharing *sharing, value v, bool *fresh);

void sharing_free(struct sharing *sharing);

#endif
