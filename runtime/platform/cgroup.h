/* SPDX-License-Identifier: MIT */
/*
 * Limits that control groups set on this process, version 1 and version 2 (and both at once, as in
 * hybrid systems). For platform/ and its tests. Read anew at each call: limits change.
 */
#ifndef GAIT_CGROUP_H
#define GAIT_CGROUP_H

#include <stdint.h>

/** CPU time that the process may use per time, in CPUs; INFINITY: no quota. */
double cgroup_cpu_quota(void);

/** The memory limit, bytes; INT64_MAX: none. */
int64_t cgroup_memory_limit_bytes(void);

#endif
