/* SPDX-License-Identifier: MIT */
/*
 * A program that stores plainly: the kernel says which pages of the heap were written, and their
 * cards are made dirty. Either while it is marked beside the program, as gait_dirty does for a
 * program that says so itself (docs/design/objects.md, By pages); or from one cycle to the next, so
 * that the next may be a minor one (docs/design/minor.md, By pages).
 *
 *   .inv.written: from written_begin, which returned true, to written_end: what was stored to a
 *   page since written_begin, or since written_to_cards looked at it last, makes its cards dirty at
 *   the next look. What fails makes all cards dirty.
 *
 *   .inv.kept: from written_keep, which returned true, until it is called again: a page that has
 *   old objects in which cards are looked at was not written since, or written_since makes its
 *   cards dirty.
 */
#ifndef GAIT_WRITTEN_H
#define GAIT_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "../platform/platform.h"

typedef struct gait_heap gait_heap;

/* All of it: the collector's; and of the thread that creates, destroys or forks. */
struct written {
    struct platform_watch watch;
    bool told;         /* the log says that there was a cycle without */
    bool kept;         /* pages are watched from one cycle to the next, or some of them */
    unsigned refusals; /* by the kernel, in a row: written_keep */
};

/** Can the kernel say, here and now? As the heap is created. */
bool written_start(gait_heap *heap);
void written_stop(gait_heap *heap);

/** In a fork's child, whose memory nobody watches: begin anew with the next cycle. */
void written_lost(gait_heap *heap);

/** Watch the heap from here on. @return false: not possible; the program has to be
 * stopped. The next cycle tries again. */
bool written_begin(gait_heap *heap);

/** Make the cards of what was written dirty. @return so many bytes. */
size_t written_to_cards(gait_heap *heap);

/** Watch no more. */
void written_end(gait_heap *heap);

/** With the world stopped, as what is marked becomes old: watch the pages that have some of it.
 * @return false: not possible. */
bool written_keep(gait_heap *heap);

/** Make the cards dirty of old objects on pages that were written since written_keep. The pages go
 * on to be watched as they were. @return so many pages. */
size_t written_since(gait_heap *heap);

/** The next cycle is a full one: have stores to these pages fault no more. */
void written_drop(gait_heap *heap);

#endif
