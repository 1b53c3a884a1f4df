/* SPDX-License-Identifier: MIT */
/*
 * A thread with mutators in two heaps, which polls in one of them only, and the two collectors, each
 * with handshakes of its own: docs/design/world.md, .inv.siblings. Step by step as world.c and
 * program_thread.c take them: numbers, polls, states, the list of the thread's mutators.
 *
 * Checked: while the collector acts, the thread does not run in that heap; nobody acts twice; and
 * the handshakes of the heap in which the thread does not poll end all the same (progress), whether
 * they were asked for before the thread attached to the other one, or while it was native.
 *
 * Mutations, each of which must be caught: see `run`.
 */

#define HANDSHAKES 2

mtype = { RUNNING, NATIVE, HELD };
mtype state[2] = RUNNING; /* changed by compare-and-swap                                           */
bit number[2];            /* of the world's last handshake: one is open at a time                  */
bit answered[2];          /* the mutator's number                                                  */
bit poll[2];              /* "look": in either mutator, for both                                   */
bit attached[2];          /* it is on its world's list                                             */
bit linked;               /* the thread has both on its list                                       */
bit acting[2];            /* ghost: somebody acts for the mutator                                  */
bit work;                 /* the heap in which the thread polls                                    */

inline act(h) {
    assert(!acting[h] && answered[h] != number[h]);
    acting[h] = 1;
    acting[h] = 0;
    answered[h] = number[h]
}

/* ---- The thread ---- */

inline answer(h) {
    if
    :: attached[h] && number[h] != answered[h] -> act(h)
    :: else -> skip
    fi
}

/* The slow part of a poll: clears first, then looks. */
inline answer_all() {
    poll[0] = 0;
    poll[1] = 0;
    answer(0);
    answer(1)
}

inline look() {
    if
    :: poll[work] -> answer_all()
    :: else -> skip
    fi
}

inline try_to_run(h) {
    poll[h] = 0;
    atomic { state[h] == NATIVE -> state[h] = RUNNING }
}

inline native_region() {
    look();
    state[0] = NATIVE;
    state[1] = NATIVE;
    try_to_run(0);
    try_to_run(1);
#ifndef LEAVE_NO_LOOK
    if
    :: number[0] != answered[0] || number[1] != answered[1] ->
        poll[0] = 1;
        poll[1] = 1
    :: else -> skip
    fi;
#endif
    look()
}

inline attach_second(h) {
    answered[h] = number[h];
    attached[h] = 1;
    linked = 1;
#ifndef ATTACH_NO_LOOK
    poll[0] = 1;
    poll[1] = 1
#endif
}

proctype thread() {
    /* It works where it was attached first, or where it attaches now. */
    if
    :: work = 0
    :: work = 1
    fi;
    attached[0] = 1;
    if
    :: poll[0] -> poll[0] = 0; answer(0)
    :: skip
    fi;
    attach_second(1);
    do
    :: assert(state[work] == RUNNING && !acting[work]);
        if
        :: true -> look()
        :: true -> native_region()
        fi
    od
}

/* ---- A collector ---- */

inline act_for(h) {
    atomic { state[h] == NATIVE -> state[h] = HELD }
    if
    :: answered[h] != number[h] -> act(h)
    :: else -> skip
    fi;
    state[h] = NATIVE
}

inline ask(h) {
    poll[h] = 1;
#ifndef ASK_OWN_ONLY
    if
    :: linked -> poll[0] = 1; poll[1] = 1
    :: else -> skip
    fi
#endif
}

/* That of the heap in which the thread polls has a few handshakes at most: repeated for ever and at
 * once they need not let the thread go on; and none of them may be needed for the other heap's. */
proctype collector(bit h) {
    byte handshakes;

    do
    :: attached[h] && handshakes < HANDSHAKES ->
        number[h] = 1 - number[h];
        ask(h);
        do
        :: answered[h] == number[h] -> break
        :: answered[h] != number[h] && state[h] == NATIVE ->
            if
            :: act_for(h)
            :: state[h] != NATIVE -> skip
            fi
        od;
        if
        :: h != work ->
progress:   skip
        :: else -> handshakes++
        fi
    :: attached[h] && h == work -> break
    od
}

init {
    atomic {
        run thread();
        run collector(0);
        run collector(1)
    }
}
