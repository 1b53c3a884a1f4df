/* SPDX-License-Identifier: MIT */
/*
 * The figures of a heap as JSON.
 */
#ifndef GAIT_HTTP_VARS_H
#define GAIT_HTTP_VARS_H

#include <gait/gait.h>
#include <stdio.h>

/** Write one object: figures by name, and a list by kind. */
void vars_write(gait_heap *heap, FILE *out);

#endif
