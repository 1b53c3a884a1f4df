/* SPDX-License-Identifier: MIT */
/*
 * Which of the places that allocate are candidates for arenas: pure, of sums.
 *
 * A place is a kind and the function that allocates it, whoever called that. It is a candidate if
 * it makes many small objects that die together with what they were made for, as far as a profile
 * shows that: nearly all of them were dead when the first cycle looked. How an arena takes their
 * place: docs/arenas.md.
 */
#ifndef GAIT_PPROF_CANDIDATES_H
#define GAIT_PPROF_CANDIDATES_H

#include <stdbool.h>

/* Sums of a place. */
struct place_sums {
    double objects, bytes; /* allocated */
    double short_bytes;    /* of these, dead at the end of the first cycle that could tell */
    double long_bytes;     /* and not */
};

/** Is it one? all_bytes: what all places have allocated; rate_bytes: between two samples. */
bool candidate_is(const struct place_sums *place, double all_bytes, double rate_bytes);

/** Of what cycles have looked at: how much died young, in percent. */
double candidate_short_percent(const struct place_sums *place);

#endif
