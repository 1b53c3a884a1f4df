/* SPDX-License-Identifier: MIT */
/*
 * A ring of events of one size, from many threads to one, without locks: no thread that puts one
 * waits, not even for a thread that the OS has put aside (a bounded queue: D. Vyukov, "Bounded MPMC
 * queue", 2010).
 *
 *   .inv.turn: slot i of the ring is to be filled by ticket t, t % slots = i, while its turn is t;
 *   then its turn is t + 1, and the reader's, which makes it t + slots. Turns are released by the
 *   one that leaves a slot, and acquired by the one that comes to it.
 *   .inv.ring: an event that finds the next slot not yet read is dropped and counted.
 */
#ifndef GAIT_RING_H
#define GAIT_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "atomic.h"

struct ring {
    size_t slots, slot_bytes, bytes; /* constant; of a slot without its turn: bytes */
    AO_t dropped;                    /* events that found no slot; unordered, a figure */
    char apart[64];
    AO_t next; /* the next ticket; by compare-and-swap, unordered: turns order what slots hold */
    char apart_too[64];
    AO_t read; /* the ticket that is read next; the reader's */
    char memory[];
};

/** slots: a power of two; bytes: a multiple of 8. @return NULL: no memory. Freed by ring_free. */
struct ring *ring_new(size_t slots, size_t bytes);
void ring_free(struct ring *ring);

/** Any thread; never waits. */
void ring_put(struct ring *ring, const void *event);

/**
 * Take the events that are there as the call begins, or fewer: up to one that is being filled. One
 * thread at a time.
 */
void ring_take(struct ring *ring, void (*take)(void *data, const void *event), void *data);

/** How many it has that were not taken: ring_take stops at one that is being filled. The thread
 * that takes. */
size_t ring_left(const struct ring *ring);

#endif
