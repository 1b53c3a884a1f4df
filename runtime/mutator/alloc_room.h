/* SPDX-License-Identifier: MIT */
/*
 * What a mutator does before it takes memory, whatever for: it waits for a cycle that is late,
 * makes room under the limit, and marks for what it took before. Each wait is bounded: the limit is
 * soft, and no program stands still for it.
 */
#ifndef GAIT_ALLOC_ROOM_H
#define GAIT_ALLOC_ROOM_H

#include "mutator.h"

/* What is to be taken. */
struct alloc_need {
    size_t bytes;      /* that the program asks for */
    size_t page_bytes; /* that count anew, of pages or outside the heap; except for a cell */
    bool cell;         /* a free one of its kind and class takes none */
    gait_kind kind;
};

/** Is there nothing to ask, nor to wait for, as for most cells? */
bool alloc_has_room(const gait_mutator *mutator, const struct alloc_need *need);

/** Make room. A safepoint. */
void alloc_make_room(gait_mutator *mutator, const struct alloc_need *need);

/** Memory was handed out for objects of this class: count it, and ask for a cycle that is due. */
void alloc_count(gait_mutator *mutator, gait_kind kind, unsigned size_class, size_t bytes);

/** What a cycle found dead may have memory outside the heap. If another thread runs what it queued,
 * wait until all was taken, as long as that goes on. A safepoint. @return whether any was. */
bool alloc_await_cleanups(gait_mutator *mutator);

#endif
