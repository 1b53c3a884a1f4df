/* SPDX-License-Identifier: MIT */
/*
 * Libraries that belong to a heap: their states, and what they count. See gait/library.h.
 */
#ifndef GAIT_RUNTIME_LIBRARY_H
#define GAIT_RUNTIME_LIBRARY_H

#include <gait/library.h>

#include "../platform/atomic.h"

/* An argument of at_exit. */
struct library_exit {
    gait_heap *heap;
    int library;
    size_t place; /* in the table of at_exit.h, plus 1; 0: in none. The thread that asked for it,
                     then destroy */
};

struct libraries {
    AO_t states[GAIT_LIBRARIES_MAX]; /* set once by compare-and-swap: release and acquire */
    struct library_exit exits[GAIT_LIBRARIES_MAX];
};

/** The heap is destroyed: no thread uses it. Before its log and its memory go. */
void libraries_destroy(gait_heap *heap);

/** Around fork: all heaps rest. */
void libraries_hold(void);
void libraries_let_go(void);
void libraries_lost(void);

/** How much memory outside the heap a cleanup of some library's frees, bytes; 0: it is of none.
 * While the world is stopped, or in a copy of the process. */
size_t libraries_cleanup_bytes(gait_cleanup_fn cleanup, const void *data);

/** In the child, for each heap. */
void libraries_forked(gait_heap *heap);

#endif
