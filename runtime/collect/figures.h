/* SPDX-License-Identifier: MIT */
/*
 * What is known of all cycles so far: how many, the last one, and the pauses.
 */
#ifndef GAIT_FIGURES_H
#define GAIT_FIGURES_H

#include <gait/stats.h>

#include "../control/control.h"

struct figures {
    struct lock lock; /* rank LOG: what follows */
    uint64_t cycles;
    uint64_t forced_cycles;
    uint64_t minor_cycles;
    uint64_t floor_cycles; /* whose goal the CPU gave */
    uint64_t limit_cycles; /* and the limit */
    struct cycle_record last;
    uint64_t pauses;
    uint64_t pause_total_ns;
    uint64_t pause_max_ns;
    uint64_t pause_histogram[GAIT_PAUSE_BUCKETS];
};

void figures_init(struct figures *figures);
void figures_destroy(struct figures *figures);

/** Mutators were stopped for so long. */
void figures_pause(struct figures *figures, int64_t ns);

/** A cycle has marked. */
void figures_cycle(struct figures *figures, const struct cycle_record *record);

#endif
