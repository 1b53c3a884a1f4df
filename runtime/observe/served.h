/* SPDX-License-Identifier: MIT */
/*
 * A heap that answers over HTTP since GAIT_DEBUG=http=ADDRESS asks for it: by libgait-http
 * (gait/http.h), which is loaded then (companion.h).
 */
#ifndef GAIT_SERVED_H
#define GAIT_SERVED_H

#include "../control/control.h"

/** What can't be is said by a line in the heap's log. */
void served_start(gait_heap *heap);
void served_end(gait_heap *heap);

/** In the child of a fork nobody answers. */
void served_lost(gait_heap *heap);

#endif
