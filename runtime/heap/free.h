/* SPDX-License-Identifier: MIT */
/*
 * Cells that the program gives back itself: gait_free. docs/design/heap.md, Freeing.
 *
 *   .inv.free: a cell is freed by a mutator whose barrier is off, in a span that is swept, while
 *   sweeping is open: so no marker runs, no weak word or finalizer is being settled, and no
 *   handshake ends before the call does. To the others it is as if the mutator had cleared each
 *   word of the object by a plain store, and then let go of it.
 *   .inv.record: no cell of a span is freed, and no page of a large object, while a table of the
 *   library may know an object in it, or a word of one, by its address. space_note_record says so
 *   before the table does.
 */
#ifndef GAIT_HEAP_FREE_H
#define GAIT_HEAP_FREE_H

#include "cache.h"

/** What became of a cell. */
enum freed {
    FREED,          /* it may be used again                                        */
    FREED_LATER,    /* it stays as it is: the next cycle that looks at it frees it */
    FREED_NO_OBJECT /* none was made of the cell yet                               */
};

/** Free an allocated cell, whose memory is overwritten first if `clobber`. A mutator with its own
 * cache, and as .inv.free says. */
enum freed cell_free(struct cache *cache, const struct cell *cell, bool clobber);

/** Memory where objects were is free before a cycle has found them dead: what is garbage may still
 * refer to what comes there, and no card remembers that. For the check of cards: whoever frees
 * cells, or pages, by other means than sweeping says so, of young objects too. */
void space_note_reborn(struct space *space, const char *start, size_t bytes);

/** A table is about to know an object, which is reachable, by its address, or by one inside. */
void space_note_record(struct space *space, const void *object);

#endif
