/* SPDX-License-Identifier: MIT */
/* A walk over the objects that a cycle leaves: enumerate.c. */
#ifndef COMPAT_ENUMERATE_H
#define COMPAT_ENUMERATE_H

#include <gait/liveness.h>

/** Of a liveness hook, with the program stopped, after what comes back has. */
void compat_enumerate(gait_liveness *liveness);

#endif
