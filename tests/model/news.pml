/* SPDX-License-Identifier: MIT */
/*
 * Waiting for something to mark (runtime/mark/news.c): threads that wait, threads that bring
 * something and tell. docs/design/marking.md, Waiting for work, argues for it.
 *
 * Whoever waits takes one thing, and goes; GIVERS_UP of them may go without, whenever they wake: time
 * is up for them, or they owe nothing any more. There are no other ends of time, since they would
 * hide what was missed.
 *
 * Checked: when nobody can go on, there is nothing left, or nobody sleeps.
 *
 * Mutations, each of which must be caught: see `run`.
 */

#ifndef WAITERS
#define WAITERS 3
#endif
#ifndef TELLERS
#define TELLERS 2
#endif
#ifndef GIVERS_UP
#define GIVERS_UP 1
#endif

byte things;         /* that there are                                 */
byte waiting;        /* count of those that wait                       */
byte told;           /* the word                                       */
bit asleep[WAITERS]; /* in the kernel                                  */
byte sleepers;       /* ghost: how many are                            */
byte may_give_up = GIVERS_UP;

/* The kernel wakes any one. */
inline wake_one() {
    if
    :: asleep[0] -> asleep[0] = 0; sleepers--
    :: asleep[1] -> asleep[1] = 0; sleepers--
#if WAITERS > 2
    :: asleep[2] -> asleep[2] = 0; sleepers--
#endif
    :: sleepers == 0 -> skip
    fi
}

inline tell() {
    if
    :: waiting > 0 ->
        told++;
        atomic { wake_one() }
    :: else -> skip
    fi
}

proctype teller() {
#ifdef LOOK_THEN_BRING
    bit some;
    some = waiting > 0;
    things++;
    if
    :: some ->
        told++;
        atomic { wake_one() }
    :: else -> skip
    fi
#else
    things++;
#ifndef NO_TELL
    tell()
#endif
#endif
}

proctype waiter(byte me) {
    byte word;
    bit there;

    do
    :: atomic { things > 0 -> things-- }
        break
    :: things == 0 ->
#ifdef LOOK_THEN_COUNT
        there = things > 0;
        waiting++;
        word = told;
#elif defined(LOOK_THEN_READ)
        waiting++;
        there = things > 0;
        word = told;
#else
        waiting++;
        word = told;
        there = things > 0;
#endif
        if
        :: there -> skip
        :: !there ->
            if
            :: atomic { told == word -> asleep[me] = 1; sleepers++ }
            end_asleep:
                !asleep[me]
            :: atomic { told != word -> skip }
            fi
        fi;
        waiting--;
#ifndef NO_PASS
        if
        :: things > 0 -> tell()
        :: else -> skip
        fi;
#endif
        if
        :: atomic { may_give_up > 0 -> may_give_up-- }
            break
        :: skip
        fi
    od
}

/* When nobody else can do anything. */
proctype watch() {
end_watch:
    timeout -> assert(things == 0 || sleepers == 0)
}

init {
    atomic {
        run waiter(0);
        run waiter(1);
#if WAITERS > 2
        run waiter(2);
#endif
        run teller();
#if TELLERS > 1
        run teller();
#endif
#if TELLERS > 2
        run teller();
#endif
        run watch()
    }
}
