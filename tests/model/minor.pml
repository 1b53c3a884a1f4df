/* SPDX-License-Identifier: MIT */
/*
 * Cycles in a row, full ones and minor ones, beside two mutators: the remembered set.
 * docs/design/minor.md states the protocol and argues for it. Handshakes, barrier and marking are
 * those of marking.pml; what is new is that marks are kept, so that what is marked is old when the
 * next cycle begins, and that old objects are read by their cards alone.
 *
 * A mutator takes cells in runs, and what is left of a run goes through a cycle: its cells are
 * marked, and make objects that are born old. Each object has a card of its own; a card that two
 * share is dirty more often.
 *
 * Checked: as marking ends, all that is reachable is marked, and so is all that a marked object
 * refers to, be it reachable or not; nothing reachable is swept; CHECK_INVARIANT: .inv.old and
 * .inv.grey after every step.
 *
 * START_OLD: a full cycle has been before, and all but one object are old; NO_REST: and it has left
 * no cells of a run. CYCLES: how many there are; each is full or minor, unless ONLY_MINOR. LARGE:
 * objects that are zeroed over safepoints. Others as in marking.pml.
 * Mutations, each of which must be caught: see `run`.
 */

#define MINOR
#define ALLOCATION
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 2
#endif
#ifndef CYCLES
#define CYCLES 1
#endif

#include "state.pml"
#include "mutator.pml"
#include "marker.pml"
#include "asking.pml"

#define NO_WORK (QUEUE_IS_EMPTY && IDLE && CONVERGED)

/* A full cycle forgets what is old; nobody marks, and all is swept. */
inline clear_marks() {
    d_step {
        marked = 0;
        cards_pushed = 1;
        check()
    }
}

/* In a minor cycle cards go into the queue; in a full one they are wiped. */
inline push_cards() {
    d_step {
        if
        :: !minor -> dirty = 0
        :: minor && !cards_pushed -> queued = dirty; cards_pushed = 1
        :: else -> skip
        fi;
#ifdef EPHEMERON
        pair_met = pair_dirty || !minor;
        pair_dirty = 0;
#endif
        check()
    }
}

/* A mutation: the collector takes them by itself, too early. */
inline take_cards() {
    if
    :: minor -> push_cards()
    :: !minor -> skip
    fi;
    do
    :: queued ->
        d_step {
            n = ONLY_OF(LOWEST(queued));
            queued = queued & ~SET(n);
            card[0] = SET(n)
        }
        scan_card(0)
    :: !queued -> break
    od
}

inline scan_roots() {
    ask(SCAN);
    scan_static();
    await(ANSWERED(0) && ANSWERED(1));
    push_cards();
    open = 1
}

inline mark_to_the_end() {
    ended = 0;
    do
    :: ended -> break
    :: !ended && QUEUE_IS_EMPTY && IDLE ->
#ifdef EPHEMERON
        pass_over_ephemerons();
        if
        :: marked_since -> goto again
        :: else
        fi;
#endif
        ask(STOP);
        await((!attached[0] || asked[0] == STOPPED) && (!attached[1] || asked[1] == STOPPED));
        d_step {
            if
            :: NO_WORK -> turn_over(); ended = 1
            :: else -> skip
            fi;
            restart();
            check()
        }
    again:
        skip
    od
}

/* What is left of runs is black as the bits turn over: what is born there later is born old. */
inline dirty_leftovers() {
#ifndef LEFTOVERS_CLEAN
    dirty = dirty | rest[0] | rest[1];
#endif
    skip
}

/* With the world stopped. */
inline turn_over() {
    reach(s);
    assert((s & ~marked) == 0);
    assert((FIELDS_OF(marked) & ~marked) == 0);
    s = 0;
    dying = allocated & ~marked;
    dirty_leftovers();
#ifdef LARGE
    unswept = making[0] | making[1];
#endif
    open = 0;
    phase = NONE;
    cards_pushed = 0;
    global_scanned = 0;
    barrier[0] = 0;
    barrier[1] = 0;
    scanned[0] = 0;
    scanned[1] = 0;
    buffer[0] = 0;
    buffer[1] = 0;
#ifdef EPHEMERON
    assert(!HAS(marked, key) || (SET(value) & ~marked) == 0);
#endif
#ifdef WEAK
    settling[0] = 1;
    settling[1] = 1;
#endif
    skip
}

#ifdef EPHEMERON
inline settle_pair() {
    d_step {
        if
        :: !VALUE_NOW -> key = 0; value = 0
        :: else -> skip
        fi;
        s = 0
    }
}
#endif

/* Span by span: a cell may be taken again at once. Its card is cleaned for the model's sake: one
 * that stays dirty is only more work. */
inline sweep() {
    n = 1;
    do
    :: n <= 4 ->
        d_step {
            if
            :: HAS(dying, n) ->
                reach(s);
                assert(!HAS(s, n));
                s = 0;
                dying = dying & ~SET(n);
                allocated = allocated & ~SET(n);
                dirty = dirty & ~SET(n);
#ifdef WEAK
                weak_stale = (weak == n -> 1 : weak_stale);
                stale[0] = (reading[0] == n -> 1 : stale[0]);
                stale[1] = (reading[1] == n -> 1 : stale[1]);
#endif
                field[n] = 0
            :: else -> skip
            fi
        }
#ifdef LARGE
        if
        :: HAS(unswept, n) ->
            had = (HAS(allocated, n) != 0);
            d_step {
                marked = (had -> marked | SET(n) : marked & ~SET(n));
                had = 0;
                unswept = unswept & ~SET(n);
                check()
            }
        :: else -> skip
        fi;
#endif
        n++
    :: else -> break
    od;
    n = 0
}

proctype collector() {
    byte n, cycles = CYCLES;
    bit minor, ended;
#ifdef LARGE
    bit had;
#endif

    do
    :: cycles == 0 -> break
    :: cycles > 0 ->
        cycles--;
        if
        :: minor = 1
#ifndef ONLY_MINOR
        :: minor = 0
#endif
        fi;
        (IDLE);
#ifndef CLEAR_LATE
        if
        :: !minor -> clear_marks()
        :: minor -> skip
        fi;
#endif
        ask(BARRIER_ON);
#ifdef CARDS_BEFORE_BARRIERS
        take_cards();
#endif
        await(ANSWERED(0) && ANSWERED(1));
        handshake(SYNC);
#ifdef CARDS_BEFORE_SCAN
        take_cards();
#endif
#ifdef CLEAR_LATE
        if
        :: !minor -> clear_marks()
        :: minor -> skip
        fi;
#endif
        scan_roots();
        mark_to_the_end();
#ifdef WEAK
#ifdef OLD_WEAK_NOT_SETTLED
        if
        :: !minor -> settle()
        :: minor -> settling[0] = 0; settling[1] = 0
        fi;
#else
        settle();
#endif
#endif
#ifdef EPHEMERON
        settle_pair();
#endif
        sweep()
    od;
    over = 1
}

#ifdef ATTACH
#define HOLDER 0
#else
#define HOLDER 1
#endif

/* ------------------------------------------------------------------------------------------ */
/* The heap at first: 1 is static and refers to 2; only mutator 1 can reach 3. START_OLD: 1 and 2
 * are old, and mutator 1 has a cell of before the flip. HELD_OLD: 3 is old, too.                                         */

init {
    d_step {
        global = 1;
        field[1] = 2;
        allocated = 30 & ~SET(4);
        attached[0] = 1;
        attached[1] = 1;
#ifdef START_OLD
        marked = SET(1) | SET(2);
#ifdef HELD_OLD
        marked = marked | SET(3);
#endif
#ifndef NO_REST
        marked = marked | SET(4);
        allocated = 30;
        rest[HOLDER] = SET(4);
#endif
        dirty_leftovers();
#endif
        root[HOLDER * 2] = 3;
#ifdef ATTACH
        attached[1] = 0;
#endif
#ifdef WEAK
        weak = 3;
#endif
        skip
    }
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
