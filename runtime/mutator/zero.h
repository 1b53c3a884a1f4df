/* SPDX-License-Identifier: MIT */
/*
 * Zeroing of large objects: in pieces, with safepoints between, and without making pages resident
 * that were not.
 */
#ifndef GAIT_ZERO_H
#define GAIT_ZERO_H

#include <gait/gait.h>

/**
 * Have whole pages of the space read as zero: those that the OS has in memory are written, the
 * others given back to it. A safepoint: what the pages hold must be nothing to the collector.
 */
void zero_pages(gait_mutator *mutator, char *start, size_t bytes);

#endif
