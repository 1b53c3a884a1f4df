/* SPDX-License-Identifier: MIT */
/*
 * A traced arena in a heap with a barrier by objects: its owner allocates in it, stores to it and
 * resets it, another thread stores to it, while it is claimed, walked, noted, and its cards are
 * taken. docs/design/objects.md (Traced arenas) states the protocol and argues for it.
 *
 * There are one object X, which an object of the heap refers to at first, and one arena, which both
 * mutators hold. Its memory is units of one object with one field and a card each; they are taken in
 * order, from `base` to `cursor`, and a reset goes on behind them. Stores are plain, and told of
 * afterwards: two steps, with no safepoint between. A birth is two steps likewise: the cursor moves,
 * then a plain store. Mutator 0 owns the arena; mutator 1 takes X out of the heap's object, until a
 * marker comes to that. A marker comes to the arena at any time once all are scanned.
 *
 * MINOR: the last cycle has read the arena; what was stored to it since has dirty cards.
 *
 * Checked: as marking ends, X is marked if a mutator or the arena has it; what a marker reads nobody
 * has for something else.
 * Mutations, each of which must be caught: see `run`.
 */
#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 2
#endif
#define UNITS 3

bit outside = 1;      /* the heap's object has X */
bit root[2];         /* a mutator has X */
bit content[UNITS];  /* a unit has X */
bit dirty[UNITS];
bit piece[UNITS], old_piece[UNITS]; /* in the queue: of the arena; of what was set apart */
bit shut[UNITS];     /* given away */
byte base, cursor, noted; /* units */
bit x_marked, claimed, walked, busy, open, held, over;
byte left, inside;
mtype = { NONE, BARRIER_ON, SCAN, AGAIN, STOP, STOPPED };
mtype asked[2] = NONE;
bit barrier[2];

#ifdef MINOR
#define WRITES(m) true
#else
#define WRITES(m) barrier[m]
#endif

inline answer(m) {
    d_step {
        if
        :: asked[m] == BARRIER_ON -> barrier[m] = 1; asked[m] = NONE
        :: asked[m] == SCAN || asked[m] == AGAIN ->
            x_marked = x_marked || root[m];
            asked[m] = NONE
        :: asked[m] == STOP -> asked[m] = STOPPED
        fi
    }
}

#define MAY(m) (asked[m] != STOPPED && ops > 0)

inline take_lock() {
    atomic { !held -> held = 1 }
}

proctype mutator(bit me; byte ops) {
    byte u;
    bit now, locks, was_apart;

end:
    do
    :: over -> break
    :: asked[me] != NONE && asked[me] != STOPPED -> answer(me)
    :: atomic { me && MAY(me) && outside -> ops--; root[me] = 1; outside = 0 }
    :: atomic { MAY(me) && base < cursor -> ops--; inside++; u = base }
        if
        :: skip
        :: atomic { u + 1 < cursor -> u++ }
        fi;
        if
        :: d_step { root[me] = content[u]; content[u] = 0 }
        :: d_step { content[u] = root[me]; root[me] = 0 }
        fi;
        d_step {
#ifndef NOT_TOLD
            dirty[u] = dirty[u] || WRITES(me);
#endif
            inside--;
            u = 0
        }
    :: atomic { !me && MAY(me) && cursor < UNITS -> ops--; u = cursor; cursor++; inside++ }
        d_step { content[u] = root[me]; root[me] = 0; inside--; u = 0 }
    :: atomic { !me && MAY(me) && base < cursor && inside == 0 -> ops--; inside = 1 }
        /* a reset, in one stretch between two safepoints */
#ifndef NO_LOCK
        if
        :: atomic { barrier[me] && !held -> held = 1; locks = 1 }
        :: !barrier[me]
        fi;
#endif
        atomic {
            now = !barrier[me] || (claimed && !left && !walked);
#ifdef ALONE /* what other heaps do: what is left to read was there before the last reset */
            now = now || (claimed && was_apart && !walked);
            was_apart = !now;
#endif
            claimed = claimed || (barrier[me] && open)
        }
        d_step {
            u = base;
            do
            :: u < cursor ->
                shut[u] = now;
                old_piece[u] = !now;
                u++
            :: else -> break
            od;
            base = cursor;
            noted = cursor;
            held = held && !locks;
            locks = 0;
            now = 0;
            inside = 0;
            u = 0
        }
    od
}

inline look_at(u, counted) {
    atomic { assert(!shut[u]); hand = content[u] }
    d_step {
        x_marked = x_marked || hand;
        left = left - counted;
        hand = 0;
        busy = 0;
        u = 0
    }
}

#define PIECES (piece[0] || piece[1] || piece[2] || old_piece[0] || old_piece[1] || old_piece[2])

proctype marker() {
    byte u, to;
    bit hand;

end:
    do
    :: over -> break
    :: d_step { open && outside -> x_marked = 1; outside = 0 }
    :: atomic { open && !claimed -> claimed = 1; walked = 1; busy = 1 }
        atomic { u = base; to = cursor }
        do
        :: d_step { u < to -> left++; piece[u] = 1; u++ }
        :: u >= to -> break
        od;
        skip;
        d_step { walked = 0; busy = 0; u = 0; to = 0 }
    :: atomic { piece[0] || piece[1] || piece[2] ->
            u = (piece[0] -> 0 : (piece[1] -> 1 : 2));
            piece[u] = 0;
            busy = 1
        }
        look_at(u, 1)
    :: atomic { old_piece[0] || old_piece[1] || old_piece[2] ->
            u = (old_piece[0] -> 0 : (old_piece[1] -> 1 : 2));
            old_piece[u] = 0;
            busy = 1
        }
        look_at(u, 0)
    od
}

inline handshake(h) {
    d_step { asked[0] = h; asked[1] = h }
    (asked[0] == NONE && asked[1] == NONE)
}

/* What has come since the last note. */
inline note(dirties) {
    take_lock();
#ifdef NOTE_WHITE_CLEAN
    look = claimed && dirties;
#else
    look = dirties;
#endif
    to = cursor;
    d_step {
#ifndef NO_NOTES
        do
        :: noted < to -> dirty[noted] = dirty[noted] || look; noted++
        :: else -> break
        od;
#endif
        look = 0;
        to = 0;
        held = 0
    }
}

/* A card is cleaned before what it covers is read. */
inline take_cards() {
    take_lock();
    look = claimed;
    atomic { u = base; to = cursor }
    do
    :: u < to ->
#ifndef CARDS_OF_WHITE
        if
        :: !look -> break
        :: else
        fi;
#endif
        d_step { was = dirty[u]; dirty[u] = 0 }
        d_step {
            if
            :: was && look -> left++; piece[u] = 1
            :: else -> skip
            fi;
            was = 0;
            u++
        }
    :: u >= to -> break
    od;
    skip;
    d_step { look = 0; u = 0; to = 0; held = 0 }
}

#define OUT_OF_WORK (!busy && !PIECES)

proctype collector() {
    byte u, to;
    bit look, was;

    handshake(BARRIER_ON);
#ifdef MINOR
#ifdef MINOR_NOTE_CLEAN
    note(0);
#else
    note(1);
#endif
    handshake(SCAN);
    d_step { claimed = 1; open = 1 }
    take_cards();
#else
    d_step { dirty[0] = 0; dirty[1] = 0; dirty[2] = 0 }
    note(0);
    handshake(SCAN);
    open = 1;
#endif
    OUT_OF_WORK;
#ifndef NOTE_LATE
    note(1);
#endif
    handshake(AGAIN);
#ifdef NOTE_LATE /* what it finds may not have been initialised */
    note(1);
#endif
    take_cards();
    OUT_OF_WORK;
    d_step { asked[0] = STOP; asked[1] = STOP; open = 0 } /* what is white then is read below */
    (asked[0] == STOPPED && asked[1] == STOPPED);
    OUT_OF_WORK;
    d_step {
        x_marked = x_marked || root[0] || root[1] || outside;
        u = base;
        do
        :: u < cursor ->
            look = look || content[u];
#ifndef NO_NOTES
            dirty[u] = dirty[u] || u >= noted;
#endif
#ifndef NO_CARDS_AT_END
            x_marked = x_marked || (content[u] && (dirty[u] || !claimed));
#endif
            u++
        :: else -> break
        od;
        assert(x_marked || !look);
        over = 1
    }
}

/* The arena has a unit. */
init {
    d_step {
        cursor = 1;
#ifdef MINOR
        noted = 1;
#endif
        skip
    }
    atomic {
        run mutator(0, OPS0);
        run mutator(1, OPS1);
        run marker();
        run collector()
    }
}
