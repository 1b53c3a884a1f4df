/* SPDX-License-Identifier: MIT */
/*
 * A census: how many bytes of spans there are for objects of which size, as far as a walk beside
 * running mutators can see. A figure: spans that come and go meanwhile are counted or not. And how
 * many bytes were handed out for objects of which size.
 */
#ifndef GAIT_CENSUS_H
#define GAIT_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

/* Sizes of objects are put together into some groups; the last is of large ones, with a span each.
 * The bounds are powers of four up to 4 KiB, then the largest small size: what lies between is told
 * by kinds and profiles. */
#define CENSUS_GROUPS 7

/* Bytes since the heap was created, of which a trace is told: runs of cells, and pages of large
 * objects. Unordered: figures. */
struct census_handed {
    AO_t bytes[CENSUS_GROUPS];
};

struct space;

/** The largest size of a group, bytes; 0: there is no bound. */
size_t census_bound_bytes(unsigned group);

/** Count. Takes some 10 ns a span, and as much a free page. Any thread. */
void census_take(const struct space *space, uint64_t bytes[CENSUS_GROUPS]);

/** Memory for objects of this class was handed out. A locked instruction: only while somebody reads
 * it. */
void census_hand(struct census_handed *handed, unsigned size_class, size_t bytes);

#endif
