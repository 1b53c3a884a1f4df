/* SPDX-License-Identifier: MIT */
/*
 * A census: how many bytes of spans there are for objects of which size, as far as a walk beside
 * running mutators can see. A figure: spans that come and go meanwhile are counted or not.
 */
#ifndef GAIT_CENSUS_H
#define GAIT_CENSUS_H

#include "space.h"

/* Sizes of objects are put together into some groups; the last is of large ones, with a span each.
 * The bounds are powers of four up to 4 KiB, then the largest small size: what lies between is told
 * by kinds and profiles. */
#define CENSUS_GROUPS 7

/** The largest size of a group, bytes; 0: there is no bound. */
size_t census_bound_bytes(unsigned group);

/** Count. Takes some 10 ns a span, and as much a free page. Any thread. */
void census_take(const struct space *space, uint64_t bytes[CENSUS_GROUPS]);

#endif
