/* SPDX-License-Identifier: MIT */
/*
 * Marking beside a program that tells nobody what it stores, by the pages that the kernel says were
 * written. docs/design/objects.md (By pages) states the protocol and argues for it.
 *
 * A page is protected, or was written since it was watched last. A CPU keeps what it knows of a page
 * that it may write to: it stores there without a look, until the kernel has it drop that. A look
 * takes the written pages, protects each at the same instant, then has all CPUs drop what they know,
 * and returns. Each mutator has a CPU of its own. Threads may be stopped between any two steps.
 *
 * Objects 1 and 2 have one field, and a page each; 3 has none. 2 is not there at first: its page is
 * new. STALE: a marker may be led to it before by a word that is no reference.
 *
 * Checked: as marking ends, all that is reachable is marked.
 * Mutations, each of which must be caught: see `run`.
 */
#ifndef OPS0
#define OPS0 3
#endif
#ifndef OPS1
#define OPS1 1
#endif

#define SET(x) ((1 << (x)) & 14)
#define HAS(set, x) ((set) & SET(x))
#define ONLY_OF(set) ((set) & 2 -> 1 : ((set) & 4 -> 2 : 3))

byte field[4];
byte root[4];  /* two of each mutator's */
byte global;   /* a static slot, stored to plainly */
bit made;      /* 2 is there, or may be */
byte written;  /* set of pages that are not protected */
byte knows[2]; /* set of pages: a CPU writes there without a look */
byte marked, grey, taken; /* sets */
byte hand, t;
bit stopped, over;

inline shade(set) {
    grey = grey | ((set) & ~marked)
}

#define ROOTS (SET(root[0]) | SET(root[1]) | SET(root[2]) | SET(root[3]))
#define MAY (!stopped && !over && ops > 0)

inline choose(i) {
    if
    :: i = 0
    :: i = 1
    fi
}

proctype mutator(bit me; byte ops) {
    byte i, j, n;

end:
    do
    :: over -> break
    :: atomic { MAY -> ops--; choose(i); choose(j) }
        d_step {
            !stopped ->
            root[me * 2 + j] = (root[me * 2 + i] -> field[root[me * 2 + i]] : 0);
            i = 0;
            j = 0
        }
    :: atomic { MAY -> ops--; choose(i); root[me * 2 + i] = 0; i = 0 }
    :: atomic { MAY -> ops--; choose(i); global = root[me * 2 + i]; i = 0 }
    :: atomic { MAY -> ops--; choose(i); root[me * 2 + i] = global; i = 0 }
    :: atomic { MAY && me && !made -> ops--; made = 1; choose(i); j = root[me * 2 + i]; n = 2; root[me * 2 + i] = 2; i = 0 }
        goto store /* what initialises it is a store like others */
    :: atomic { MAY && (root[me * 2] == 1 || root[me * 2] == 2) ->
            ops--;
            n = root[me * 2];
            if
            :: j = root[me * 2 + 1]
            :: j = 0
            fi
        }
store:
        do
        :: atomic { !stopped && HAS(knows[me], n) -> field[n] = j; n = 0; j = 0 }
            break
        :: d_step { !stopped && !HAS(knows[me], n) -> /* a fault, or a look at the table of pages */
                written = written | SET(n);
                knows[me] = knows[me] | SET(n)
            }
        od
    :: atomic { MAY && root[me * 2] != root[me * 2 + 1] ->
            ops--;
            n = root[me * 2];
            root[me * 2] = root[me * 2 + 1];
            root[me * 2 + 1] = n;
            n = 0
        }
    od
}

/* Have the CPUs drop what they know: one after the other. */
inline drop_all() {
#ifndef NO_DROP
    knows[0] = knows[0] & ~n;
    knows[1] = knows[1] & ~n
#else
    skip
#endif
}

/* @return taken: pages that were written, which are protected again. */
inline look() {
#ifdef NOT_AT_ONCE
    taken = written;
    d_step { n = SET(1) | SET(2); written = 0 }
#else
    d_step {
        taken = written;
        n = taken;
#ifndef PROTECT_LATE
        written = 0
#endif
    }
#endif
#ifndef PROTECT_LATE
    drop_all();
#endif
#ifdef NEW_UNSEEN /* a page that was not there as the watch began */
    taken = taken & SET(1);
#endif
    n = 0
}

/* Read again what is marked on pages that were written. */
inline read_taken() {
    do
    :: taken ->
        d_step { n = ONLY_OF(taken); taken = taken & ~SET(n) }
        d_step { hand = (HAS(marked, n) -> field[n] : 0) }
        d_step { shade(SET(hand)); hand = 0; n = 0 }
    :: !taken -> break
    od;
    skip
#ifdef PROTECT_LATE
    ;
    n = written;
    written = 0;
    drop_all();
    n = 0
#endif
}

/* What a marker comes to it marks, then reads. */
inline mark() {
    do
    :: grey ->
        d_step {
            n = ONLY_OF(grey);
            grey = grey & ~SET(n);
            n = (HAS(marked, n) -> 0 : n);
            marked = marked | SET(n)
        }
        d_step { hand = field[n] }
        d_step { shade(SET(hand)); hand = 0; n = 0 }
    :: !grey -> break
#ifdef STALE
    :: d_step { !HAS(marked | grey, 2) -> shade(SET(2)) }
#endif
    od;
    skip
}

proctype collector() {
    byte n;

    /* watch: what is there */
    d_step { written = written & ~SET(1); n = SET(1) }
    drop_all();
    n = 0;
    stopped = 1;
    d_step { shade(ROOTS | SET(global)); stopped = 0 }
    mark();
    stopped = 1;
    d_step { shade(ROOTS); stopped = 0 }
    look();
    read_taken();
    mark();
    stopped = 1;
    d_step {
        shade(ROOTS);
#ifndef ROOTS_ONCE
        shade(SET(global));
#endif
        skip
    }
    look();
    read_taken();
    mark();
    d_step {
        t = ROOTS | SET(global);
        t = t | (HAS(t, 1) -> SET(field[1]) : 0) | (HAS(t, 2) -> SET(field[2]) : 0);
        t = t | (HAS(t, 1) -> SET(field[1]) : 0) | (HAS(t, 2) -> SET(field[2]) : 0);
        assert((t & ~marked) == 0);
        over = 1;
        stopped = 0
    }
}

/* Mutator 0 holds 1, mutator 1 holds 1 and 3. */
init {
    d_step {
        root[0] = 1;
        root[2] = 1;
        root[3] = 3;
        written = SET(1) | SET(2)
    }
    atomic {
        run mutator(0, OPS0);
        run mutator(1, OPS1);
        run collector()
    }
}
