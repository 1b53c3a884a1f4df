/* SPDX-License-Identifier: MIT */
/*
 * A shadow stack's frames, copied: where a thread in native code has its roots.
 *
 * Frames lie on the C stack. A thread may end inside native code, cancelled or by pthread_exit; its
 * functions are gone then, and what runs next on that memory overwrites their frames, before the
 * library hears of the end. So the collector follows no link and no pointer in it:
 *
 *   .inv.copy: for a thread in native code, the collector reads the copy of its frames. What it
 *   reads on the thread's stack are words only, which are roots or anything else.
 *
 * A copy is brought up to date by the thread before it goes native. It takes as long as what was
 * pushed since the last time: a frame that was copied has the top bit of its count set, and so had
 * all the older ones. Pushing it anew would have cleared the bit. Hence nobody but gait_push_frame
 * writes to a frame.
 *
 * A copy is its mutator's, used as its other roots are.
 */
#ifndef GAIT_FRAME_COPY_H
#define GAIT_FRAME_COPY_H

#include <gait/inline.h>

#include "marker.h"

#define FRAME_COPIED ((size_t)1 << 63)

/* How many words a frame has. */
static inline size_t frame_words(const struct gait_frame *frame) {
    return frame->count & ~FRAME_COPIED;
}

struct frame_copy {
    struct frame_entry *entries; /* oldest first */
    size_t count;
    size_t room;
    const struct gait_frame *left; /* older than these: read where it lies, since there was no
                                      memory for it; NULL: all are copied */
};

/** Bring a copy up to date: it is of the stack whose youngest frame this is. */
void frame_copy_update(struct frame_copy *copy, struct gait_frame *youngest);

/** Forget what it holds: it is to be of another stack. */
static inline void frame_copy_forget(struct frame_copy *copy) {
    copy->count = 0;
    copy->left = NULL;
}

void frame_copy_free(struct frame_copy *copy);

/** Visit the words of the copied frames. @return bytes. */
size_t frame_copy_visit(struct gait_visitor *visitor, const struct frame_copy *copy);

#endif
