/* SPDX-License-Identifier: MIT */
/*
 * Sweeping, and the full cycle after it, step by step as runtime/sweep/sweep.c takes them: the
 * collector and mutators claim chunks by a cursor, and a mutator the span that it allocates in by
 * itself. The chunk has two spans; sweeping has each begin the next cycle with the marks it has. A
 * full cycle begins when all is claimed and nobody is active: it clears these marks, and has
 * mutators answer.
 *
 * Checked: each span is swept once; marks are cleared after that, and none is there when all have
 * answered; and the cycle begins (progress).
 *
 * Mutations, each of which must be caught: see `run`.
 */

#ifndef MUTATORS
#define MUTATORS 2
#endif

#define UNSWEPT 0
#define SWEEPING 1
#define SWEPT 2

byte swept[2];          /* of each span                              */
bit kept[2];            /* its marks stand for the next cycle        */
byte times[2];          /* ghost: how often it was swept             */
bit claimed;            /* the cursor is behind the chunk            */
byte busy;              /* the code's `active`: sweepers from claim to done */
bit asked;              /* the cycle wants an answer                 */
bit answered[MUTATORS]; /* and has it                                */

/* A span, unless it was swept, or another is at it. */
inline claim_span(span, wait) {
    if
    :: atomic { swept[span] == UNSWEPT -> swept[span] = SWEEPING }
        times[span]++;
        kept[span] = 1;
        swept[span] = SWEPT
    :: swept[span] == SWEEPING ->
        if
        :: wait -> swept[span] == SWEPT
        :: !wait
        fi
    :: swept[span] == SWEPT
    fi
}

/* A chunk. */
inline step() {
#ifdef CLAIM_THEN_COUNT
    atomic { mine = !claimed; claimed = 1 }
    busy++;
#else
    busy++;
    atomic { mine = !claimed; claimed = 1 }
#endif
    if
    :: mine ->
        claim_span(0, 0);
        claim_span(1, 0)
    :: !mine
    fi;
    mine = 0;
    busy--
}

/* A span of its own. */
inline sweep_own(span) {
#ifndef OWN_NOT_COUNTED
    busy++;
#endif
    claim_span(span, 1);
#ifndef OWN_NOT_COUNTED
    busy--
#endif
}

/* One that allocates, with no safepoint inside of what it does. */
active [MUTATORS] proctype mutator() {
    bit mine;
end:
    do
    :: !answered[_pid] && asked -> answered[_pid] = 1
    :: !answered[_pid] && !claimed -> step()
    :: !answered[_pid] && swept[_pid % 2] != SWEPT -> sweep_own(_pid % 2)
    od
}

active proctype collector() {
    bit mine;
    byte i;
    step();
    claimed && busy == 0;
    assert(times[0] == 1 && times[1] == 1);
    assert(swept[0] == SWEPT && swept[1] == SWEPT);
    /* the next cycle is a full one */
    kept[0] = 0;
    kept[1] = 0;
    asked = 1;
    for (i : 0 .. MUTATORS - 1) {
        answered[i]
    }
    assert(!kept[0] && !kept[1])
}
