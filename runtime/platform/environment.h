/* SPDX-License-Identifier: MIT */
/*
 * The environment's one secret: what tests may pretend. The rest is platform.h.
 */
#ifndef GAIT_ENVIRONMENT_H
#define GAIT_ENVIRONMENT_H

#include <stdbool.h>

/** Have the process count as privileged, or not any more. Thread rule: while no other thread asks.
 */
void environment_pretend_privileged(bool privileged);

#endif
