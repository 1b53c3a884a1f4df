/* SPDX-License-Identifier: MIT */
/**
 * Tells apart the processes that wrote into one log.
 */
#ifndef COMMAND_GCTRACE_PROCESSES_H
#define COMMAND_GCTRACE_PROCESSES_H

#include "gctrace.h"

/** A hash of what loggers put before a line, without times and counters: who wrote it. */
uint64_t gctrace_source(const char *before, size_t length);

/** Leave one process's cycles, and name all. See gctrace_end. */
bool gctrace_choose(struct gctrace *trace, size_t process);

#endif
