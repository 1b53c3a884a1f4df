/* SPDX-License-Identifier: MIT */
/*
 * One collection cycle beside two mutators that work with a traced arena: they allocate into it,
 * reset it, free it, make it, and hand it over, in each phase. docs/design/arenas.md states the
 * invariants and argues for them; runtime/mark/arenas.c and arena_mark.c do what is here.
 *
 * There are one heap object X without fields and one arena A. The arena's memory is three units, each
 * of one object with one field: unit 0 is its first chunk. What may be referred to is X, which is
 * marked, or A (by the address of any object in it), which is claimed: then a marker walks its
 * units, and looks at each. As in marking.pml, a barrier's buffer is a set, and may be full after
 * any store. The mutators run every program of at most OPS0 and OPS1 operations.
 *
 * Checked: as marking ends, all that is reachable is marked or claimed, so no arena is found to be
 * leaked that is not, and none is reused that was freed and is referred to; what a marker reads is
 * accessible, and nobody has it for something else.
 *
 * Parts: NO_STATIC, no loads and stores of the static slot; BIRTH, the arena is made by the program; HANDOVER, it passes from thread to thread by plain
 * memory. Mutations, each of which must be caught: see `run`.
 */

#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 2
#endif
#ifndef MARKERS
#define MARKERS 1
#endif
#ifndef START
#define START 15 /* set: how the heap may be at first, see init */
#endif
#define UNITS 3

#define X 1
#define A 2
#define SET(r) ((1 << (r)) & 6)

mtype = { NONE, BARRIER_ON, SYNC, SCAN, STOP, STOPPED, LIVE, FREED, NOW, FIRST, REST, SET_APART };

byte root[4]; /* two of each mutator */
byte global;  /* a static slot */
#define SLOT(m, i) root[(m) * 2 + (i)]

/* the arena */
mtype arena = NONE;
byte owner = 2;    /* 2: nobody's, it is handed over */
byte content[UNITS];
bit used[UNITS];   /* in the arena, and allocated */
bit rest[UNITS];   /* not to be written, nor given to anybody */
bit shut[UNITS];   /* inaccessible */
bit apart[UNITS];  /* on the list of what is to be scanned */
bit claimed;       /* in this cycle; with left one word */
byte left;
bit walked;        /* of left, one is a marker that walks it; with both one word */
bit was_apart;     /* set apart in this cycle; the owner's, as are the next two */
bit since_black;   /* and what has come since is black */
bit alone;         /* and no walk has met it, or will */
byte inside;       /* mutators that work on objects of the arena: no program resets it meanwhile */
byte box;          /* plain memory */

/* marking */
bit x_marked;
bit arena_queued;     /* a reference to the arena is in the queue */
bit piece[UNITS];     /* of a walk, in the queue */
bit old_piece[UNITS]; /* of what was set apart, in the queue */
byte hand[MARKERS];
bit busy[MARKERS];
bit open;             /* markers may mark; all mutators were scanned */
bit over;

mtype asked[2] = NONE;
bit barrier[2];
bit scanned[2];
byte buffer[2];

/* Within a d_step. */
inline shade(set) {
    x_marked = x_marked | ((set) >> X & 1);
    arena_queued = arena_queued | (((set) >> A & 1) & !claimed)
}

/* ------------------------------------------------------------------------------------------ */
/* Mutators                                                                                    */

inline answer(m) {
    d_step {
        if
        :: asked[m] == BARRIER_ON -> barrier[m] = 1
        :: asked[m] == SCAN ->
            shade(SET(SLOT(m, 0)) | SET(SLOT(m, 1)));
            scanned[m] = 1
        :: asked[m] == STOP -> shade(buffer[m]); buffer[m] = 0
        :: else -> skip
        fi;
        asked[m] = (asked[m] == STOP -> STOPPED : NONE)
    }
}

#define HOLDS(r) (SLOT(me, 0) == (r) || SLOT(me, 1) == (r))
#define MINE (arena == LIVE && owner == me && HOLDS(A))

inline choose_slot() {
    if
    :: i = 0
    :: i = 1
    fi
}

inline note(set) {
    d_step {
        if
        :: barrier[me] -> buffer[me] = buffer[me] | (set)
        :: else -> skip
        fi
    }
    if
    :: d_step { buffer[me] -> shade(buffer[me]); buffer[me] = 0 }
    :: skip
    fi
}

/* Did an owner see that all are scanned? It may see it late. */
inline look_scanned() {
    if
#ifdef CLAIM_EARLY_BY_OWNER
    :: sees = scanned[me]
#else
    :: sees = open
    :: sees = 0
#endif
    fi
}

#ifdef ALONE_TOO_EARLY
#define WALK_IS_OVER 1
#else
#define WALK_IS_OVER !walked
#endif

/* arenas_leave: what is to become of what is in the arena. */
inline leave() {
    if
    :: !barrier[me] -> what = NOW
    :: else ->
#ifdef NO_APART
        what = NOW
#else
        look_scanned();
        atomic {
            if
#ifdef NO_APART_UNCLAIMED
            :: !claimed -> what = NOW
#else
            :: !claimed && sees -> claimed = 1; since_black = 1; what = SET_APART
            :: !claimed && !sees -> since_black = 0; what = SET_APART
#endif
            :: claimed && was_apart && since_black ->
                what = (left && !alone -> REST : FIRST);
                alone = WALK_IS_OVER
#ifdef NO_APART_LEFT
            :: claimed && !(was_apart && since_black) -> what = (was_apart -> FIRST : NOW)
#else
            :: claimed && !(was_apart && since_black) && left ->
                since_black = sees;
                alone = WALK_IS_OVER;
                what = SET_APART
            :: claimed && !(was_apart && since_black) && !left ->
                what = (was_apart -> FIRST : NOW)
#endif
            fi;
            was_apart = was_apart || what != NOW;
            sees = 0
        }
#endif
    fi
}

/* Take what is in the arena out of it; then, at another moment, put it on the list. */
inline take_out() {
    d_step {
        i = 0;
        do
        :: i < UNITS ->
            out[i] = used[i] && what != NOW && what != FIRST;
            used[i] = 0;
#ifdef FIRST_AT_ONCE
            rest[i] = out[i];
#else
            rest[i] = rest[i] || out[i];
#endif
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline set_apart() {
    d_step {
        do
        :: i < UNITS ->
            apart[i] = apart[i] || (out[i] && what == SET_APART);
            out[i] = 0;
            i++
        :: else -> break
        od;
        i = 0;
        what = 0
    }
}

inline make_inaccessible() {
    d_step {
        do
        :: i < UNITS ->
#ifdef SHUT_AT_ONCE
            shut[i] = 1;
#else
            shut[i] = !rest[i];
#endif
            i++
        :: else -> break
        od;
        i = 0
    }
}

#define TAKEN(u) (used[u] || rest[u] || shut[u])

proctype mutator(bit me; byte ops) {
    byte i, v, u;
    bit sees;
    bit out[UNITS];
    mtype what;

end_loop:
    do
    :: asked[me] != NONE && asked[me] != STOPPED -> answer(me)
    :: over -> break
    :: atomic { asked[me] != STOPPED && ops > 0 -> ops-- }
        if
        /* a word is dropped */
        :: atomic { SLOT(me, 0) != 0 -> SLOT(me, 0) = 0 }
        :: atomic { SLOT(me, 1) != 0 -> SLOT(me, 1) = 0 }
#ifndef NO_STATIC
        /* loads and stores of a static slot */
        :: atomic { global != 0 -> choose_slot(); SLOT(me, i) = global; i = 0 }
        :: atomic { choose_slot(); v = SLOT(me, i); i = 0; u = global } /* possible at any time */
            note(SET(u) | SET(v));
            d_step { global = v; v = 0; u = 0 }
#else
        :: skip
#endif
        /* and of a field of an object in the arena */
        :: atomic { arena == LIVE && HOLDS(A) && (used[0] || used[1]) -> inside++; u = (used[0] -> 0 : 1) }
            if
            :: atomic { choose_slot(); SLOT(me, i) = content[u]; i = 0 }
            :: atomic { choose_slot(); v = SLOT(me, i); i = 0 }
                note(SET(v) | SET(content[u]));
                content[u] = v
            fi;
            d_step { inside--; v = 0; u = 0 }
        /* allocation in the arena: the cursor moves, then a plain store */
        :: atomic {
                MINE && !(TAKEN(0) && TAKEN(1) && TAKEN(2)) ->
                u = (!TAKEN(0) -> 0 : (!TAKEN(1) -> 1 : 2));
                content[u] = 0;
                used[u] = 1;
                choose_slot()
            }
            d_step { content[u] = SLOT(me, i); i = 0; u = 0 }
        /* reset */
        :: atomic { MINE && inside == 0 -> skip }
            leave();
            take_out();
            set_apart()
        /* free */
        :: atomic { MINE && inside == 0 -> skip }
            leave();
            arena = FREED;
            take_out();
            set_apart();
            make_inaccessible()
#ifdef BIRTH
        :: atomic { arena == NONE && barrier[me] == 0 && (SLOT(me, 0) == 0 || SLOT(me, 1) == 0) -> arena = LIVE; owner = me }
            SLOT(me, (SLOT(me, 0) == 0 -> 0 : 1)) = A
        :: atomic { arena == NONE && barrier[me] == 1 && (SLOT(me, 0) == 0 || SLOT(me, 1) == 0) -> arena = LIVE; owner = me }
            look_scanned();
#ifdef BORN_CLAIMED
            claimed = 1;
#else
            d_step { claimed = sees; sees = 0 }
#endif
#ifndef BIRTH_NO_SHADE
            note(SET(A));
#endif
            SLOT(me, (SLOT(me, 0) == 0 -> 0 : 1)) = A
#endif
#ifdef HANDOVER
        :: atomic { MINE && inside == 0 && box == 0 -> box = A; owner = 2 }
        :: atomic { box == A && owner == 2 -> owner = me; box = 0; choose_slot(); SLOT(me, i) = A; i = 0 }
#ifndef ADOPT_NO_SHADE
            note(SET(A))
#else
            skip
#endif
#endif
        fi
    od
}

/* ------------------------------------------------------------------------------------------ */
/* Markers                                                                                     */

#ifdef CLAIM_EARLY
#define MAY_MARK (open || scanned[0] || scanned[1])
#else
#define MAY_MARK open
#endif

inline look_at(u) {
#ifdef LEFT_TOO_EARLY
    left = left - regular;
#endif
    assert(!shut[u]);
    hand[me] = content[u];
    d_step {
        shade(SET(hand[me]));
        hand[me] = 0
    }
#ifndef LEFT_TOO_EARLY
    left = left - regular;
#endif
    regular = 0;
    busy[me] = 0
}

proctype marker(bit me) {
    byte u;
    bit regular;

end_loop:
    do
    :: over -> break
    :: atomic { MAY_MARK && arena_queued -> arena_queued = 0; busy[me] = 1 }
        if
        :: atomic { !claimed -> claimed = 1; walked = 1; left = 1 }
            if
            :: arena == LIVE ->
                do
                :: u < UNITS ->
                    d_step {
                        if
                        :: used[u] -> left++; piece[u] = 1
                        :: else -> skip
                        fi;
                        u++
                    }
                :: else -> break
                od;
                u = 0
            :: else -> skip
            fi;
            d_step { walked = 0; left-- }
        :: else -> skip
        fi;
        busy[me] = 0
    :: atomic { piece[0] || piece[1] || piece[2] ->
            busy[me] = 1;
            u = (piece[0] -> 0 : (piece[1] -> 1 : 2));
            piece[u] = 0;
            regular = 1
        }
        look_at(u);
        u = 0
    :: atomic { old_piece[0] || old_piece[1] || old_piece[2] ->
            busy[me] = 1;
            u = (old_piece[0] -> 0 : (old_piece[1] -> 1 : 2));
            old_piece[u] = 0
        }
        look_at(u);
        u = 0
    od
}

/* ------------------------------------------------------------------------------------------ */
/* The collector                                                                               */

#define IDLE (!busy[0] && (MARKERS == 1 || !busy[MARKERS - 1]))
#define PIECES (piece[0] || piece[1] || piece[2] || old_piece[0] || old_piece[1] || old_piece[2])
#define APART (apart[0] || apart[1] || apart[2])
#define OUT_OF_WORK (!arena_queued && !PIECES && IDLE)
#ifdef APART_IS_NO_WORK
#define QUIET OUT_OF_WORK
#else
#define QUIET (OUT_OF_WORK && !APART)
#endif

inline ask(h) { d_step { asked[0] = h; asked[1] = h } }
inline handshake(h) {
    ask(h);
    (asked[0] == NONE && asked[1] == NONE)
}

inline push_apart() {
    d_step {
        do
        :: i < UNITS ->
            old_piece[i] = old_piece[i] || apart[i];
            apart[i] = 0;
            i++
        :: else -> break
        od;
        i = 0
    }
}

/* The world is stopped, and marking has ended. */
inline check() {
    d_step {
        s = SET(root[0]) | SET(root[1]) | SET(root[2]) | SET(root[3]) | SET(global) | SET(box);
        if
        :: (s >> A & 1) && arena == LIVE ->
            do
            :: i < UNITS ->
                s = s | (used[i] -> SET(content[i]) : 0);
                i++
            :: else -> break
            od
        :: else -> skip
        fi;
        i = 0;
        assert(!(s >> X & 1) || x_marked);
        assert(!(s >> A & 1) || claimed);
        assert(left == 0 && !walked);
        s = 0;
        over = 1
    }
}

proctype collector() {
    byte i, s;
    bit ended;

    handshake(BARRIER_ON);
    handshake(SYNC);
    ask(SCAN);
    (asked[0] == NONE && asked[1] == NONE);
    open = 1;
    d_step { shade(SET(global)) }
    do
    :: ended -> break
    :: !ended && OUT_OF_WORK ->
        push_apart();
        if
        :: !OUT_OF_WORK -> goto again
        :: else
        fi;
        ask(STOP);
        (asked[0] == STOPPED && asked[1] == STOPPED);
        d_step {
            if
            :: QUIET -> ended = 1
            :: else -> skip
            fi
        }
        if
        :: ended -> check()
        :: else -> skip
        fi;
        ask(NONE);
    again:
        skip
    od
}

init {
#ifdef BIRTH
    if
    :: root[0] = X
    :: root[2] = X
    fi;
#else
    d_step {
        arena = LIVE;
        owner = 0;
        root[0] = A;
        used[0] = 1;
        content[0] = X
    }
    if
    :: START & 1 -> global = A
    :: START & 2 -> root[2] = A
    :: START & 4 -> root[1] = X; root[2] = A; content[0] = 0
    :: START & 8 -> root[2] = X; root[3] = A; content[0] = 0
    fi;
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
