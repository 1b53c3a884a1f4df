/* SPDX-License-Identifier: MIT */
/*
 * The collector's side of handshakes, and what it does in every cycle alike.
 */

#define ANSWERED(m) (asked[m] == NONE)

/* Under the lock that guards the list of mutators. */
inline ask(h) {
    d_step {
        asked[0] = (attached[0] -> h : NONE);
        asked[1] = (attached[1] -> h : NONE);
        phase = (h == BARRIER_ON || h == SCAN -> h : phase);
#ifdef START_MARKING_EARLY
        open = 1;
#elif defined(MARK_FROM_FIRST_ANSWER)
        open = (h == SCAN -> 1 : open);
#endif
        stopping = (h == STOP)
    }
}

#ifdef NATIVE
/* Root by root, under the mutator's lock. */
inline answer_for(m) {
    if
    :: asked[m] == SCAN ->
#ifdef MINOR
        if
        :: give_back(m)
        :: skip
        fi;
#endif
        d_step { shade_set(SET(root[m * 2])) }
        d_step { shade_set(SET(root[m * 2 + 1])) }
        d_step {
            scanned[m] = 1;
            asked[m] = NONE;
#ifdef MINOR
            marked = marked | rest[m];
#endif
            check()
        }
    :: asked[m] == NONE || asked[m] == STOPPED -> skip
    :: else -> answer(m)
    fi;
    locked[m] = 0
}
#endif

#ifdef NATIVE
#define UNANSWERED(m) (native[m] && asked[m] != NONE && asked[m] != STOPPED)

inline await(done) {
    do
    :: done -> break
    :: atomic { UNANSWERED(1) -> locked[1] = 1 }
        answer_for(1)
    od;
    skip
}
#else
inline await(done) {
    (done)
}
#endif

inline handshake(h) {
    ask(h);
    await(ANSWERED(0) && ANSWERED(1))
}

inline scan_static() {
    d_step {
        shade_set(SET(global));
        global_scanned = 1;
        check()
    }
}

inline restart() {
    asked[0] = NONE;
    asked[1] = NONE;
    stopping = 0
}

#ifdef EPHEMERON
#ifdef MINOR
#define IS_MET pair_met
#else
#define IS_MET true
#endif

inline pass_over_ephemerons() {
    marked_since = 0;
    n = key;
    d_step {
        if
        :: IS_MET && HAS(marked, n) -> shade_set(SET(value))
        :: else -> skip
        fi;
        n = 0
    }
}
#ifdef EPHEMERON_IGNORES_MARKS
#define CONVERGED true
#else
#define CONVERGED (!marked_since)
#endif
#else
#define CONVERGED true
#endif

#ifdef WEAK
/* A dead target's weak word; then no mutator is in a weak read from before. */
inline settle() {
    n = weak;
    d_step {
        if
#ifdef SETTLE_NO_COMPARE
        :: n && !IS_ALIVE(n) ->
#else
        :: n && !IS_ALIVE(n) && weak == n ->
#endif
            reach(s);
            assert(!HAS(s, weak));
            s = 0;
            weak = 0
        :: else -> skip
        fi;
        n = 0
    }
#ifdef NO_SETTLED_HANDSHAKE
    settling[0] = 0;
    settling[1] = 0
#else
    handshake(SETTLED)
#endif
}
#endif
