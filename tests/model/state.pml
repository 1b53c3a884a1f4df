/* SPDX-License-Identifier: MIT */
/*
 * The state of the model, the sets that are computed from it, and what is asserted of it.
 * The inlines here run inside d_step; `s` and `t` are their scratch, 0 in between.
 */

#ifndef MARKERS
#define MARKERS 1
#endif
#ifdef COROUTINES
#define STACKS 3 /* 0 and 1 run on mutator 0 and 1 at first; 2 is suspended */
#else
#define STACKS 2
#endif

/* Objects 1 .. 4; 0 is NULL and in no set. */
#define SET(x) ((1 << (x)) & 30)
#define HAS(set, x) ((set) & SET(x))
#define FIELDS_OF(set)                                                                             \
    ((((set) >> 1) & 1) * SET(field[1]) | (((set) >> 2) & 1) * SET(field[2]) |                     \
     (((set) >> 3) & 1) * SET(field[3]) | (((set) >> 4) & 1) * SET(field[4]))

byte field[5];
byte global;           /* a static root slot                                                     */
byte root[STACKS * 2]; /* the two root slots of each stack; seen by its own mutator only         */
byte allocated;        /* set                                                                    */

byte marked;           /* set: test-and-set by shade                                             */
byte grey;             /* set: the shared queue                                                  */
byte hand[MARKERS];    /* the reference that a marker has read and will shade                    */
bit joined[MARKERS];   /* a marker may hold work                                                  */
bit open;              /* markers may join                                                      */
bit global_scanned;

mtype = { NONE, BARRIER_ON, SYNC, SCAN, FLUSH, STOP, STOPPED, SETTLED };
mtype phase = NONE;    /* NONE, then the last of BARRIER_ON and SCAN that was asked for          */
bit stopping;          /* from the request to stop to the restart: nothing attaches              */
bit over;              /* the model ends                                                         */

/* Of a mutator; written by its own thread, or by the collector on its behalf. */
mtype asked[2] = NONE; /* the handshake that it has not answered                                 */
bit barrier[2];
bit scanned[2];        /* its roots are grey, it allocates black                                 */
byte buffer[2];        /* set                                                                    */
bit attached[2];

#ifdef NATIVE
bit native[2];         /* in native code: mutator 1 only, the other one always runs               */
bit locked[2];         /* the collector holds the mutator's lock                                 */
#define RUNS(m) (!native[m])
#else
#define RUNS(m) true
#endif

#ifdef COROUTINES
byte current[2];            /* the stack that a mutator runs on                                  */
bit running[STACKS];        /* guarded by the coroutine's lock, as is stack_scanned              */
bit stack_scanned[STACKS];  /* its roots are grey, and only scanned mutators ran on it since     */
#define STACK(m) current[m]
#else
#define STACK(m) (m)
#endif
#define SLOT(m, i) root[STACK(m) * 2 + (i)]

#ifdef TIED
/* Stack 2 is tied to object 2: while it does not run it is a part of that object. */
bit reached;           /* it was noted, and not looked at                                        */
bit visited;           /* the collector has visited suspended coroutines                         */
#define TIED_SET (!running[2] -> STACK_SET(2) : 0)
#define STACK_OF_TIED(set) (HAS(set, 2) -> TIED_SET : 0)
#else
#define STACK_OF_TIED(set) 0
#endif

#ifdef HANDOVER
byte box;              /* plain memory that both mutators use                                    */
#endif

#ifdef WEAK
byte weak;             /* a weak word of an object that lives throughout                         */
bit weak_stale;        /* ghost: what it refers to has been freed since it was stored            */
byte reading[2];       /* ghost: what a mutator's weak read has read, until it returns           */
bit stale[2];          /* ghost: that has been freed                                             */
bit settling[2];       /* this mutator's weak reads look at the mark                             */
bit flipped;           /* marked is what is allocated; what is allocated now is marked too       */
byte dead;             /* ghost, set: garbage before the cycle, not yet freed                    */
#endif

#ifdef EPHEMERON
byte key, value;       /* a pair of an ephemeron that lives throughout                           */
bit marked_since;      /* an object was marked since the last pass over ephemerons began         */
#endif

#ifdef MINOR
#define IS_ALIVE(n) ((n) && !HAS(dying, n))
#define VALUE_NOW (IS_ALIVE(key) && IS_ALIVE(value) -> value : 0)
#else
#define IS_ALIVE(n) HAS(marked, n) /* marks are what is allocated */
#define VALUE_NOW value
#endif

#ifdef MINOR
/* Marks are kept from cycle to cycle: between two of them, marked is old. Each object has a card. */
byte dirty;            /* set: the card is dirty                                                 */
byte rest[2];           /* set: cells that a mutator has taken, and made no objects of yet        */
byte dying;            /* set: white at the flip, not swept yet                                  */
byte queued;           /* set: the card is in the queue                                          */
byte card[MARKERS];    /* set: the one that a marker has in hand                                 */
bit cards_pushed;      /* in this cycle; a full one has none to push                             */
byte under_way[2];        /* ghost, set: a store that has no card yet                               */
#ifdef EPHEMERON
bit pair_dirty;        /* the pair's card                                                        */
bit pair_met;          /* the pair is looked at in this cycle                                    */
#endif
#ifdef LARGE
byte making[2];        /* set: a large object that is being zeroed: it has no bit                */
byte unswept;          /* set: of those that were made as the bits turned over, not swept        */
#endif
#if MARKERS == 1
#define CARDS (queued | card[0])
#else
#define CARDS (queued | card[0] | card[1])
#endif
/* Old objects that are grey by their card. */
#define REMEMBERED (marked & (cards_pushed -> CARDS : dirty))
#define QUEUE_IS_EMPTY (grey == 0 && queued == 0)
#else
#define REMEMBERED 0
#define QUEUE_IS_EMPTY (grey == 0)
#endif

/* ------------------------------------------------------------------------------------------ */
/* Sets, reachability, shading. These run inside d_step.                                       */

byte s; /* scratch */
byte t;

#define STACK_SET(k) (SET(root[(k) * 2]) | SET(root[(k) * 2 + 1]))

inline close(set) {
    set = set | FIELDS_OF(set) | STACK_OF_TIED(set);
    set = set | FIELDS_OF(set) | STACK_OF_TIED(set);
    set = set | FIELDS_OF(set) | STACK_OF_TIED(set);
}

/* set := what the program can reach. Detached mutators have empty stacks. */
inline reach(set) {
    set = SET(global) | STACK_SET(0) | STACK_SET(1);
#ifdef TIED
    set = set | (running[2] -> STACK_SET(2) | SET(2) : 0);
    set = set | (!running[0] -> STACK_SET(0) : 0) | (!running[1] -> STACK_SET(1) : 0);
#elif defined(COROUTINES)
    set = set | STACK_SET(2);
#endif
    close(set);
#ifdef EPHEMERON
    if
    :: HAS(set, key) -> set = set | SET(value); close(set)
    :: else -> skip
    fi;
#endif
}

inline shade_set(set) {
#ifdef EPHEMERON
    if
    :: (set) & ~marked -> marked_since = 1
    :: else -> skip
    fi;
#endif
    grey = grey | ((set) & ~marked);
    marked = marked | (set);
}

inline flush(m) {
    shade_set(buffer[m]);
    buffer[m] = 0;
}

#if MARKERS == 1
#define IDLE (!joined[0])
#define HANDS SET(hand[0])
#else
#define IDLE (!joined[0] && !joined[1])
#define HANDS (SET(hand[0]) | SET(hand[1]))
#endif

#define ADD_IF(condition, set, more) set = set | ((condition) -> (more) : 0)

/*
 * .inv.grey: what a black object, a scanned stack or the scanned static roots refer to is marked,
 * in a buffer or in a marker's hand, or reachable from such or from a grey object (or from static
 * roots not yet scanned) through objects that are not black. Unscanned stacks protect nothing.
 * .inv.early: there is no black object until all barriers are on.
 * .inv.old (MINOR; takes the place of .inv.early): except for stores under way, what an old object
 * refers to is old, or its card is dirty. As stores are under way with all barriers on, .inv.grey
 * goes on from there: old objects on dirty cards are grey, the others black.
 */
inline check() {
#ifdef CHECK_INVARIANT
    t = grey | buffer[0] | buffer[1] | HANDS;
    t = t | FIELDS_OF(REMEMBERED);
    ADD_IF(!global_scanned, t, SET(global));
#ifdef TIED
    ADD_IF(reached || !visited, t, TIED_SET);
#define READ_LATER(set) FIELDS_OF(set) | STACK_OF_TIED(set)
#else
#define READ_LATER(set) FIELDS_OF(set)
#endif
    t = t | READ_LATER(t & (grey | ~marked | REMEMBERED));
    t = t | READ_LATER(t & (grey | ~marked | REMEMBERED));
    t = t | READ_LATER(t & (grey | ~marked | REMEMBERED));
    s = FIELDS_OF(marked & ~grey & ~REMEMBERED);
#ifdef TIED
    s = s | STACK_OF_TIED(marked & ~grey);
#endif
    ADD_IF(global_scanned, s, SET(global));
    ADD_IF(scanned[0], s, STACK_SET(STACK(0)));
    ADD_IF(scanned[1], s, STACK_SET(STACK(1)));
#ifdef COROUTINES
    ADD_IF(stack_scanned[0], s, STACK_SET(0));
    ADD_IF(stack_scanned[1], s, STACK_SET(1));
    ADD_IF(stack_scanned[2], s, STACK_SET(2));
#endif
#ifdef MINOR
    assert(phase != SCAN || (s & ~(marked | t)) == 0);
    s = FIELDS_OF(marked & ~grey & ~dirty & ~under_way[0] & ~under_way[1]);
    assert(phase == SCAN || (s & ~marked) == 0);
#else
    assert(phase == NONE || (s & ~(marked | t)) == 0);
    assert(phase == NONE || (marked & ~grey) == 0 ||
           ((barrier[0] || !attached[0]) && (barrier[1] || !attached[1])));
#endif
    s = 0;
    t = 0
#else
    skip
#endif
}
