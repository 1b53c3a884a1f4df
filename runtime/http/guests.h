/* SPDX-License-Identifier: MIT */
/*
 * Who is connected: so that there is room for whoever comes next, and so that the child of a fork
 * does not keep what is open.
 *
 *   .inv.room: no more than GUESTS_MOST are connected for longer than they take to go. As one more
 *   comes, who has been at one request for the longest is sent away: clients that send or take a
 *   byte now and then are never idle, and would else keep everybody out.
 *   .inv.child: the child of a fork closes the listener and all connections. Else the port would
 *   stay taken as long as the child lives, and who connects would wait for an answer that nobody
 *   gives.
 *   .inv.snapshot: no more than one snapshot is in memory, however slowly it is read.
 *   .inv.turn: one profile is made at a time, which takes a CPU. A client waiting for its turn is
 *   sent away as others are.
 */
#ifndef GAIT_HTTP_GUESTS_H
#define GAIT_HTTP_GUESTS_H

#include <stdbool.h>
#include <stdint.h>

#define GUESTS_MOST 16u
#define GUESTS_PLACES (4 * GUESTS_MOST) /* with those that are on their way out */

struct guest {
    bool here;
    bool leaves; /* was sent away */
    bool has_snapshot;
    int socket;
    int64_t since_ns; /* since when it is at its request */
};

/* Those of one listener. All of it is guarded by the lock in guests.c. */
struct guests {
    struct guests *next; /* of the process's */
    int listener;
    bool lost;  /* this is the child of a fork */
    bool taken; /* somebody has its turn */
    struct guest places[GUESTS_PLACES];
};

/** Have forks followed. @return false: that can't be. */
bool guests_begin(void);

/** It listens. */
void guests_open(struct guests *guests, int listener);

/** It is about to end. @return false: in the child of a fork, where it has ended already. */
bool guests_close(struct guests *guests);

/** One has come; it is to go before its socket is closed. NULL: there was no place, which does no
 * harm. */
struct guest *guests_come(struct guests *guests, int socket);
void guests_go(struct guest *guest);

/** It has its answer. */
void guests_answered(struct guest *guest);

/** It is to get a snapshot. @return false: another has one. */
bool guests_take_snapshot(struct guests *guests, struct guest *guest);

/** It waits for so long. @return false: it was sent away, or it is about to end. */
bool guests_rest(const struct guest *guest, int64_t ns);

/** It waits for its turn, which it ends. @return false: it was sent away. */
bool guests_begin_turn(struct guests *guests, struct guest *guest);
void guests_end_turn(struct guests *guests);

#endif
