/* SPDX-License-Identifier: MIT */
/*
 * A buffer between threads that must not wait and a file that may keep its writer waiting: bytes
 * are added under a lock that is held for a copy; a thread of the writer's own writes them, in
 * order. What has no room is refused: the caller counts it.
 *
 * The file is that of a stream, by a descriptor beside it, opened anew for each batch, so that the
 * program may redirect or, after writer_end, close the stream; or a path, opened on the writer's
 * thread. A stream in memory is written by stdio.
 */
#ifndef GAIT_WRITER_H
#define GAIT_WRITER_H

#include <stdio.h>

#include "worker.h"

struct writer;

struct writer_use {
    const char *thread_name;
    FILE *stream;             /* lines go here, each batch whole ones; NULL: a path is given */
    const char *path;         /* copied */
    const char *what;         /* what the path is, in the line that reports a failure */
    size_t buffer_bytes;      /* two of these: one is filled while the other is written */
    void (*tick)(void *data); /* on the writer's thread every tick_ns; NULL: never. Never waits */
    void *data;               /* for tick */
    int64_t tick_ns;
    unsigned
        ticks_per_write; /* written at so many ticks, and when half full; 0: at each addition */
};

/** A writer; a stream's is flushed at exit. NULL: no memory. */
struct writer *writer_new(const struct writer_use *use);

/** Start its thread, unless it is there. @return negative: none is available; additions try again.
 */
int writer_start(struct writer *writer);

/** Add bytes, all or none. @return false: no room. Never waits. */
bool writer_add(struct writer *writer, const void *bytes, size_t count);

/**
 * Wait until all is written that was added before, but not for a file that has taken nothing for a
 * tenth of a second, or, of one that does not say that it has no room, two seconds.
 */
void writer_drain(struct writer *writer);

/** No tick runs any more, and none will. */
void writer_stop_ticks(struct writer *writer);

/** Drain it, end its thread, or leave it behind if it hangs, and free it. No tick runs. */
void writer_end(struct writer *writer);

/** Around fork: nobody adds, and the buffer is whole. In the child, in place of letting it go: what
 * it holds is the parent's to write; the thread is gone, and started by the next addition. */
void writer_hold(struct writer *writer);
void writer_let_go(struct writer *writer);
void writer_lost(struct writer *writer);

#endif
