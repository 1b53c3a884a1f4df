/* SPDX-License-Identifier: MIT */
/*
 * Early links and ordered finalizers (docs/design/weak.md), in a heap that stops the world for its
 * last marking: cycle_push_finalizers and the last passes of runtime/collect/cycle.c, and, with
 * BESIDE, runtime/collect/changes.c: marking begins beside a program that stores plainly, what it
 * has written is read again in the last stop, and what is born meanwhile is white.
 *
 * Objects have a field each, which may be registered as an early link to what it holds; there is
 * one early link outside, too. The program starts with any graph and any finalizers.
 *
 * Checked: what roots and queued finalizers lead to is there after sweeping; no early link is
 * cleared whose target they lead to, and, without BESIDE, none stays whose target they do not: so
 * none is left in a cycle of objects that finalizers keep. No link leads to what was swept.
 *
 * Mutations, each of which must be caught: see `run`.
 */

#ifndef CYCLES
#define CYCLES 2
#endif
#ifndef OPS
#define OPS 3
#endif
#define OBJECTS 3

/* Of objects 1 .. 3; 0 is NULL and in no set. */
#define SET(x) ((1 << (x)) & 14)
#define HAS(set, x) ((set) & SET(x))
#define FIELDS_OF(set)                                                                             \
    ((((set) >> 1) & 1) * SET(field[1]) | (((set) >> 2) & 1) * SET(field[2]) |                     \
     (((set) >> 3) & 1) * SET(field[3]))

byte field[OBJECTS + 1];
byte root[2];
byte outside;      /* an early link in other memory; 0: none    */
byte early;        /* set: its field is one                     */
byte finalized;    /* set: it has a finalizer that is not queued */
byte queued;       /* set                                       */
byte allocated;    /* set                                       */
byte marked, grey; /* sets                                      */
byte dirty;        /* set: written since it was read            */
bit stopped = 1, waits; /* until the program has begun */
bit over;          /* no cycle comes any more */
byte s, t;         /* scratch, 0 in between */

inline any(variable) {
    if
    :: variable = 0
    :: variable = 1
    :: variable = 2
    :: variable = 3
    fi
}

#define ROOTS (SET(root[0]) | SET(root[1]) | queued)

/* What a set leads to, into s. */
inline reach(from) {
    s = from;
    do
    :: (s | FIELDS_OF(s)) == s -> break
    :: else -> s = s | FIELDS_OF(s)
    od
}

inline push(set) {
    grey = grey | ((set) & ~marked);
    marked = marked | (set)
}

inline mark_all() {
    reach(grey);
    marked = marked | s;
    grey = 0;
    s = 0
}

/* What those lead to that are neither marked nor queued: .inv.order of finalizers. */
inline push_contents() { push(FIELDS_OF(finalized & ~marked)) }

/* Of a root or what it leads to: one that is registered is unregistered by a store. */
active proctype program() {
    byte i, to, from, with;

    atomic {
        allocated = 14;
        any(field[1]);
        any(field[2]);
        any(field[3]);
        if
        :: root[0] = 1
        :: true
        fi;
        if
        :: outside = 2
        :: true
        fi;
        for (i : 1 .. OBJECTS) {
            if
            :: finalized = finalized | SET(i)
            :: true
            fi
        }
        if
        :: early = SET(2)
        :: early = SET(3)
        :: early = SET(2) | SET(3)
        :: true
        fi;
        early = early & ((field[2] -> SET(2) : 0) | (field[3] -> SET(3) : 0));
        i = 0;
        stopped = 0
    }
    do
    :: i < OPS && !over ->
        atomic {
            !stopped;
            i++;
            if
            :: to = 0; from = 1
            :: to = 1; from = 0
            fi;
            with = root[from];
            if
            :: root[to] = 0
            :: root[to] = outside
            :: outside = with
            :: with -> root[to] = field[with]
            :: with -> field[with] = root[to]; early = early & ~SET(with); dirty = dirty | SET(with)
            :: with && field[with] -> early = early | SET(with)
            :: with && !HAS(queued, with) -> finalized = finalized | SET(with)
            :: queued ->
                if
                :: HAS(queued, 1) -> root[to] = 1
                :: HAS(queued, 2) -> root[to] = 2
                :: HAS(queued, 3) -> root[to] = 3
                fi;
                queued = queued & ~SET(root[to])
            :: allocated != 14 ->
                if
                :: !HAS(allocated, 1) -> root[to] = 1
                :: !HAS(allocated, 2) -> root[to] = 2
                :: !HAS(allocated, 3) -> root[to] = 3
                fi;
                allocated = allocated | SET(root[to]);
                field[root[to]] = 0
            fi;
            to = 0;
            from = 0;
            with = 0
        }
    :: else -> break
    od
}

/* What finalizers keep waits for the last stop if there are early links now. */
inline push_finalizers() {
    waits = (early || outside);
#ifdef NO_QUEUED
    if
    :: !waits -> push(queued)
    :: else
    fi;
#else
    push(queued);
#endif
#ifdef PUSH_FIRST
    push_contents();
#else
    if
    :: !waits -> push_contents()
    :: else
    fi
#endif
}

inline clear_early() {
    reach(ROOTS);
    for (t : 1 .. OBJECTS) {
        if
        :: HAS(early, t) && HAS(allocated, t) && !HAS(marked, field[t]) ->
            assert(!HAS(s, field[t]));
            field[t] = 0;
            early = early & ~SET(t)
        :: else
        fi
    }
    if
    :: outside && !HAS(marked, outside) ->
        assert(!HAS(s, outside));
        outside = 0
    :: else
    fi;
    s = 0;
    t = 0
}

/* With the world stopped and all marked that roots lead to. */
inline settle_links() {
#ifndef BESIDE
    byte rooted;
    reach(ROOTS);
    rooted = s;
#endif
    if
    :: waits ->
#ifndef CLEAR_FIRST
        clear_early();
#endif
#ifndef NO_PUSH
        push_contents();
#endif
        mark_all()
    :: else
    fi;
#ifndef BESIDE
    for (t : 1 .. OBJECTS) {
        assert(!HAS(early, t) || !HAS(marked, t) || HAS(rooted, field[t]))
    }
    assert(!outside || HAS(rooted, outside));
    rooted = 0;
    t = 0;
#endif
}

/* Finalizers of what is dead are queued, and it comes back; links whose objects are dead end. */
inline flip() {
    queued = queued | (finalized & ~marked);
    marked = marked | queued;
    finalized = finalized & ~queued;
    reach(ROOTS);
    assert((s & ~marked) == 0);
    allocated = allocated & marked;
    early = early & marked;
    finalized = finalized & marked;
    dirty = dirty & marked;
    for (t : 1 .. OBJECTS) {
        assert(!HAS(early, t) || HAS(allocated, field[t]));
        if
        :: !HAS(allocated, t) -> field[t] = 0
        :: else
        fi
    }
    assert(!outside || HAS(allocated, outside));
    s = 0;
    t = 0;
    marked = 0;
    grey = 0
}

active proctype collector() {
    byte cycle, x;

    !stopped;
    do
    :: cycle < CYCLES ->
        stopped = 1;
        d_step {
            dirty = 0;
            push(SET(root[0]) | SET(root[1]));
            push_finalizers()
        }
#ifdef BESIDE
        stopped = 0;
        do
        :: grey ->
            d_step {
                if
                :: HAS(grey, 1) -> x = 1
                :: HAS(grey, 2) -> x = 2
                :: HAS(grey, 3) -> x = 3
                fi;
                grey = grey & ~SET(x);
                dirty = dirty & ~SET(x);
                push(SET(field[x]));
                x = 0
            }
        :: else -> break
        od;
#ifdef CLEAR_BESIDE
        atomic {
            if
            :: waits -> clear_early()
            :: else
            fi
        };
#endif
        stopped = 1;
        d_step {
            push(SET(root[0]) | SET(root[1]));
            grey = grey | (dirty & marked);
#ifdef FINALIZERS_ONCE
            push(queued)
#else
            push_finalizers()
#endif
        }
#endif
        d_step {
#ifdef CLEAR_FIRST
            clear_early();
#endif
            mark_all();
            settle_links();
            flip()
        }
        over = (cycle + 1 == CYCLES);
        stopped = 0;
        cycle++
    :: else -> break
    od
}
