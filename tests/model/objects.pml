/* SPDX-License-Identifier: MIT */
/*
 * The barrier by objects: plain stores, each followed by making the object's card dirty. There is no
 * deletion barrier and no buffer: stacks are scanned again as marking ends, and marked objects on
 * dirty cards are read again. docs/design/objects.md states the protocol and argues for it.
 *
 * Objects have one field and a card each. Mutators take a cell as a run: allocated, and no object
 * yet; STALE: a marker may be led there by a word that is no reference. A store and its card are two
 * steps, with no safepoint between. MARKERS=2: a second marker reads objects beside the collector,
 * which takes cards meanwhile. A white object is marked as a marker comes to it, and then read.
 *
 * TWO_CELLS: a mutator has a second cell, and the first one's object shares its card with that.
 * MINOR: 1 and 2 are old, marked by the cycle before; what was written to them since has a dirty card.
 * What is left of a run is marked too, with its card dirty (docs/design/minor.md).
 *
 * Checked: as marking ends, all that is reachable is marked.
 * Mutations, each of which must be caught: see `run`.
 */
#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 2
#endif
#ifndef MARKERS
#define MARKERS 1 /* 2: another one beside the collector */
#endif

#define SET(x) ((1 << (x)) & 30)
#define HAS(set, x) ((set) & SET(x))
#define FIELDS_OF(set)                                                                             \
    ((((set) >> 1) & 1) * SET(field[1]) | (((set) >> 2) & 1) * SET(field[2]) |                     \
     (((set) >> 3) & 1) * SET(field[3]) | (((set) >> 4) & 1) * SET(field[4]))

byte field[5];
byte root[4];    /* two of each mutator's; seen by it alone                         */
byte rest[2];    /* a cell that a mutator has taken, and made no object of; 0: none */
byte born[2];    /* set: made since its cards were noted                            */
byte marked;     /* set */
byte grey;       /* set: what markers are to come to, marked or not */
byte dirty;      /* set */
byte card;       /* the card that the collector has taken; 0: none */
byte hand;
bit helps, busy; /* the second marker may work; it does */
mtype = { NONE, BARRIER_ON, SCAN, AGAIN, STOP, STOPPED };
mtype asked[2] = NONE;
bit barrier[2], marking, over;
byte s, t;

#ifdef MINOR
#define WRITES(m) true
#else
#define WRITES(m) barrier[m]
#endif

inline shade(set) {
    grey = grey | ((set) & ~marked)
}

#define ROOTS(m) (SET(root[(m) * 2]) | SET(root[(m) * 2 + 1]))

inline note_births(m) {
#ifndef NO_BIRTHS
    dirty = dirty | born[m];
#endif
    born[m] = 0
}

/* A safepoint: nothing is in initialisation, no store is under way. */
inline answer(m) {
    d_step {
        if
        :: asked[m] == BARRIER_ON -> barrier[m] = 1; asked[m] = NONE
        :: asked[m] == SCAN -> shade(ROOTS(m)); born[m] = 0; asked[m] = NONE
        :: asked[m] == AGAIN -> shade(ROOTS(m)); note_births(m); asked[m] = NONE
        :: asked[m] == STOP -> asked[m] = STOPPED
        fi
    }
}

inline choose(i) {
    if
    :: i = 0
    :: i = 1
    fi
}

proctype mutator(bit me; byte ops) {
    byte i, j, n;
#if defined(LOOK_FIRST) || defined(BIRTHS_LOOK_FIRST)
    bit seen;
#endif

end:
    do
    :: over -> break
    :: asked[me] != NONE && asked[me] != STOPPED -> answer(me)
    :: atomic { asked[me] != STOPPED && ops > 0 -> ops--; choose(i); choose(j) }
        /* load */
        d_step {
            if
            :: root[me * 2 + i] -> root[me * 2 + j] = field[root[me * 2 + i]]
            :: else -> skip
            fi;
            i = 0;
            j = 0
        }
    :: atomic {
            asked[me] != STOPPED && ops > 0 && root[me * 2] ->
            ops--;
            n = root[me * 2];
            if
            :: j = root[me * 2 + 1]
            :: j = 0
            fi
        }
        /* store, then dirty */
#ifdef LOOK_FIRST /* the look overtakes the store */
        seen = (HAS(dirty, n) != 0);
        field[n] = j;
        d_step {
            dirty = dirty | (WRITES(me) && !seen -> SET(n) : 0);
            seen = 0;
            n = 0;
            j = 0
        }
#else
        field[n] = j;
        d_step {
            dirty = dirty | (WRITES(me) -> SET(n) : 0);
            n = 0;
            j = 0
        }
#endif
    :: atomic { asked[me] != STOPPED && ops > 0 -> ops--; choose(i) }
        d_step { root[me * 2 + i] = 0; i = 0 }
    :: atomic { asked[me] != STOPPED && ops > 0 && rest[me] -> ops--; choose(i); choose(j) }
        /* a new object, initialised by plain stores */
#ifdef BIRTHS_LOOK_FIRST /* as its run is used up; the look overtakes what initialises the object */
        seen = (HAS(dirty, rest[me]) != 0);
#endif
        d_step {
            n = rest[me];
            rest[me] = 0;
            field[n] = root[me * 2 + i];
            born[me] = born[me] | SET(n);
#ifdef TWO_CELLS
            if
            :: n == 4 -> rest[me] = 3; dirty = dirty | (WRITES(me) -> SET(3) : 0)
            :: else -> skip
            fi;
#endif
#ifdef BIRTHS_LOOK_FIRST
            dirty = dirty | (seen -> 0 : SET(n));
            born[me] = born[me] & ~SET(n);
            seen = 0;
#endif
#ifdef BORN_BLACK
            marked = marked | (marking -> SET(n) : 0);
            born[me] = born[me] & ~(marking -> SET(n) : 0);
#endif
            root[me * 2 + j] = n;
            n = 0;
            i = 0;
            j = 0
        }
    :: atomic { asked[me] != STOPPED && ops > 0 && root[me * 2] != root[me * 2 + 1] -> ops-- }
        d_step {
            n = root[me * 2];
            root[me * 2] = root[me * 2 + 1];
            root[me * 2 + 1] = n;
            n = 0
        }
    od
}

#define LOWEST(set) ((set) & -(set))
#define ONLY_OF(set) ((set) == 2 -> 1 : ((set) == 4 -> 2 : ((set) == 8 -> 3 : 4)))

/* A marker has come to `at`: what nobody has marked it marks, then reads. field[0] is 0. */
inline come_to(at, held) {
#ifdef READ_BEFORE_MARK
    held = (HAS(marked, at) -> 0 : field[at]);
    d_step { marked = marked | SET(at); at = 0 }
#else
    d_step {
        at = (HAS(marked, at) -> 0 : at);
        marked = marked | SET(at)
    }
    d_step { held = field[at]; at = 0 }
#endif
    d_step { shade(SET(held)); held = 0 }
}

/* Until there is no work: objects read one by one beside the mutators. */
inline mark() {
    do
    :: atomic { grey -> n = ONLY_OF(LOWEST(grey)); grey = grey & ~SET(n) }
        come_to(n, hand)
    :: !grey && !busy -> break
#ifdef STALE
    :: d_step { rest[0] && !HAS(marked | grey, rest[0]) -> shade(SET(rest[0])) }
    :: d_step { rest[1] && !HAS(marked | grey, rest[1]) -> shade(SET(rest[1])) }
#endif
    od;
    n = 0
}

/* A card is cleaned before what it covers is read. */
inline take_cards() {
    do
    :: dirty ->
        d_step {
            card = ONLY_OF(LOWEST(dirty));
#ifndef CLEAN_AFTER_READ
            dirty = dirty & ~SET(card);
#endif
            skip
        }
        d_step { hand = (HAS(marked, card) -> field[card] : 0) }
        d_step {
            shade(SET(hand));
            hand = 0;
#ifdef CLEAN_AFTER_READ
            dirty = dirty & ~SET(card);
#endif
            card = 0
        }
    :: !dirty -> break
    od;
    n = 0
}

proctype marker() {
    byte at, held;
end:
    do
    :: over -> break
    :: atomic { helps && grey -> at = ONLY_OF(LOWEST(grey)); grey = grey & ~SET(at); busy = 1 }
        come_to(at, held);
        busy = 0
#ifdef STALE
    :: d_step { helps && rest[0] && !HAS(marked | grey, rest[0]) -> shade(SET(rest[0])) }
    :: d_step { helps && rest[1] && !HAS(marked | grey, rest[1]) -> shade(SET(rest[1])) }
#endif
    od
}

inline handshake(h) {
    d_step { asked[0] = h; asked[1] = h }
    (asked[0] == NONE && asked[1] == NONE)
}

/* Nobody runs. */
inline mark_stopped() {
    atomic {
        do
        :: dirty ->
            n = ONLY_OF(LOWEST(dirty));
            dirty = dirty & ~SET(n);
            if
            :: HAS(marked, n) -> shade(SET(field[n]))
            :: else -> skip
            fi
        :: !dirty && grey ->
            n = ONLY_OF(LOWEST(grey));
            grey = grey & ~SET(n);
            if
            :: !HAS(marked, n) -> marked = marked | SET(n); shade(SET(field[n]))
            :: else -> skip
            fi
        :: else -> break
        od;
        n = 0
    }
}

proctype collector() {
    byte n;

    handshake(BARRIER_ON);
#if !defined(MINOR) || defined(MINOR_WIPES)
    dirty = 0;
#endif
#ifdef MINOR_CARDS_EARLY
    take_cards();
#endif
    handshake(SCAN);
    d_step { marking = 1; helps = 1 }
#if defined(MINOR) && !defined(MINOR_CARDS_EARLY)
    take_cards();
#endif
    mark();
    handshake(AGAIN);
    take_cards();
    mark();
    d_step { !busy -> helps = 0; asked[0] = STOP; asked[1] = STOP }
    (asked[0] == STOPPED && asked[1] == STOPPED);
    d_step {
#ifndef NO_STACKS_AGAIN
        shade(ROOTS(0));
        shade(ROOTS(1));
#endif
        note_births(0);
        note_births(1);
#ifdef NO_CARDS_AT_END
        dirty = 0;
#endif
        skip
    }
    mark_stopped();
    d_step {
        t = ROOTS(0) | ROOTS(1);
        t = t | FIELDS_OF(t);
        t = t | FIELDS_OF(t);
        t = t | FIELDS_OF(t);
        assert((t & ~marked) == 0);
        over = 1
    }
}

/* 1 refers to 2, and both mutators hold 1; mutator 1 alone holds 3, and has a cell. */
init {
    d_step {
        field[1] = 2;
        root[0] = 1;
        root[2] = 1;
#ifndef TWO_CELLS
        root[3] = 3;
#endif
        rest[1] = 4;
#ifdef MINOR
        marked = SET(1) | SET(2) | SET(4);
#ifndef LEFTOVERS_CLEAN
        dirty = SET(4);
#endif
#endif
        skip
    }
    atomic {
        run mutator(0, OPS0);
        run mutator(1, OPS1);
#if MARKERS == 2
        run marker();
#endif
        run collector()
    }
}
