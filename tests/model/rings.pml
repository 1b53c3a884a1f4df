/* SPDX-License-Identifier: MIT */
/*
 * A ring that threads have one after another, and one reader (runtime/platform/timeline.c).
 * docs/design/observe.md, The timeline, argues for it.
 *
 * Each thread takes the ring when it is free, puts some events, and ends. A slot has two halves,
 * written one after another, so that one that is read too early, or overwritten, is seen.
 *
 * Checked: what the reader takes is whole, in order, and of the thread whose name the ring has; all
 * that a thread told was taken or counted as dropped.
 *
 * Mutations, each of which must be caught: see `run`.
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef EVENTS
#define EVENTS 3
#endif
#define SLOTS 2

#define FREE 0
#define OWNED 1
#define ENDED 2

byte state, number_put, number_taken;
byte name;           /* of the ring's thread */
byte dropped;        /* since the ring was made */
byte first[SLOTS], second[SLOTS];
byte gone;           /* ghost: threads that have ended */
byte told[THREADS], taken[THREADS], lost[THREADS]; /* ghosts */

proctype thread(byte me) {
    byte i, event;

    atomic { state == FREE -> state = OWNED }
    name = me;
    do
    :: i < EVENTS ->
        event = me * EVENTS + i;
        if
        :: number_put - number_taken == SLOTS -> dropped++
        :: else ->
#ifdef SAY_THEN_FILL
            number_put++;
            first[(number_put - 1) % SLOTS] = event;
            second[(number_put - 1) % SLOTS] = event
#else
            first[number_put % SLOTS] = event;
            second[number_put % SLOTS] = event;
            number_put++
#endif
        fi;
        told[me]++;
        i++
    :: else -> break
    od;
#ifdef FREE_AT_ONCE
    state = FREE;
#else
    state = ENDED;
#endif
    gone++
}

inline take_one() {
#ifdef FREE_THEN_READ
    number_taken++;
    event = first[(number_taken - 1) % SLOTS];
    assert(event == second[(number_taken - 1) % SLOTS]);
#else
    event = first[number_taken % SLOTS];
    assert(event == second[number_taken % SLOTS]);
#endif
    assert(event / EVENTS == name);
    assert(event % EVENTS >= taken[name]); /* in order: some before it may have been dropped */
    taken[name]++;
#ifndef FREE_THEN_READ
    number_taken++
#endif
}

proctype reader() {
    byte seen, end, event, known, now;

    do
    :: !(gone == THREADS && state == FREE && number_taken == number_put && known == dropped) ->
#ifndef LOOK_LATE
        seen = state;
#endif
        end = number_put;
        do
        :: number_taken != end -> take_one()
        :: else -> break
        od;
        now = dropped;
        if
        :: now != known ->
            lost[name] = lost[name] + now - known;
            known = now
        :: else -> skip
        fi;
#ifdef LOOK_LATE
        seen = state;
#endif
        if
        :: seen == ENDED -> state = FREE
        :: else -> skip
        fi
    :: else -> break
    od;
    for (event : 0 .. THREADS - 1) {
        assert(told[event] == EVENTS && taken[event] + lost[event] == EVENTS)
    }
}

init {
    atomic {
        run thread(0);
        run thread(1);
#if THREADS > 2
        run thread(2);
#endif
        run reader()
    }
}
