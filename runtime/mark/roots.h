/* SPDX-License-Identifier: MIT */
/*
 * Roots that belong to no mutator: static slots, handles, ranges, and coroutines that do not run.
 *
 * Static slots and handles may come and go while roots_push runs; the barrier of the mutator that
 * adds or removes one shades what it holds, so one that is missed or met twice does no harm. What
 * minor cycles leave out: docs/design/minor.md, Roots.
 * Ranges: ranges.h. Coroutines: coroutines.h.
 */
#ifndef GAIT_ROOTS_H
#define GAIT_ROOTS_H

#include <gait/inline.h>
#include <stdbool.h>

#include "../heap/pool.h"
#include "../platform/lock.h"
#include "address_map.h"
#include "marker.h"

struct gait_handle {
    gait_word value; /* atomic */
};

struct roots {
    struct lock lock; /* rank ROOTS */
    struct address_map ranges;
    struct pool parts;   /* of ranges */
    struct pool handles; /* of struct gait_handle; what they hold is not guarded */
    struct gait_coroutine *coroutines;
    struct gait_coroutine *cursor; /* of coroutines_push: the next to look at */
    struct gait_coroutine *gone;   /* freed, while markers may still look at them */
    bool checks_suspended;         /* constant: gccheckmark beside mutators, suspended.h */
    struct suspect *suspects;      /* of suspended.h, with their count, and room for so many */
    size_t suspect_count;
    size_t suspect_room;
    struct root_range *long_ranges;  /* of ranges.h; what is added last comes first */
    struct root_range *range_cursor; /* of ranges_push: the next to push */
    struct root_range *retired;      /* removed, but perhaps in the queue */
    bool visits_libraries;           /* constant: data segments are roots */
    size_t library_bytes;            /* of libraries' at the last visit; the collector's */
    AO_t *metadata_bytes;            /* constant */
    AO_t bytes;       /* of static slots, handles and ranges; read unordered: a figure */
    AO_t piece_bytes; /* of ranges alone; likewise */
};

/** All of it is counted in *metadata_bytes. @return negative: no memory. */
int roots_init(struct roots *roots, AO_t *metadata_bytes);

/** Frees handles and coroutines too. */
void roots_destroy(struct roots *roots);

/** Add static slots. The caller shades what they hold. @return 0, GAIT_E_INVALID, GAIT_E_MEMORY. */
int roots_add(struct roots *roots, gait_word *slots, size_t count);

/** Take back the last roots_add of this first slot. The caller has shaded what the slots hold: see
 * roots_count. @return 0, GAIT_E_MISSING. */
int roots_remove(struct roots *roots, gait_word *slots);

/** How many slots the last roots_add of this first slot added; 0: it was never added. */
size_t roots_count(struct roots *roots, gait_word *slots);

/** Does a static slot or a range lie in these bytes? Takes time with their number. */
bool roots_lie_in(struct roots *roots, const void *low, size_t bytes);

/** Bytes of static slots, handles and ranges in use: a figure. */
size_t roots_bytes(const struct roots *roots);

/** A handle that holds 0, or NULL: no memory. The caller shades what a freed handle held.
 * @return of free, false: it is none, or free already. */
struct gait_handle *roots_handle_new(struct roots *roots);
bool roots_handle_free(struct roots *roots, struct gait_handle *handle);

/** Visit what all handles hold, the lock ROOTS held for a piece at a time: handles.c. */
void roots_visit_handles(struct roots *roots, struct gait_visitor *visitor);

/** Push what static slots and handles hold, and the pieces of ranges; nobody waits long for the
 * lock meanwhile. changed: what holds what it held as the last cycle ended may be left out. The
 * collector, once a cycle. */
void roots_push(struct roots *roots, struct marker *marker, bool changed);

/** Visit all of it with any visitor. Nothing runs beside: the world is stopped. */
void roots_visit(struct roots *roots, struct gait_visitor *visitor);

/** The same without coroutines. */
void roots_visit_words(struct roots *roots, struct gait_visitor *visitor);

#endif
