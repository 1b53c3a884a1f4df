/* SPDX-License-Identifier: MIT */
/*
 * A thread of the library that writes to files, and may hang in the system for as long as it
 * likes: a pipe that nobody reads, a disk that does not answer. Whoever ends it waits for a
 * bounded time; then the thread is left behind, and frees what it works with by itself.
 *
 *   .inv.left: once worker_is_ended says so the thread touches nothing but what its argument owns.
 *   It asks after every call that may hang, before it touches anything else.
 */
#ifndef GAIT_WORKER_H
#define GAIT_WORKER_H

#include "../platform/platform.h"

struct worker {
    struct platform_thread thread;
    void (*run)(void *argument);     /* constant */
    void (*release)(void *argument); /* constant: frees the argument, and this with it */
    void *argument;                  /* constant */
    unsigned wake;                   /* atomic, waited on by the thread: raised to wake it */
    unsigned ended;                  /* atomic: it is to end */
    unsigned state; /* atomic, waited on by the one that ends it: enum in worker.c; by
                       compare-and-swap */
};

/** Start run(argument). @return negative: no thread is available; then *worker may be used again.
 */
int worker_start(struct worker *worker, void (*run)(void *argument),
                 void (*release)(void *argument), void *argument, const char *name);

/** The thread: is it to end? Raised before the wake that tells of it. */
bool worker_is_ended(const struct worker *worker);

/** What worker_wait goes by: read it before the look at what there is to do. */
unsigned worker_word(const struct worker *worker);

/** The thread: sleep until a wake since that word was read, at most so long; negative: no bound. */
void worker_wait(struct worker *worker, unsigned word, int64_t timeout_ns);
void worker_wake(struct worker *worker);

/** Tell it to end. */
void worker_is_to_end(struct worker *worker);

/**
 * Tell it to end, and wait for that.
 * @return false: it has not within wait_ns, and is left behind: the caller frees nothing of it, and
 * touches it no more. True: it is joined.
 */
bool worker_end(struct worker *worker, int64_t wait_ns);

#endif
