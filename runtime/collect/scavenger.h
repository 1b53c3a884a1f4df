/* SPDX-License-Identifier: MIT */
/*
 * The scavenger: a thread that gives free memory back to the OS, slowly where nothing presses, and
 * at once what is above the limit. How much is due, and how long it naps, control says.
 */
#ifndef GAIT_SCAVENGER_H
#define GAIT_SCAVENGER_H

#include <gait/gait.h>

#include "../platform/lock.h"
#include "../platform/platform.h"

struct scavenger {
    struct platform_thread thread;
    struct lock lock; /* rank SWEEP: held while pages are given back */
    unsigned wake;    /* atomic, waited on by the thread: raised to wake it */
    unsigned ending;  /* atomic: the thread is to end */
};

void scavenger_init(struct scavenger *scavenger);
void scavenger_destroy(struct scavenger *scavenger);

/** Start the thread. @return negative: none is available. */
int scavenger_start(gait_heap *heap);

/** End it, and wait for that. */
void scavenger_end(gait_heap *heap);

/** Have the thread look at what is due, as there is another goal. Any thread. */
void scavenger_wake(gait_heap *heap);

/** A cycle has been swept: wake the thread if it would find anything to do. In a small heap that is
 * seldom, and a wake costs as much as the sweep. */
void scavenger_cycle_ended(gait_heap *heap);

/** Give up to bytes of free pages back to the OS. Not by a running mutator. @return how many. */
size_t scavenger_give_back(gait_heap *heap, size_t bytes);

#endif
