/* SPDX-License-Identifier: MIT */
/*
 * Candidates for arenas. See candidates.h.
 */
#include "candidates.h"

/* Larger objects cost mostly their zeroing, which an arena does not save: docs/costs.md. */
#define SMALL_BYTES 1024
/* An arena keeps all that lies in it until the last of it may go: few may outlive it. Guess. */
#define SHORT_PERCENT 90
/* Below a hundredth of what is allocated there is nothing to win. */
#define PART_OF_ALL 100
/* With so many samples that died young and none that did not, the share of those that don't is
 * below a tenth with a certainty of 95 %: 0.9^29 = 0.047. */
#define SAMPLES_LEAST 29

double candidate_short_percent(const struct place_sums *place) {
    double judged = place->short_bytes + place->long_bytes;
    return judged > 0 ? 100 * place->short_bytes / judged : 0;
}

bool candidate_is(const struct place_sums *place, double all_bytes, double rate_bytes) {
    double judged = place->short_bytes + place->long_bytes;
    return place->objects > 0 && place->bytes <= SMALL_BYTES * place->objects &&
           place->bytes * PART_OF_ALL >= all_bytes && judged >= SAMPLES_LEAST * rate_bytes &&
           candidate_short_percent(place) >= SHORT_PERCENT;
}
