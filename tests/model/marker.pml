/* SPDX-License-Identifier: MIT */
/*
 * A marker: it takes what is grey, reads its field, and shades what that holds.
 */

#ifdef MINOR
/* Who is marked when the card is read is old, or grey by itself as well, or born black. */
inline scan_card(k) {
#ifndef CLEAR_AFTER_SCAN
    dirty = dirty & ~SET(n);
#endif
    d_step {
        if
        :: HAS(marked, n) -> hand[k] = field[n]
        :: else -> skip
        fi;
        card[k] = 0;
        check()
    }
    d_step {
        shade_set(SET(hand[k]));
        hand[k] = 0;
        check()
    }
#ifdef CLEAR_AFTER_SCAN
    dirty = dirty & ~SET(n);
#endif
    n = 0
}
#endif

/* A marker may be preempted before each of its steps, also for longer than a cycle. It joins in one
 * step that sees whether it may. What it did in the cycle before this one: LINGERING, it may have
 * joined, and not have left yet. */
proctype marker(bit me) {
    byte n;

#ifdef LOOK_THEN_JOIN /* it looked in the cycle before */
    if
    :: joined[me] = 1
    :: skip
    fi;
#endif
    if
    :: joined[me] -> goto marking
    :: else
    fi;
end:
    do
    :: over -> break
#ifdef EAGER
    :: atomic { open -> joined[me] = 1 }
#else
    :: atomic { open && !QUEUE_IS_EMPTY -> joined[me] = 1 }
#endif
    marking:
        do
        :: atomic {
                grey ->
                if
                :: HAS(grey, 1) -> n = 1
                :: HAS(grey, 2) -> n = 2
                :: HAS(grey, 3) -> n = 3
                :: HAS(grey, 4) -> n = 4
                fi;
                grey = grey & ~SET(n);
                hand[me] = field[n];
#ifdef TIED
                reached = (n == 2 -> 1 : reached);
#endif
                n = 0
            }
            d_step {
                shade_set(SET(hand[me]));
                hand[me] = 0;
                check()
            }
        #ifdef MINOR
        :: atomic {
                queued ->
                if
                :: HAS(queued, 1) -> n = 1
                :: HAS(queued, 2) -> n = 2
                :: HAS(queued, 3) -> n = 3
                :: HAS(queued, 4) -> n = 4
                fi;
                queued = queued & ~SET(n);
                card[me] = SET(n)
            }
            scan_card(me)
#endif
        :: atomic { QUEUE_IS_EMPTY -> joined[me] = 0 }
            break
        od
    od
}
