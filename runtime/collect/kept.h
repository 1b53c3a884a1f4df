/* SPDX-License-Identifier: MIT */
/*
 * What keeps objects that should be dead: searched as a full cycle's marking has ended, reported
 * when the world runs again. docs/design/observe.md, Objects that should be dead, has the argument.
 */
#ifndef GAIT_KEPT_H
#define GAIT_KEPT_H

#include <gait/gait.h>

#include "../heap/pool.h"

struct kept_path;

/* Ways that were found in this cycle, and wait to be reported; the collector's. */
struct kept_paths {
    struct kept_path *first;
    struct kept_path **last;
    struct pool pool; /* of them */
    int64_t stop_ns;  /* of the search */
    size_t left;      /* due ones of which nothing is known, since it was given up */
    const char *why;  /* that it was given up; NULL: it was not */
};

void kept_init(struct kept_paths *kept, AO_t *metadata_bytes);
void kept_destroy(struct kept_paths *kept);

/** With the world stopped, as the bits have turned over, in a full cycle: search, if something that
 * is expected dead is marked. */
void kept_search(gait_heap *heap);

/** Report what was found. The world runs, or is about to; sweeping has not opened, unless all was
 * swept in the stop. */
void kept_tell(gait_heap *heap);

#endif
