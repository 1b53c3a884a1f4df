/* SPDX-License-Identifier: MIT */
/*
 * A pair of arenas: a writer fills one while readers read the one that was published last; then they
 * change places. Step by step as runtime/api/arena_pair.c takes them: one word that says which side
 * is to be read and how many have come to it, and for each side how many have left it.
 *
 * Checked: nobody is in the side that the writer fills; a reader finds in its side what was
 * published there, from its first look to its last; and the writer, if it goes on asking, gets the
 * other side, whoever reads meanwhile (progress).
 *
 * Mutations, each of which must be caught: see `run`.
 */

#ifndef READERS
#define READERS 2
#endif
#ifndef SWAPS
#define SWAPS 3
#endif
#define COUNTS 4 /* more than readers: counts are compared for equality only */

bit side = 1;    /* of the word: which side is to be read      */
byte come;       /* of the word: how many have come to it      */
byte gone[2];    /* how many have left each side               */
byte content[2]; /* what was written there, as a number        */
byte inside[2];  /* ghost: readers in it                       */
bit filling = 0; /* ghost: the side that the writer has        */
bit has = 1;     /* ghost: it has it                           */

active proctype writer() {
    bit last;
    byte before, swaps;
    do
    :: swaps < SWAPS ->
        /* fill it */
        assert(inside[filling] == 0);
        content[filling] = 0;
        content[filling] = swaps + 1;
        assert(inside[filling] == 0);
#ifdef REFUSE /* publish only while nobody reads: readers that overlap keep the writer waiting */
        atomic { come == gone[side] -> last = side; before = come; side = filling; come = 0 }
#else
#ifdef TWO_STEPS
        has = 0;
        last = side;
        before = come;
        side = filling;
        come = 0;
#else
        atomic { last = side; before = come; side = filling; come = 0; has = 0 }
#endif
#ifndef NO_WAIT
        gone[last] == before;
#endif
#endif
#ifndef KEEP_LEFT
        gone[last] = 0;
#endif
        filling = last;
        has = 1;
#ifdef FOREVER
progress: swaps = 1 - swaps
#else
        swaps++
#endif
    :: else -> break
    od
}

active [READERS] proctype reader() {
    bit mine;
    byte seen;
end:
    do
    :: true ->
#ifdef LOOK_THEN_COUNT
        mine = side;
        come = (come + 1) % COUNTS;
#else
        atomic { mine = side; come = (come + 1) % COUNTS }
#endif
        inside[mine]++;
        assert(!(has && filling == mine));
        seen = content[mine];
        assert(content[mine] == seen);
        assert(!(has && filling == mine));
        inside[mine]--;
        gone[mine] = (gone[mine] + 1) % COUNTS
#ifndef FOREVER
    :: break
#endif
    od
}
