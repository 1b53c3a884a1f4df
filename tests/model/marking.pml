/* SPDX-License-Identifier: MIT */
/*
 * One collection cycle beside two mutators: handshakes, barrier, termination, weak references,
 * sweeping. docs/design/marking.md states the protocol and argues for it; this file checks it.
 *
 * An object has one field: an object of more fields is, for marking, like several objects that
 * become grey together. Sets of objects are bit masks. The mutators run every program of at most
 * OPS0 and OPS1 operations. The barrier buffer is a set; whether it is full after a store is free.
 * What one thread does on state that no other can see is one step.
 *
 * Checked: `marking_ends` asserts that all that is reachable is marked; `sweep` that nothing
 * reachable is freed and that what was garbage before the cycle is; weak reads that nothing freed
 * is returned; `settle` that nothing reachable is cleared. CHECK_INVARIANT looks at .inv.grey and
 * .inv.early after every step. Spin checks that no state is a deadlock.
 *
 * Parts that a configuration turns on:
 *   ALLOCATION (STALE: roots may hold the address of a cell that is not taken yet)  ATTACH  NATIVE  COROUTINES  WEAK (with settling and sweeping)  EPHEMERON
 *   TIED (with COROUTINES): the suspended one is a part of an object
 *   SUSPENDED (with COROUTINES): words are taken out of a suspended one's roots, and put in; it is
 *   freed  HANDOVER: words pass from mutator to mutator by plain memory
 * and parts that it turns off: STACKS_ONLY has no loads and stores; LEAN has one slot for a stack,
 * loads and stores of the static root alone, and drops nothing, so that there are more operations.
 * Mutations, each of which must be caught: see `run`.
 */

/* How many operations each mutator does at most. */
#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 2
#endif

#include "state.pml"
#include "mutator.pml"
#include "marker.pml"
#include "asking.pml"

/* ------------------------------------------------------------------------------------------ */
/* The collector                                                                               */

#ifdef TIED
#ifdef TIED_NO_LOOK
#define IS_ROOT(n) ((n) != 2)
#else
#define IS_ROOT(n) ((n) != 2 || HAS(marked, 2)) /* born black: nobody reads it */
#endif
/* What objects led to, under its lock. */
inline scan_reached() {
    d_step {
        reached = 0;
        if
        :: !running[2] && !stack_scanned[2] -> shade_set(STACK_SET(2)); stack_scanned[2] = 1
        :: else -> skip
        fi;
        check()
    }
}
#else
#define IS_ROOT(n) true
#endif

#ifdef COROUTINES
/* Those that are suspended, each under its lock. */
inline scan_coroutines() {
    n = 0;
    do
    :: n < STACKS ->
        d_step {
            if
            :: !running[n] && !stack_scanned[n] && IS_ROOT(n) ->
                shade_set(STACK_SET(n));
                stack_scanned[n] = 1
            :: else -> skip
            fi;
            n++;
            check()
        }
    :: else -> break
    od;
    n = 0
}
#endif

#if defined(TIED) && !defined(REACHED_IS_NO_WORK)
#define NO_WORK (grey == 0 && IDLE && CONVERGED && !reached)
#else
#define NO_WORK (grey == 0 && IDLE && CONVERGED)
#endif

/* Runs with the world stopped. */
inline marking_ends() {
    reach(s);
    assert((s & ~marked) == 0);
    s = 0;
    open = 0;
#ifdef WEAK
    phase = NONE;
    flipped = 1;
    barrier[0] = 0;
    barrier[1] = 0;
    scanned[0] = 0;
    scanned[1] = 0;
    buffer[0] = 0;
    buffer[1] = 0;
    settling[0] = 1;
    settling[1] = 1
#else
    over = 1
#endif
}

#ifdef WEAK
inline sweep() {
    n = 1;
    do
    :: n <= 4 ->
        d_step {
            if
            :: HAS(allocated & ~marked, n) ->
                reach(s);
                assert(!HAS(s, n));
                s = 0;
                allocated = allocated & ~SET(n);
                dead = dead & ~SET(n);
                field[n] = 0;
                weak_stale = (weak == n -> 1 : weak_stale);
                stale[0] = (reading[0] == n -> 1 : stale[0]);
                stale[1] = (reading[1] == n -> 1 : stale[1])
            :: else -> skip
            fi;
            n++
        }
    :: else -> break
    od;
    n = 0;
    assert(dead == 0)
}
#endif

proctype collector() {
    byte n;
    bit ended;

#ifndef NO_AWAIT_REST
    (IDLE); /* those that joined in the cycle before have left */
#endif
    ask(BARRIER_ON);
#ifdef START_MARKING_EARLY
    scan_static();
#endif
    await(ANSWERED(0) && ANSWERED(1));
#ifndef NO_SYNC
    handshake(SYNC);
#endif
    ask(SCAN);
#ifdef COROUTINES_EARLY
    scan_coroutines();
#endif
#ifndef START_MARKING_EARLY
    scan_static();
#endif
    await(ANSWERED(0) && ANSWERED(1));
    open = 1; /* to mark before would make a stale word's guess of a cell black */
#if defined(COROUTINES) && !defined(COROUTINES_EARLY)
    scan_coroutines();
#endif
#ifdef TIED
    visited = 1;
#endif
    do
    :: ended -> break
    :: !ended && grey == 0 && IDLE ->
#ifdef TIED
        if
        :: reached ->
#ifdef REACHED_IS_NO_WORK /* as if nobody looked */
            skip
#else
            scan_reached();
            goto again
#endif
        :: else
        fi;
#endif
#ifdef EPHEMERON
        pass_over_ephemerons();
        if
        :: marked_since -> goto again
        :: else
        fi;
#endif
#ifdef RAGGED_FLUSH
        handshake(FLUSH);
        if
        :: !NO_WORK -> goto again
        :: else
        fi;
#endif
        ask(STOP);
        await((!attached[0] || asked[0] == STOPPED) && (!attached[1] || asked[1] == STOPPED));
        d_step {
            if
            :: NO_WORK -> marking_ends(); ended = 1
            :: else -> skip
            fi;
            restart()
        }
    again:
        skip
    od;
#ifdef WEAK
#ifdef SWEEP_BEFORE_SETTLE
    sweep();
    settle();
#else
    settle();
    sweep();
#endif
    over = 1
#endif
}

/* ------------------------------------------------------------------------------------------ */
/* The heap at first: 1 is static and refers to 2; what more there is depends on the part.      */

init {
    d_step {
        global = 1;
        field[1] = 2;
        allocated = 30 & ~SET(4);
        attached[0] = 1;
        attached[1] = 1
    }
#ifdef LINGERING
    if
    :: joined[0] = 1
    :: skip
    fi;
#endif
#ifdef ATTACH
    attached[1] = 0;
    root[0] = 3;
#elif defined(COROUTINES)
    d_step {
#ifdef ALLOCATION
        global = 0;
        field[1] = 0;
        allocated = SET(3) | SET(4);
#else
        allocated = 30;
#endif
        current[1] = 1;
        running[0] = 1;
        running[1] = 1;
        root[0] = 3; /* mutator 0's own stack */
#ifdef TIED
#ifdef ALLOCATION /* its object is made by a mutator; it holds nothing yet */
        allocated = SET(1) | SET(3);
#else
        global = 1;
        field[1] = 2;
        root[1] = 2;
        root[4] = 4;
#endif
#else
        root[4] = 4; /* the coroutine's      */
#endif
        skip
    }
#elif defined(WEAK)
    if
    :: weak = 2
    :: weak = 3; field[3] = 2
    fi;
    d_step {
        t = SET(global) | SET(weak);
        close(t);
        dead = allocated & ~t;
        t = 0
    }
#elif defined(EPHEMERON)
    d_step {
        key = 2;
        value = 3
    }
#else
    root[2] = 3; /* only mutator 1 can reach it */
#endif
    atomic {
        run mutator(0, OPS0);
        run mutator(1, OPS1);
        run marker(0);
#if MARKERS == 2
        run marker(1);
#endif
        run collector()
    }
}
