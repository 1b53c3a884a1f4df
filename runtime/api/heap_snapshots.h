/* SPDX-License-Identifier: MIT */
/*
 * Heap snapshots as files: GAIT_DEBUG=heapsnapshot.
 */
#ifndef GAIT_HEAP_SNAPSHOTS_H
#define GAIT_HEAP_SNAPSHOTS_H

#include <gait/gait.h>

/** Write one as V8 has it, by a copy of the process. Any thread that is RUNNING nowhere. @return
 * negative: *why says why not: a mutator that does not answer for a second, too. */
int heap_snapshots_write_file(gait_heap *heap, int descriptor, const char **why);

#endif
