/* SPDX-License-Identifier: MIT */
/*
 * What the governor's own files share.
 */
#ifndef PACER_GOVERNOR_PARTS_H
#define PACER_GOVERNOR_PARTS_H

#include "governor.h"

/** Memory as the pacer is to see it. Defined in governor_memory.c. */
struct gait_pacer_memory governor_pacer_memory(const struct gait_governor *governor);

/** Learn from what was in use as marking ended, under this goal. Defined in governor_memory.c. */
void governor_memory_end(struct gait_governor *governor, const struct gait_governor_end *end,
                         uint64_t goal_bytes);

/** A cycle begins: may it be held back? Defined in governor_workers.c. */
void governor_hold_begin(struct gait_governor *governor, bool by_limit);

/** What was allocated while marking did nothing, of all that was while it marked. Defined in
 * governor_workers.c. */
double governor_held_back_share(const struct gait_governor *governor,
                                const struct gait_governor_progress *progress);

#endif
