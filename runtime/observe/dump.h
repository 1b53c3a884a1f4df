/* SPDX-License-Identifier: MIT */
/*
 * Files that show a heap at a moment, as GAIT_DEBUG asks for: heap profiles. When and where:
 * dump_when.h. Names of several heaps and of the children of a fork: log_name.h.
 *
 * They are written by a thread of the heap's own, as time comes or a signal was counted; at the end
 * by the thread that ends the heap, or the one that exits, which rests meanwhile. So a file that
 * hangs keeps no mutator, but the thread that destroys the heap waits for it: what writes looks at
 * the heap. An exit waits two seconds for the thread, and for its own file as long as that takes.
 */
#ifndef GAIT_DUMP_H
#define GAIT_DUMP_H

#include <gait/gait.h>

/** The collector runs. What can't be is said by a line on stderr. */
void dumps_start(gait_heap *heap);

/** The heap is about to end: write what is to be written at exit, if that has not come; and end.
 * The collector may still run. A thread that is RUNNING nowhere. */
void dumps_end(gait_heap *heap);

/** The collector has ended, too. */
void dumps_free(gait_heap *heap);

/** In the child of a fork, once. */
void dumps_forked(void);

/** Likewise, for each heap: its files are others, and the thread is not there. */
void dumps_lost(gait_heap *heap);

/** Now and then, by the collector's thread: a child's thread begins. */
void dumps_go_on(gait_heap *heap);

#endif
