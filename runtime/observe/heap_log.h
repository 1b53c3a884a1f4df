/* SPDX-License-Identifier: MIT */
/*
 * A heap's log: lines of gctrace, gcpacertrace and others.
 *
 * Lines go to a buffer; a thread of the log's own writes them, past the stream's buffer (writer.h).
 * So nobody waits for a log: while it takes nothing, lines that find no room are dropped, and a
 * line says how many when there is room again. A log that can't be written is no error. Heaps that
 * print nothing have neither buffer nor thread.
 *
 * Lines are added by the collector's thread, or while it is not there.
 */
#ifndef GAIT_HEAP_LOG_H
#define GAIT_HEAP_LOG_H

#include <gait/gait.h>

#include "line.h"

/** Start a heap's log if its options have it print. @return negative: no memory or thread. */
int heap_log_start(gait_heap *heap);

/** Write what is left, but not to a log that nobody reads, and end. The collector has ended. */
void heap_log_end(gait_heap *heap);

/** Add a line to the log; the line is empty then. */
void heap_log_line(gait_heap *heap, struct line *line);

/** Before a report that line_write writes at once: write what was added before, as in heap_log_end.
 */
void heap_log_flush(gait_heap *heap);

/** Around fork, with the list of heaps locked; in the child, in place of letting go: what the log
 * holds is the parent's. */
void heap_log_hold(gait_heap *heap);
void heap_log_let_go(gait_heap *heap);
void heap_log_lost(gait_heap *heap);

#endif
