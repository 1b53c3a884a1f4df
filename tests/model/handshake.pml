/* SPDX-License-Identifier: MIT */
/*
 * Handshakes and rendezvous, and who may touch a mutator's stack: cycle after cycle, with mutators
 * that enter and leave native code, attach and detach at any time.
 *
 *   world lock       guards the list of mutators; the collector holds it while it asks, and from
 *                    the request to stop to the restart
 *   a mutator's lock guards its state and its answer. Critical sections are one step, except for the
 *                    collector's, which works on the mutator's stack in it
 *
 * Checked: the stack of a mutator is touched by one thread at a time; while the world is stopped
 * no mutator runs; each handshake is answered by each mutator that was asked, once, or the mutator
 * has detached; no deadlock, though a mutator may stay in native code for ever; every cycle ends,
 * given that each thread that can run does (progress).
 *
 * Mutations, each of which must be caught: see `run`.
 */

#ifndef MUTATORS
#define MUTATORS 2
#endif
#ifndef ATTACHMENTS
#define ATTACHMENTS 2 /* of each mutator, one after the other */
#endif
#define COLLECTOR MUTATORS
#define NOBODY 255

mtype = { OUTSIDE, MANAGED, NATIVE, HALTED };
mtype state[MUTATORS] = OUTSIDE; /* guard: the mutator's lock                                     */
bit asked[MUTATORS];             /* guard: the mutator's lock; set by the collector only          */
bit served[MUTATORS];            /* the collector holds the mutator's lock                        */
byte answers[MUTATORS];          /* ghost: to the last handshake                                  */
byte world_lock = NOBODY;
bit stop;                        /* the world is to stop; guard: world lock and mutators' locks   */
bit stopped;                     /* ghost: the collector acts on a stopped world                  */

#define FREE(m) (!served[m])

inline answer(m) {
    answers[m]++;
    assert(answers[m] == 1);
    asked[m] = 0
}

/* A safepoint. */
inline poll() {
#ifdef NO_POLL
    skip
#else
    if
    :: atomic { FREE(me) && stop -> state[me] = HALTED }
        atomic { !stop -> state[me] = MANAGED }
    :: atomic { FREE(me) && !stop && asked[me] -> answer(me) }
    :: atomic { !stop && !asked[me] -> skip } /* no lock is needed to see that */
    fi
#endif
}

inline enter_native() {
    atomic { FREE(me) -> state[me] = NATIVE }
}

inline leave_native() {
#ifdef NATIVE_NO_LOCK
    atomic { !stop -> state[me] = MANAGED }
#elif defined(LEAVE_IGNORES_STOP)
    atomic { FREE(me) -> state[me] = MANAGED }
#else
    atomic { FREE(me) && !stop -> state[me] = MANAGED }
#endif
}

/* Uses its stack. */
inline work() {
    assert(!served[me] && !stopped)
}

proctype mutator(byte me) {
    byte attachments;

end_outside:
    do
    :: attachments < ATTACHMENTS ->
        attachments++;
#ifdef ATTACH_NO_LOCK
        state[me] = MANAGED;
#else
        atomic { world_lock == NOBODY -> state[me] = MANAGED }
#endif
        do
        :: work();
            poll();
            if
            :: skip
            :: enter_native();
                if
                :: leave_native()
                :: goto end_native
                fi
            :: break
            fi
        od;
        /* Detach: it waits for the world lock as if in native code, since the collector holds it
         * while it waits for those that are not. */
#ifndef DETACH_MANAGED
        enter_native();
#endif
        atomic {
            world_lock == NOBODY && FREE(me) ->
            state[me] = OUTSIDE;
            asked[me] = 0
        }
    od;
end_native:
    false
}

/* If a mutator is in native code: take its lock, do its part, let it go. */
inline serve(m) {
    atomic {
#ifdef SERVE_NO_RECHECK
        served[m] = 1
#else
        served[m] = (state[m] == NATIVE)
#endif
    }
    atomic {
        if
        :: served[m] && asked[m] -> answer(m)
        :: else -> skip
        fi;
        served[m] = 0
    }
}

inline handshake() {
    atomic { world_lock == NOBODY -> world_lock = COLLECTOR }
    do
    :: m < MUTATORS ->
        atomic {
            answers[m] = 0;
            asked[m] = (state[m] != OUTSIDE);
            m++
        }
    :: else -> break
    od;
    m = 0;
    world_lock = NOBODY;
    do
    :: m < MUTATORS ->
        if
        :: !asked[m] -> m++
#ifndef NATIVE_NOT_SERVED
        :: asked[m] && state[m] == NATIVE -> serve(m)
#endif
        fi
    :: else -> break
    od;
    m = 0
}

/* The flush of a mutator's buffer: when it halts, or by the collector when it is in native code. */
inline rendezvous() {
    atomic { world_lock == NOBODY -> world_lock = COLLECTOR }
    stop = 1;
    do
    :: m < MUTATORS ->
        if
        :: state[m] == OUTSIDE || state[m] == HALTED -> m++
        :: state[m] == NATIVE -> serve(m); m++
        fi
    :: else -> break
    od;
    m = 0;
    stopped = 1;
    stopped = 0;
    stop = 0;
    world_lock = NOBODY
}

proctype collector() {
    byte m;

    do
    :: true ->
        handshake();
        rendezvous();
    progress:
        skip
    od
}

init {
    byte m;

    atomic {
        do
        :: m < MUTATORS -> run mutator(m); m++
        :: else -> break
        od;
        run collector()
    }
}
