/* SPDX-License-Identifier: MIT */
/*
 * Sweeping by the collector's thread, beside mutators that sweep on demand.
 */
#ifndef GAIT_SWEEPING_H
#define GAIT_SWEEPING_H

#include <gait/gait.h>

/** Sweep all that is left, in bursts. The collector. */
void sweeping_finish(gait_heap *heap);

#endif
