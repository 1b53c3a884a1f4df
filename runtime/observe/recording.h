/* SPDX-License-Identifier: MIT */
/*
 * A file that a heap writes from its creation to its end, or several heaps from the first one's
 * creation to the last one's end: what all such files have in common. Its owner says what is
 * written; a writer (writer.h) has a thread that writes it.
 *
 * It ends when the heap is destroyed or the program exits, whichever is first: then, once, with the
 * last words that its owner has. It is not carried on by the child of a fork.
 */
#ifndef GAIT_RECORDING_H
#define GAIT_RECORDING_H

#include <gait/gait.h>

#include "../platform/lock.h"
#include "log_name.h"
#include "writer.h"

/* What an owner says of its files. */
struct recording_use {
    const char *what; /* for messages: the debug option that asks for it */
    const char *thread_name;
    size_t buffer_bytes;
    int64_t tick_ns; /* the file's thread calls tick so often */
    unsigned ticks_per_write;
    void (*tick)(void *owner);
    /* Write what a file begins with; number: the heap's. */
    void (*begin)(void *owner, int64_t number);
    /* Write what it ends with, and set closed. */
    void (*finish)(void *owner);
    /* Nothing is told to it from now on: free follows, or nothing, in the child of a fork. NULL: it
     * is no heap's own. */
    void (*forget)(gait_heap *heap);
    void (*free)(void *owner);
    struct log_names *names;
};

struct recording {
    const struct recording_use *use; /* constant, as are the next two */
    void *owner;
    struct writer *writer;
    struct recording *next; /* of the heap's; set before and after collection runs */
    size_t place;           /* in the table of calls at exit; the creator's */
    struct lock lock;       /* rank LOG: closed, and what the owner says */
    bool closed;            /* nothing is written any more */
};

/** Begin the file that was asked for, as one of the heap's. recording: NULL, there was no memory
 * for it. @return false: one line on stderr has said why not, and nothing has begun. */
bool recording_start(gait_heap *heap, struct recording *recording, const struct recording_use *use,
                     void *owner, const char *asked);

/** The same of a file that is no heap's own. */
bool recording_open(struct recording *recording, const struct recording_use *use, void *owner,
                    const char *asked);

/** End such a file, if the exit has not, and free it. */
void recording_close(struct recording *recording);

/** All of a heap's: end them, if the exit has not; free them, after their end. */
void recordings_end(gait_heap *heap);
void recordings_free(gait_heap *heap);

/** Around fork; in the child, in place of letting go: they are forgotten, but not freed, since some
 * thread of the parent may be inside. */
void recordings_hold(gait_heap *heap);
void recordings_let_go(gait_heap *heap);
void recordings_lost(gait_heap *heap);

#endif
