/* SPDX-License-Identifier: MIT */
/*
 * A heap's log. See heap_log.h.
 */
#include "heap_log.h"

#include "../instance.h"
#include "writer.h"

/* Some 200 lines: a second of cycles as short as they get. Guess. */
#define BUFFER_BYTES ((size_t)32768)

int heap_log_start(gait_heap *heap) {
    if (!heap->options.gctrace && !heap->options.gcpacertrace)
        return 0;
    heap->log_writer = writer_new(&(struct writer_use){
        .thread_name = "gait-log", .stream = heap->log, .buffer_bytes = BUFFER_BYTES});
    if (!heap->log_writer)
        return -1;
    if (writer_start(heap->log_writer) == 0)
        return 0;
    heap_log_end(heap);
    return -1;
}

/* Say how many lines were lost since the last one that was not. @return false: no room. */
static bool add_lost(gait_heap *heap) {
    if (heap->log_lost == 0)
        return true;
    struct line line = {.length = 0};
    line_add(&line, "gait: %llu lines lost: the log was not read, or can't be written",
             (unsigned long long)heap->log_lost);
    line_end(&line);
    if (!writer_add(heap->log_writer, line.text, line.length))
        return false;
    heap->log_lost = 0;
    return true;
}

void heap_log_line(gait_heap *heap, struct line *line) {
    if (!heap->log_writer) {
        line_write(line, heap->log);
        return;
    }
    line_end(line);
    if (!add_lost(heap) || !writer_add(heap->log_writer, line->text, line->length))
        heap->log_lost++;
    line->length = 0;
}

void heap_log_flush(gait_heap *heap) {
    if (!heap->log_writer)
        return;
    add_lost(heap);
    writer_drain(heap->log_writer);
}

void heap_log_end(gait_heap *heap) {
    if (!heap->log_writer)
        return;
    add_lost(heap);
    writer_end(heap->log_writer);
    heap->log_writer = NULL;
}

void heap_log_hold(gait_heap *heap) {
    if (heap->log_writer)
        writer_hold(heap->log_writer);
}

void heap_log_let_go(gait_heap *heap) {
    if (heap->log_writer)
        writer_let_go(heap->log_writer);
}

void heap_log_lost(gait_heap *heap) {
    heap->log_lost = 0;
    if (heap->log_writer)
        writer_lost(heap->log_writer);
}
