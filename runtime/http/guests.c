/* SPDX-License-Identifier: MIT */
/*
 * Who is connected. See guests.h.
 */
#include "guests.h"

#include <gait/library.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Nothing of the core is called with it held: it is taken around fork, gait/library.h, .inv.rest.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change =
    PTHREAD_COND_INITIALIZER; /* a turn has ended, somebody is to leave */
static struct guests *all;    /* of the process */

/* A guest who rests looks so often whether it is to leave. */
#define LOOK_NS 100000000

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Fork ---- */

static void hold(void) { pthread_mutex_lock(&lock); }

static void let_go(void) { pthread_mutex_unlock(&lock); }

static void child(void) {
    for (struct guests *guests = all; guests; guests = guests->next) {
        guests->lost = true;
        close(guests->listener);
        for (unsigned i = 0; i < GUESTS_PLACES; i++)
            if (guests->places[i].here)
                close(guests->places[i].socket);
    }
    all = NULL;
    change = (pthread_cond_t)PTHREAD_COND_INITIALIZER; /* nobody waits in this process */
    let_go();
}

bool guests_begin(void) {
    static const gait_library library = {.struct_bytes = sizeof library,
                                         .fork_prepare = hold,
                                         .fork_parent = let_go,
                                         .fork_child = child};
    return gait_library_register(&library) >= 0;
}

/* ---- Listeners ---- */

void guests_open(struct guests *guests, int listener) {
    hold();
    guests->listener = listener;
    guests->next = all;
    all = guests;
    let_go();
}

bool guests_close(struct guests *guests) {
    hold();
    bool lost = guests->lost;
    for (struct guests **link = &all; *link; link = &(*link)->next)
        if (*link == guests) {
            *link = guests->next;
            break;
        }
    for (unsigned i = 0; i < GUESTS_PLACES; i++)
        guests->places[i].leaves = true;
    pthread_cond_broadcast(&change);
    let_go();
    return !lost;
}

/* ---- Guests ---- */

/* .inv.room. With the lock held. */
static void make_room(struct guests *guests, const struct guest *newcomer) {
    struct guest *oldest = NULL;
    unsigned count = 0;
    for (struct guest *guest = guests->places; guest < guests->places + GUESTS_PLACES; guest++) {
        if (!guest->here || guest->leaves)
            continue;
        count++;
        if (guest != newcomer && (!oldest || guest->since_ns < oldest->since_ns))
            oldest = guest;
    }
    if (count <= GUESTS_MOST || !oldest)
        return;
    oldest->leaves = true;
    pthread_cond_broadcast(&change);
    shutdown(oldest->socket, SHUT_RDWR); /* its thread finds it ended, and closes it */
}

struct guest *guests_come(struct guests *guests, int socket) {
    struct guest *guest = guests->places;
    hold();
    while (guest < guests->places + GUESTS_PLACES && guest->here)
        guest++;
    if (guest == guests->places + GUESTS_PLACES) {
        guest = NULL;
    } else {
        *guest = (struct guest){.here = true, .socket = socket, .since_ns = now_ns()};
        make_room(guests, guest);
    }
    let_go();
    return guest;
}

void guests_go(struct guest *guest) {
    if (!guest)
        return;
    hold();
    *guest = (struct guest){0};
    let_go();
}

void guests_answered(struct guest *guest) {
    if (!guest)
        return;
    hold();
    guest->has_snapshot = false;
    guest->since_ns = now_ns();
    let_go();
}

bool guests_take_snapshot(struct guests *guests, struct guest *guest) {
    bool alone = guest != NULL;
    hold();
    for (unsigned i = 0; i < GUESTS_PLACES; i++)
        alone = alone && !guests->places[i].has_snapshot;
    if (alone)
        guest->has_snapshot = true;
    let_go();
    return alone;
}

static bool stays(const struct guest *guest) {
    hold();
    bool here = guest && !guest->leaves;
    let_go();
    return here;
}

bool guests_rest(const struct guest *guest, int64_t ns) {
    int64_t end_ns = now_ns() + ns;
    for (int64_t left_ns = ns; left_ns > 0 && stays(guest); left_ns = end_ns - now_ns()) {
        int64_t some_ns = left_ns < LOOK_NS ? left_ns : LOOK_NS;
        nanosleep(&(struct timespec){.tv_nsec = some_ns}, NULL);
    }
    return stays(guest);
}

bool guests_begin_turn(struct guests *guests, struct guest *guest) {
    hold();
    while (guest && !guest->leaves && guests->taken)
        pthread_cond_wait(&change, &lock);
    bool stays = guest && !guest->leaves;
    if (stays)
        guests->taken = true;
    let_go();
    return stays;
}

void guests_end_turn(struct guests *guests) {
    hold();
    guests->taken = false;
    pthread_cond_broadcast(&change);
    let_go();
}
