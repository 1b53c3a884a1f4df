/* SPDX-License-Identifier: MIT */
/*
 * Beginning and end of a heap's files. See recording.h.
 */
#include "recording.h"

#include <stdio.h>

#include "../instance.h"
#include "at_exit.h"
#include "line.h"

static void say_nothing_is_recorded(const struct recording_use *use, const char *path,
                                    const char *why) {
    struct line line = {.length = 0};
    line_add(&line, "gait: %s: nothing is recorded: %s: ", use->what, why);
    line_add_text(&line, path);
    line_write(&line, stderr);
}

/* At exit, or from recording_end. */
static void finish(void *argument) {
    struct recording *recording = argument;
    writer_stop_ticks(recording->writer);
    recording->use->finish(recording->owner);
    writer_drain(recording->writer);
}

bool recording_open(struct recording *recording, const struct recording_use *use, void *owner,
                    const char *asked) {
    char path[LOG_NAME_BYTES];
    int64_t number = log_names_next(use->names, asked, path);
    struct writer *writer = writer_new(&(struct writer_use){
        .thread_name = use->thread_name,
        .path = path,
        .what = use->what,
        .buffer_bytes = use->buffer_bytes,
        .tick = use->tick,
        .data = owner,
        .tick_ns = use->tick_ns,
        .ticks_per_write = use->ticks_per_write,
    });
    if (!recording || !writer) {
        say_nothing_is_recorded(use, path, "no memory");
        goto nothing;
    }
    *recording = (struct recording){.use = use, .owner = owner, .writer = writer};
    lock_init(&recording->lock, LOCK_LOG, use->what);
    use->begin(owner, number);
    if (writer_start(writer) < 0) {
        say_nothing_is_recorded(use, path, "no thread is available");
        lock_destroy(&recording->lock);
        goto nothing;
    }
    recording->place = at_exit_add(finish, recording);
    return true;
nothing:
    if (writer)
        writer_end(writer);
    return false;
}

bool recording_start(gait_heap *heap, struct recording *recording, const struct recording_use *use,
                     void *owner, const char *asked) {
    if (!recording_open(recording, use, owner, asked))
        return false;
    recording->next = heap->recordings;
    heap->recordings = recording;
    return true;
}

static void end(struct recording *recording) {
    at_exit_take(recording->place, recording);
    lock_acquire(&recording->lock);
    bool closed = recording->closed;
    lock_release(&recording->lock);
    if (!closed)
        finish(recording);
}

static void free_recording(struct recording *recording) {
    writer_end(recording->writer);
    lock_destroy(&recording->lock);
    recording->use->free(recording->owner);
}

void recording_close(struct recording *recording) {
    end(recording);
    writer_stop_ticks(recording->writer); /* its owner may have closed it before */
    free_recording(recording);
}

void recordings_end(gait_heap *heap) {
    for (struct recording *each = heap->recordings; each; each = each->next)
        end(each);
}

void recordings_free(gait_heap *heap) {
    while (heap->recordings) {
        struct recording *recording = heap->recordings;
        heap->recordings = recording->next;
        recording->use->forget(heap);
        free_recording(recording);
    }
}

/* ---- Fork ---- */

void recordings_hold(gait_heap *heap) {
    for (struct recording *each = heap->recordings; each; each = each->next)
        writer_hold(each->writer);
}

void recordings_let_go(gait_heap *heap) {
    for (struct recording *each = heap->recordings; each; each = each->next)
        writer_let_go(each->writer);
}

void recordings_lost(gait_heap *heap) {
    for (struct recording *each = heap->recordings; each; each = each->next) {
        each->use->forget(heap);
        writer_lost(each->writer);
    }
    heap->recordings = NULL;
}
