/* SPDX-License-Identifier: MIT */
/*
 * Copying frames, and visiting the copies. See frame_copy.h.
 */
#include "frame_copy.h"

#include <stdlib.h>
#include <string.h>

#include "../platform/platform.h"
#include "stack.h"

/* Guess: most threads are in few functions when they go native. */
#define ROOM_MIN 16

struct frame_entry {
    const struct gait_frame *frame;
    const gait_word *slots;
    size_t words;
};

static bool make_room(struct frame_copy *copy, size_t count) {
    if (count <= copy->room)
        return true;
    size_t room = copy->room ? copy->room : ROOM_MIN;
    while (room < count)
        room *= 2;
    struct frame_entry *entries = realloc(copy->entries, room * sizeof *entries);
    if (!entries)
        return false;
    copy->entries = entries;
    copy->room = room;
    return true;
}

/* How many entries lead up to this frame, itself counted; 0: it is in none. */
static size_t entries_up_to(const struct frame_copy *copy, const struct gait_frame *frame) {
    size_t count = copy->count;
    while (count > 0 && copy->entries[count - 1].frame != frame)
        count--;
    return count;
}

/* Is what was kept still what the frames say? */
static void check_kept(const struct frame_copy *copy, size_t kept, const struct gait_frame *frame) {
#ifdef GAIT_CHECKS
    for (; kept > 0; kept--, frame = frame->previous) {
        const struct frame_entry *entry = &copy->entries[kept - 1];
        if (entry->frame != frame || entry->slots != frame->slots ||
            entry->words != frame_words(frame))
            platform_fatal("gait_enter_native: the shadow-stack frame at %p was written to after "
                           "gait_push_frame",
                           (const void *)frame);
    }
#else
    (void)copy, (void)kept, (void)frame;
#endif
}

void frame_copy_update(struct frame_copy *copy, struct gait_frame *youngest) {
    size_t fresh = 0, kept = 0;
    bool met = false;
    for (const struct gait_frame *frame = youngest; frame; frame = frame->previous) {
        /* one that was copied, but not lately: then neither were those below it */
        if (frame->count & FRAME_COPIED && !met) {
            met = true;
            kept = entries_up_to(copy, frame);
            if (kept > 0)
                break;
        }
        fresh++;
    }
    copy->left = NULL;
    copy->count = kept;
    if (!make_room(copy, kept + fresh)) {
        copy->count = 0;
        copy->left = youngest;
        return;
    }
    copy->count = kept + fresh;
    struct gait_frame *frame = youngest;
    for (size_t at = copy->count; at > kept; at--, frame = frame->previous) {
        copy->entries[at - 1] = (struct frame_entry){
            .frame = frame, .slots = frame->slots, .words = frame_words(frame)};
        frame->count |= FRAME_COPIED;
    }
    check_kept(copy, kept, frame);
}

void frame_copy_free(struct frame_copy *copy) {
    free(copy->entries);
    memset(copy, 0, sizeof *copy);
}

/* The functions that had the words may have ended: then they are anything, and another thread's. */
__attribute__((no_sanitize("address", "thread"))) size_t
frame_copy_visit(struct gait_visitor *visitor, const struct frame_copy *copy) {
    size_t bytes = stack_visit_frames(visitor, copy->left);
    for (size_t i = 0; i < copy->count; i++) {
        const struct frame_entry *entry = &copy->entries[i];
        visitor_enter(visitor, ROOTS_FRAMES, entry->frame);
        for (size_t word = 0; word < entry->words; word++) {
            visitor->at = &entry->slots[word];
            visitor->visit(visitor, entry->slots[word], false);
        }
        bytes += entry->words * sizeof(gait_word);
    }
    return bytes;
}
